"""Open whatever holds frames; read video files with exact presentation times."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.cancellation import check_cancelled
from ufvideo_sdk.clip import FrameSource
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.stills import IMAGE_SUFFIXES, FrameArray, FrameFolder, ImageFile, given_times
from ufvideo_sdk.video_index import VideoIndex, index_video, opened, reason, video_stream

VIDEO_SUFFIXES = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".gif", ".mpg", ".mpeg", ".ts", ".m2ts",
    ".mts", ".flv", ".wmv", ".3gp", ".ogv",
)  # fmt: skip
# Jumping costs a flush of the decoder: nearer keyframes are reached by decoding on.
_MIN_JUMP_FRAMES = 8

Source = str | os.PathLike[str] | NDArray[np.uint8]


def open_source(
    source: Source,
    *,
    fps: float | None = None,
    timestamps_s: Sequence[float] | NDArray[np.float64] | None = None,
) -> FrameSource:
    """Open a video file, an image file, a folder of frames or an array.

    Args:
        source: A path, or RGB uint8 [T, H, W, 3] or [H, W, 3].
        fps: Rate of an array, or of a folder (3 when nothing is given).
        timestamps_s: Presentation time of each frame of an array or a folder, [T].

    Raises:
        InputError: When there is nothing to read, saying why.
    """
    times = given_times(fps, timestamps_s)
    if isinstance(source, np.ndarray):
        return FrameArray(source, times)
    if not isinstance(source, (str, os.PathLike)):
        raise InputError(f"expected a path or a uint8 array as source, got {type(source).__name__}")
    path = Path(source)
    if path.is_dir():
        return FrameFolder(path, times)
    if not path.exists():
        raise InputError(f"{path}: expected a file or a folder, found nothing there")
    if times is not None:
        raise InputError(
            f"{path}: expected no fps and timestamps_s for a file, which has times of its own"
        )
    suffix = path.suffix.lower()
    if suffix in IMAGE_SUFFIXES:
        return ImageFile(path)
    if suffix not in VIDEO_SUFFIXES:
        raise InputError(
            f"{path}: expected a video ({' '.join(VIDEO_SUFFIXES)}) or an image"
            f" ({' '.join(IMAGE_SUFFIXES)}), got suffix {suffix or 'none'}"
        )
    return VideoFile(path)


class VideoFile:
    """A video file. Every read opens it anew, so that threads and long-lived results may share it.

    Rotation and mirroring that the file asks for are applied.
    """

    is_image = False

    def __init__(self, path: Path) -> None:
        """List the frames, and decode the first for the size.

        Raises:
            InputError: When the file cannot be read, has no video or no frame, or is cut off.
        """
        _check_readable(path)
        self._path = path
        self.name = path.name
        self._index: VideoIndex = index_video(path)
        self._position_of = {pts: position for position, pts in enumerate(self._index.pts)}
        self.timestamps_s = self._index.timestamps_s()
        self._decoded_size = (0, 0)
        first = next(iter(self.frames([0])))
        self.height, self.width = first.shape[:2]

    def frames(self, frame_idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        """Yield frames in order, jumping to keyframes over what nobody asked for.

        Args:
            frame_idxs: Indices of the file, strictly increasing.

        Yields:
            RGB, uint8 [H, W, 3].

        Raises:
            InputError: Naming the file, the frame and what failed.
        """
        if not frame_idxs:
            return
        with opened(self._path) as container:
            stream = video_stream(container, self._path)
            decoded = self._decoded(container, stream, None)
            position = -1
            for idx in frame_idxs:
                key = self._index.key_before(idx)
                if key - position > _MIN_JUMP_FRAMES:
                    decoded = self._decoded(container, stream, key)
                frame, decoded = self._advance(container, stream, decoded, idx)
                position = idx
                yield self._to_rgb(frame, idx)

    def _advance(self, container: Any, stream: Any, decoded: Any, idx: int) -> tuple[Any, Any]:
        """Decode up to frame `idx`; where a jump led too far, begin earlier."""
        key = self._index.key_before(idx)
        while True:
            last = -1
            for last, frame in decoded:
                if last == idx:
                    return frame, decoded
                if last > idx:
                    break
            if key <= 0:
                raise InputError(
                    f"{self._path}: expected {len(self._index.pts)} frames, frame {idx} does not"
                    f" decode (the last one that did: {last})"
                )
            key = self._index.key_before(key - 1)
            decoded = self._decoded(container, stream, key)

    def _decoded(self, container: Any, stream: Any, key: int | None) -> Iterator[tuple[int, Any]]:
        """Decode from a keyframe (None: from where the container stands) to the end."""
        import av

        last = -1
        try:
            if key is not None:
                container.seek(self._index.pts[key], stream=stream, backward=True)
            for number, frame in enumerate(container.decode(stream)):
                check_cancelled()
                counted = self._index.counted
                position = number if counted else self._position_of.get(frame.pts)
                # Frames before the keyframe may lack what they refer to.
                if position is None or (key is not None and position < key):
                    continue
                if frame.is_corrupt:
                    raise InputError(f"{self._path}: expected whole frames, {position} is damaged")
                last = position
                yield position, frame
        except av.FFmpegError as error:
            raise InputError(
                f"{self._path}: expected {len(self._index.pts)} frames, decoding failed after"
                f" frame {last}: {reason(error)}"
            ) from None

    def _to_rgb(self, frame: Any, idx: int) -> NDArray[np.uint8]:
        if self._decoded_size == (0, 0):
            self._decoded_size = (frame.height, frame.width)
        if (frame.height, frame.width) != self._decoded_size:
            raise InputError(
                f"{self._path}: expected frames of {self._decoded_size[0]} x"
                f" {self._decoded_size[1]} px throughout, frame {idx} has {frame.height} x"
                f" {frame.width} px"
            )
        return _upright(frame.to_ndarray(format="rgb24"), frame, self._path)


def _check_readable(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"{path}: expected a file, found something else")
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise InputError(f"{path}: expected a video file, found an empty file")
    except OSError as error:
        raise InputError(f"{path}: expected a readable file: {error.strerror}") from None


def _upright(rgb: NDArray[np.uint8], frame: Any, path: Path) -> NDArray[np.uint8]:
    """Turn and mirror the picture as its display matrix says: x' = a x + c y, y' = b x + d y."""
    matrix = next((bytes(d) for d in frame.side_data if d.type.name == "DISPLAYMATRIX"), None)
    if matrix is None:
        return rgb
    values = np.frombuffer(matrix, np.int32)[[0, 1, 3, 4]] / 65536
    a, b, c, d = (int(v) for v in np.rint(values))
    if sorted((abs(a), abs(b), abs(c), abs(d))) != [0, 0, 1, 1] or abs(a) != abs(d):
        raise InputError(
            f"{path}: expected a rotation by a multiple of 90 degrees, its display matrix is"
            f" {values.tolist()}"
        )
    if b:
        rgb = rgb.transpose(1, 0, 2)
    # In the turned picture x' grows with c or a, y' with b or d.
    if (c or a) < 0:
        rgb = rgb[:, ::-1]
    if (b or d) < 0:
        rgb = rgb[::-1]
    return np.ascontiguousarray(rgb)
