"""Which frames calibrate an encoder, and how they are read: one at a time, never all together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ufvideo_export.calibration.drawn_frames import NUM_DRAWN_FRAMES, drawn_frames
from ufvideo_sdk.errors import InputError

# Each costs two runs of an encoder in float32.
MAX_FRAMES = 16
_DIGEST_CHARACTERS = 16


@dataclass(frozen=True)
class CalibrationFrames:
    """Frames by where they come from; nothing is read before it is asked for.

    Attributes:
        paths: Videos, pictures, and folders of these; none: the drawn frames.
    """

    paths: tuple[str, ...] = ()

    def of_size(self, side_px: int) -> Iterator[NDArray[np.uint8]]:
        """Yield the frames as an encoder reads them, RGB uint8 [1, S, S, 3], S = `side_px`.

        Raises:
            InputError: When a path holds no picture and no video, or one cannot be read.
        """
        if not self.paths:
            yield from (frame[None] for frame in drawn_frames(side_px))
            return
        from PIL import Image

        for picture in self._pictures():
            resized = Image.fromarray(picture).resize((side_px, side_px), Image.Resampling.BICUBIC)
            yield np.asarray(resized, np.uint8)[None]

    def summary(self) -> str:
        """What a manifest's provenance says of them; all are read once for it.

        Raises:
            InputError: As `of_size`.
        """
        if not self.paths:
            return f"{NUM_DRAWN_FRAMES} drawn frames"
        digest, count = hashlib.sha256(), 0
        for picture in self._pictures():
            digest.update(f"{picture.shape}".encode())
            digest.update(np.ascontiguousarray(picture).tobytes())
            count += 1
        return f"{count} given frames, sha256 {digest.hexdigest()[:_DIGEST_CHARACTERS]}"

    def _pictures(self) -> Iterator[NDArray[np.uint8]]:
        """The given frames as they are, RGB uint8 [H, W, 3]: each path has an equal share."""
        # Opening videos needs PyAV, which an export without given frames does not.
        from ufvideo_sdk.video.video_file import open_source

        for path, share in zip(self.paths, _shares(MAX_FRAMES, len(self.paths)), strict=True):
            files = _files(Path(path))
            for file, num_frames in zip(files, _shares(share, len(files)), strict=True):
                if num_frames == 0:
                    continue
                try:
                    source = open_source(file)
                    yield from source.frames(_spread(len(source.timestamps_s), num_frames))
                except InputError as error:
                    raise InputError(f"calibration: {error}") from error


def _files(path: Path) -> Sequence[Path]:
    """The file, or the visible files of a folder in the order of their names.

    Raises:
        InputError: When the folder has none.
    """
    if not path.is_dir():
        return (path,)
    files = sorted(
        each for each in path.iterdir() if each.is_file() and not each.name.startswith(".")
    )
    if not files:
        raise InputError(
            f"calibration: expected pictures or videos in {path}, found none; without --calibration"
            " drawn frames are taken"
        )
    return files


def _shares(total: int, count: int) -> list[int]:
    """A total in `count` parts that differ by one at most."""
    return [total * (at + 1) // count - total * at // count for at in range(count)]


def _spread(count: int, wanted: int) -> list[int]:
    """Indices of the middles of equal segments; all of them where there are no more than wanted."""
    wanted = min(count, wanted)
    return [(2 * at + 1) * count // (2 * wanted) for at in range(wanted)]
