"""Answers that are held to a format, whatever a model of random weights would rather say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.compare import EXACT, assert_close
from tests.unit.conftest import SHORT
from ufvideo_sdk import (
    CapacityError,
    ConfigError,
    GenerationConfig,
    InputError,
    StopReason,
    StreamAction,
)

WARM = [GenerationConfig(max_new_tokens=12, temperature=50.0, seed=seed) for seed in range(30)]
LETTERS = ("(A)", "(B)", "(C)", "(D)")


def all_times(session: Any) -> tuple[float, float]:
    return float(session.clip.timestamps_s[0]), float(session.clip.timestamps_s[-1])


def test_locate_gives_one_span_in_order_whatever_is_drawn(session: Any) -> None:
    first_s, last_s = all_times(session)
    found = [session.locate(f"event {i}", config=config) for i, config in enumerate(WARM)]
    assert all(len(spans) == 1 for spans in found)
    assert all(first_s <= span.start_s <= span.end_s <= last_s for (span,) in found)
    assert len({span for (span,) in found}) > 10


def test_locate_may_find_nothing_where_that_is_allowed(session: Any) -> None:
    greedy = session.locate("The ball moves.", allow_absent=True, config=SHORT)
    found = [session.locate("x", allow_absent=True, config=config) for config in WARM]
    assert all(len(spans) <= 1 for spans in [greedy, *found])
    assert [] in found and any(found)
    assert all(spans[0].start_s <= spans[0].end_s for spans in found if spans)


def test_locate_never_gives_half_a_span(session: Any) -> None:
    """One token is no span: a model that may use words is cut off there, in some after a time."""
    assert session.locate("x", config=GenerationConfig(max_new_tokens=4))
    for seed in range(60):
        config = GenerationConfig(max_new_tokens=1, temperature=50.0, seed=seed)
        assert session.locate("x", allow_absent=True, config=config) == []
    with pytest.raises(ConfigError, match=r"max_new_tokens: expected 4 or more.*got 3"):
        session.locate("x", config=GenerationConfig(max_new_tokens=3))


def test_the_span_is_written_as_trained(model: Any, session: Any) -> None:
    answer = session.ask("When?", response_format="span", config=SHORT)
    first, second = (int(text[6:9]) for text in (answer.text[1:11], answer.text[11:21]))
    assert answer.text == f"{{<TEMP-{first:03d}><TEMP-{second:03d}>}}" and first <= second
    assert answer.stop_reason is StopReason.END
    assert len(answer.spans) == 1 and answer.choice is None
    assert answer.token_ids == (
        *model.prompts.answer_ids("{"),
        model.manifest.tokens.time_first_id + first,
        model.manifest.tokens.time_first_id + second,
        *model.prompts.answer_ids("}"),
    )
    # The end needs no step: prompt, and each token but the last.
    assert answer.stats.stages["language_model"].num_calls == len(answer.token_ids)


def test_a_moment_is_one_time(session: Any) -> None:
    for config in WARM[:8]:
        answer = session.ask("At what time?", response_format="moment", config=config)
        assert len(answer.token_ids) == 1 and answer.spans[0].is_moment
        assert answer.stop_reason is StopReason.END


def test_a_choice_is_one_of_the_texts(session: Any) -> None:
    answer = session.ask("Which?", choices=LETTERS, config=SHORT)
    assert answer.choice in LETTERS and answer.text.lower() == answer.choice.lower()
    assert answer.stop_reason is StopReason.END
    assert answer.masks == () and answer.spans == ()


def test_every_choice_may_come(session: Any) -> None:
    texts = ["yes", "yes it is", "no", "日本語", " é 👩‍👧"]
    answer = session.ask("Is it?", choices=texts)
    assert list(answer.choice_probabilities) == texts and answer.choice in texts
    assert all(0 < each < 1 for each in answer.choice_probabilities.values())
    for text in texts:
        for case in ("model", "exact"):
            alone = session.ask("Is it?", choices=[text], choice_case=case)
            assert alone.choice == text and alone.choice_probabilities == {text: 1.0}
        assert alone.text == text


def test_a_stream_of_a_choice_equals_ask(session: Any) -> None:
    asked = session.ask("Which?", choices=LETTERS, config=SHORT)
    stream = session.stream("Which?", choices=LETTERS, config=SHORT)
    assert "".join(event.text for event in stream) == asked.text == stream.answer.text
    assert stream.answer.choice == asked.choice in LETTERS
    assert stream.answer.token_ids == asked.token_ids
    moment = session.stream("When?", response_format="moment", config=SHORT)
    assert len(list(moment)) == 1 and moment.answer.spans[0].is_moment


def test_a_choice_that_was_cut_short_is_none(session: Any) -> None:
    answer = session.ask("Which?", choices=["one two three"], on_text=lambda _: StreamAction.STOP)
    assert answer.stop_reason is StopReason.STOPPED and answer.choice is None


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ([], "choices: expected one or more texts, got none"),
        ("(A)", "choices: expected a sequence"),
        (["a", ""], r"choices\[1\]: expected words, got ''"),
        (["a", 3], r"choices\[1\]: expected text, got int"),
        (["a", "b", "a"], r"choices\[2\]: expected each text once, got 'a' again"),
        (["\u00e9", "e\u0301"], r"choices\[1\]: expected each text once"),
        (["a\ud800"], r"choices\[0\]: expected Unicode text"),
    ],
)
def test_choices_that_are_refused(session: Any, choices: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        session.ask("Which?", choices=choices)
    with pytest.raises(InputError, match=message):
        session.stream("Which?", choices=choices)


def test_formats_that_are_refused(session: Any, model: Any) -> None:
    with pytest.raises(InputError, match='"span", "moment" or None, got str \'date\''):
        session.ask("When?", response_format="date")
    with pytest.raises(InputError, match="choices: expected no response_format"):
        session.ask("When?", response_format="span", choices=["a"])
    stops = GenerationConfig(stop_strings=("}",))
    for ask in (
        lambda: session.ask("When?", response_format="span", config=stops),
        lambda: session.ask("Which?", choices=["a"], config=stops),
        lambda: session.locate("x", config=stops),
    ):
        with pytest.raises(InputError, match="expected no stop_strings"):
            ask()
    with pytest.raises(ConfigError, match="max_new_tokens: expected 3 or more, the tokens of"):
        session.ask("Which?", choices=LETTERS, config=GenerationConfig(max_new_tokens=1))
    image = model.open(np.zeros((50, 70, 3), np.uint8))
    with pytest.raises(InputError, match="an image has no times"):
        image.ask("When?", response_format="moment")
    assert image.ask("Which?", choices=LETTERS).choice in LETTERS
    with pytest.raises(CapacityError, match="the longest in the format"):
        session.ask("Which?", choices=["a " * 4090], config=GenerationConfig(max_new_tokens=4096))


def test_stop_strings_end_ask_and_stream_alike(segmenting: Any) -> None:
    whole = segmenting.ask("segment", config=SHORT)
    stop = whole.text[4:7]
    config = GenerationConfig(max_new_tokens=12, stop_strings=(stop, "never there"))
    asked = segmenting.ask("segment", config=config)
    assert asked.text == whole.text[: whole.text.index(stop)]
    assert asked.stop_reason is StopReason.STOP_STRING
    assert asked.token_ids == whole.token_ids[: len(asked.token_ids)]
    events: list[str] = []
    heard = segmenting.ask("segment", config=config, on_text=lambda e: events.append(e.text))
    stream = segmenting.stream("segment", config=config)
    pieces = [event.text for event in stream]
    assert "".join(events) == "".join(pieces) == asked.text == heard.text == stream.answer.text
    assert stream.answer.token_ids == heard.token_ids == asked.token_ids
    assert stream.answer.stop_reason is StopReason.STOP_STRING
    # What was cut is what a next turn sees.
    prompts, clip = segmenting._model.prompts, segmenting.clip
    from ufvideo_sdk.text.prompt import Question

    ids = prompts.build(Question("Why?", history=[("segment", asked)]), clip)
    assert f"assistant\n{asked.text}<|im_end|>" in segmenting._model.tokenizer.decode(
        [i for i in ids if i >= 0]
    )


def test_a_mask_behind_a_stop_string_is_not_made(segmenting: Any) -> None:
    whole = segmenting.ask("segment", config=SHORT)
    assert len(whole.masks) == 1
    stopped = GenerationConfig(max_new_tokens=12, stop_strings=("[SEG]",))
    answer = segmenting.ask("segment", config=stopped)
    assert answer.masks == () and "[SEG]" not in answer.text
    later = whole.text[whole.text.index("[SEG]") + 5 :]
    if later:
        behind = GenerationConfig(max_new_tokens=12, stop_strings=(f"[SEG]{later[0]}", later))
        cut = segmenting.ask("segment", config=behind)
        assert len(cut.masks) == cut.text.count("[SEG]")


def test_a_conversation_goes_on_from_the_cache(model: Any, video: Path) -> None:
    session = model.open(video)
    turns: list[tuple[str, Any]] = []
    num_before = 0
    for number, question in enumerate(("What moves?", "Which colour?", "Why?")):
        answer = session.ask(question, history=turns, config=SHORT)
        fresh = model.open(video).ask(question, history=turns, config=SHORT)
        assert answer.token_ids == fresh.token_ids
        assert answer.spans == fresh.spans
        for ours, theirs in zip(answer.masks, fresh.masks, strict=True):
            assert_close(ours.masks, theirs.masks, EXACT, where="masks")
        stats, all_tokens = answer.stats, fresh.stats.num_prefill_tokens
        assert stats.num_reused_tokens + stats.num_prefill_tokens == all_tokens
        if number:
            # The last token of the turn before, its end, the new question and the template.
            added = len(model.tokenizer.encode_text(question))
            assert stats.num_prefill_tokens < added + 20
            assert stats.num_reused_tokens > num_before
        num_before = all_tokens
        turns.append((question, answer))


def test_an_answer_does_not_end_before_its_least_number_of_tokens(session: Any) -> None:
    ends = set(session._model.manifest.tokens.end_ids)
    for seed in range(20):
        config = GenerationConfig(max_new_tokens=12, min_new_tokens=12, temperature=50.0, seed=seed)
        tokens = session.ask("What?", config=config).token_ids
        assert len(tokens) == 12 and not ends & set(tokens[:-1])
    batch = session.ask_many(["What?", "Where?"], config=config)
    assert [len(answer.token_ids) for answer in batch] == [12, 12]
    config = GenerationConfig(min_new_tokens=12)
    for constraint in ({"response_format": "span"}, {"choices": LETTERS}):
        with pytest.raises(InputError, match="min_new_tokens: expected 0 beside choices"):
            session.ask("What?", config=config, **constraint)
