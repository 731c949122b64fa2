"""Streams: a window answers as a session that is opened on its frames."""

from __future__ import annotations

import gc
import json
import threading
import weakref
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.conftest import SHORT
from tests.unit.streamed_frames import HEIGHT, WIDTH, frame, opened, push, same
from ufvideo_sdk import (
    Ask,
    CancellationToken,
    CapacityError,
    InputError,
    Region,
    RuntimeConfig,
    StateError,
    StopReason,
    StreamSpan,
    UFVideo,
)

QUESTION = "What color is the ball?"


@pytest.fixture
def stream(model: Any) -> Iterator[Any]:
    with model.open_stream() as stream:
        yield stream


def everything(asked: Any, window: Any, first_idx: int) -> list[Any]:
    """Every kind of question; a region lies on the second frame."""
    idx = int(window.frame_idxs[1]) - first_idx
    box = Region.from_box(idx, (5, 5, 30, 30), height=HEIGHT, width=WIDTH)
    time_s = float(window.timestamps_s[1])
    return [
        asked.ask(QUESTION, config=SHORT),
        asked.ask("What happens at <time>?", times=[time_s], config=SHORT),
        asked.ask("segment", config=SHORT),
        asked.ask("What is <region>?", regions=[box], config=SHORT),
        *asked.ask_many([QUESTION, Ask("Why?", choices=["Yes", "No"])], config=SHORT),
        asked.locate("the ball moves", config=SHORT),
        asked.segment("the ball"),
    ]


@pytest.mark.parametrize(
    "options",
    [{}, {"drop_pairs": 2}, {"drop_pairs": 4}, {"prefixes": 2}, {"prefixes": 2, "frames": 4}],
    ids=str,
)
def test_a_window_is_a_session_on_its_frames(model: Any, options: dict[str, Any]) -> None:
    sizes = set()
    with model.open_stream(**options) as stream:
        push(stream, range(2))
        for first in range(2, 40, 2):
            window = stream.window
            sizes.add(len(window))
            same(
                stream.ask(QUESTION, config=SHORT),
                opened(model, window).ask(QUESTION, config=SHORT),
            )
            push(stream, [first, first + 1])
        window = stream.window
        ours = everything(stream, window, 0)
        theirs = everything(opened(model, window), window, int(window.frame_idxs[0]))
        for mine, other in zip(ours, theirs, strict=True):
            same(mine, other)
        stages = stream.stats.stages
    assert max(sizes) == options.get("frames", 8) and min(sizes) == 2
    assert stages["vision_encoder"].num_items == 40
    assert stages["aligner"].num_calls == 20


def test_a_full_window_is_a_uniform_session(model: Any, stream: Any) -> None:
    push(stream, range(24))
    window = stream.window
    assert len(window) == model.manifest.video.num_frames
    uniform = opened(model, window, "uniform")
    for mine, other in zip(
        everything(stream, window, 0),
        everything(uniform, window, int(window.frame_idxs[0])),
        strict=True,
    ):
        same(mine, other)


def test_what_is_new_is_all_that_is_computed(stream: Any) -> None:
    push(stream, range(2))
    first = stream.ask(QUESTION, config=SHORT).stats
    push(stream, range(2, 4))
    second = stream.ask(QUESTION, config=SHORT).stats
    third = stream.ask(QUESTION, config=SHORT).stats
    assert first.num_reused_tokens == 0
    per_pair = stream._gate.native().video_tokens.shape[0] // 2
    assert second.num_prefill_tokens < first.num_prefill_tokens
    assert second.num_reused_tokens >= per_pair
    assert third.num_reused_tokens == second.num_reused_tokens + second.num_prefill_tokens - 1


def test_with_two_prefixes_no_question_waits_for_a_window(model: Any) -> None:
    most = {}
    for prefixes in (1, 2):
        with model.open_stream(prefixes=prefixes) as stream:
            fed = []
            for first in range(0, 40, 2):
                push(stream, [first, first + 1])
                fed.append(stream.ask(QUESTION, config=SHORT).stats.num_prefill_tokens)
            most[prefixes] = max(fed[1:])
            assert prefixes == 1 or len(set(fed[1:])) == 1
    assert most[2] < most[1]


def test_a_frozen_window_stays(model: Any, stream: Any, tmp_path: Path) -> None:
    push(stream, range(13))
    window = stream.window
    frozen = stream.freeze()
    push(stream, range(13, 40))
    session = opened(model, window)
    assert frozen.clip.frame_idxs.tolist() == list(range(len(window)))
    answers = everything(frozen, window, int(window.frame_idxs[0]))
    expected = everything(session, window, int(window.frame_idxs[0]))
    for mine, other in zip(answers, expected, strict=True):
        same(mine, other)
    assert "vision_encoder" not in frozen.stats
    frozen.save(tmp_path / "frozen.session")
    loaded = model.load_session(tmp_path / "frozen.session")
    same(loaded.ask(QUESTION, config=SHORT), session.ask(QUESTION, config=SHORT))
    stream.close()
    answers[-1].save(tmp_path / "masks.png")


