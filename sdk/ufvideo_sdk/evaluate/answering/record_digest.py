"""What an answer depends on, as one digest: an answer with the same one is not asked for again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ufvideo_sdk import ObjectMask, UFVideo
from ufvideo_sdk.evaluate.answering.ask_record import AnswerOptions
from ufvideo_sdk.evaluate.datasets.record import Pixels, Record

# Counts up if records are put to the model in another way.
ASKING_VERSION = 1


def record_digest(model: UFVideo, record: Record, options: AnswerOptions) -> str:
    """The digest of the package, the record, its video, the question and the options.

    A video counts by its files' names, sizes and times of change.
    """
    parts = {
        "version": ASKING_VERSION,
        "package": model.manifest_sha256,
        "key": record.key,
        "question": record.question,
        "expression": record.expression,
        "bounds_s": record.bounds_s,
        "scored_idxs": record.scored_idxs,
        "regions": _regions(record),
        "video": [_file(path) for path in record.frames or (record.video,)],
        "teacher_forced": options.teacher_forced,
        "config": asdict(options.config),
    }
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _regions(record: Record) -> list[list[str]]:
    """The masks that are pointed at, by object."""
    return [
        [_mask(mask) for idx in record.region_idxs if (mask := frames.get(idx)) is not None]
        for frames in record.objects
    ]


def _mask(mask: Pixels) -> str:
    """A mask as a short text; its code is at hand for most."""
    if isinstance(mask, ObjectMask):
        return f"{mask.height} {mask.width} {mask.runs}"
    return hashlib.sha256(np.packbits(mask.pixels()).tobytes()).hexdigest()


def _file(path: Path) -> tuple[str, int, int]:
    try:
        found = path.stat()
    except OSError:
        return path.name, -1, -1
    return path.name, found.st_size, found.st_mtime_ns
