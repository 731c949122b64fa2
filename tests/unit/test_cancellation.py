"""A token of one call, cancelled before it and during it; progress; statistics meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ufvideo_sdk import (
    CancellationToken,
    CancelledError,
    GenerationConfig,
    InputError,
    Region,
    StateError,
    StopReason,
    UFVideo,
)

FRAMES = np.random.default_rng(5).integers(0, 256, (20, 60, 80, 3), np.uint8)
SHORT = GenerationConfig(max_new_tokens=8)


@pytest.fixture(scope="module")
def model() -> UFVideo:
    return UFVideo.load()


@pytest.fixture
def session(model: UFVideo) -> Any:
    with model.open(FRAMES, fps=4.0) as session:
        yield session


def marked() -> Region:
    """On a frame that the model has not looked at."""
    return Region.from_box(1, (5, 5, 30, 30), height=60, width=80)


CALLS: dict[str, Callable[..., Any]] = {
    "ask": lambda s, **options: s.ask("Why?", config=SHORT, **options),
    "ask about a region": lambda s, **options: s.ask(
        "What is [<region>]?", regions=[marked()], config=SHORT, **options
    ),
    "stream": lambda s, **options: _streamed(s, **options),
    "ask_many": lambda s, **options: s.ask_many(["Why?", "When?"], config=SHORT, **options),
    "locate": lambda s, **options: s.locate("it stops", **options),
    "segment": lambda s, **options: s.segment("the ball", **options),
}


def _streamed(session: Any, **options: Any) -> Any:
    stream = session.stream("Why?", config=SHORT, **options)
    list(stream)
    return stream.answer


def is_ended(result: Any) -> bool:
    """Whether nothing was done of it."""
    if isinstance(result, list) and result and hasattr(result[0], "stop_reason"):
        return all(is_ended(each) for each in result)
    if hasattr(result, "stop_reason"):
        return result.stop_reason is StopReason.CANCELLED and not result.token_ids
    return bool(result == [])


@pytest.mark.parametrize("name", CALLS)
def test_a_token_cancelled_before_the_call_ends_it_and_no_other(session: Any, name: str) -> None:
    cancel = CancellationToken()
    cancel.cancel()
    before = session.stats
    for _ in range(2):
        assert is_ended(CALLS[name](session, cancel=cancel)), "a token stays cancelled"
    assert session.stats == before, "nothing was computed"
    assert not is_ended(CALLS[name](session))
    assert not is_ended(CALLS[name](session, cancel=CancellationToken()))


@pytest.mark.parametrize("name", CALLS)
def test_a_token_cancelled_when_the_call_reports_ends_it(session: Any, name: str) -> None:
    """At its first report nothing is done, so nothing comes of it."""
    cancel = CancellationToken()
    result = CALLS[name](session, cancel=cancel, on_progress=lambda *_: cancel.cancel())
    assert is_ended(result)
    assert not is_ended(CALLS[name](session))


@pytest.mark.parametrize("name", CALLS)
def test_cancel_of_the_session_ends_the_call_under_way_only(session: Any, name: str) -> None:
    session.cancel()
    assert not is_ended(CALLS[name](session)), "nothing was under way"
    token = CancellationToken()
    result = CALLS[name](session, cancel=token, on_progress=lambda *_: session.cancel())
    assert is_ended(result)
    assert not token.is_cancelled, "the caller's token may belong to other calls too"
    assert not is_ended(CALLS[name](session, cancel=token))


def test_opening_ends_with_an_error(model: UFVideo) -> None:
    cancel = CancellationToken()
    with pytest.raises(CancelledError, match="cancelled"):
        model.open(FRAMES, fps=4.0, cancel=cancel, on_progress=lambda *_: cancel.cancel())
    with pytest.raises(CancelledError, match="cancelled"):
        model.open(FRAMES, fps=4.0, cancel=cancel)
    assert issubclass(CancelledError, StateError)


def test_a_child_is_cancelled_with_its_parent_and_not_the_other_way(session: Any) -> None:
    parent = CancellationToken()
    one, other = parent.child(), parent.child()
    one.cancel()
    assert (one.is_cancelled, other.is_cancelled, parent.is_cancelled) == (True, False, False)
    assert not is_ended(session.ask("Why?", config=SHORT, cancel=other))
    parent.cancel()
    assert other.is_cancelled
    assert is_ended(session.ask("Why?", config=SHORT, cancel=other))


def test_a_cancelled_answer_keeps_its_tokens_and_its_session(session: Any) -> None:
    whole = session.ask("Why?", config=SHORT)
    for num_tokens in range(1, 4):
        cancel = CancellationToken()
        seen: list[int] = []

        def end_there(
            event: Any, seen: list[int] = seen, at: int = num_tokens, token: Any = cancel
        ) -> None:
            seen.append(event.token_id)
            if len(seen) == at:
                token.cancel()

        answer = session.ask("Why?", config=SHORT, on_text=end_there, cancel=cancel)
        assert answer.stop_reason is StopReason.CANCELLED
        assert answer.token_ids == whole.token_ids[:num_tokens]
        assert session.ask("Why?", config=SHORT).token_ids == whole.token_ids


def reports(call: Callable[..., Any]) -> list[tuple[int, int]]:
    seen: list[tuple[int, int]] = []
    call(on_progress=lambda done, total: seen.append((done, total)))
    return seen


def runs(seen: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """The reports, cut where they begin again with 0."""
    parts: list[list[tuple[int, int]]] = []
    for each in seen:
        if each[0] == 0 and (not parts or parts[-1][-1][0] != 0):
            parts.append([])
        parts[-1].append(each)
    return parts


def test_progress_counts_from_nothing_to_all(model: UFVideo, session: Any) -> None:
    opening = reports(lambda **options: model.open(FRAMES, fps=4.0, **options))
    num_sampled = len(np.unique(session.clip.sampled_idxs(model.manifest.video.num_frames)))
    assert opening[0] == (0, num_sampled) and opening[-1] == (num_sampled, num_sampled)
    expected = {
        "ask": ["positions"],
        "locate": ["positions"],
        "stream": ["positions"],
        "segment": ["positions", "frames"],
        "ask_many": ["answers"],
    }
    for name, kinds in expected.items():
        session.reset()
        seen = reports(lambda name=name, **options: CALLS[name](session, **options))
        parts = runs(seen)
        assert len(parts) >= len(kinds), (name, seen)
        for part in parts:
            total = part[0][1]
            assert part[0][0] == 0 and part[-1] == (total, total)
            assert [done for done, _ in part] == sorted(done for done, _ in part)
        if kinds[0] == "positions":
            assert parts[0][-1][0] > 128, "the video's tokens are among them"
        if kinds[0] == "answers":
            assert parts[0][-1] == (2, 2)
        if kinds[-1] == "frames":
            assert parts[1][-1] == (num_sampled, num_sampled)


class BoomError(Exception):
    pass


def boom(*_: Any) -> None:
    raise BoomError


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("at", [1, 2])
def test_an_exception_of_on_progress_is_raised_unchanged(session: Any, name: str, at: int) -> None:
    whole = CALLS[name](session)
    session.reset()
    num_calls = 0

    def later(*_: Any) -> None:
        nonlocal num_calls
        num_calls += 1
        if num_calls == at:
            raise BoomError

    with pytest.raises(BoomError):
        CALLS[name](session, on_progress=later)
    again = CALLS[name](session)
    assert getattr(again, "token_ids", None) == getattr(whole, "token_ids", None)


def test_an_exception_of_on_progress_ends_opening(model: UFVideo) -> None:
    with pytest.raises(BoomError):
        model.open(FRAMES, fps=4.0, on_progress=boom)


@pytest.mark.parametrize("name", CALLS)
def test_arguments_of_another_kind(model: UFVideo, session: Any, name: str) -> None:
    for options, message in (
        ({"cancel": 5}, "cancel: expected a CancellationToken, got int 5"),
        ({"on_progress": 5}, "on_progress: expected a callable or None, got int 5"),
    ):
        with pytest.raises(InputError, match=message):
            CALLS[name](session, **options)
        with pytest.raises(InputError, match=message):
            model.open(FRAMES, fps=4.0, **options)  # type: ignore[arg-type]


def test_statistics_neither_fail_nor_fail_a_question(session: Any) -> None:
    """A thread that polls them as fast as it can, beside a hundred questions."""
    done = threading.Event()
    num_polls = 0
    failures: list[BaseException] = []

    def poll() -> None:
        nonlocal num_polls
        try:
            while not done.is_set():
                assert session.memory_bytes() > 0
                assert session.stats["vision_encoder"].num_calls > 0
                num_polls += 1
        except BaseException as error:
            failures.append(error)

    expected = session.ask("Why?", config=SHORT).token_ids
    threads = [threading.Thread(target=poll) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(100):
            assert session.ask("Why?", config=SHORT).token_ids == expected
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert failures == [] and num_polls > 100


def test_statistics_inside_the_callbacks_are_those_of_now(session: Any) -> None:
    num_calls: list[int] = []
    held: list[int] = []

    def look(*_: Any) -> None:
        num_calls.append(session.stats["language_model"].num_calls)
        held.append(session.memory_bytes())

    session.ask("Why?", config=SHORT, on_text=look)
    assert num_calls == sorted(set(num_calls)), "one more step each time"
    tracked: list[int] = []
    session.segment(
        "the ball",
        on_progress=lambda *_: tracked.append(session.stats.get("mask_decoder", None) is not None),
    )
    assert tracked[-1] and min(held) > 0


def test_tokens_that_a_stop_string_cut_off_were_generated(session: Any) -> None:
    """num_generated_tokens is what decoding took, token_ids what the answer is made of."""
    whole = session.ask("What happens?", config=GenerationConfig(max_new_tokens=16))
    stop = " ".join(whole.text.split()[1:3])
    cut = session.ask(
        "What happens?", config=GenerationConfig(max_new_tokens=16, stop_strings=(stop,))
    )
    assert cut.stop_reason is StopReason.STOP_STRING
    assert cut.stats.num_generated_tokens > len(cut.token_ids)
