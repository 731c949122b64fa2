"""Open whatever holds frames; read video files with exact presentation times."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import DamagedVideoWarning, InputError
from ufvideo_sdk.validation.display_name import display_name
from ufvideo_sdk.validation.paths import as_path, open_plain_file, shown, status_of
from ufvideo_sdk.video.animated_image import AnimatedImage
from ufvideo_sdk.video.frame_picture import PictureMaker, Turn, pixel_aspect_of, turn_of
from ufvideo_sdk.video.frame_source import FrameSource
from ufvideo_sdk.video.images import FrameArray, FrameFolder, ImageFile, given_times
from ufvideo_sdk.video.pictures import IMAGE_SUFFIXES
from ufvideo_sdk.video.source_kind import SourceKind, source_kind
from ufvideo_sdk.video.video_container import SourceOptions
from ufvideo_sdk.video.video_reading import Reading
from ufvideo_sdk.video.video_survey import Survey, Times, survey_video

Source = str | os.PathLike[str] | NDArray[np.uint8]
_DEFAULT_OPTIONS = SourceOptions()


def open_source(
    source: Source,
    *,
    fps: float | None = None,
    timestamps_s: Sequence[float] | NDArray[np.float64] | None = None,
    options: SourceOptions = _DEFAULT_OPTIONS,
) -> FrameSource:
    """Open a video file, an image file, a folder of frames or an array.

    What a file is follows from its content, whatever its name.

    Args:
        source: A path, or RGB uint8 [T, H, W, 3] or [H, W, 3].
        fps: Rate of an array, of a folder (3 if none is given), or of a bare stream without times.
        timestamps_s: Presentation time of each frame of these, [T], in place of a rate.
        options: How to read a file.

    Raises:
        InputError: When the source cannot be read, saying why.
    """
    times = given_times(fps, timestamps_s)
    if isinstance(source, np.ndarray):
        _refuse_stream(options, "an array")
        return FrameArray(source, times)
    if not isinstance(source, (str, os.PathLike)):
        raise InputError(f"expected a path or a uint8 array as source, got {type(source).__name__}")
    path = as_path(source, "source")
    status = status_of(path)
    if status is None:
        raise InputError(f"{shown(path)}: expected a file or a folder, found nothing there")
    if stat.S_ISDIR(status.st_mode):
        _refuse_stream(options, "a folder")
        return FrameFolder(path, times, options.max_frame_pixels)
    kind = source_kind(path)
    if kind is SourceKind.VIDEO and path.suffix.lower() not in IMAGE_SUFFIXES:
        return VideoFile(path, options, times)
    _refuse_stream(options, "a picture")
    if times is not None:
        raise InputError(
            f"{path}: expected no fps and timestamps_s for a picture, which has times of its own or"
            " none"
        )
    if kind is SourceKind.ANIMATION:
        return AnimatedImage(path, options.max_frame_pixels)
    if kind is SourceKind.VIDEO:
        # A picture's name, and content that is none: a video, if FFmpeg knows it.
        try:
            return VideoFile(path, options)
        except InputError:
            pass
    return ImageFile(path, options.max_frame_pixels)


class VideoFile:
    """A video file. Every read opens it anew, so that threads and long-lived results may share it.

    Rotation and mirroring that the file asks for are applied. Frames that are damaged, or may refer
    to damaged ones, are left out: the file has only whole frames, and `damage` says what is lost.

    Attributes:
        name: File name, valid text.
        timestamps_s: Presentation time of every whole frame in seconds, never decreasing,
            float64 [n].
        height: Height of the first frame in pixels; a stream may change its size.
        width: Width of the first frame in pixels.
        pixel_aspect: Width of a pixel divided by its height.
        damage: What is lost, one sentence each.
    """

    is_image = False
    may_change_size = True

    def __init__(
        self, path: Path, options: SourceOptions = _DEFAULT_OPTIONS, times: Times = None
    ) -> None:
        """List the frames, and decode the first for the size.

        Args:
            path: The file.
            options: How to read it.
            times: Rate or times, float64 [n], of a stream that has none.

        Raises:
            InputError: When the file cannot be read, has no video or no whole frame, or, with
                `options.strict`, is damaged.
        """
        _check_readable(path)
        self._path = path
        self._options = options
        self._times = times
        self.files: tuple[Path, ...] = (path.absolute(),)
        self.name = display_name(path.name)
        self._take(survey_video(path, options, times))

    def _take(self, survey: Survey) -> None:
        self._index = survey.index
        self._lost: frozenset[int] | None = None
        self.damage = survey.damage
        self.timestamps_s = survey.index.timestamps_s
        self.timestamps_s.flags.writeable = False
        self._turn = Turn()
        with Reading(
            self._path, self._options, self._index, sees_damage=bool(self.damage)
        ) as reading:
            frame = reading.frame(0)
            self._turn = turn_of(frame, self._path)
            self.pixel_aspect = pixel_aspect_of(reading.stream, frame, self._turn)
            sides = (frame.height, frame.width)
        self.height, self.width = sides[::-1] if self._turn.swaps_axes else sides
        if self.damage:
            said = f"{self._path}: {'; '.join(self.damage)}"
            warnings.warn(said, DamagedVideoWarning, stacklevel=2)

    def frames(self, frame_idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        """Yield frames in order, jumping to keyframes over what nobody asked for.

        Args:
            frame_idxs: Indices of the file, strictly increasing.

        Yields:
            RGB, uint8 [H, W, 3]; H and W are those of the frame.

        Raises:
            DamagedFramesError: When a frame does not decode whole.
            InputError: When the file cannot be read any more.
        """
        if not len(frame_idxs):
            return
        maker = PictureMaker(self._path, self._turn)
        with Reading(
            self._path, self._options, self._index, sees_damage=bool(self.damage)
        ) as reading:
            for idx in frame_idxs:
                yield maker.picture(reading.frame(int(idx)))

    def look_closer(self) -> None:
        """Decode the whole file and list its whole frames anew, after one turned out damaged.

        Raises:
            InputError: As the constructor.
        """
        self._take(self._whole_survey())

    def lost_frames(self) -> frozenset[int]:
        """Indices of listed frames that are damaged, by decoding the whole file once.

        Raises:
            InputError: As the constructor.
        """
        if self._lost is None:
            whole = self._whole_survey()
            missing = ~np.isin(self._index.ordinals, whole.index.ordinals)
            self._lost = frozenset(int(idx) for idx in np.flatnonzero(missing))
        return self._lost

    def _whole_survey(self) -> Survey:
        return survey_video(self._path, self._options, self._times, decode_all=True)


def _check_readable(path: Path) -> None:
    with open_plain_file(path, "a video file") as file:
        if not file.read(1):
            raise InputError(f"{path}: expected a video file, found an empty file")


def _refuse_stream(options: SourceOptions, what: str) -> None:
    if options.stream is not None:
        raise InputError(f"stream: expected None for {what}, got {options.stream}")
