"""Masks frame by frame: the same as all at once, and an end at any frame harms nothing."""

from __future__ import annotations

import gc
import threading
import tracemalloc
from typing import Any

import numpy as np
import pytest

from tests.compare import EXACT, assert_close
from tests.unit.conftest import SHORT
from tests.unit.test_session_work import Watched, opened
from ufvideo_sdk import CancellationToken, FrameMasks, InputError, StateError
from ufvideo_sdk.video import clip as clip_module


def test_frames_come_as_segment_has_them(session: Any) -> None:
    (whole,) = session.segment("ball", frames="all")
    seen = []
    with session.segment_stream("ball", frames="all") as stream:
        assert stream.tracks == [] and stream.expression == "ball"
        for found in stream:
            assert isinstance(found, FrameMasks) and len(found.objects) == 1
            assert_close(stream.pixels, session.clip.read([found.frame_idx])[0], EXACT)
            with pytest.raises(ValueError, match="read-only"):
                stream.pixels[0, 0, 0] = 1
            seen.append(found)
            came = stream.tracks[0]
            assert came.frame_idxs.tolist() == [each.frame_idx for each in seen]
            assert came.runs == whole.runs[: len(seen)]
            assert_close(came.scores, whole.scores[: len(seen)], EXACT)
    assert [found.frame_idx for found in seen] == whole.frame_idxs.tolist() == list(range(40))
    assert [found.time_s for found in seen] == session.clip.timestamps_s.tolist()
    assert tuple(found.objects[0].runs for found in seen) == whole.runs
    assert [found.objects[0].score for found in seen] == whole.scores.tolist()
    (track,) = stream.tracks
    assert track.runs == whole.runs
    assert_close(track.scores, whole.scores, EXACT)
    assert not stream.cancelled and list(stream) == []
    with pytest.raises(StateError, match="expected pixels of a frame that came"):
        _ = stream.pixels


def test_frames_come_in_the_order_that_was_asked_for(session: Any) -> None:
    found = list(session.segment_stream("ball", frames=[9, 3, 30]))
    assert [each.frame_idx for each in found] == [9, 3, 30]
    (track,) = session.segment("ball", frames=[9, 3, 30])
    assert tuple(each.objects[0].runs for each in found) == track.runs


def test_arguments_are_checked_when_it_is_called(session: Any) -> None:
    for wrong in ({"frames": [99]}, {"frames": [3, 3]}, {"config": SHORT}, {"allow_absent": 1}):
        with pytest.raises(InputError) as streamed:
            session.segment_stream("ball", **wrong)
        with pytest.raises(InputError) as whole:
            session.segment("ball", **wrong)
        assert str(streamed.value) == str(whole.value)
    with pytest.raises(InputError):
        session.segment_stream("")
    assert session.segment("ball")


def test_nothing_is_segmented_before_it_is_asked_for(model: Any) -> None:
    source = Watched(40)
    session = opened(model, source)
    source.reads.clear()
    with session.segment_stream("ball", frames="all") as stream:
        assert source.reads == []
        next(stream)
        assert source.reads == list(range(8)), "a chunk is eight frames at most"


@pytest.mark.parametrize("how", ["leave", "close", "drop", "error"])
def test_a_caller_may_stop_iterating(session: Any, how: str) -> None:
    (whole,) = session.segment("ball", frames="all")
    stream = session.segment_stream("ball", frames="all")
    if how == "leave":
        with stream:
            next(stream)
    elif how == "error":
        with pytest.raises(KeyError), stream:
            next(stream)
            raise KeyError
    else:
        next(stream)
        with pytest.raises(StateError, match="expected no stream under way"):
            session.segment("ball")
        if how == "close":
            stream.close()
            stream.close()
            assert list(stream) == []
        else:
            del stream
            gc.collect()
    assert session.segment("ball", frames="all")[0].runs == whole.runs
    assert session.ask("Why?", config=SHORT).token_ids


def test_an_iteration_that_is_left_frees_the_session(session: Any) -> None:
    for found in session.segment_stream("ball", frames="all"):
        if found.frame_idx == 3:
            break
    assert session.segment("ball")


