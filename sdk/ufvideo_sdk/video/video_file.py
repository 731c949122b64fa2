"""Open whatever holds frames; read video files with exact presentation times."""

from __future__ import annotations

import os
import stat
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import DamagedVideoWarning, InputError
from ufvideo_sdk.validation.arguments import described
from ufvideo_sdk.validation.display_name import display_name
from ufvideo_sdk.validation.paths import as_path, open_plain_file, status_of
from ufvideo_sdk.video.animated_image import AnimatedImage
from ufvideo_sdk.video.file_object import FileObject, file_of, is_file_object
from ufvideo_sdk.video.frame_picture import PictureMaker
from ufvideo_sdk.video.frame_source import RecordedSource
from ufvideo_sdk.video.given_frames import Frames, given_frames
from ufvideo_sdk.video.images import FrameFolder, ImageFile, given_times
from ufvideo_sdk.video.listed_frames import Times
from ufvideo_sdk.video.not_frames import nothing_there
from ufvideo_sdk.video.open_video import OpenVideo
from ufvideo_sdk.video.opened_file import OpenedFile, SourceFile
from ufvideo_sdk.video.pictures import IMAGE_SUFFIXES
from ufvideo_sdk.video.source_kind import SourceKind, source_kind
from ufvideo_sdk.video.video_container import SourceOptions, check_gif
from ufvideo_sdk.video.video_reading import Reading
from ufvideo_sdk.video.video_survey import Survey, survey_video

Source: TypeAlias = "str | os.PathLike[str] | IO[bytes] | Frames"
FramesFormat = Literal["rgb", "bgr"]
_DEFAULT_OPTIONS = SourceOptions()


def open_source(
    source: Source,
    *,
    fps: float | None = None,
    timestamps_s: Sequence[float] | NDArray[np.float64] | None = None,
    frames_format: FramesFormat = "rgb",
    options: SourceOptions = _DEFAULT_OPTIONS,
    keep_open: bool = False,
) -> RecordedSource:
    """Open a video file, an image file, a folder of frames, or frames in memory.

    What a file is follows from its content, whatever its name.

    Args:
        source: A path; a binary file that can seek; or frames, as `given_frames` takes them.
        fps: Rate of frames in memory, of a folder (3 if none is given), or of a bare stream without
            times.
        timestamps_s: Presentation time of each frame of these, [T], in place of a rate.
        frames_format: Order of the channels of arrays; "rgb" for all else.
        options: How to read a file.
        keep_open: Keep a video file open for the next reads, until its `release` is called.

    Raises:
        InputError: When the source cannot be read, saying why.
    """
    times = given_times(fps, timestamps_s)
    if frames_format not in ("rgb", "bgr"):
        raise InputError(f'frames_format: expected "rgb" or "bgr", got {described(frames_format)}')
    is_bgr, is_path = frames_format == "bgr", isinstance(source, (str, os.PathLike))
    if not is_path and not is_file_object(source):
        _refuse_stream(options, "frames in memory")
        pixels = options.max_frame_pixels
        return given_frames(source, times, is_bgr=is_bgr, max_frame_pixels=pixels)
    if is_bgr:
        raise InputError('frames_format: expected "rgb" for a file, which says its own order')
    place = as_path(source, "source") if is_path else file_of(source)
    if isinstance(place, Path):
        status = status_of(place)
        if status is None:
            raise nothing_there(place, source)
        if stat.S_ISDIR(status.st_mode):
            _refuse_stream(options, "a folder")
            return FrameFolder(place, times, options.max_frame_pixels)
    return _opened_file(place, times, options, keep_open=keep_open)


