"""Answers to files: annotated video, contact sheet, JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ufvideo_sdk.atomic_file import NO_ROOM, check_target, replacing
from ufvideo_sdk.errors import CapacityError, DeviceError, InputError
from ufvideo_sdk.render.contact_sheet import draw_contact_sheet
from ufvideo_sdk.render.draw import FramePainter
from ufvideo_sdk.results.answer import Answer
from ufvideo_sdk.validation.paths import NO_DESCRIPTOR, reading_failed, shown
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.video_container import reason

Progress = Callable[[int, int], None]
"""Called with the number of frames written and the number of all frames."""

SUFFIXES = (".mp4", ".png", ".json")
_TICKS_PER_S = 90_000
# Of the hint; FFmpeg takes no number beyond an int.
_MAX_RATE = 10_000
# What the encoder takes at most, for either side.
_MAX_SIDE_PX = 16_384
_CHUNK_BYTES = 16 << 20


def save_answer(answer: Answer, path: Path, *, progress: Progress | None = None) -> None:
    """Write an answer to a file by its suffix (see `Answer.save`).

    The file appears in one step, when it is complete: a failure leaves an older file as it was.
    Times in a video count from its first frame; the time line shows the source's own seconds.

    Args:
        answer: What to write.
        path: `.mp4`, `.png` or `.json`.
        progress: Told about each frame of a video.

    Raises:
        InputError: When the suffix is another one, the path is a file of the clip, a folder, a
            device or something else that is no plain file, it or its folder cannot be written, a
            video is asked for an image, or its pictures are larger than H.264 takes.
        CapacityError: When the disk is full.
        DeviceError: When PyAV was built without an H.264 encoder.
    """
    check_save_path(path, clip=answer.clip)
    with replacing(path, answer.clip.files) as draft:
        if path.suffix.lower() == ".json":
            draft.write_text(answer.to_json(), encoding="utf-8")
        elif path.suffix.lower() == ".png":
            Image.fromarray(draw_contact_sheet(answer)).save(draft, format="PNG")
        else:
            with _encoding(path):
                _write_video(answer, draft, progress)


def check_save_path(path: Path, *, clip: Clip | None = None, sources: Sequence[Path] = ()) -> None:
    """Refuse early what `save_answer` would refuse after the work is done.

    Args:
        path: Where to save.
        clip: What the answer is about, once it is known.
        sources: Further files that must not be replaced.

    Raises:
        InputError: As `save_answer`.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"expected a file name ending in {', '.join(SUFFIXES)}, got {shown(path)}")
    if clip is not None and clip.is_image and path.suffix.lower() == ".mp4":
        raise InputError(f"expected .png or .json for an answer about an image, got {path}")
    check_target(path, (*sources, *(() if clip is None else clip.files)))


@contextmanager
def _encoding(path: Path) -> Iterator[None]:
    """Errors of FFmpeg as ours. Those of reading the source are ours already."""
    try:
        yield
    except av.FFmpegError as error:
        if error.errno in NO_ROOM:
            raise CapacityError(f"expected room for {path}, got: {error.strerror}") from error
        if error.errno in NO_DESCRIPTOR:
            system = OSError(error.errno, error.strerror)
            raise reading_failed(system, path, "a file to write") from error
        raise InputError(
            f"expected to encode {path} as H.264, FFmpeg says: {reason(error)}; save a .png or"
            " .json instead"
        ) from error


def _write_video(answer: Answer, path: Path, progress: Progress | None) -> None:
    clip = answer.clip
    painter = FramePainter(answer)
    if max(painter.height_px, painter.width_px) > _MAX_SIDE_PX:
        raise InputError(
            f"expected at most {_MAX_SIDE_PX} px a side for an .mp4, got {painter.height_px} x"
            f" {painter.width_px} px (a frame of {clip.height} x {clip.width} px and the text below"
            " it); save a .png or .json instead, or open a smaller copy of the video"
        )
    num_frames = len(clip.frame_idxs)
    pts = _increasing_ticks(clip.timestamps_s)
    chunk_frames = max(1, _CHUNK_BYTES // (clip.height * clip.width * 3))
    with _H264File(
        path,
        painter.height_px,
        painter.width_px,
        _rate(clip.timestamps_s),
        pixel_aspect=clip.pixel_aspect,
    ) as file:
        for frame_idxs, frames in clip.chunks(clip.frame_idxs, chunk_frames, skip_damaged=True):
            for frame_idx, frame in zip(frame_idxs, frames, strict=True):
                at = int(np.searchsorted(clip.frame_idxs, frame_idx))
                canvas = painter.paint(int(frame_idx), float(clip.timestamps_s[at]), frame)
                file.write(canvas, int(pts[at]))
                if progress is not None:
                    progress(at + 1, num_frames)


def _increasing_ticks(timestamps_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Times from the first frame on in ticks; frames that share a time come a tick apart."""
    ticks = np.rint((timestamps_s - timestamps_s[0]) * _TICKS_PER_S).astype(np.int64)
    numbers = np.arange(len(ticks))
    return np.maximum.accumulate(ticks - numbers) + numbers


def _rate(timestamps_s: NDArray[np.float64]) -> Fraction:
    """Average frames a second: only a hint to the encoder, the times are in the frames."""
    duration_s = float(timestamps_s[-1] - timestamps_s[0])
    if duration_s <= 0:
        return Fraction(25)
    rate = Fraction((len(timestamps_s) - 1) / duration_s).limit_denominator(1001)
    return min(max(rate, Fraction(1)), Fraction(_MAX_RATE))


class _H264File:
    """An H.264 file (yuv420p) whose frames have times of their own.

    Raises:
        DeviceError: When PyAV was built without an H.264 encoder.
    """

    def __init__(
        self,
        path: Path,
        height_px: int,
        width_px: int,
        rate: Fraction,
        *,
        pixel_aspect: Fraction,
    ) -> None:
        if "libx264" not in av.codecs_available:
            raise DeviceError(
                "expected the encoder libx264 to write .mp4, got a PyAV without it; the wheel has"
                " it: pip install --force-reinstall --only-binary=av av"
            )
        # The index at the front: a browser plays the file while it loads.
        # "file:" because FFmpeg takes a relative name with a colon for an address.
        self._container = av.open(
            f"file:{path.absolute()}", "w", format="mp4", options={"movflags": "+faststart"}
        )
        self._stream = self._container.add_stream(
            "libx264", rate=rate, options={"preset": "veryfast", "crf": "20"}
        )
        self._stream.height, self._stream.width = height_px, width_px
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, _TICKS_PER_S)
        if pixel_aspect != 1:
            # H.264 takes 16 bits for each of the two numbers.
            self._stream.codec_context.sample_aspect_ratio = pixel_aspect.limit_denominator(65535)

    def write(self, picture: NDArray[np.uint8], pts: int) -> None:
        """Append RGB uint8 [H, W, 3] at a time in ticks."""
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = pts
        frame.time_base = Fraction(1, _TICKS_PER_S)
        self._container.mux(self._stream.encode(frame))

    def __enter__(self) -> _H264File:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._container.mux(self._stream.encode())
        self._container.close()
