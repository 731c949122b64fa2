"""What a recording was made with: what a replay compares itself with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.paths import open_plain_file, reading_failed, shown
from ufvideo_sdk.validation.strict_json import (
    Each,
    FieldError,
    Integer,
    Sha256,
    Text,
    as_exact_object,
    as_list,
    check_fields,
    field_names,
    parse_json,
    plain,
)
from ufvideo_sdk.watch.engine.fact_fields import Number

HEADER_NAME = "recording.json"
FORMAT_VERSION = 1
_MAX_BYTES = 1 << 20
# What the bytes of a replay depend on, as messages name it.
_COMPARED = {
    "sdk": "ufvideo-sdk",
    "model": "model",
    "manifest_sha256": "package",
    "num_threads": "threads",
    "providers": "execution providers",
    "onnxruntime": "ONNX Runtime",
    "processor": "processor",
}


@dataclass(frozen=True)
class RecordingHeader:
    """What a recording was made with.

    Attributes:
        version: Version of the recording's format.
        sdk: Version of the SDK.
        model: Name of the model.
        manifest_sha256: Digest of the package's manifest, which holds those of its files.
        num_threads: Threads inside an operator.
        providers: Execution providers, in the order of preference.
        onnxruntime: Version of ONNX Runtime.
        processor: The machine's architecture.
        camera: Name of the camera.
        source: What was read, without credentials.
        sample_fps: Frames looked at in a second of stream time.
        window_frames: Most frames of a window.
        first_frames: Frames that a window had before it was asked about.
        started_s: Time of day of its start, seconds since 1970 in UTC.
    """

    version: Annotated[int, Integer(FORMAT_VERSION, FORMAT_VERSION)]
    sdk: Annotated[str, Text(max_length=256)]
    model: Annotated[str, Text(max_length=256)]
    manifest_sha256: Annotated[str, Sha256()]
    num_threads: Annotated[int, Integer(1, 1 << 20)]
    providers: Annotated[tuple[str, ...], Each(Text(max_length=64), 1, 16)]
    onnxruntime: Annotated[str, Text(max_length=64)]
    processor: Annotated[str, Text(0, 64)]
    camera: Annotated[str, Text(max_length=256)]
    source: Annotated[str, Text(max_length=4096)]
    sample_fps: Annotated[float, Number(0.0, 1000.0)]
    window_frames: Annotated[int, Integer(2, 1 << 16)]
    first_frames: Annotated[int, Integer(1, 1 << 16)]
    started_s: Annotated[float, Number(0.0, 4e9)]

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            FieldError: Naming the field.
        """
        check_fields(self)

    def differences(self, other: RecordingHeader) -> list[str]:
        """Return what another machine or package differs in, in words; none: bytes are equal."""
        found = []
        for field, name in _COMPARED.items():
            ours, theirs = getattr(self, field), getattr(other, field)
            if ours != theirs:
                found.append(f"{name}: recorded with {_said(ours)}, here {_said(theirs)}")
        return found

    def text(self) -> str:
        """Return it as JSON."""
        return json.dumps(plain(self), indent=2, ensure_ascii=False) + "\n"


def read_header(folder: Path) -> RecordingHeader:
    """Read the header of a recording.

    Raises:
        InputError: When there is none, or it does not hold.
    """
    path = folder / HEADER_NAME
    with open_plain_file(path, "the header of a recording") as file:
        try:
            content = file.read(_MAX_BYTES)
        except OSError as error:
            raise reading_failed(error, path, "the header of a recording") from None
    try:
        found: dict[str, Any] = as_exact_object(
            parse_json(content.decode("utf-8")), field_names(RecordingHeader)
        )
        found["providers"] = tuple(as_list(found["providers"], 16))
        return RecordingHeader(**found)
    except UnicodeDecodeError:
        raise InputError(f"{shown(path)}: expected UTF-8, got other bytes") from None
    except FieldError as problem:
        raise InputError(f"{shown(path)}: {problem}") from None


def _said(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    text = str(value)
    return text[:12] if len(text) == 64 else text