def test_the_past_is_a_session_on_its_frames(model: Any, tmp_path: Path) -> None:
    with model.open_stream(history_s=30.0) as stream:
        push(stream, range(60))
        past = stream.past(135.0, 140.0)
        assert past.clip.frame_idxs.tolist() == [36, 37, 38, 39]
        window = type("Window", (), {})()
        window.frame_idxs, window.timestamps_s = past.clip.frame_idxs, past.clip.timestamps_s
        session = opened(model, window)
        for question in (QUESTION, "Why?"):
            same(past.ask(question, config=SHORT), session.ask(question, config=SHORT))
        same(past.locate("the ball moves"), session.locate("the ball moves"))
        with pytest.raises(InputError, match=r"expected a frame of the window.*freeze"):
            past.segment("the ball")
        box = Region.from_box(37, (5, 5, 30, 30), height=HEIGHT, width=WIDTH)
        with pytest.raises(InputError, match="pixels of frame 37 are not kept"):
            past.ask("<region>?", regions=[box], config=SHORT)
        with pytest.raises(StateError, match="have left the stream's window"):
            past.save(tmp_path / "past.session")
        assert "vision_encoder" not in past.stats
        for t0_s, t1_s, message in (
            (110.0, 112.0, "up to which nothing is kept"),
            (140.0, 158.0, "at most 8 frames between"),
            (137.0, 138.0, "a whole pair"),
            (float("nan"), 138.0, "t0_s: expected finite"),
            ("a", 138.0, "t0_s: expected finite"),
        ):
            with pytest.raises(InputError, match=message):
                stream.past(t0_s, t1_s)
        inside = stream.past(float(stream.window.timestamps_s[0]), 200.0)
        same(inside.segment("the ball"), stream.segment("the ball"))


def test_two_streams_at_once_are_each_alone(model: Any) -> None:
    alone = []
    for start in (0, 100):
        with model.open_stream() as stream:
            push(stream, range(start, start + 20))
            alone.append([stream.ask(QUESTION, config=SHORT), stream.segment("the ball")])
    with model.open_stream() as one, model.open_stream() as two:
        for idx in range(20):
            push(one, [idx])
            push(two, [100 + idx])
            if idx == 9:
                one.ask("Why?", config=SHORT)
        for stream, expected in ((two, alone[1]), (one, alone[0])):
            same(stream.ask(QUESTION, config=SHORT), expected[0])
            same(stream.segment("the ball"), expected[1])


def test_an_answer_piece_by_piece_is_about_the_window_it_began_with(
    model: Any, stream: Any
) -> None:
    push(stream, range(6))
    session = opened(model, stream.window)
    with stream.stream(QUESTION, config=SHORT) as answer:
        next(answer)
        push(stream, range(6, 30))
        for _ in answer:
            pass
    same(answer.answer, session.ask(QUESTION, config=SHORT))
    with stream.segment_stream("the ball") as masks:
        next(masks)
        expected = opened(model, stream.window).segment("the ball")
        push(stream, range(30, 60))
        for _ in masks:
            pass
    same(masks.result, expected)


def test_frames_off_the_grid_are_counted(model: Any) -> None:
    with model.open_stream(fps=2.0) as stream:
        for idx in range(98):
            stream.push(frame(idx), idx / 25)
        stream.push(frame(0), 3.88)
        stats = stream.stats
        assert stats.num_encoded == 8
        assert stats.skipped_by == {"grid": 90, "late": 1, "queue": 0, "failed": 0}
        assert (stats.num_pushed, stats.skipped, stats.num_waiting) == (99, 91, 0)
        steps = np.diff(stream.window.timestamps_s)
        assert steps.min() > 0.4 and steps.max() < 0.6


def test_spans_say_their_time_of_day(model: Any) -> None:
    day = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    for clock, walls, known in (
        ("camera", [day.timestamp() + i for i in range(8)], True),
        (
            "camera",
            [datetime.fromtimestamp(day.timestamp() + i, timezone.utc) for i in range(8)],
            True,
        ),
        ("camera", [None] * 8, False),
        ("file", [None] * 8, False),
    ):
        with model.open_stream(clock=clock) as stream:
            for idx, wall in enumerate(walls):
                stream.push(frame(idx), float(idx), wall=wall)
            result = stream.locate("the ball moves")
            (span,) = result
            assert isinstance(span, StreamSpan) and span.clock == clock
            assert span.begins_before_window == (span.start_s == 0.0)
            assert span.ends_after_window == (span.end_s == 7.0)
            if known:
                assert span.start_utc is not None and span.end_utc is not None
                assert (span.start_utc - day).total_seconds() == pytest.approx(
                    span.start_s, abs=1e-5
                )
                assert (span.end_utc - day).total_seconds() == pytest.approx(span.end_s, abs=1e-5)
            else:
                assert span.start_utc is None
            written = json.loads(result.to_json())["spans"][0]
            assert written["clock"] == clock
            assert written["start_utc"] == (span.start_utc.isoformat() if known else None)
    before = datetime.now(timezone.utc)
    with model.open_stream() as stream:
        push(stream, range(2))
        (span,) = stream.locate("the ball moves")
    assert span.clock == "arrival" and before <= span.start_utc <= datetime.now(timezone.utc)


