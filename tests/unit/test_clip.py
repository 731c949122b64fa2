"""Clips: bounds by true times, sampling, reading in any order, bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.compare import EXACT, assert_close
from ufvideo_sdk._native import CancellationToken, sample_positions
from ufvideo_sdk.cancellation import check_cancelled
from ufvideo_sdk.errors import CancelledError, InputError
from ufvideo_sdk.video import clip as clip_module
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.video_damage import DamagedFramesError

TIMES_S = np.array([0.0, 0.1, 0.5, 0.6, 2.0, 2.1, 7.0])


class CountingSource:
    """Frames that hold their index; counts how often each is read."""

    name, height, width, is_image, files = "counted", 4, 6, False, ()

    def __init__(self) -> None:
        self.timestamps_s = TIMES_S.copy()
        self.reads: list[int] = []

    def frames(self, frame_idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        assert list(frame_idxs) == sorted(set(frame_idxs))
        for idx in frame_idxs:
            self.reads.append(idx)
            yield np.full((4, 6, 3), idx, np.uint8)


@pytest.mark.parametrize(
    ("start_s", "end_s", "expected"),
    [
        (None, None, [0, 1, 2, 3, 4, 5, 6]),
        (0.5, 2.0, [2, 3, 4]),
        (None, 0.55, [0, 1, 2]),
        (2.05, None, [5, 6]),
        (0.1, 0.1, [1]),
        (-5, 99, [0, 1, 2, 3, 4, 5, 6]),
    ],
)
def test_bounds_are_inclusive_times(
    start_s: float | None, end_s: float | None, expected: list[int]
) -> None:
    clip = Clip(CountingSource(), start_s=start_s, end_s=end_s)
    assert clip.frame_idxs.tolist() == expected
    assert_close(clip.timestamps_s, TIMES_S[expected], EXACT, where="times")
    assert not clip.frame_idxs.flags.writeable and not clip.timestamps_s.flags.writeable
    assert not clip.source_timestamps_s.flags.writeable


def clip_of(timestamps_s: Sequence[float]) -> Clip:
    source = CountingSource()
    source.timestamps_s = np.array(timestamps_s, np.float64)
    return Clip(source)


def test_time_of_uses_the_clips_own_frames() -> None:
    clip = Clip(CountingSource(), start_s=0.5, end_s=2.1)
    assert clip.timestamps_s.tolist() == [0.5, 0.6, 2.0, 2.1]
    assert clip.time_of(0.0) == 0.5
    assert clip.time_of(1.0) == 2.1
    assert clip.time_of(2 / 3) == pytest.approx(2.0)
    assert clip.time_of(0.5) == pytest.approx(1.3)


# Ten frames a second, then one frame a second: half of the frames take a tenth of the time.
TWO_RATES_S = [*np.arange(0, 10) / 10, *np.arange(1, 12)]


@pytest.mark.parametrize(
    ("fraction", "time_s"),
    [(0.0, 0.0), (0.25, 0.5), (0.5, 1.0), (0.75, 6.0), (0.98, 10.6), (1, 11)],
)
def test_a_fraction_is_a_position_among_frames(fraction: float, time_s: float) -> None:
    clip = clip_of(TWO_RATES_S)
    assert clip.time_of(fraction) == pytest.approx(time_s, abs=1e-12)
    assert clip.fraction_of(time_s) == pytest.approx(fraction, abs=1e-12)


def test_at_a_constant_rate_a_fraction_is_one_of_seconds() -> None:
    clip = clip_of(2.0 + np.arange(251) / 25)
    for step in range(100):
        time_s = 2.0 + step / 99 * 10.0
        assert clip.time_of(step / 99) == pytest.approx(time_s, abs=1e-12)
        assert clip.fraction_of(time_s) == pytest.approx(step / 99, abs=1e-12)


def test_positions_count_from_the_clips_own_first_frame() -> None:
    clip = Clip(CountingSource(), start_s=0.5, end_s=2.1)
    assert clip.positions([2, 5, 3]).tolist() == [0, 3, 1]
    assert clip.positions(clip.frame_idxs).tolist() == [0, 1, 2, 3]


def test_one_frame_is_all_of_its_clip() -> None:
    clip = clip_of([3.0])
    assert clip.time_of(0.0) == clip.time_of(0.7) == 3.0
    assert clip.fraction_of(3.0) == 0.0


@pytest.mark.parametrize("time_s", [-0.01, 7.01, float("nan"), "1", True, None])
def test_times_outside_the_clip_are_refused(time_s: float) -> None:
    with pytest.raises(InputError, match="times: expected seconds"):
        Clip(CountingSource()).fraction_of(time_s)


@pytest.mark.parametrize(
    ("start_s", "end_s", "message"),
    [
        (3.0, 6.0, "expected a frame between 3.0 s and 6.0 s"),
        (8.0, None, "start_s within the video, 8.0 s is behind its end: .* 0.000 s and 7.000 s"),
        (None, -1, "end_s within the video, -1.0 s is before its start"),
        (2.0, 1.0, "start_s <= end_s"),
        (float("nan"), None, "start_s: expected finite seconds or None, got nan"),
        (float("-inf"), None, "start_s: expected finite seconds or None, got -inf"),
        (None, float("inf"), "end_s: expected finite seconds or None, got inf"),
        ("0", None, "start_s: expected finite seconds"),
        (None, True, "end_s: expected finite seconds"),
    ],
)
def test_bounds_that_are_refused(start_s: float, end_s: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Clip(CountingSource(), start_s=start_s, end_s=end_s)


def test_image_takes_no_bounds() -> None:
    source = CountingSource()
    source.is_image, source.timestamps_s = True, np.zeros(1)
    with pytest.raises(InputError, match="image"):
        Clip(source, start_s=0.0)


def test_reads_in_any_order_with_repeats() -> None:
    clip = Clip(CountingSource())
    assert clip.read([5, 2, 2, 6])[:, 0, 0, 0].tolist() == [5, 2, 2, 6]


def test_looking_for_lost_frames_can_be_cancelled() -> None:
    cancel = CancellationToken()

    class Damaged(CountingSource):
        def frames(self, frame_idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
            yield from super().frames(frame_idxs[:1])
            raise DamagedFramesError("the second")

        def lost_frames(self, refused: int) -> frozenset[int]:
            assert refused == 1
            cancel.cancel()
            check_cancelled()
            return frozenset({1})

    chunks = Clip(Damaged()).chunks(range(7), skip_damaged=True, cancel=cancel)
    with pytest.raises(CancelledError):
        list(chunks)


def test_finding_a_change_of_size_can_be_cancelled() -> None:
    cancel = CancellationToken()

    class Changing(CountingSource):
        def frames(self, frame_idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
            if len(frame_idxs) == 1:
                cancel.cancel()
                check_cancelled()
            for idx in frame_idxs:
                yield np.zeros((4 + idx, 6, 3), np.uint8)

    with pytest.raises(CancelledError):
        Clip(Changing()).read([0, 3], cancel=cancel)


def test_indices_outside_the_clip_are_refused() -> None:
    clip = Clip(CountingSource(), start_s=0.5, end_s=2.0)
    for idxs in ([1], [5], [-1], [2, 99]):
        with pytest.raises(InputError, match="frames of the clip, 2 to 4"):
            clip.read(idxs)
    for idxs in ([], [2.0], [[2]], ["2"], [True], [[2], [2, 3]], 2, None):
        with pytest.raises(InputError, match="integers"):
            clip.read(idxs)


class Pixels:
    """Keeps the first frames, as the model's pixel cache does."""

    def __init__(self, max_frames: int) -> None:
        self.max_frames = max_frames
        self.frames: dict[int, NDArray[np.uint8]] = {}

    def keep(self, frame_idx: int, frame: NDArray[np.uint8]) -> None:
        if len(self.frames) < self.max_frames:
            self.frames[frame_idx] = frame.copy()

    def read(self, frame_idx: int, frame: NDArray[np.uint8]) -> bool:
        if frame_idx in self.frames:
            frame[:] = self.frames[frame_idx]
        return frame_idx in self.frames

    def holds(self, frame_idx: int) -> bool:
        return frame_idx in self.frames


