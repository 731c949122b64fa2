"""Multiple choice as the released scripts score it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ufvideo_sdk.evaluate.datasets.record import DataSet, Record
from ufvideo_sdk.evaluate.scoring.prediction import Prediction
from ufvideo_sdk.evaluate.scoring.released_ranks import left_out, parts_of, raises, up_to_the_end
from ufvideo_sdk.evaluate.scoring.score import Sample, Score, score_of

# The position that MVBench's script takes where it cannot read an answer: the letter C.
UNREAD_POSITION = 2
_CAPITAL_IN_PARENTHESES = re.compile(r"\(([A-Z])\)")
_CAPITAL_BEFORE_ONE = re.compile(r"([A-Z])\)")


def released_option(answer: str, options: Sequence[str]) -> int:
    """Which option MVBench's script reads.

    The first capital of the options' letters counts, inside words too. With a comma beside it, or
    if the answer has neither a letter nor an option's words, it is C.

    Args:
        answer: What was answered.
        options: The options' words.
    """
    text = answer.replace("answer", "").replace("Answer", "")
    last = chr(ord("A") + len(options) - 1)
    found = re.search(rf"[(, ]*([A-{last}])[), ]*", text)
    if found is None:
        lowered = text.lower()
        named = (k for k, option in enumerate(options) if option.lower() in lowered)
        return next(named, UNREAD_POSITION)
    # What is left of the match without spaces and parentheses must be the letter alone.
    letter = found.group().strip().strip("()")
    return ord(letter) - ord("A") if len(letter) == 1 else UNREAD_POSITION


def released_letter(answer: str) -> str | None:
    """Which letter VideoRefer-Bench-Q's script reads; None if it ends with an error.

    A capital in parentheses counts, else one before a closing one, else the first character, of
    which there must be one.

    Args:
        answer: What was answered.
    """
    found = _CAPITAL_IN_PARENTHESES.search(answer) or _CAPITAL_BEFORE_ONE.search(answer)
    if found is not None:
        return found.group(1)
    return answer.replace(".", "")[:1] or None


def released_mvbench(
    data_set: DataSet, predictions: Mapping[str, Prediction]
) -> Mapping[str, Score]:
    """Accuracy over all questions, and by task."""
    samples = [
        _sample(record, released_option(predictions[record.key].text, record.options))
        for record in _written(data_set, predictions)
    ]
    return _by_group(data_set, predictions, samples)


def released_videorefer_q(
    data_set: DataSet, predictions: Mapping[str, Prediction]
) -> Mapping[str, Score]:
    """Accuracy over all questions, and by type; an empty answer ends the script."""
    samples = []
    for record in _written(data_set, predictions):
        letter = released_letter(predictions[record.key].text)
        if letter is None:
            note = f"the script ends with an error at the empty answer to {record.key}"
            return {"": Score(None, len(data_set.records), note=note)}
        samples.append(_sample(record, _position(letter)))
    return _by_group(data_set, predictions, samples)


def _written(data_set: DataSet, predictions: Mapping[str, Prediction]) -> list[Record]:
    parts = parts_of(data_set.benchmark, data_set.records)
    written = up_to_the_end(parts, lambda record: raises(record, predictions.get(record.key)))
    return [record for record in written if record.key in predictions]


def _sample(record: Record, position: int) -> Sample:
    right = float(position == record.answer_idx)
    return Sample(record.key, record.video_name, right, record.group)


def _position(letter: str) -> int:
    """Which option a character stands for, in either case; -1 if it is no letter."""
    return "abcdefghijklmnopqrstuvwxyz".find(letter.lower())


def _by_group(
    data_set: DataSet, predictions: Mapping[str, Prediction], samples: Sequence[Sample]
) -> Mapping[str, Score]:
    """Scores of all samples and of each group's; without any, the script divides by zero."""
    if not samples:
        note = "the script ends with an error: no process wrote an answer"
        return {"": Score(None, 0, note=note)}
    scores = {"": score_of(samples, is_right_or_wrong=True)}
    for group in dict.fromkeys(sample.group for sample in samples):
        part = [sample for sample in samples if sample.group == group]
        scores[group] = score_of(part, is_right_or_wrong=True)
    keys = {sample.key for sample in samples}
    written = [record for record in data_set.records if record.key in keys]
    whole = {name: Score(score.percent, score.n, score.interval) for name, score in scores.items()}
    whole[""] = replace(whole[""], failures=left_out(data_set, predictions, written))
    return whole