def test_bgr_frames(model: Any) -> None:
    with model.open_stream(frames_format="bgr") as stream:
        for idx in range(4):
            stream.push(frame(idx)[:, :, ::-1], float(idx))
        same(
            stream.ask(QUESTION, config=SHORT),
            opened(model, stream.window).ask(QUESTION, config=SHORT),
        )


def test_a_cancelled_question_and_the_next_one(model: Any, stream: Any) -> None:
    push(stream, range(6))
    token = CancellationToken()
    token.cancel()
    assert stream.ask(QUESTION, cancel=token).stop_reason is StopReason.CANCELLED
    same(
        stream.ask(QUESTION, config=SHORT), opened(model, stream.window).ask(QUESTION, config=SHORT)
    )
    push(stream, range(6, 10))
    with pytest.raises(RuntimeError, match="mine"):
        stream.ask(QUESTION, on_progress=failing)
    same(
        stream.ask(QUESTION, config=SHORT), opened(model, stream.window).ask(QUESTION, config=SHORT)
    )
    stream.reset()
    same(
        stream.ask(QUESTION, config=SHORT), opened(model, stream.window).ask(QUESTION, config=SHORT)
    )


def failing(done: int, total: int) -> None:
    if done:
        raise RuntimeError("mine")


def test_answers_do_not_keep_the_pixels_of_their_frames(model: Any, tmp_path: Path) -> None:
    stream = model.open_stream()
    push(stream, range(8))
    answer = stream.segment("the ball")
    answer.save(tmp_path / "now.png")
    window = weakref.ref(stream._current.window)
    push(stream, range(8, 40))
    stream.ask("Why?", config=SHORT)
    gc.collect()
    assert window() is None
    with pytest.raises(InputError, match=r"pixels of frame \d+ are not kept any more"):
        answer.save(tmp_path / "late.png")


def test_a_budget_is_kept_to(small_package: Path) -> None:
    model = UFVideo.load(small_package, runtime=RuntimeConfig(memory_budget_bytes=60_000))
    with model.open_stream() as stream:
        with pytest.raises(CapacityError, match="stream: expected at most"):
            push(stream, range(40))
        assert model.memory_use().total_bytes <= 60_000


def test_push_ask_and_read_from_three_threads(model: Any) -> None:
    """Questions while frames come in are those of sessions on the frames they were about."""
    with model.open_stream() as stream:
        push(stream, range(2))
        done, failures = threading.Event(), []

        def camera() -> None:
            try:
                push(stream, range(2, 120))
            except Exception as error:
                failures.append(error)
            done.set()

        def reader() -> None:
            try:
                while not done.is_set():
                    stats = stream.stats
                    assert stats.num_encoded <= stats.num_pushed
                    assert len(stream.window) <= 8
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=each) for each in (camera, reader)]
        for thread in threads:
            thread.start()
        answers = []
        while not done.is_set() or not answers:
            answers.append(stream.ask(QUESTION, config=SHORT))
        for thread in threads:
            thread.join()
        assert failures == []
        stats = stream.stats
        assert (
            stats.num_pushed == 120 and stats.num_waiting + stats.num_encoded + stats.skipped == 120
        )
    if stats.skipped == 0:
        window = answers[-1].clip
        same(answers[-1], opened(model, window).ask(QUESTION, config=SHORT))


def test_a_push_does_not_wait_for_an_answer(model: Any, stream: Any) -> None:
    push(stream, range(8))
    expected = stream.ask(QUESTION, config=SHORT)
    encoded = []

    def on_text(_: Any) -> None:
        idx = 8 + 2 * len(encoded)
        camera = threading.Thread(target=push, args=(stream, [idx, idx + 1]))
        camera.start()
        camera.join(60)
        assert not camera.is_alive(), "it waits for the answer"
        encoded.append(stream.stats.num_encoded)

    same(stream.ask(QUESTION, config=SHORT, on_text=on_text), expected)
    assert encoded == [10 + 2 * i for i in range(len(encoded))] and encoded
    window = stream.window
    same(stream.ask(QUESTION, config=SHORT), opened(model, window).ask(QUESTION, config=SHORT))


def test_a_second_thread_that_asks_is_refused(stream: Any) -> None:
    push(stream, range(4))
    with stream.stream(QUESTION), pytest.raises(StateError, match="no stream under way"):
        stream.ask("Why?")
