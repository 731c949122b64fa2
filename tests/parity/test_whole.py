"""Every golden case from frames and words to ids, text and masks, through the public surface."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.compare import MIN_MASK_IOU, MIN_MASK_IOU_FP16, mask_iou
from tests.parity.conftest import TEXTS, GoldenCase, load_case
from ufvideo_sdk import GenerationConfig, Region, UFVideo

pytestmark = pytest.mark.torch


def open_case(model: Any, case: GoldenCase) -> Any:
    if case.is_image:
        return model.open(case["frames"][0])
    return model.open(case["frames"], fps=4.0)


def ask_case(session: Any, case: GoldenCase) -> Any:
    regions = [
        Region(r["frame_idxs"], case["region_masks"][r["mask_rows"]].astype(bool))
        for r in case.facts.get("regions", [])
    ]
    return session.ask(
        case.facts["question"],
        regions=regions,
        history=[tuple(turn) for turn in case.facts.get("history", [])],
        segment_frames=case.facts["segment_frames"],
        config=GenerationConfig(max_new_tokens=len(case["generated_ids"])),
    )


def check_answer(answer: Any, case: GoldenCase, min_mask_iou: float) -> None:
    assert list(answer.token_ids) == case["generated_ids"].tolist()
    assert answer.text == TEXTS[case.name]
    assert len(answer.masks) == len(case.arrays.get("pred_masks", ()))
    for track, expected in zip(answer.masks, case.arrays.get("pred_masks", ()), strict=True):
        assert track.frame_idxs.tolist() == case.facts["segment_frames"]
        assert mask_iou(track.masks, expected.astype(bool)) >= min_mask_iou


def test_answers_equal_the_reference(model: Any, generated_case: GoldenCase) -> None:
    answer = ask_case(open_case(model, generated_case), generated_case)
    check_answer(answer, generated_case, MIN_MASK_IOU)


def test_fp16_answers_equal_the_reference(model_fp16: Any, generated_case: GoldenCase) -> None:
    """Half precision moves no greedy choice of any case: regions, an image, a second turn."""
    answer = ask_case(open_case(model_fp16, generated_case), generated_case)
    check_answer(answer, generated_case, MIN_MASK_IOU_FP16)


def test_teacher_forced_masks_equal_the_reference(model: Any) -> None:
    case = load_case("segment_teacher_forced")
    session = open_case(model, case)
    tracks = session.segment("Blue square", frames=case.facts["segment_frames"])
    assert len(tracks) == 1
    assert mask_iou(tracks[0].masks, case["pred_masks"][0].astype(bool)) >= MIN_MASK_IOU
    best = case["iou_scores_predicting"][0].max(axis=1)
    assert np.abs(tracks[0].scores - best).max() < 1e-4


def test_one_session_answers_all_questions_of_a_clip(model: Any) -> None:
    """The second question equals a fresh session's: nothing of the first one stays behind."""
    names = ["segment_generated_0", "multi_turn", "segment_generated_1", "segment_generated_0"]
    cases = [load_case(name) for name in names]
    session = open_case(model, cases[0])
    for case in cases:
        assert np.array_equal(case["frames"], cases[0]["frames"])
        assert list(ask_case(session, case).token_ids) == case["generated_ids"].tolist()


@pytest.mark.parametrize("name", ["segment_generated_0", "segment_generated_1"])
def test_predicting_state_gives_the_other_recorded_masks(
    small_package_predicting: Path, name: str
) -> None:
    case = load_case(name)
    answer = ask_case(open_case(UFVideo.load(small_package_predicting), case), case)
    best = case["iou_scores_predicting"][0].max(axis=1)
    assert np.abs(answer.masks[0].scores - best).max() < 1e-4


def test_fp16_teacher_forced_masks_are_near_the_reference(model_fp16: Any) -> None:
    case = load_case("segment_teacher_forced")
    session = open_case(model_fp16, case)
    tracks = session.segment("blue square", frames=case.facts["segment_frames"])
    assert mask_iou(tracks[0].masks, case["pred_masks"][0].astype(bool)) >= MIN_MASK_IOU_FP16
