"""Several questions at once are answered as one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.unit.conftest import SHORT
from ufvideo_sdk import (
    Ask,
    GenerationConfig,
    InputError,
    Region,
    StateError,
    StopReason,
    StreamAction,
    TextEvent,
    TimeSpan,
)


def questions() -> list[str | Ask]:
    """Of all kinds and many lengths; frame 3 is sampled, frames 4 and 11 are not."""
    box = Region.from_box(4, (5, 5, 20, 20), height=64, width=96)
    other = Region(np.array([3, 11]), np.repeat(box.masks, 2, axis=0)[:, ::-1].copy())
    return [
        "What color is the ball?",
        Ask("What is <region> beside <region>?", regions=[box, other]),
        Ask("What happens at <time>?", times=[TimeSpan(0.2, 0.9)]),
        Ask("And then?", history=[("What moves first?", "The ball, to the left.")]),
        "Why?",
        Ask("Where is <region>, " + "please, " * 40 + "?", regions=[box]),
    ]


def ask_one_by_one(session: Any, asked: list[str | Ask], config: GenerationConfig) -> list[Any]:
    asks = [Ask(each) if isinstance(each, str) else each for each in asked]
    return [
        session.ask(
            each.question,
            regions=each.regions,
            times=each.times,
            history=each.history,
            segment_frames=each.segment_frames,
            config=config,
        )
        for each in asks
    ]


def assert_same(many: list[Any], single: list[Any]) -> None:
    assert len(many) == len(single)
    for ours, theirs in zip(many, single, strict=True):
        assert (ours.question, ours.text, ours.token_ids) == (
            theirs.question,
            theirs.text,
            theirs.token_ids,
        )
        assert ours.spans == theirs.spans
        assert ours.stop_reason is theirs.stop_reason
        assert len(ours.masks) == len(theirs.masks)
        for a, b in zip(ours.masks, theirs.masks, strict=True):
            assert a.frame_idxs.tolist() == b.frame_idxs.tolist()
            assert np.mean(a.masks != b.masks) < 1e-3


@pytest.mark.parametrize(
    "config",
    [
        GenerationConfig(max_new_tokens=40),
        GenerationConfig(max_new_tokens=20, seed=5, temperature=1),
    ],
)
def test_answers_are_those_of_ask(model: Any, video: Any, config: GenerationConfig) -> None:
    many = model.open(video).ask_many(questions(), config=config)
    assert_same(many, ask_one_by_one(model.open(video), questions(), config))


def test_a_session_goes_on_as_before(session: Any) -> None:
    before = session.ask("Why?", config=SHORT)
    session.ask_many(questions(), config=SHORT)
    assert session.ask("Why?", config=SHORT).token_ids == before.token_ids
    assert session.ask_many([], config=SHORT) == []
    held = session.memory_bytes()
    for _ in range(3):
        session.ask_many(questions(), config=SHORT)
        assert session.memory_bytes() == held


def test_masks_are_those_of_ask(segmenting: Any) -> None:
    """The answer to "segment" holds one [SEG]; the words around it ask for other lengths."""
    frames: list[Any] = ["sampled", [2, 5], "all", [0]]
    asks: list[str | Ask] = [Ask("segment", segment_frames=each) for each in frames]
    asks[1:1] = ["What is this?"]
    many = segmenting.ask_many(asks, config=SHORT)
    single = ask_one_by_one(segmenting, asks, SHORT)
    assert_same(many, single)
    assert [len(answer.masks) for answer in many][2:] == [1, 1, 1]
    assert many[2].masks[0].frame_idxs.tolist() == [2, 5]


def test_formats_and_stop_strings_hold_for_each(session: Any) -> None:
    asks = [
        Ask("Day or night?", choices=["day", "at night"]),
        Ask("When?", response_format="span"),
        "Why?",
        Ask("What?", choices=["(A)", "(B)", "(C)"]),
    ]
    many = session.ask_many(asks, config=SHORT)
    one = session.ask("Day or night?", choices=["day", "at night"], config=SHORT)
    assert many[0].choice == one.choice in ("day", "at night")
    assert many[1].token_ids == session.ask("When?", response_format="span", config=SHORT).token_ids
    assert len(many[1].spans) == 1
    assert many[2].token_ids == session.ask("Why?", config=SHORT).token_ids
    assert many[3].choice in ("(A)", "(B)", "(C)")
    whole = session.ask("Why?", config=SHORT).text
    stopping = GenerationConfig(
        max_new_tokens=12, stop_strings=(whole[3:5],), repetition_penalty=1.3
    )
    assert_same(
        session.ask_many(["Why?", "How?"], config=stopping),
        ask_one_by_one(session, ["Why?", "How?"], stopping),
    )
    with pytest.raises(InputError, match=r"questions\[0\]: config: expected no stop_strings"):
        session.ask_many(asks, config=stopping)


def test_texts_come_interleaved_with_their_number(session: Any) -> None:
    texts = ["", "", ""]
    order = []

    def on_text(number: int, event: TextEvent) -> None:
        texts[number] += event.text
        order.append(number)

    many = session.ask_many(["Why?", "What moves?", "How?"], config=SHORT, on_text=on_text)
    assert texts == [answer.text for answer in many]
    assert order != sorted(order)


def test_an_action_ends_its_own_answer(session: Any) -> None:
    def on_text(number: int, event: TextEvent) -> StreamAction | None:
        return StreamAction.STOP if number == 1 else None

    many = session.ask_many(["Why?", "What moves?", "How?"], config=SHORT, on_text=on_text)
    assert [len(answer.token_ids) for answer in many] == [12, 1, 12]
    assert many[1].stop_reason is StopReason.STOPPED


def test_cancel_ends_all(session: Any) -> None:
    def on_text(number: int, event: TextEvent) -> None:
        if number == 2:
            session.cancel()

    many = session.ask_many(["Why?", "What moves?", "How?"], config=SHORT, on_text=on_text)
    assert [answer.stop_reason for answer in many] == [StopReason.CANCELLED] * 3
    whole = session.ask_many(["Why?"], config=SHORT)[0]
    assert many[0].token_ids == whole.token_ids[: len(many[0].token_ids)] != ()


def test_a_callback_that_fails_is_raised_unchanged(session: Any) -> None:
    def on_text(number: int, event: TextEvent) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        session.ask_many(["Why?", "How?"], config=SHORT, on_text=on_text)
    assert len(session.ask_many(["Why?", "How?"], config=SHORT)) == 2


def test_a_question_that_cannot_be_used_is_named(session: Any) -> None:
    for asked, message in (
        (["Why?", 3], r"questions\[1\]: expected a text or an Ask"),
        (["Why?", ""], r"questions\[1\]: question: expected words"),
        ([Ask("<region>?")], r"questions\[0\]: expected one <region>"),
        ("Why?", "questions: expected a sequence"),
    ):
        with pytest.raises(InputError, match=message):
            session.ask_many(asked)
    with pytest.raises(InputError, match="on_text"):
        session.ask_many(["Why?"], on_text=3)
    stream = session.stream("Why?", config=SHORT)
    with pytest.raises(StateError, match="stream under way"):
        session.ask_many(["Why?"])
    stream.close()


def test_failed_masks_leave_the_answers(segmenting: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise InputError("frame 0 cannot be read")

    monkeypatch.setattr(segmenting.clip, "chunks", broken)
    with pytest.raises(InputError, match="cannot be read") as caught:
        segmenting.ask_many(["What?", "segment", "segment"], config=SHORT)
    answers = caught.value.answers
    assert [answer.question for answer in answers] == ["What?", "segment", "segment"]
    assert caught.value.answer.text == answers[1].text
    monkeypatch.undo()
    assert segmenting.ask("segment", config=SHORT).masks
