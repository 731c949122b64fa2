"""The video of an answer, written while its masks are made."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from queue import Queue
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.atomic_file import replacing
from ufvideo_sdk.errors import InputError, StateError
from ufvideo_sdk.render.frame_painter import FramePainter
from ufvideo_sdk.render.h264_file import H264File, encoding
from ufvideo_sdk.render.save import check_save_path
from ufvideo_sdk.results.object_mask import FrameMasks
from ufvideo_sdk.results.result import Result
from ufvideo_sdk.validation.arguments import check_instance, described
from ufvideo_sdk.validation.paths import as_path, shown
from ufvideo_sdk.validation.short_text import counted
from ufvideo_sdk.video.clip import Clip

# Frames that wait to be drawn; each is a copy.
_MAX_WAITING = 4
# Answer, masks, the frame's position in the clip, and its pixels.
_Item = tuple[Result, FrameMasks, int, NDArray[np.uint8]]


class AnswerVideo:
    """Writes an `.mp4` of frames in the pass over the source that segments them.

    `Answer.save` reads the source again; this takes the pixels that are in memory, and draws and
    encodes them in a thread of its own. The file appears in one step when the `with` block ends
    without an error, and holds the frames that were given. At a frame nothing is known of the later
    ones: the time line marks the frames up to it, and an object is "not found" until it is.

        with AnswerVideo("out.mp4", session.clip) as video:
            session.ask("Segment the ball.", segment_frames="all", on_masks=video.write)
    """

    def __init__(self, path: str | os.PathLike[str], clip: Clip) -> None:
        """Check where to write.

        Args:
            path: `.mp4`; an existing file is replaced when the video is complete.
            clip: What is segmented.

        Raises:
            InputError: As `Answer.save`, or when clip is no Clip.
        """
        check_instance(clip, "clip", Clip)
        self._path = as_path(path, "path")
        check_save_path(self._path, clip=clip, suffixes=(".mp4",))
        self._clip = clip
        self._thread: threading.Thread | None = None
        self._begin()

    def _begin(self) -> None:
        self._items: Queue[_Item | None] = Queue(_MAX_WAITING)
        self._failure: BaseException | None = None
        self._is_dropped = False
        self._num_frames = 0
        self._last_position = -1
        self._num_objects: int | None = None

    def __repr__(self) -> str:
        return f"AnswerVideo({shown(self._path)}, {counted(self._num_frames, 'frame')})"

    @property
    def num_frames(self) -> int:
        """Frames that were given in the last `with` block; without any there is no file."""
        return self._num_frames

    @property
    def failure(self) -> BaseException | None:
        """What drawing or encoding raised."""
        return self._failure

    def write(self, answer: Result, found: FrameMasks, pixels: NDArray[np.uint8]) -> None:
        """Append a frame, in the order of their times.

        Args:
            answer: An Answer or a SegmentResult: question, text and spans to write below the
                picture. Only the first frame's is drawn.
            found: The masks of the frame.
            pixels: RGB, uint8 [H, W, 3]; copied.

        Raises:
            InputError: When answer or frame is not of the video's clip, the frame does not come
                behind the one before it or has another number of objects, the pixels have another
                dtype or shape, or an earlier frame could not be drawn or encoded.
            CapacityError: When the disk is full.
            DeviceError: When PyAV was built without an H.264 encoder.
            StateError: Outside the `with` block.
        """
        if self._thread is None:
            raise StateError("write: expected to be within the video's with block")
        self._raise_failure()
        self._check_source(answer, pixels)
        position = self._checked_position(found)
        self._num_frames += 1
        self._last_position, self._num_objects = position, len(found.objects)
        # The caller may go on to paint them.
        self._items.put((answer, found, position, pixels.copy()))

    def _check_source(self, answer: Result, pixels: NDArray[np.uint8]) -> None:
        """Refuse an answer about another clip, and what cannot be a picture of this one."""
        clip = self._clip
        if not isinstance(answer, Result):
            raise InputError(
                f"answer: expected an Answer or a SegmentResult, got {described(answer)}"
            )
        if answer.clip is not clip:
            raise InputError(
                f"answer: expected one about the video's own clip, {clip.name}, got one about"
                f" another clip, {answer.clip.name}; make the video of `session.clip`"
            )
        shape = (clip.height, clip.width, 3)
        is_array = isinstance(pixels, np.ndarray)
        if not is_array or pixels.dtype != np.uint8 or pixels.shape != shape:
            came = f"{pixels.dtype} {list(pixels.shape)}" if is_array else described(pixels)
            raise InputError(f"pixels: expected uint8 {list(shape)}, got {came}")

    def _checked_position(self, found: FrameMasks) -> int:
        """Where in the clip a frame stands, which has to be behind the one before it."""
        check_instance(found, "found", FrameMasks)
        clip, last = self._clip, self._last_position
        position = int(clip.positions([found.frame_idx])[0])
        if position == len(clip.frame_idxs) or clip.frame_idxs[position] != found.frame_idx:
            raise InputError(f"found: expected a frame of {clip.name}, got frame {found.frame_idx}")
        if position <= last:
            raise InputError(
                "found: expected frames in the order of their times, got the one at"
                f" {clip.timestamps_s[position]:.3f} s behind the one at"
                f" {clip.timestamps_s[last]:.3f} s"
            )
        sizes = {(mask.height, mask.width) for mask in found.objects} - {(clip.height, clip.width)}
        for height, width in sizes:
            raise InputError(
                f"found: expected masks of {clip.height} x {clip.width} px, got {height} x {width}"
            )
        if self._num_objects not in (None, len(found.objects)):
            raise InputError(
                f"found: expected masks of {self._num_objects} object(s) as on the frame before,"
                f" got {len(found.objects)}"
            )
        return position

    def __enter__(self) -> AnswerVideo:
        if self._thread is not None:
            raise StateError("with: expected a video that is not being written, it is")
        self._begin()
        self._stack = ExitStack()
        self._draft = self._stack.enter_context(replacing(self._path, self._clip.files))
        # Not a daemon: the draft is removed when it has ended.
        self._thread = threading.Thread(target=self._write_all, name="ufvideo video")
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        thread, self._thread = self._thread, None
        assert thread is not None
        # The frames that wait are not drawn for a file that will not be.
        self._is_dropped = kind is not None
        self._items.put(None)
        thread.join()
        if kind is None and self._num_frames == 0:
            # Nothing was segmented, which is no error and no video.
            kind, error = _NothingWrittenError, _NothingWrittenError()
        if kind is None and self._failure is not None:
            kind, error = type(self._failure), self._failure
        try:
            self._stack.__exit__(kind, error, trace)
        except _NothingWrittenError:
            return
        if error is not None and error is self._failure and trace is None:
            raise error

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _write_all(self) -> None:
        """Draw and encode frames until the last; after a failure they are dropped."""
        with ExitStack() as stack:
            painter: FramePainter | None = None
            file: H264File | None = None
            while (item := self._items.get()) is not None:
                if self._failure is not None or self._is_dropped:
                    continue
                answer, found, position, pixels = item
                try:
                    with encoding(self._path):
                        if painter is None or file is None:
                            painter = FramePainter(answer, len(found.objects))
                            size = (painter.height_px, painter.width_px)
                            file = stack.enter_context(H264File(self._draft, *size, self._clip))
                        file.write(painter.paint_found(found, pixels), position)
                except BaseException as error:
                    self._failure = error
                del item, answer, found, pixels
            try:
                with encoding(self._path):
                    stack.close()
            except BaseException as error:
                self._failure = self._failure or error


class _NothingWrittenError(Exception):
    """Ends the draft of a video without a frame."""
