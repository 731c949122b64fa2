"""Questions at once equal the recorded answers, on the golden package and on the one that ships."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.clips import draw_frames
from tests.compare import MIN_MASK_IOU, mask_iou
from tests.parity.conftest import CASES, GENERATED, TEXTS, load_case
from tests.parity.test_whole import open_case
from ufvideo_sdk import Ask, GenerationConfig, Region, UFVideo


@pytest.mark.torch
def test_recorded_cases_at_once(model: Any) -> None:
    """Regions, earlier turns, masks: every recorded case about the same frames in one batch."""
    first = load_case("segment_generated_0")
    videos = [load_case(name) for name in GENERATED if not CASES[name].get("image")]
    cases = [case for case in videos if np.array_equal(case["frames"], first["frames"])]
    assert len(cases) > 2
    asks = [
        Ask(
            case.facts["question"],
            regions=[
                Region(r["frame_idxs"], case["region_masks"][r["mask_rows"]].astype(bool))
                for r in case.facts.get("regions", [])
            ],
            history=[tuple(turn) for turn in case.facts.get("history", [])],
            segment_frames=case.facts["segment_frames"],
        )
        for case in cases
    ]
    longest = max(len(case["generated_ids"]) for case in cases)
    answers = open_case(model, first).ask_many(
        asks, config=GenerationConfig(max_new_tokens=longest)
    )
    for answer, case in zip(answers, cases, strict=True):
        recorded = case["generated_ids"].tolist()
        assert list(answer.token_ids)[: len(recorded)] == recorded, case.name
        if len(answer.token_ids) == len(recorded):
            assert answer.text == TEXTS[case.name]
            for track, masks in zip(answer.masks, case.arrays.get("pred_masks", ()), strict=True):
                assert mask_iou(track.masks, masks.astype(bool)) >= MIN_MASK_IOU


def test_nano_answers_at_once_as_one_by_one() -> None:
    """The model that ships ends its answers by itself, at different lengths."""
    session = UFVideo.load().open(draw_frames(16, height=96, width=96), fps=4.0)
    asked = [
        "What does the yellow circle do?",
        "Is there a red triangle?",
        "Describe the video.",
        "Please segment the blue square in this image.",
        "How many objects are there?",
        "What color is the square?",
    ]
    config = GenerationConfig(max_new_tokens=48)
    many = session.ask_many(asked, config=config)
    single = [session.ask(question, config=config) for question in asked]
    assert [a.token_ids for a in many] == [a.token_ids for a in single]
    assert [a.stop_reason for a in many] == [a.stop_reason for a in single]
    assert len({len(a.token_ids) for a in many}) > 2, "rows that end leave the others"
    for ours, theirs in zip(many, single, strict=True):
        assert ours.spans == theirs.spans and len(ours.masks) == len(theirs.masks)
        for a, b in zip(ours.masks, theirs.masks, strict=True):
            assert mask_iou(a.masks, b.masks) >= MIN_MASK_IOU
