"""What a session reads, keeps and can be stopped in."""

from __future__ import annotations

import gc
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.compare import EXACT, assert_close
from tests.unit.conftest import SHORT
from ufvideo_sdk import InputError, Region, StateError, StopReason, StreamAction
from ufvideo_sdk.video import clip as clip_module
from ufvideo_sdk.video.clip import Clip

WHAT = "object_1: [<region>] What is it?"


class Watched:
    """Frames that are made when they are read; `on_read` hears of each."""

    name, is_image, files = "watched", False, ()

    def __init__(self, num_frames: int, height: int = 64, width: int = 96) -> None:
        self.height, self.width = height, width
        self.timestamps_s = np.arange(num_frames) / 4
        self.reads: list[int] = []
        self.on_read: Callable[[int], None] = lambda _: None

    def frames(self, frame_idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        for idx in frame_idxs:
            self.reads.append(idx)
            self.on_read(idx)
            yield np.full((self.height, self.width, 3), 6 * idx, np.uint8)


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two frames of `Watched` a piece, and none kept."""
    monkeypatch.setattr(clip_module, "CHUNK_BYTES", 2 * 64 * 96 * 3)
    monkeypatch.setattr(clip_module, "MAX_KEPT_FRAME_BYTES", 0)


def opened(model: Any, source: Watched) -> Any:
    from ufvideo_sdk.session.session import Session

    return Session(model._loaded, Clip(source))


def test_opening_holds_a_few_frames_at_a_time(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Watched(16, 600, 1000)
    frame_bytes = 600 * 1000 * 3
    monkeypatch.setattr(clip_module, "CHUNK_BYTES", 2 * frame_bytes)
    monkeypatch.setattr(clip_module, "MAX_KEPT_FRAME_BYTES", 0)
    # The first session imports modules, which count too.
    opened(model, Watched(2)).close()
    tracemalloc.start()
    session = opened(model, source)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(source.reads) == 8
    assert peak < 4.5 * frame_bytes, f"held {peak / frame_bytes:.1f} frames of 8"
    assert session.stats["vision_encoder"].num_items == 8


@pytest.mark.usefixtures("small_pieces")
def test_regions_on_encoded_frames_read_nothing(model: Any) -> None:
    source = Watched(40)
    session = opened(model, source)
    sampled = session.clip.sampled_idxs(8)
    assert source.reads == sampled.tolist()
    box = [Region.from_box(int(i), (5, 5, 20, 20), height=64, width=96) for i in (sampled[2], 0, 0)]
    session.ask(WHAT, regions=box[:1], config=SHORT)
    assert source.reads == sampled.tolist()
    assert session.stats["resize"].num_items == 8
    # Two objects on one other frame: read and encoded once, and not again for the next question.
    for _ in range(2):
        session.ask(f"{WHAT} {WHAT}", regions=box[1:], config=SHORT)
    assert source.reads == [*sampled.tolist(), 0]
    assert session.stats["vision_encoder"].num_items == 9


def test_a_cancel_while_region_frames_are_read_is_not_lost(model: Any) -> None:
    source = Watched(40)
    session = opened(model, source)
    source.on_read = lambda _: session.cancel()
    box = Region.from_box(0, (5, 5, 20, 20), height=64, width=96)
    answer = session.ask(WHAT, regions=[box], config=SHORT)
    assert answer.stop_reason is StopReason.CANCELLED
    assert (answer.token_ids, answer.text, answer.masks) == ((), "", ())
    assert session.stats["vision_encoder"].num_items == 8, "frame 0 is not encoded any more"
    source.on_read = lambda _: None
    assert session.ask(WHAT, regions=[box], config=SHORT).stop_reason is StopReason.MAX_NEW_TOKENS


def test_a_cancel_with_nothing_under_way_does_nothing(session: Any) -> None:
    for _ in range(2):
        session.cancel()
        assert session.ask("Why?", config=SHORT).stop_reason is StopReason.MAX_NEW_TOKENS
    session.cancel()
    assert len(session.segment("ball", frames=[0, 1])[0].frame_idxs) == 2


def test_a_cancel_between_two_texts_of_a_stream(segmenting: Any) -> None:
    with segmenting.stream("segment", config=SHORT) as stream:
        first = next(stream)
        segmenting.cancel()
        assert list(stream) == []
    assert stream.answer.token_ids == (first.token_id,)
    assert stream.answer.stop_reason is StopReason.CANCELLED


@pytest.mark.usefixtures("small_pieces")
def test_a_cancel_between_masks_keeps_the_frames_that_are_done(model: Any) -> None:
    source = Watched(20)
    session = opened(model, source)
    whole = session.segment("ball", frames="all")[0]

    def cancel_at_7(idx: int) -> None:
        if idx == 7:
            session.cancel()

    source.on_read = cancel_at_7
    source.reads.clear()
    track = session.segment("ball", frames="all")[0]
    # Frames come in pairs: 7 is read with 6, and neither is segmented.
    assert track.frame_idxs.tolist() == list(range(6))
    assert source.reads == list(range(8))
    assert_close(track.masks, whole.masks[:6], EXACT, where="masks")
    assert session.segment("ball", frames=[7, 8]) == []
    source.on_read = lambda _: None
    assert len(session.segment("ball", frames="all")[0].frame_idxs) == 20


def test_a_cancel_while_masks_are_made_keeps_the_text(
    segmenting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = segmenting.ask("segment", config=SHORT)
    frames = segmenting.clip._source.frames

    def cancel_first(idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        segmenting.cancel()
        return frames(idxs)

    monkeypatch.setattr(segmenting.clip._source, "frames", cancel_first)
    segmenting._pixels = None  # what the clip has kept
    answer = segmenting.ask("segment", config=SHORT)
    assert (answer.text, answer.spans) == (whole.text, whole.spans)
    assert answer.stop_reason is StopReason.CANCELLED and answer.masks == ()


def test_a_cancelled_answer_makes_no_masks(segmenting: Any) -> None:
    seg_id = segmenting._model.manifest.tokens.seg_id

    def cancel_at_seg(event: Any) -> Any:
        return StreamAction.CANCEL if event.token_id == seg_id else None

    answer = segmenting.ask("segment", config=SHORT, on_text=cancel_at_seg)
    assert answer.token_ids[-1] == seg_id
    assert answer.stop_reason is StopReason.CANCELLED and answer.masks == ()


def test_a_stream_dropped_while_another_thread_is_inside(segmenting: Any) -> None:
    """The native session is busy at that moment, and is freed later."""
    stream = segmenting.stream("segment", config=SHORT)
    next(stream)
    inside, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with segmenting._gate.thread():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=stay)
    thread.start()
    assert inside.wait(10)
    del stream
    gc.collect()
    leave.set()
    thread.join()
    assert segmenting.ask("segment", config=SHORT).token_ids


def test_reading_statistics_elsewhere_does_not_disturb_a_stream(segmenting: Any) -> None:
    whole = segmenting.ask("segment", config=SHORT)
    done = threading.Event()
    failures: list[Exception] = []

    def poll() -> None:
        while not done.is_set():
            try:
                assert segmenting.stats and segmenting.memory_bytes()
            except Exception as error:
                failures.append(error)

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        stream = segmenting.stream("segment", config=SHORT)
        text = "".join(event.text for event in stream)
    finally:
        done.set()
        thread.join()
    assert text == whole.text == stream.answer.text and failures == []


@pytest.fixture
def unreadable(segmenting: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The session with a source that can be read no more."""

    def fail(_: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        raise InputError("frames: expected a readable file, it is gone")

    monkeypatch.setattr(segmenting.clip._source, "frames", fail)
    segmenting._pixels = None  # what the clip has kept
    return segmenting


def test_masks_that_fail_leave_the_text(unreadable: Any) -> None:
    with pytest.raises(InputError, match=r"masks of the answer.*it is gone") as caught:
        unreadable.ask("segment", config=SHORT)
    assert caught.value.answer is not None
    answer = caught.value.answer
    assert answer.text and len(answer.token_ids) == 12 and answer.masks == ()
    assert answer.stop_reason is StopReason.MAX_NEW_TOKENS
    with pytest.raises(InputError, match="it is gone"):
        unreadable.segment("ball")
    assert unreadable.ask("What color is it?", config=SHORT).token_ids


def test_masks_that_fail_leave_the_text_of_a_stream(unreadable: Any) -> None:
    stream = unreadable.stream("segment", config=SHORT)
    events: list[Any] = []
    with pytest.raises(InputError, match=r"masks of the answer.*it is gone") as caught:
        events.extend(iter(lambda: next(stream), None))
    assert caught.value.answer is not None
    assert list(stream) == []
    stream.close()
    with pytest.raises(StateError, match=r"it failed: masks of the answer.*it is gone") as later:
        _ = stream.answer
    assert later.value.answer is caught.value.answer
    assert unreadable.ask("What color is it?", config=SHORT).token_ids


def test_masks_cannot_be_written(segmenting: Any) -> None:
    tracks = [*segmenting.ask("segment", config=SHORT).masks, *segmenting.segment("ball")]
    tracks += segmenting.segment("ball", frames=[5, 2])
    for track in tracks:
        for array in (track.masks, track.scores, track.frame_idxs):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0
            with pytest.raises(ValueError, match="WRITEABLE"):
                array.flags.writeable = True


def test_a_region_token_in_an_earlier_answer_asks_for_nothing(session: Any) -> None:
    from dataclasses import replace

    region_id = session._model.manifest.tokens.region_id
    first = session.ask("What color is the ball?", config=SHORT)
    earlier = replace(first, token_ids=(*first.token_ids[:3], region_id, *first.token_ids[3:]))
    assert session.ask("Why?", history=[("What?", earlier)], config=SHORT).token_ids


def test_marks_in_phrases_stay_text(session: Any) -> None:
    assert session.segment("the <region> sign at <time>", frames=[0])
    session.locate("a <region> appears at <time>", config=SHORT)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"regions": Region.from_box(0, (0, 0, 5, 5), height=64, width=96)},
            r"regions: expected a sequence of Region, got Region",
        ),
        ({"regions": None}, "regions: expected a sequence of Region, got NoneType"),
        ({"regions": "ab"}, "regions: expected a sequence of Region, got str 'ab'"),
        ({"regions": [5]}, r"regions\[0\]: expected a Region, got int 5"),
        ({"times": 1.0}, "times: expected a sequence of seconds or TimeSpan, got float 1.0"),
        ({"times": None}, "times: expected a sequence of seconds"),
        ({"times": ["1"]}, "got 0 and 1"),
        ({"history": None}, r"history: expected \(question, answer\) pairs, got None"),
        ({"history": [("a", 5)]}, r"history\[0\]\[1\]: expected text, got int"),
        ({"segment_frames": None}, "segment_frames: expected a list of one or more integers"),
        ({"segment_frames": 3}, "segment_frames: expected a list of one or more integers"),
        ({"segment_frames": [[1], [2, 3]]}, "segment_frames: expected a list .*rows that differ"),
        ({"config": None}, "config: expected a GenerationConfig, got NoneType"),
        ({"config": {"max_new_tokens": 3}}, "config: expected a GenerationConfig, got dict"),
        ({"on_text": 5}, "on_text: expected a callable or None, got int 5"),
    ],
)
def test_arguments_of_another_kind(session: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        session.ask("Why?", **options)
    if "on_text" not in options:
        with pytest.raises(InputError, match=message):
            session.stream("Why?", **options)


def test_other_calls_name_arguments_of_another_kind(
    model: Any, session: Any, small_package: Path, video: Path
) -> None:
    from ufvideo_sdk import UFVideo

    for call, message in (
        (lambda: session.ask(5), "question: expected text, got int"),
        (
            lambda: session.ask("Why?", config=SHORT, on_text=lambda _: "stop"),
            "StreamAction or None",
        ),
        (
            lambda: session.locate("ball", config=5),
            "config: expected a GenerationConfig, got int 5",
        ),
        (lambda: session.locate(None), "event: expected text, got NoneType"),
        (lambda: session.locate("ball", allow_absent="no"), "allow_absent: expected a bool"),
        (lambda: session.segment("ball", allow_absent=1), "allow_absent: expected a bool"),
        (lambda: session.segment(5), "expression: expected text, got int"),
        (lambda: session.segment("ball", frames=None), "frames: expected a list"),
        (lambda: UFVideo.load(5), "package: expected a path, got int"),
        (lambda: UFVideo.load(small_package, runtime=None), "runtime: expected a RuntimeConfig"),
        (lambda: model.open(5), "source: expected a path or frames, got int 5"),
        (lambda: model.open(video, start_s="1"), "start_s: expected finite seconds"),
        (lambda: session.ask("Why?", config=SHORT).save(5), "path: expected a path, got int"),
        (lambda: Region([[1], [2, 3]], np.ones((2, 4, 4), bool)), "frame_idxs: .*rows that differ"),
    ):
        with pytest.raises(InputError, match=message):
            call()
    assert session.ask("Why?", config=SHORT).token_ids