def _opened_file(
    place: Path | FileObject, times: Times, options: SourceOptions, *, keep_open: bool
) -> RecordedSource:
    """What a file holds: a video, a picture, or an animated picture."""
    path = place if isinstance(place, Path) else place.path
    with _reader_of(place) as file:
        kind = source_kind(path, file)
        is_named_picture = path.suffix.lower() in IMAGE_SUFFIXES
        if kind is SourceKind.VIDEO and not is_named_picture:
            return VideoFile(place, options, times, file=file, keep_open=keep_open)
        _refuse_stream(options, "a picture")
        if times is not None:
            raise InputError(
                f"{path}: expected no fps and timestamps_s for a picture, which has times of its"
                " own or none"
            )
        if kind is SourceKind.VIDEO:
            # A picture's name, and content that is none: a video, if FFmpeg knows it.
            try:
                return VideoFile(place, options, file=file, keep_open=keep_open)
            except InputError:
                pass
    if kind is SourceKind.ANIMATION:
        return AnimatedImage(place, options.max_frame_pixels)
    return ImageFile(place, options.max_frame_pixels)


class VideoFile:
    """A video file. Every read opens it anew, so that threads and long-lived results may share it.

    Reads that follow each other may share one open file: see `release`.

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
        read_through: Why the whole file was read to list its frames; empty if its own tables tell.
    """

    is_image = False
    is_decoded = False

    def __init__(
        self,
        source: Path | FileObject,
        options: SourceOptions = _DEFAULT_OPTIONS,
        times: Times = None,
        *,
        file: BinaryIO | None = None,
        keep_open: bool = False,
    ) -> None:
        """List the frames, and decode the first for the size.

        Args:
            source: The file.
            options: How to read it.
            times: Rate or times, float64 [n], of a stream that has none.
            file: A reader of the file, if there is one already.
            keep_open: Keep it open for the next reads, until `release` is called.

        Raises:
            InputError: When the file cannot be read, has no video or no whole frame, or, with
                `options.strict`, is damaged.
        """
        self._path = source if isinstance(source, Path) else source.path
        self._options = options
        self._times = times
        self._lock = threading.Lock()
        self._keeps_open = keep_open
        self._idle: OpenVideo | None = None
        self.name = display_name(self._path.name)
        with ExitStack() as stack:
            if file is None:
                file = stack.enter_context(_reader_of(source))
            self._as_opened: SourceFile = (
                OpenedFile.of(source, file) if isinstance(source, Path) else source
            )
            self.files: tuple[Path, ...] = self._as_opened.files
            self._take(self._surveyed(file, decode_all=False))

    def _surveyed(self, file: BinaryIO, *, decode_all: bool) -> Survey:
        file.seek(0)
        if not file.read(1):
            raise InputError(f"{self._path}: expected a video file, found an empty file")
        check_gif(self._path, file)
        with self._opened() as video:
            return survey_video(video, file, self._times, decode_all=decode_all)

    def _surveyed_whole(self) -> Survey:
        self._as_opened.check()
        with self._as_opened.reader("a video file") as file:
            return self._surveyed(file, decode_all=True)

    def _take(self, survey: Survey) -> None:
        self._index = survey.index
        self._lost: frozenset[int] | None = None
        self.damage = survey.damage
        self.read_through = survey.read_through
        self.timestamps_s = survey.index.timestamps_s
        self.timestamps_s.flags.writeable = False
        self._resizes_at_keys = survey.resizes_at_keys
        self._turn = survey.first.turn
        self.pixel_aspect = survey.first.pixel_aspect
        self.height, self.width = self._upright(survey.first.height, survey.first.width)
        if self.damage:
            said = f"{self._path}: {'; '.join(self.damage)}"
            warnings.warn(said, DamagedVideoWarning, stacklevel=2)

    def _upright(self, height: int, width: int) -> tuple[int, int]:
        return (width, height) if self._turn.swaps_axes else (height, width)

    @contextmanager
    def _opened(self) -> Iterator[OpenVideo]:
        """The file, open at the beginning or wherever it was read last.

        Raises:
            InputError: When it cannot be opened, or was changed before or meanwhile.
        """
        with self._lock:
            video, self._idle = self._idle, None
        try:
            with self._as_opened.unchanged():
                if video is None:
                    video = OpenVideo(self._path, self._options, self._as_opened)
                yield video
        except Exception:
            if video is not None:
                video.close()
            raise
        finally:
            if video is not None:
                self._keep_or_close(video)

    def _keep_or_close(self, video: OpenVideo) -> None:
        with self._lock:
            is_kept = self._keeps_open and self._idle is None and video.is_open
            if is_kept:
                self._idle = video
        if not is_kept:
            video.close()

    def release(self) -> None:
        """Keep the file open no longer; reads that follow open it for themselves."""
        with self._lock:
            self._keeps_open = False
            video, self._idle = self._idle, None
        if video is not None:
            video.close()

    def frames(self, frame_idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        """Yield frames in order, jumping to keyframes over what nobody asked for.

        Args:
            frame_idxs: Indices of the file, strictly increasing.

        Yields:
            RGB, uint8 [H, W, 3]; H and W are those of the frame.

        Raises:
            DamagedFramesError: When a frame does not decode whole.
            InputError: When the file cannot be read any more, or was changed since it was opened.
        """
        if not len(frame_idxs):
            return
        maker = PictureMaker(self._path, self._turn)
        with self._opened() as video, self._reading(video) as reading:
            for frame in reading.read([int(idx) for idx in frame_idxs]):
                yield maker.picture(frame)
                del frame  # not held while the next one is decoded

    def _reading(self, video: OpenVideo) -> Reading:
        return Reading(video, self._index, sees_damage=bool(self.damage))

    def frame_size(self, frame_idx: int) -> tuple[int, int]:
        """Height and width of a frame in pixels, upright.

        H.264 and HEVC change their size at keys only, so that the nearest one before is decoded.

        Raises:
            DamagedFramesError: When that does not decode whole.
            InputError: When the file cannot be read any more.
        """
        index, position = self._index, frame_idx
        key = index.key_number(frame_idx)
        if self._resizes_at_keys and key >= 0:
            if key == index.key_number(0):
                self._as_opened.check()
                return self.height, self.width
            position = index.keys[key]
        with self._opened() as video, self._reading(video) as reading:
            frame = next(reading.read([position]))
            return self._upright(frame.height, frame.width)

    def look_closer(self) -> None:
        """Decode the whole file and list its whole frames anew, after one turned out damaged.

        Raises:
            InputError: As the constructor.
        """
        self._take(self._surveyed_whole())

    def lost_frames(self, refused: int | None = None) -> frozenset[int]:
        """Indices of listed frames that are damaged, by decoding the whole file once.

        Args:
            refused: Index of a frame that did not decode whole. If the whole file decodes without
                showing why, it is lost with all that follow it up to the next key, so that reading
                can go on there.

        Raises:
            InputError: As the constructor; or, with `options.strict`, when a frame was refused.
        """
        if self._lost is None:
            whole = self._surveyed_whole()
            missing = ~np.isin(self._index.ordinals, whole.index.ordinals)
            self._lost = frozenset(int(idx) for idx in np.flatnonzero(missing))
        if refused is not None and refused not in self._lost:
            if self._options.strict:
                raise InputError(
                    f"{self._path}: expected a whole file: the frame at"
                    f" {self.timestamps_s[refused]:.3f} s does not decode whole"
                )
            keys = (*self._index.keys, len(self._index))
            next_key = next(key for key in keys if key > refused)
            self._lost |= frozenset(range(refused, next_key))
        return self._lost


def _reader_of(place: Path | FileObject) -> BinaryIO:
    return open_plain_file(place, "a file") if isinstance(place, Path) else place.reader("a file")


def _refuse_stream(options: SourceOptions, what: str) -> None:
    if options.stream is not None:
        raise InputError(f"stream: expected None for {what}, got {options.stream}")
