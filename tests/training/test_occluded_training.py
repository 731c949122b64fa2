"""What SAM 2 learns hidden things from, and that its memory stands still meanwhile."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the export extra")
import torch

from training.train.looks import NUM_LOOKS
from training.train.memory_batches import FIRST_SEED as FIRST_MEMORY_SEED
from training.train.memory_batches import SEEDS_OF_BATCH
from training.train.nano import Nano
from training.train.occluded_validation import OccludedFrames
from training.train.sizes import SAM2, TokenizerSizes
from training.train.stages import PLANS, run_stage
from training.train.train_memory import memory_parameters
from training.train.train_occluded import (
    FIRST_SEED,
    FRAMES,
    SCENES,
    THINGS,
    OccludedTraining,
    occluded_batch,
    occluded_batches,
    occluded_losses,
    shown_masks,
)
from training.train.workplace import Workplace
from training.train.world_tokenizer import tokenizer_sizes, train_tokenizer
from training.world import TRAIN_SEEDS

pytestmark = pytest.mark.torch
SIDE = SAM2.image_size_px
NUM_FRAMES = SCENES * FRAMES


@pytest.fixture(scope="module")
def module() -> OccludedTraining:
    torch.manual_seed(0)
    return OccludedTraining(Nano(TokenizerSizes(vocab_size=64, seg_id=1)))


def test_a_batch_has_things_that_are_hidden_in_part_and_wholly() -> None:
    batch = occluded_batch(0)
    assert batch.frames.shape == (NUM_FRAMES, SIDE, SIDE, 3) and batch.is_long
    assert batch.frames.dtype == torch.uint8
    assert batch.truth.shape == (NUM_FRAMES, THINGS, SIDE, SIDE)
    assert batch.looks.shape == (NUM_FRAMES, THINGS, NUM_LOOKS)
    assert batch.shown.all()
    areas = batch.truth[:, [0, 2]].sum((2, 3)).unflatten(0, (SCENES, FRAMES))
    shares = areas / areas.amax(1, keepdim=True)
    # Of frames drawn evenly, 17 % and 16 % of the two things' are so.
    assert ((shares > 0.03) & (shares < 0.9)).float().mean() > 0.25
    assert (shares < 0.03).float().mean() > 0.1


def test_batches_of_short_scenes_and_long_clips_take_turns() -> None:
    kinds = [batch.is_long for batch in itertools.islice(occluded_batches(0), 5)]
    assert kinds == [False, False, False, True, True]
    one, two = (next(iter(occluded_batches(3))) for _ in range(2))
    assert torch.equal(one.frames, two.frames) and torch.equal(one.truth, two.truth)


def test_seeds_are_of_training_alone_and_no_other_stage_has_them() -> None:
    last = FIRST_SEED + PLANS["occluded"].num_steps * SCENES
    assert FIRST_MEMORY_SEED + PLANS["memory"].num_steps * SEEDS_OF_BATCH <= FIRST_SEED
    assert last <= TRAIN_SEEDS.stop
    with pytest.raises(ValueError, match="number: expected below 1, got 1"):
        occluded_batch(1, seeds=range(SCENES + 1))


def test_memory_stands_still_and_the_rest_learns() -> None:
    torch.manual_seed(0)
    module = OccludedTraining(Nano(TokenizerSizes(vocab_size=64, seg_id=1)))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    loss, figures = module(occluded_batch(1))
    loss.backward()
    torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=0.1).step()
    assert {"long_iou", "long_present", "long_absent"} == set(figures)
    changed = {n for n, value in module.state_dict().items() if not torch.equal(value, before[n])}
    memory = {id(p) for p in memory_parameters(module.sam)}
    still = {name for name, p in module.named_parameters() if id(p) in memory}
    assert still and not changed & still
    assert not any(name.startswith("looks_prompt") for name in changed)
    parts = {".".join(name.split(".")[:2]) for name in changed}
    assert {"sam.mask_decoder", "sam.vision_encoder"} <= parts


def test_a_sliver_weighs_as_much_as_a_whole_thing() -> None:
    """The same share of wrong pixels costs about the same, whatever the thing's size."""
    losses = []
    for side in (8, 32):
        truth = torch.zeros(1, 128, 128)
        truth[:, :side, :side] = 1
        logits = torch.full((1, 3, 128, 128), -6.0)
        logits[:, :, : side // 2, :side] = 6.0
        loss, figures = occluded_losses(logits, torch.zeros(1, 3), torch.ones(1), truth)
        losses.append(float(loss))
        assert figures["iou"] == 0.5 and figures["present"] == 1.0
        assert np.isnan(figures["absent"])
    assert losses[0] > 0.5 * losses[1]


def test_the_candidate_that_is_best_at_full_size_learns() -> None:
    truth = torch.zeros(1, 16, 16)
    truth[:, :8] = 1
    good = torch.where(truth > 0, 9.0, -9.0)
    candidates = torch.stack([-good, good, torch.zeros_like(good)], 1).requires_grad_()
    loss, _ = occluded_losses(candidates, torch.zeros(1, 3), torch.ones(1), truth)
    loss.backward()
    touched = candidates.grad.abs().sum((0, 2, 3)) > 0
    assert touched.tolist() == [False, True, False]


def test_a_thing_that_is_not_there_has_no_mask(module: OccludedTraining) -> None:
    batch = occluded_batch(2)
    with torch.no_grad():
        masks = shown_masks(module, batch)
    assert masks.shape == batch.truth.shape and masks.dtype == torch.bool
    head = module.sam.mask_decoder.pred_obj_score_head
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.zero_()
        assert not shown_masks(module, batch).any()


def test_validation_tells_whole_partly_hidden_and_short(module: OccludedTraining) -> None:
    scores = OccludedFrames(module, num_long=1, num_short=1).scores()
    assert {"whole", "partly", "hidden", "short"} <= set(scores)
    assert all(0 <= value <= 1 for value in scores.values())


def test_the_stage_leaves_what_memory_begins_with(tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    place.tokenizer.mkdir()
    train_tokenizer(place.tokenizer)
    module = OccludedTraining(Nano(tokenizer_sizes(place.tokenizer)))
    begun = {"sam": module.sam.state_dict(), "looks": module.looks_prompt.state_dict()}
    torch.save(begun, place.weights("joint"))
    run_stage("occluded", place, num_threads=1, length=0.0001)
    left = torch.load(place.weights("occluded"), weights_only=True)
    assert set(left) == {"sam", "looks"} and place.is_done("occluded")
    name = "memory_attention.layer_norm.weight"
    assert torch.equal(left["sam"][name], begun["sam"][name])
