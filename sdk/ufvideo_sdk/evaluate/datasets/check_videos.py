"""Videos opened before a run: what cannot be read is said at once, not after hours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PIL import Image

from ufvideo_sdk.evaluate.datasets.record import DataSet, Reason, Record


def check_videos(
    data_set: DataSet, *, on_progress: Callable[[int, int], object] | None = None
) -> DataSet:
    """Open each video of a data set, but for its frames: its streams, or its first picture.

    A video whose frames are damaged behind its beginning is found when it is asked about.

    Args:
        data_set: As `read_data_set` returns it.
        on_progress: Called with the number of videos that are opened and of all, (0, n) first.

    Returns:
        The data set, in which records about videos that cannot be opened have that problem.
    """
    askable = [record for record in data_set.records if record.problem is None]
    videos = {_file_of(record): bool(record.frames) for record in askable}
    problems: dict[Path, str] = {}
    for number, (path, is_picture) in enumerate(videos.items()):
        if on_progress is not None:
            on_progress(number, len(videos))
        found = _picture_problem(path) if is_picture else _video_problem(path)
        if found is not None:
            problems[path] = found
    if on_progress is not None:
        on_progress(len(videos), len(videos))
    return replace(
        data_set, records=tuple(_checked(record, problems) for record in data_set.records)
    )


def _file_of(record: Record) -> Path:
    return record.frames[0] if record.frames else record.video


def _checked(record: Record, problems: dict[Path, str]) -> Record:
    text = problems.get(_file_of(record))
    if record.problem is not None or text is None:
        return record
    return replace(record, problem=Reason.UNREADABLE_VIDEO, problem_text=text)


def _picture_problem(path: Path) -> str | None:
    """Why a frame cannot be opened; None if it can."""
    try:
        with Image.open(path):
            return None
    except (OSError, Image.DecompressionBombError) as error:
        return f"{path}: expected a picture: {error}"


def _video_problem(path: Path) -> str | None:
    """Why a video cannot be opened; None if it can."""
    # Slow to import, and not needed for folders of frames.
    import av

    try:
        with av.open(path) as container:
            has_video = any(stream.width > 0 for stream in container.streams.video)
    except (av.FFmpegError, OSError, ValueError) as error:
        return f"{path}: expected a video: {error}"
    return None if has_video else f"{path}: expected a video, got a file without one"
