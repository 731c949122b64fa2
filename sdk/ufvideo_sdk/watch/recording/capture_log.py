"""What came from a camera, line by line: `capture.jsonl` beside the facts."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.paths import open_plain_file, reading_failed, shown
from ufvideo_sdk.validation.strict_json import (
    FieldError,
    Integer,
    OneOf,
    Text,
    as_exact_object,
    as_object,
    check_fields,
    field_names,
    parse_json,
    plain,
)
from ufvideo_sdk.watch.engine.fact_fields import Idx, OptionalSeconds, Seconds

CAPTURE_NAME = "capture.jsonl"
_MAX_LINE = 1 << 20
_Pts = Annotated[int, Integer(-(2**62), 2**62)]
MAX_WORDS = 4096
_Words = Annotated[str, Text(0, MAX_WORDS)]


@dataclass(frozen=True)
class SectionLine:
    """A file of packets begins.

    Attributes:
        section: Number of the section, from 0.
        kind: "packets" as they came, or "frames": those that were taken, without loss.
        file: Name of the file.
        codec: FFmpeg's name of the codec.
        width: Of the pictures in pixels.
        height: Of the pictures in pixels.
        time_base_num: Numerator of the unit of `pts`, in seconds.
        time_base_den: Denominator of the unit of `pts`.
        offset_us: What was taken from the times in the file, in microseconds.
    """

    section: Idx
    kind: Annotated[str, OneOf(("packets", "frames"))]
    file: Annotated[str, Text(max_length=64)]
    codec: Annotated[str, Text(max_length=64)]
    width: Annotated[int, Integer(0, 1 << 20)]
    height: Annotated[int, Integer(0, 1 << 20)]
    time_base_num: Annotated[int, Integer(1, 1 << 40)]
    time_base_den: Annotated[int, Integer(1, 1 << 40)]
    offset_us: _Pts


@dataclass(frozen=True)
class FrameLine:
    """A frame that was looked at.

    Attributes:
        frame_idx: Its number among them.
        time_s: Its stream time.
        section: Number of its section.
        pts: Its presentation time in the section's unit.
        wall_s: Time of day, seconds since 1970 in UTC; None where unknown.
        clock: Whose clock that is.
        crc32: Checksum of its pixels, RGB, row by row.
    """

    frame_idx: Idx
    time_s: Seconds
    section: Idx
    pts: _Pts
    wall_s: OptionalSeconds
    clock: Annotated[str, OneOf(("camera", "arrival", "file"))]
    crc32: Annotated[int, Integer(0, 2**32 - 1)]


@dataclass(frozen=True)
class NoticeLine:
    """Something that a person wants to know.

    Attributes:
        kind: Such as "dark" or "lost".
        time_s: Stream time.
        text: In words.
    """

    kind: Annotated[str, Text(max_length=64)]
    time_s: Seconds
    text: _Words


@dataclass(frozen=True)
class DropsLine:
    """How many frames were not looked at for one cause, from the start of the capture.

    Attributes:
        cause: Such as "grid", "age" or "budget".
        num_frames: How many.
        time_s: Stream time.
    """

    cause: Annotated[str, Text(max_length=64)]
    num_frames: Idx
    time_s: Seconds


CaptureLine = SectionLine | FrameLine | NoticeLine | DropsLine
_KINDS: dict[str, type[CaptureLine]] = {
    "section": SectionLine,
    "frame": FrameLine,
    "notice": NoticeLine,
    "drops": DropsLine,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def text_of(line: CaptureLine) -> str:
    """Return a line as text, with its newline."""
    value = {"what": _NAMES[type(line)], **plain(line)}
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def crc32_of(pixels: NDArray[np.uint8]) -> int:
    """Return the checksum of a frame's pixels, uint8 [H, W, 3]."""
    return zlib.crc32(np.ascontiguousarray(pixels).data)


def read_capture(path: Path) -> Iterator[CaptureLine]:
    """Read the file, up to its last whole line: a killed process leaves a part of one.

    Raises:
        InputError: When it cannot be read, or a whole line is none of it.
    """
    what = "what came from a camera"
    with open_plain_file(path, what) as file:
        number = 0
        while True:
            number += 1
            try:
                content = file.readline(_MAX_LINE)
            except OSError as error:
                raise reading_failed(error, path, what) from None
            if not content.endswith(b"\n"):
                return
            try:
                yield _line_of(content.decode("utf-8"))
            except (UnicodeDecodeError, FieldError) as problem:
                raise InputError(f"{shown(path)}, line {number}: {problem}") from None


def _line_of(text: str) -> CaptureLine:
    value = as_object(parse_json(text))
    name = value.get("what")
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise FieldError("what", f"expected one of {', '.join(_KINDS)}, got another")
    found: dict[str, Any] = as_exact_object(value, ("what", *field_names(kind)))
    del found["what"]
    made = kind(**found)
    check_fields(made)
    return made
