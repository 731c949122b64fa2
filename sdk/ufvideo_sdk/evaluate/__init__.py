"""Scores that can be trusted: data sets as published, metrics, and intervals around them.

from ufvideo_sdk.evaluate import contour_accuracy, region_similarity
j = region_similarity(mask, truth)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ufvideo_sdk.evaluate.answering.answer_data_set import answer_data_set
    from ufvideo_sdk.evaluate.answering.ask_record import AnswerOptions
    from ufvideo_sdk.evaluate.benchmarks import BENCHMARKS, Benchmark, Published, read_data_set
    from ufvideo_sdk.evaluate.datasets.check_videos import check_videos
    from ufvideo_sdk.evaluate.datasets.record import DataSet, Pixels, Reason, Record, Span
    from ufvideo_sdk.evaluate.metrics.answers import accuracy, chosen_option, rouge_l
    from ufvideo_sdk.evaluate.metrics.intervals import (
        Interval,
        bootstrap_interval,
        wilson_interval,
    )
    from ufvideo_sdk.evaluate.metrics.masks import (
        MaskScores,
        contour_accuracy,
        mask_scores,
        region_similarity,
    )
    from ufvideo_sdk.evaluate.metrics.paired import (
        Flips,
        PairedDifference,
        mcnemar,
        paired_bootstrap,
    )
    from ufvideo_sdk.evaluate.metrics.spans import recall_at, temporal_iou
    from ufvideo_sdk.evaluate.scoring.prediction import Prediction, truth_as_prediction
    from ufvideo_sdk.evaluate.scoring.released_judge import JudgeScores, released_judge_scores
    from ufvideo_sdk.evaluate.scoring.released_ranks import released_answer_files
    from ufvideo_sdk.evaluate.scoring.score import Sample, Score, ScoreRow
    from ufvideo_sdk.evaluate.scoring.score_data_set import score_data_set
    from ufvideo_sdk.evaluate.scoring.score_table import score_table, scores_to_json
    from ufvideo_sdk.evaluate.submission import write_submission

__all__ = [
    "BENCHMARKS",
    "AnswerOptions",
    "Benchmark",
    "DataSet",
    "Flips",
    "Interval",
    "JudgeScores",
    "MaskScores",
    "PairedDifference",
    "Pixels",
    "Prediction",
    "Published",
    "Reason",
    "Record",
    "Sample",
    "Score",
    "ScoreRow",
    "Span",
    "accuracy",
    "answer_data_set",
    "bootstrap_interval",
    "check_videos",
    "chosen_option",
    "contour_accuracy",
    "mask_scores",
    "mcnemar",
    "paired_bootstrap",
    "read_data_set",
    "recall_at",
    "region_similarity",
    "released_answer_files",
    "released_judge_scores",
    "rouge_l",
    "score_data_set",
    "score_table",
    "scores_to_json",
    "temporal_iou",
    "truth_as_prediction",
    "wilson_interval",
    "write_submission",
]

# Loaded when first asked for: few programs need all of it.
_HOMES = {
    "check_videos": "datasets.check_videos",
    "write_submission": "submission",
    "AnswerOptions": "answering.ask_record",
    "answer_data_set": "answering.answer_data_set",
    "Prediction": "scoring.prediction",
    "truth_as_prediction": "scoring.prediction",
    "Sample": "scoring.score",
    "Score": "scoring.score",
    "ScoreRow": "scoring.score",
    "score_data_set": "scoring.score_data_set",
    "score_table": "scoring.score_table",
    "scores_to_json": "scoring.score_table",
    "released_answer_files": "scoring.released_ranks",
    "JudgeScores": "scoring.released_judge",
    "released_judge_scores": "scoring.released_judge",
    "BENCHMARKS": "benchmarks",
    "Benchmark": "benchmarks",
    "Published": "benchmarks",
    "read_data_set": "benchmarks",
    "DataSet": "datasets.record",
    "Pixels": "datasets.record",
    "Reason": "datasets.record",
    "Record": "datasets.record",
    "Span": "datasets.record",
    "MaskScores": "metrics.masks",
    "contour_accuracy": "metrics.masks",
    "mask_scores": "metrics.masks",
    "region_similarity": "metrics.masks",
    "recall_at": "metrics.spans",
    "temporal_iou": "metrics.spans",
    "accuracy": "metrics.answers",
    "chosen_option": "metrics.answers",
    "rouge_l": "metrics.answers",
    "Interval": "metrics.intervals",
    "bootstrap_interval": "metrics.intervals",
    "wilson_interval": "metrics.intervals",
    "Flips": "metrics.paired",
    "PairedDifference": "metrics.paired",
    "mcnemar": "metrics.paired",
    "paired_bootstrap": "metrics.paired",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