def keeping(source: CountingSource, pixels: Any) -> Clip:
    clip = Clip(source)
    clip.keep_pixels(pixels)
    return clip


def test_frames_are_read_once_while_somebody_keeps_them() -> None:
    source, pixels = CountingSource(), Pixels(3)
    clip = keeping(source, pixels)
    for _ in range(2):
        assert clip.read([1, 3, 1])[:, 0, 0, 0].tolist() == [1, 3, 1]
    assert source.reads == [1, 3]
    clip.read([4, 5])
    clip.read([4, 5])
    assert source.reads == [1, 3, 4, 5, 5]
    del pixels
    clip.read([1])
    assert source.reads == [1, 3, 4, 5, 5, 1]


class Stream(CountingSource):
    """A source that goes on: it knows the times of frames 3 to 5 only."""

    class Times:
        def __getitem__(self, frame_idxs: NDArray[np.int64]) -> NDArray[np.float64]:
            known = {3: 0.3, 4: 0.4, 5: 0.5}
            return np.array([known[int(idx)] for idx in frame_idxs])

    def __init__(self) -> None:
        super().__init__()
        self.timestamps_s = self.Times()  # type: ignore[assignment]


def test_a_clip_needs_the_times_of_its_own_frames_only() -> None:
    clip = Clip.of_frames(Stream(), np.array([3, 5]))
    assert clip.timestamps_s.tolist() == [0.3, 0.5]
    assert clip.read([5, 3])[:, 0, 0, 0].tolist() == [5, 3]
    assert clip.time_of(1.0) == 0.5 and clip.fraction_of(0.3) == 0.0
    assert clip.sampled_idxs(4).tolist() == [3, 3, 5, 5]
    with pytest.raises(InputError, match="knows all its frames"):
        clip.source_timestamps_s  # noqa: B018


