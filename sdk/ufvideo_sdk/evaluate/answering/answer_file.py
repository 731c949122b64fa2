"""Answers as JSON lines, one for each record, each flushed to the disk before the next one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ufvideo_sdk import InputError, MaskTrack, ObjectMask
from ufvideo_sdk.evaluate.datasets.record import ObjectFrames, Pixels, Reason, Span
from ufvideo_sdk.evaluate.scoring.prediction import Prediction

_KEYS = frozenset(
    {"digest", "key", "text", "masks", "span_s", "duration_s", "failure", "failure_text"}
)


class AnswerFile:
    """Answers by digest: what is written once is not asked again.

    A line that a stop cut off is taken away when the file is opened.
    """

    def __init__(self, path: Path) -> None:
        """Open a file, or make one.

        Raises:
            InputError: When it cannot be read or written, or has a line that is none.
        """
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            self._size = _whole_lines(path)
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: expected a file that can be written: {error}") from None
        self._found: dict[str, Prediction] = {}
        for number, line in enumerate(lines, start=1):
            digest, prediction = _read(line, f"{path}:{number}")
            # A later line is a later try.
            self._found[digest] = prediction

    def get(self, digest: str) -> Prediction | None:
        """The answer with that digest; None if there is none."""
        return self._found.get(digest)

    def add(self, digest: str, prediction: Prediction) -> None:
        """Append an answer, and wait until the disk has it.

        Raises:
            InputError: When it cannot be written; the file is then as before.
        """
        line = json.dumps(_plain(digest, prediction), separators=(",", ":"), allow_nan=False)
        try:
            with self._path.open("r+b") as file:
                file.seek(self._size)
                file.truncate()
                file.write(line.encode("utf-8") + b"\n")
                file.flush()
                os.fsync(file.fileno())
                self._size = file.tell()
        except OSError as error:
            raise InputError(f"{self._path}: expected to write an answer: {error}") from None
        self._found[digest] = prediction


def _whole_lines(path: Path) -> int:
    """Take away what stands behind the last line's end; returns the bytes that are left."""
    content = path.read_bytes()
    size = content.rfind(b"\n") + 1
    if size < len(content):
        os.truncate(path, size)
    return size


def _plain(digest: str, prediction: Prediction) -> dict[str, Any]:
    span = prediction.span
    if span is not None and span.is_fraction:
        raise InputError(f"{prediction.key}: expected a span in seconds, got parts of the video")
    failure = prediction.failure
    return {
        "digest": digest,
        "key": prediction.key,
        "text": prediction.text,
        "masks": [_plain_masks(frames) for frames in prediction.masks],
        "span_s": None if span is None else [span.start, span.end],
        "duration_s": prediction.duration_s,
        "failure": None if failure is None else failure.value,
        "failure_text": prediction.failure_text,
    }


def _plain_masks(frames: ObjectFrames) -> dict[str, Any]:
    """COCO codes by frame."""
    codes = {}
    for idx, mask in frames.items():
        if mask is not None:
            code = mask if isinstance(mask, ObjectMask) else _encoded(mask)
            size = [code.height, code.width]
            codes[str(idx)] = {"size": size, "counts": code.runs, "score": code.score}
    return codes


def _encoded(mask: Pixels) -> ObjectMask:
    pixels = np.ascontiguousarray(mask.pixels())[None]
    return MaskTrack.from_masks(np.zeros(1, np.int64), np.zeros(1), pixels, np.ones(1, "f4"))[0]


def _read(line: str, where: str) -> tuple[str, Prediction]:
    try:
        content = json.loads(line)
        if not isinstance(content, dict) or content.keys() != _KEYS:
            raise ValueError("other keys")
        span_s = content["span_s"]
        failure = content["failure"]
        prediction = Prediction(
            key=str(content["key"]),
            text=str(content["text"]),
            masks=tuple(_masks(frames) for frames in content["masks"]),
            span=None if span_s is None else Span(float(span_s[0]), float(span_s[1]), False),
            duration_s=content["duration_s"],
            failure=None if failure is None else Reason(failure),
            failure_text=str(content["failure_text"]),
        )
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise InputError(f"{where}: expected an answer of this library: {error}") from None
    return str(content["digest"]), prediction


def _masks(frames: Mapping[str, Any]) -> ObjectFrames:
    return {
        int(idx): ObjectMask(code["counts"], code["score"], *map(int, code["size"]))
        for idx, code in frames.items()
    }
