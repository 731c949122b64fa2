"""Which records the released scripts write answers of: each process takes a part of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from ufvideo_sdk.evaluate.datasets.record import DataSet, Reason, Record
from ufvideo_sdk.evaluate.scoring.prediction import Prediction

# Processes of each command, as its script has them by default.
NUM_RANKS = {
    "pixrqa": 2,
    "pixhqa": 2,
    "pixtrqa": 8,
    "mvbench": 8,
    "charades-sta": 2,
    "videorefer-q": 8,
    "videorefer-d": 8,
}
_DEFAULT_RANKS = 8
ENDED = "its process ended"
# What a data loader raises at, and with it the process that has it.
_RAISES = frozenset({Reason.MALFORMED, Reason.MISSING_VIDEO, Reason.UNREADABLE_VIDEO})


def parts_of(benchmark: str, records: Sequence[Record]) -> list[Sequence[Record]]:
    """The records of each process: equal parts, in the order of the file."""
    size = math.ceil(len(records) / NUM_RANKS.get(benchmark, _DEFAULT_RANKS))
    return [records[begin : begin + size] for begin in range(0, len(records), size)]


def raises(record: Record, prediction: Prediction | None) -> bool:
    """Whether a released process ends at this record, because nothing catches what is raised."""
    failed = prediction is not None and prediction.failure is not None
    return failed or record.problem in _RAISES


def up_to_the_end(
    parts: Sequence[Sequence[Record]], ends: Callable[[Record], bool]
) -> list[Record]:
    """The records that are written if each process goes on to the first one that ends it.

    The other processes are taken to go on: `torchrun` ends them too, at a moment nobody knows.
    """
    written = []
    for part in parts:
        for record in part:
            if ends(record):
                break
            written.append(record)
    return written


def left_out(
    data_set: DataSet, predictions: Mapping[str, Prediction], written: Iterable[Record]
) -> dict[str, int]:
    """How many records a released script leaves out, by reason."""
    keys = {record.key for record in written}
    reasons = [
        _reason(record, predictions.get(record.key))
        for record in data_set.records
        if record.key not in keys
    ]
    return dict(Counter(reasons))


def _reason(record: Record, prediction: Prediction | None) -> str:
    if record.problem in _RAISES and record.problem is not None:
        return record.problem.value
    if prediction is None:
        return Reason.NO_ANSWER.value
    return ENDED if prediction.failure is None else prediction.failure.value


def released_answer_files(path: str | Path) -> list[Path]:
    """The files that a released scorer reads if it is told to read `NAME.json`: `NAME_*.json`.

    Ranks of an earlier run with more processes are among them, and files of models whose names
    begin alike.

    Args:
        path: `NAME.json`, which need not exist.
    """
    named = Path(path)
    return sorted(named.parent.glob(named.name.replace(".json", "_*.json")))