def test_frames_of_many_pixels_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    source, pixels = CountingSource(), Pixels(3)
    clip = keeping(source, pixels)
    monkeypatch.setattr(clip_module, "MAX_KEPT_FRAME_BYTES", 4 * 6 * 3 - 1)
    for _ in range(2):
        clip.read([1])
    assert source.reads == [1, 1]


def test_kept_frames_do_not_change_when_the_caller_writes() -> None:
    pixels = Pixels(3)
    clip = keeping(CountingSource(), pixels)
    clip.read([1])[:] = 99
    assert clip.read([1]).max() == 1


@pytest.mark.parametrize("idxs", [[0, 1, 4, 5, 6], [6, 0, 3]])
def test_chunks_equal_one_read(idxs: list[int]) -> None:
    clip = Clip(CountingSource())
    pieces = list(clip.chunks(idxs, 2))
    assert [len(frames) for _, frames in pieces][:-1] == [2] * (len(pieces) - 1)
    assert np.concatenate([i for i, _ in pieces]).tolist() == idxs
    assert_close(np.concatenate([f for _, f in pieces]), clip.read(idxs), EXACT, where="chunks")


def test_chunks_are_kept_only_when_asked() -> None:
    source, pixels = CountingSource(), Pixels(7)
    clip = keeping(source, pixels)
    for _ in clip.chunks([1, 3], 1):
        pass
    for _ in clip.chunks([1, 3, 5], 2, keep=True):
        pass
    assert source.reads == [1, 3, 1, 3, 5]
    assert clip.read([5, 1, 3])[:, 0, 0, 0].tolist() == [5, 1, 3]
    assert source.reads == [1, 3, 1, 3, 5]


def test_sampling_takes_the_middle_of_segments() -> None:
    # By hand: segments of (20 - 1) / 8 = 2.375 frames; 1.1875, 3.5625, 5.9375, ...
    assert sample_positions(20, 8) == [1, 4, 6, 8, 11, 13, 15, 18]
    # Exact halves go up: segments of 1, middles 0.5, 1.5, 2.5.
    assert sample_positions(4, 3) == [1, 2, 3]
    assert sample_positions(1, 4) == [0, 0, 0, 0]
    assert sample_positions(3, 8) == [0, 0, 1, 1, 1, 1, 2, 2]
    with pytest.raises(InputError):
        sample_positions(0, 8)


def test_clip_samples_source_indices() -> None:
    clip = Clip(CountingSource(), start_s=0.5, end_s=2.1)
    assert clip.sampled_idxs(2).tolist() == [2 + position for position in sample_positions(4, 2)]
