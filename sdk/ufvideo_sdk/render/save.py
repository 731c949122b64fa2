"""Answers to files: annotated video, contact sheet, JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from PIL import Image

from ufvideo_sdk.atomic_file import check_target, replacing
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.render.contact_sheet import draw_contact_sheet
from ufvideo_sdk.render.frame_painter import FramePainter
from ufvideo_sdk.render.h264_file import H264File, encoding
from ufvideo_sdk.results.result import Result
from ufvideo_sdk.validation.paths import shown
from ufvideo_sdk.video.clip import Clip

Progress = Callable[[int, int], None]
"""Called with the number of frames written and the number of all frames."""

SUFFIXES = (".mp4", ".png", ".json")
_CHUNK_BYTES = 16 << 20


def save_answer(answer: Result, path: Path, *, progress: Progress | None = None) -> None:
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
            with encoding(path):
                _write_video(answer, draft, progress)


def check_save_path(
    path: Path,
    *,
    clip: Clip | None = None,
    sources: Sequence[Path] = (),
    suffixes: Sequence[str] = SUFFIXES,
) -> None:
    """Refuse early what `save_answer` would refuse after the work is done.

    Args:
        path: Where to save.
        clip: What the answer is about, once it is known.
        sources: Further files that must not be replaced.
        suffixes: What the name may end in.

    Raises:
        InputError: As `save_answer`.
    """
    if path.suffix.lower() not in suffixes:
        raise InputError(f"expected a file name ending in {', '.join(suffixes)}, got {shown(path)}")
    if clip is not None and clip.is_image and path.suffix.lower() == ".mp4":
        raise InputError(f"expected .png or .json for an answer about an image, got {path}")
    check_target(path, (*sources, *(() if clip is None else clip.files)))


def _write_video(answer: Result, path: Path, progress: Progress | None) -> None:
    clip = answer.clip
    painter = FramePainter(answer)
    num_frames = len(clip.frame_idxs)
    chunk_frames = max(1, _CHUNK_BYTES // (clip.height * clip.width * 3))
    with (
        H264File(path, painter.height_px, painter.width_px, clip) as file,
        closing(clip.chunks(clip.frame_idxs, chunk_frames, skip_damaged=True)) as chunks,
    ):
        for frame_idxs, frames in chunks:
            positions = clip.positions(frame_idxs).tolist()
            for position, frame in zip(positions, frames, strict=True):
                file.write(painter.paint(position, frame), position)
                if progress is not None:
                    progress(position + 1, num_frames)
