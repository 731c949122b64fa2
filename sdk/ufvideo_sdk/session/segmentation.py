"""From the states of objects to their masks, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import CancelledError
from ufvideo_sdk.results.from_native import Timing
from ufvideo_sdk.results.masks import MaskTrack
from ufvideo_sdk.results.object_mask import FrameMasks, ObjectMask
from ufvideo_sdk.session.session_call import SessionCall
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.source_clock import timings_between

FrameCallback = Callable[[FrameMasks, NDArray[np.uint8]], object]

# Frames in a chunk; masks are yielded after the whole chunk is segmented.
_MAX_CHUNK_FRAMES = 8


@dataclass(frozen=True)
class MaskTracks:
    """Masks that were decoded.

    Attributes:
        tracks: One for each object; none when there is no object, or no frame was done.
        timings: Timings of the chunks, and of reading them.
        cancelled: Whether the call was cancelled before the last frame.
    """

    tracks: tuple[MaskTrack, ...]
    timings: tuple[Mapping[str, Timing], ...] = ()
    cancelled: bool = False


class Segmentation:
    """Segments objects on frames, one chunk after the other.

    Attributes:
        cancelled: Whether the call was cancelled before the last frame.
    """

    def __init__(
        self,
        call: SessionCall,
        clip: Clip,
        seg_hidden_states: NDArray[np.float32],
        frame_idxs: NDArray[np.int64],
    ) -> None:
        """Begin before the first frame.

        Args:
            call: The session's call, whose native side keeps SAM 2 features.
            clip: Where the frames come from.
            seg_hidden_states: One row for each object, float32 [O, D]; without objects the array
                may have no shape at all.
            frame_idxs: Source indices, int64 [F].
        """
        self._call = call
        self._clip = clip
        self._states = seg_hidden_states
        self._frame_idxs = frame_idxs
        self._num_objects = len(seg_hidden_states) if seg_hidden_states.size else 0
        self._num_given = 0
        self._done_idxs: list[int] = []
        self._runs: list[list[str]] = [[] for _ in range(self._num_objects)]
        self._scores: list[NDArray[np.float32]] = []
        self._timings: list[Mapping[str, Timing]] = []
        self._read_before = clip.clock.timings()
        self.cancelled = False

    def frames(self) -> Generator[tuple[FrameMasks, NDArray[np.uint8]], None, None]:
        """Segment the frames; those that turn out damaged are left out (`Clip.damage`).

        Close the generator if it is left early.

        Yields:
            The masks of a frame, and its pixels, uint8 [H, W, 3], a view that keeps its chunk.

        Raises:
            InputError: When a frame cannot be read.
        """
        if self._num_objects == 0:
            return
        chunks = self._clip.chunks(
            self._frame_idxs, _MAX_CHUNK_FRAMES, skip_damaged=True, cancel=self._call.cancel
        )
        # Closed by name: an interrupt that comes while a generator is dropped is lost.
        with closing(chunks):
            while (chunk := self._next_segmented(chunks)) is not None:
                found, frames = chunk
                yield from self._given(found, frames)
                # Not held beside the next one.
                del chunk, frames

    @property
    def timings(self) -> tuple[Mapping[str, Timing], ...]:
        """Timings of the chunks until now, and of reading them."""
        return (*self._timings, timings_between(self._read_before, self._clip.clock.timings()))

    def tracks(self) -> tuple[MaskTrack, ...]:
        """One track for each object on the frames yielded until now; none before the first one."""
        num_frames = self._num_given
        if num_frames == 0:
            return ()
        idxs = np.array(self._done_idxs[:num_frames], np.int64)
        scores = np.concatenate(self._scores, axis=1)[:, :num_frames].copy()
        clip = self._clip
        times_s = clip.timestamps_s[clip.positions(idxs)]
        for array in (idxs, times_s, scores):
            array.flags.writeable = False
        return tuple(
            MaskTrack(idxs, times_s, tuple(runs[:num_frames]), own_scores, clip.height, clip.width)
            for runs, own_scores in zip(self._runs, scores, strict=True)
        )

    def found(self) -> MaskTracks:
        """All there is until now."""
        return MaskTracks(self.tracks(), self.timings, self.cancelled)

    def _given(
        self, found: list[FrameMasks], frames: NDArray[np.uint8]
    ) -> Iterator[tuple[FrameMasks, NDArray[np.uint8]]]:
        """Yield a chunk's frames one by one, and count those that the caller has asked for."""
        for pair in zip(found, frames, strict=False):
            self._num_given += 1
            yield pair

    def _next_segmented(
        self, chunks: Iterator[tuple[NDArray[np.int64], NDArray[np.uint8]]]
    ) -> tuple[list[FrameMasks], NDArray[np.uint8]] | None:
        """The masks of the next chunk's frames, those that were done, and its pixels."""
        if self.cancelled:
            return None
        try:
            idxs, frames = next(chunks, (None, None))
        except CancelledError:
            self.cancelled = True
            return None
        if idxs is None or frames is None:
            return None
        found = self._call.segment(
            self._states,
            frames,
            idxs.tolist(),
            num_done=len(self._done_idxs),
            num_frames=len(self._frame_idxs),
        )
        scores, runs = found.scores, found.runs
        done = idxs.tolist()[: scores.shape[1]]
        self._done_idxs += done
        for all_runs, own_runs in zip(self._runs, runs, strict=True):
            all_runs += own_runs
        self._scores.append(scores)
        self._timings.append(found.timings)
        self.cancelled = found.cancelled
        return [
            self._frame_masks(idx, runs_on_frame, scores_on_frame)
            for idx, runs_on_frame, scores_on_frame in zip(
                done, zip(*runs, strict=True), scores.T, strict=True
            )
        ], frames

    def _frame_masks(
        self, idx: int, runs: Sequence[str], scores: NDArray[np.float32]
    ) -> FrameMasks:
        clip = self._clip
        time_s = float(clip.timestamps_s[clip.positions([idx])[0]])
        objects = tuple(
            ObjectMask(own_runs, float(score), clip.height, clip.width)
            for own_runs, score in zip(runs, scores, strict=True)
        )
        return FrameMasks(idx, time_s, objects)


def mask_tracks(
    call: SessionCall,
    clip: Clip,
    seg_hidden_states: NDArray[np.float32],
    frame_idxs: NDArray[np.int64],
    on_frame: FrameCallback | None = None,
) -> MaskTracks:
    """Segment every object on every frame.

    Args:
        call: The session's call, whose native side keeps SAM 2 features.
        clip: Where the frames come from.
        seg_hidden_states: One row for each object, float32 [O, D].
        frame_idxs: Source indices, int64 [F].
        on_frame: Called with the masks of each frame and its pixels, uint8 [H, W, 3].

    Returns:
        One track for each object, on the frames that were done; frames that turn out damaged are
        left out (`Clip.damage`).

    Raises:
        InputError: When a frame cannot be read.
    """
    found = Segmentation(call, clip, seg_hidden_states, frame_idxs)
    with closing(found.frames()) as frames:
        for masks, pixels in frames:
            if on_frame is not None:
                on_frame(masks, pixels)
            # Its chunk is not held while the next one is read.
            del masks, pixels
    return found.found()