@pytest.mark.parametrize("by", ["token", "session", "before"])
def test_a_cancel_ends_it_with_the_frames_that_are_done(session: Any, by: str) -> None:
    (whole,) = session.segment("ball", frames="all")
    token = CancellationToken()
    if by == "before":
        token.cancel()
    stream = session.segment_stream("ball", frames="all", cancel=token)
    seen = []
    for found in stream:
        seen.append(found)
        if found.frame_idx == 10:
            token.cancel() if by == "token" else session.cancel()
    assert stream.cancelled
    assert len(seen) == (0 if by == "before" else 16), "those of the chunk are done"
    assert tuple(each.objects[0].runs for each in seen) == whole.runs[: len(seen)]
    assert session.segment("ball")


def test_progress_is_that_of_segment(session: Any) -> None:
    streamed: list[tuple[int, int]] = []
    whole: list[tuple[int, int]] = []
    list(session.segment_stream("ball", on_progress=lambda *done: streamed.append(done)))
    session.reset()
    session.segment("ball", on_progress=lambda *done: whole.append(done))
    assert streamed[-1] == whole[-1] == (8, 8)
    frames = [done for done in whole if done[1] == 8]
    assert [done for done in streamed if done[1] == 8] == frames


def test_a_frame_that_cannot_be_read_ends_it(model: Any) -> None:
    source = Watched(40)
    session = opened(model, source)

    def fail(idx: int) -> None:
        if idx == 20:
            raise InputError("it is gone")

    source.on_read = fail
    stream = session.segment_stream("ball", frames="all")
    with pytest.raises(InputError, match="it is gone"):
        list(stream)
    assert len(stream.tracks[0]) == 16 and list(stream) == []
    source.on_read = lambda _: None
    assert len(session.segment("ball", frames="all")[0]) == 40


def test_a_closed_or_reset_session_ends_it(model: Any) -> None:
    session = opened(model, Watched(20))
    for end in (session.reset, session.close):
        stream = session.segment_stream("ball", frames="all")
        next(stream)
        end()
        with pytest.raises(StateError, match="the session was reset or closed"):
            next(stream)
        stream.close()
        assert list(stream) == [] and len(stream.tracks) == 1


@pytest.mark.parametrize("how", ["reset", "close"])
def test_closing_is_harmless_behind_the_end_of_the_session(model: Any, how: str) -> None:
    for kind in ("masks", "answer"):
        session = opened(model, Watched(20))
        begin = session.segment_stream if kind == "masks" else session.stream
        with begin("ball") as stream:
            next(stream)
            getattr(session, how)()
            with pytest.raises(StateError, match="the session was reset or closed"):
                next(stream)
        stream.close()
        if kind == "answer":
            with pytest.raises(StateError, match="it failed: the session was reset or closed"):
                _ = stream.answer
        if how == "reset":
            older = begin("ball")
            session.reset()
            with session.segment_stream("ball") as newer:
                next(newer)
                older.close()
                assert len(list(newer)) == 7, "another stream's end is none of its business"


def test_another_thread_gets_an_error_and_harms_nothing(session: Any) -> None:
    caught: list[BaseException] = []

    def other() -> None:
        try:
            session.ask("Why?")
        except StateError as error:
            caught.append(error)

    stream = session.segment_stream("ball", frames="all")
    next(stream)
    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert len(caught) == 1 and len(list(stream)) == 39


def test_a_stream_has_as_many_frames_as_segment_where_the_object_may_be_absent(
    segmenting: Any,
) -> None:
    whole = segmenting.segment("ball", allow_absent=True, config=SHORT)
    with segmenting.segment_stream("ball", allow_absent=True, config=SHORT) as stream:
        assert len(list(stream)) == (len(whole[0]) if whole else 0)


def test_memory_does_not_grow_with_the_frames(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk of two frames, the view of one, and runs; a dense track would be 0.6 MB a frame."""
    height, width = 600, 1000
    frame_bytes = height * width * 3
    monkeypatch.setattr(clip_module, "CHUNK_BYTES", 2 * frame_bytes)
    monkeypatch.setattr(clip_module, "MAX_KEPT_FRAME_BYTES", 0)
    peaks = []
    session = opened(model, Watched(40, height, width))
    session.segment("ball", frames=[0])
    for frames in (range(8), range(40)):
        tracemalloc.start()
        tracks = session.segment("ball", frames=list(frames))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        peaks.append(peak)
        assert len(tracks[0]) == len(frames)
    assert peaks[1] < peaks[0] + frame_bytes / 4
    assert isinstance(tracks[0].masks, np.ndarray)
