"""What the released scripts make of words and times: values worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.evaluation_sets import square
from tests.unit.scored_records import percents, prediction, record, released, rows_of
from ufvideo_sdk import InputError
from ufvideo_sdk.evaluate import (
    DataSet,
    Prediction,
    Reason,
    Record,
    Span,
    released_answer_files,
    released_judge_scores,
    score_data_set,
    truth_as_prediction,
)
from ufvideo_sdk.evaluate.datasets.mvbench import TASKS
from ufvideo_sdk.evaluate.scoring.released_answers import released_letter, released_option
from ufvideo_sdk.evaluate.scoring.released_spans import released_span


@pytest.mark.parametrize(
    ("answer", "position"),
    [
        ("(B)", 1),
        ("Because it moves", 1),
        ("The Answer is C.", 2),
        ("Answer: A", 0),
        ("Yes, A", 2),
        ("(A),", 2),
        ("it goes up", 2),
        ("I think left", 0),
        ("(b)", 2),
        ("", 2),
        ("E", 2),
    ],
)
def test_mvbench_reads_any_capital_and_else_c(answer: str, position: int) -> None:
    assert released_option(answer, ["left", "right", "down", "none"]) == position


def choice(key: str, group: str = "Action Count", benchmark_options: int = 3) -> Record:
    options = ("left", "right", "up")[:benchmark_options]
    return Record(
        key, id=key, video_name=key, group=group, options=options, answer="(B) right", answer_idx=1
    )


def test_mvbench_in_both_columns() -> None:
    groups = list(TASKS)[:2]
    records = [choice(str(k), groups[k % 2]) for k in range(4)]
    texts = ["Because it moves", "(b)", "(B)", "no idea"]
    given = [Prediction(str(k), text) for k, text in enumerate(texts)]
    rows = rows_of("mvbench", records, given)
    # A capital in a word is B, a lower-case letter is C; corrected, it is the other way around.
    assert percents(rows["accuracy"]) == (50, 50)
    assert rows["accuracy"].corrected.failures == {Reason.NO_OPTION.value: 2}
    by_group = score_data_set(DataSet("mvbench", tuple(records)), given)[1:]
    assert [percents(row) for row in by_group] == [(100, 50), (0, 50)]
    # What cannot be read is C, and right where C is.
    third = [Record("0", id="0", options=("a b", "c d", "e f"), answer_idx=2, group="Action Count")]
    assert percents(rows_of("mvbench", third, [Prediction("0", "no idea")])["accuracy"]) == (100, 0)


def test_videorefer_q_reads_letters() -> None:
    assert [released_letter(t) for t in ("(B) x", "B) x", "b", ".B", "(b)", "The A")] == [
        "B",
        "B",
        "b",
        "B",
        "(",
        "T",
    ]
    texts = ["(B) right", "b", "(b)", "It is right."]
    records = [choice(str(k), "Basic Questions") for k in range(4)]
    given = [Prediction(str(k), text) for k, text in enumerate(texts)]
    assert percents(rows_of("videorefer-q", records, given)["accuracy"]) == (50, 100)


def test_videorefer_q_ends_at_an_empty_answer() -> None:
    records = [choice(str(k), "Basic Questions") for k in range(2)]
    for empty in ("", "."):
        given = [Prediction("0", "(B)"), Prediction("1", empty)]
        row = rows_of("videorefer-q", records, given)["accuracy"]
        assert percents(row) == (None, 50)
        assert "empty answer to 1" in released(row).note


def span_record(key: str, start: float, end: float, **fields: object) -> Record:
    span = Span(start, end, is_fraction=True)
    return Record(key, id=key, video_name=key, span=span, **fields)  # type: ignore[arg-type]


def tokens(start: int, end: int) -> str:
    return f"{{<TEMP-{start:03d}><TEMP-{end:03d}>}}"


def test_spans_are_read_with_five_digits_and_alone_in_braces() -> None:
    assert released_span(f"It is {tokens(10, 50)}.") == (0.10101, 0.50505)
    assert released_span("{0.25, 1}") == (0.25, 1.0)
    for unread in ("never", "{<TEMP-010>}", "{<TEMP-010> <TEMP-050> }", "<TEMP-010><TEMP-050>"):
        assert released_span(unread) == (0, 0)


def test_charades_scores_the_next_video_twice_for_one_that_cannot_be_read() -> None:
    records = [span_record(str(k), 0, 99 / 99) for k in range(4)]
    given = [
        Prediction("0", failure=Reason.UNREADABLE_VIDEO),
        Prediction("1", tokens(0, 99)),
        Prediction("2", "no idea"),
        Prediction("3", tokens(0, 33)),
    ]
    rows = rows_of("charades-sta", records, given)
    third = 100 * 0.33333
    assert percents(rows["tIoU"]) == (
        pytest.approx((200 + 0 + third) / 4),
        pytest.approx((0 + 100 + 0 + 100 / 3) / 4),
    )
    assert percents(rows["R@0.3"]) == (75, 50)
    assert percents(rows["R@0.5"]) == (50, 25)
    assert released(rows["tIoU"]).failures == {Reason.UNREADABLE_VIDEO.value: 1}
    assert rows["tIoU"].corrected.failures == {
        Reason.UNREADABLE_VIDEO.value: 1,
        Reason.NO_SPAN.value: 1,
    }


def test_charades_ends_if_the_last_video_of_a_process_cannot_be_read() -> None:
    records = [span_record("0", 0, 1), span_record("1", 0, 1, problem=Reason.MISSING_VIDEO)]
    row = rows_of("charades-sta", records, [Prediction("0", tokens(0, 99))])["tIoU"]
    assert percents(row) == (None, 50)
    assert "1, its last one, cannot be read" in released(row).note


def test_charades_divides_by_zero_where_nothing_has_a_length() -> None:
    half = span_record("0", 33 / 99, 33 / 99)
    moment = Prediction("0", "{0.5,0.5}", span=Span(0.5, 0.5, is_fraction=True))
    records = [span_record("0", 0.5, 0.5)]
    row = rows_of("charades-sta", records, [moment])["tIoU"]
    assert percents(row) == (None, 100)
    assert "divides by zero at 0" in released(row).note
    assert percents(rows_of("charades-sta", [half], [Prediction("0", tokens(33, 66))])["tIoU"]) == (
        0,
        0,
    )


def test_reversed_and_unreadable_spans_count_0() -> None:
    records = [span_record("0", 0.2, 0.6), span_record("1", 0.2, 0.6)]
    given = [Prediction("0", tokens(60, 20)), Prediction("1", "at the beginning")]
    row = rows_of("charades-sta", records, given)["tIoU"]
    assert percents(row) == (0, 0) and released(row).n == 2
    assert row.corrected.failures == {Reason.REVERSED_SPAN.value: 1, Reason.NO_SPAN.value: 1}
    assert row.corrected.percent_without_failures is None


def test_seconds_need_a_duration() -> None:
    timed = Record("0", id="0", video_name="0", span=Span(10.0, 20.0, is_fraction=False))
    given = Prediction("0", tokens(0, 99), duration_s=40.0)
    assert percents(rows_of("charades-sta", [timed], [given])["tIoU"]) == (25, 25)
    with pytest.raises(InputError, match="expected a duration_s above 0 for '0'"):
        rows_of("charades-sta", [timed], [Prediction("0", tokens(0, 99))])


def test_pixtrqa_ends_its_process_at_an_answer_without_a_full_stop() -> None:
    truth = {0: square(2)}
    reference = "{<TEMP-000><TEMP-099>}. It moves. The segmentation mask is [SEG]."
    records = [
        record(str(k), truth, reference=reference, span=Span(0, 1, is_fraction=True))
        for k in range(16)
    ]
    given = [truth_as_prediction(each) for each in records]
    given[2] = prediction("2", truth, text="{<TEMP-000><TEMP-099>} it moves")
    rows = rows_of("pixtrqa", records, given)
    # Eight processes of two records each: the second one writes nothing.
    for metric in ("J", "tIoU", "R@0.5"):
        assert percents(rows[metric]) == (100, 100)
        assert released(rows[metric]).n == 14
        assert released(rows[metric]).failures == {"its process ended": 2}
    assert rows["ROUGE-L"].corrected.percent == 100


def test_a_video_that_cannot_be_read_ends_its_process() -> None:
    """16 questions, two for each process: the first one's are not written."""
    records = [choice(str(k)) for k in range(16)]
    given = [Prediction(str(k), "(B)") for k in range(16)]
    given[0] = Prediction("0", failure=Reason.UNREADABLE_VIDEO)
    row = rows_of("mvbench", records, given)["accuracy"]
    assert percents(row) == (100, 100 * 15 / 16)
    assert released(row).n == 14
    assert released(row).failures == {Reason.UNREADABLE_VIDEO.value: 1, "its process ended": 1}


