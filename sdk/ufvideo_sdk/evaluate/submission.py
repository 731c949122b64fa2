"""Masks as the zip file that a benchmark's server takes."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ufvideo_sdk import InputError
from ufvideo_sdk.evaluate.datasets.record import DataSet, Reason, Record
from ufvideo_sdk.evaluate.scoring.prediction import Prediction, predictions_by_key

# The folder in the zip file that those of the videos are in.
ROOTS = {"mevis-val": "", "ref-youtube-vos": "Annotations/"}


def write_submission(
    data_set: DataSet, predictions: Iterable[Prediction], path: str | os.PathLike[str]
) -> dict[str, int]:
    """Write the masks of a data set that a server scores.

    The zip file has a picture of 0 and 255 for each frame, VIDEO/EXPRESSION/FRAME.png, below
    `Annotations` for Ref-YouTube-VOS. An expression that failed has masks without a pixel, which
    is what the server would count it as.

    Args:
        data_set: MeViS val or Ref-YouTube-VOS.
        predictions: At most one for each record.
        path: The zip file; an existing one is replaced, in one step.

    Returns:
        How many expressions failed, by reason.

    Raises:
        InputError: When it is another data set, a record has no readable frame, a mask has another
            size than its frame, or the file cannot be written.
    """
    if data_set.benchmark not in ROOTS:
        raise InputError(
            f"expected a data set that a server scores, {' or '.join(ROOTS)}, got"
            f" {data_set.benchmark}"
        )
    by_key = predictions_by_key(data_set, predictions)
    target = Path(path)
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    failed: dict[str, int] = {}
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as file:
            for record in data_set.records:
                reason = _write(file, ROOTS[data_set.benchmark], record, by_key.get(record.key))
                if reason is not None:
                    failed[reason.value] = failed.get(reason.value, 0) + 1
        draft.replace(target)
    except OSError as error:
        raise InputError(f"{target}: expected a file that can be written: {error}") from None
    finally:
        draft.unlink(missing_ok=True)
    return failed


def _write(
    file: zipfile.ZipFile, root: str, record: Record, prediction: Prediction | None
) -> Reason | None:
    if not record.frames:
        raise InputError(f"{record.key}: expected frames, got none: {record.problem_text}")
    reason = Reason.NO_ANSWER if prediction is None else prediction.failure
    masks = () if prediction is None else prediction.masks
    if reason is None and len(masks) != 1:
        reason = Reason.NUM_MASKS
    for idx, frame in enumerate(record.frames):
        given = masks[0].get(idx) if reason is None else None
        size = _size(frame)
        pixels = np.zeros(size, np.bool_) if given is None else given.pixels()
        if pixels.shape != size:
            raise InputError(
                f"{record.key}: expected a mask of {list(size)} as {frame.name}, got"
                f" {list(pixels.shape)}"
            )
        expression = record.id.removeprefix(f"{record.video_name}/")
        name = f"{root}{record.video_name}/{expression}/{frame.stem}.png"
        file.writestr(zipfile.ZipInfo(name), _png(pixels), zipfile.ZIP_STORED)
        if given is None and reason is None:
            reason = Reason.MISSING_FRAME
    return reason


def _size(frame: Path) -> tuple[int, int]:
    try:
        with Image.open(frame) as picture:
            return picture.height, picture.width
    except OSError as error:
        raise InputError(f"{frame}: expected a picture: {error}") from None


def _png(mask: NDArray[np.bool_]) -> bytes:
    content = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).save(content, "PNG")
    return content.getvalue()