def test_the_judge_is_read_line_by_line() -> None:
    whole = "\n".join(
        f"{k}. {name}: {value}\nExplanation: x"
        for k, (name, value) in enumerate(
            [
                ("Subject Correspondence", 5),
                ("Appearance Description", 4),
                ("Temporal Description", 3),
                ("Hallucination Detection", 2),
            ],
            start=1,
        )
    )
    bold = whole.replace("Temporal Description", "**Temporal Description**").replace(
        ": 5", ": **5**"
    )
    found = released_judge_scores([whole, bold, None, "1. Subject Correspondence: ..."])
    # Each dimension has a number of its own; a failed reply and an unreadable one count nowhere.
    assert found.counts == {
        "Subject Correspondence": 1,
        "Appearance Description": 2,
        "Temporal Description": 1,
        "Hallucination Detection": 2,
    }
    assert found.num_dropped == 2
    assert found.average == (5 + 4 + 3 + 2) / 4
    assert found.average_without_temporal == pytest.approx((5 + 4 + 2) / 3)
    assert released_judge_scores([None]).average is None


def test_stale_ranks_and_other_models_are_read(tmp_path: Path) -> None:
    for name in ("nano_rank0.json", "nano_rank7.json", "nano_old_rank0.json", "other_rank0.json"):
        (tmp_path / name).touch()
    found = released_answer_files(tmp_path / "nano.json")
    assert [path.name for path in found] == [
        "nano_old_rank0.json",
        "nano_rank0.json",
        "nano_rank7.json",
    ]
