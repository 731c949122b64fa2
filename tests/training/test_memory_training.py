"""What SAM 2's memory learns from, and that nothing else learns beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the export extra")
import torch

from tests.compare import assert_close
from training.train.__main__ import main
from training.train.carry import carry
from training.train.looks import NUM_LOOKS, LooksPrompt
from training.train.memory_batches import (
    FIRST_SEED,
    SEEDS_OF_BATCH,
    MemoryBatch,
    memory_batch,
)
from training.train.memory_validation import LongClips
from training.train.nano import Nano
from training.train.pretrain_language import Reader
from training.train.sizes import SAM2, SAM2_WIDTHS, TokenizerSizes
from training.train.stages import PLANS
from training.train.start_from import CHECKPOINT_FOLDER, HEADS_FILE, write_heads
from training.train.train_memory import MemoryTraining, memory_parameters
from training.train.turns import TurnTokenizer
from training.train.workplace import Workplace
from training.train.world_tokenizer import tokenizer_sizes, train_tokenizer
from training.train.write_checkpoint import write_checkpoint
from training.world import TRAIN_SEEDS, VALIDATION_SEEDS
from ufvideo_export.torch_model.mask_model import MaskDecoder, MaskEncoder
from ufvideo_export.torch_model.propagate import (
    memory_rules,
    propagate_maps,
    propagate_objects,
)

pytestmark = pytest.mark.torch
SIDE = SAM2.image_size_px


@pytest.fixture(scope="module")
def module() -> MemoryTraining:
    torch.manual_seed(0)
    return MemoryTraining(Nano(TokenizerSizes(vocab_size=64, seg_id=1)))


@pytest.fixture(scope="module")
def batches() -> list[MemoryBatch]:
    """Short runs of both kinds."""
    return [memory_batch(number) for number in range(8)]


@pytest.fixture(scope="module")
def longer() -> list[MemoryBatch]:
    """Runs in which things hide and come back."""
    return [memory_batch(number) for number in range(496, 500)]


def random_maps(module: MemoryTraining, num_frames: int, num_objects: int):
    generator = torch.Generator().manual_seed(3)
    width, grid = SAM2_WIDTHS.hidden_size, SAM2.feature_grid
    shapes = (
        (width, grid, grid),
        (width // 8, 4 * grid, 4 * grid),
        (width // 4, 2 * grid, 2 * grid),
    )
    return [
        tuple(torch.randn(num_objects, *shape, generator=generator) for shape in shapes)
        for _ in range(num_frames)
    ]


def prompts_of(num_objects: int) -> torch.Tensor:
    return torch.randn(
        num_objects, SAM2_WIDTHS.hidden_size, generator=torch.Generator().manual_seed(4)
    )


def test_a_batch_has_the_things_that_it_says(batches: list[MemoryBatch]) -> None:
    for batch in batches:
        num_frames, num_clips = batch.frames.shape[:2]
        num_things = len(batch.clips)
        assert batch.frames.shape[2:] == (SIDE, SIDE, 3) and batch.frames.dtype == torch.uint8
        assert batch.truth.shape == (num_frames, num_things, SIDE, SIDE)
        assert batch.looks.shape == (num_things, NUM_LOOKS)
        assert set(batch.clips.tolist()) == set(range(num_clips))
        assert batch.noise.shape == (len(batch.named), num_things, SAM2_WIDTHS.hidden_size)
        assert batch.truth.min() >= 0 and batch.truth.max() <= 1 + 1e-5
        assert batch.named[0] == 0 and max(batch.named) < num_frames
        assert 1 <= batch.used_memories <= SAM2_WIDTHS.num_memories


def test_what_is_named_is_seen_and_what_hides_has_no_mask(longer: list[MemoryBatch]) -> None:
    hidden = partly = 0
    for batch in longer:
        areas = batch.truth.sum((2, 3))
        assert (areas[list(batch.named)] > 0).all()
        hidden += int((areas == 0).sum())
        partly += int(((areas > 0) & (areas < 0.5 * areas.amax(0))).sum())
        # Things that are seen at once share no pixel.
        for clip in range(batch.frames.shape[1]):
            assert batch.truth[:, batch.clips == clip].sum(1).max() <= 1 + 1e-4
    assert hidden > 20 and partly > 20


def test_a_hidden_thing_comes_back(longer: list[MemoryBatch]) -> None:
    back = 0
    for batch in longer:
        seen = batch.truth.flatten(2).sum(-1) > 20
        for thing in seen.T.tolist():
            first = thing.index(False) if False in thing else len(thing)
            back += any(thing[first:])
    assert back > 3


def test_memories_are_exchanged_within_a_clip_and_never_where_things_are_named() -> None:
    exchanged = 0
    for number in range(12):
        batch = memory_batch(number)
        own = torch.arange(len(batch.clips))
        assert (batch.clips[batch.sources] == batch.clips).all()
        assert (batch.sources[list(batch.named)] == own).all()
        for row in batch.sources:
            assert sorted(row.tolist()) == own.tolist()
        exchanged += bool((batch.sources != own).any())
    assert 1 <= exchanged <= 8


def test_a_number_always_makes_the_same_batch() -> None:
    one, two = memory_batch(5), memory_batch(5)
    for name in ("frames", "truth", "looks", "clips", "noise", "sources"):
        assert torch.equal(getattr(one, name), getattr(two, name)), name
    assert one.named == two.named and one.used_memories == two.used_memories


def test_runs_grow_and_their_seeds_are_of_training_alone() -> None:
    short, long = memory_batch(0), memory_batch(PLANS["memory"].num_steps - 1)
    assert len(short.frames) == 8 and len(long.frames) >= 32
    last = FIRST_SEED + PLANS["memory"].num_steps * SEEDS_OF_BATCH
    assert FIRST_SEED >= 80_000_000 and last <= TRAIN_SEEDS.stop <= VALIDATION_SEEDS.start
    with pytest.raises(ValueError, match="number: expected below 1, got 1"):
        memory_batch(1, seeds=range(SEEDS_OF_BATCH + 1))


def test_what_is_carried_is_what_the_reference_carries(module: MemoryTraining) -> None:
    maps, prompts = random_maps(module, 20, 3), prompts_of(3)
    with torch.no_grad():
        found = carry(module.sam, maps, {0: prompts}, memory_rules(module.sam), reach=4)
        right = propagate_maps(module.sam, maps, prompts)
        for frame, (mine, theirs) in enumerate(zip(found, right, strict=True)):
            assert torch.equal(mine.mask_logits, theirs.mask_logits), frame
            assert torch.equal(mine.memory_features, theirs.memory_features), frame


def test_things_named_again_are_carried_as_by_the_reference(module: MemoryTraining) -> None:
    maps = random_maps(module, 12, 1)
    first, again = prompts_of(2)
    rules = memory_rules(module.sam, used_memories=3, max_prompted=2)
    with torch.no_grad():
        found = carry(module.sam, maps, {0: first[None], 7: again[None]}, rules)
        (right,) = propagate_objects(
            module.sam, maps, [{0: first, 7: again}], used_memories=3, max_prompted=2
        )
    for frame, mine in enumerate(found):
        assert torch.equal(mine.mask_logits, right[frame].mask_logits), frame


def test_an_exchanged_memory_is_the_other_things(module: MemoryTraining) -> None:
    maps, prompts = random_maps(module, 3, 2), prompts_of(2)
    sources = torch.tensor([[0, 1], [1, 0], [0, 1]])
    rules = memory_rules(module.sam)
    with torch.no_grad():
        mixed = carry(module.sam, maps, {0: prompts}, rules, sources=sources)
        plain = carry(module.sam, maps, {0: prompts}, rules)
    for frame in (0, 1):
        assert torch.equal(mixed[frame].mask_logits, plain[frame].mask_logits)
    assert not torch.equal(mixed[2].mask_logits, plain[2].mask_logits)


@pytest.mark.parametrize(("reach", "goes_back"), [(None, True), (2, False)])
def test_gradients_reach_back_so_many_frames(
    module: MemoryTraining, reach: int | None, goes_back: bool
) -> None:
    maps = [tuple(each.requires_grad_() for each in frame) for frame in random_maps(module, 4, 1)]
    prompts = {0: prompts_of(1)}
    found = carry(module.sam, maps, prompts, memory_rules(module.sam), reach=reach)
    found[3].mask_logits.square().sum().backward()
    assert maps[3][0].grad is not None and maps[2][0].grad is not None
    assert (maps[1][0].grad is not None) == goes_back


def test_only_memory_learns(batches: list[MemoryBatch]) -> None:
    torch.manual_seed(0)
    module = MemoryTraining(Nano(TokenizerSizes(vocab_size=64, seg_id=1)))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=0.1)
    loss, figures = module(next(each for each in batches if len(each.clips) > 1))
    loss.backward()
    optimizer.step()
    assert {"iou", "present", "absent"} == set(figures) and np.isfinite(float(loss.detach()))
    changed = {
        name for name, value in module.state_dict().items() if not torch.equal(value, before[name])
    }
    learning = {id(p) for p in memory_parameters(module.sam)}
    allowed = {name for name, p in module.named_parameters() if id(p) in learning}
    assert changed and changed <= allowed
    silent = {name for name, p in module.named_parameters() if id(p) in learning and p.grad is None}
    assert silent <= {"sam.no_object_pointer"}


def test_masks_of_single_frames_do_not_depend_on_what_learns(module: MemoryTraining) -> None:
    frames = torch.randint(
        256, (1, SIDE, SIDE, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(5)
    )
    decoder = MaskDecoder(module.sam, torch.nn.Identity())

    def segmented() -> list[torch.Tensor]:
        with torch.no_grad():
            return list(decoder(prompts_of(2), *MaskEncoder(module.sam)(frames)))

    before = segmented()
    with torch.no_grad():
        for parameter in memory_parameters(module.sam):
            parameter.add_(0.1)
    after = segmented()
    with torch.no_grad():
        for parameter in memory_parameters(module.sam):
            parameter.sub_(0.1)
    # Masks, predicted IoU and object scores; the pointers are memory's own.
    assert all(torch.equal(one, two) for one, two in zip(before[:3], after[:3], strict=True))
    assert not torch.equal(before[3], after[3])


def test_long_clips_are_scored(module: MemoryTraining) -> None:
    clips = LongClips(module, num_clips=2, num_frames=12)
    assert clips.truth.shape == (12, 4, SIDE, SIDE)
    scores = clips.scores()
    assert set(scores) == {"j", "j_seen", "absent", "other", "named"}
    assert all(0 <= value <= 1 for name, value in scores.items() if name != "absent")
    maps = clips.maps()
    assert_close(
        maps[3][0][0].numpy(), maps[3][0][1].numpy(), max_abs=0, max_rel=0, where="one clip"
    )


def test_memory_learns_from_a_trained_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command takes two steps, ends, and leaves SAM 2 with another memory alone."""
    trained, words = tmp_path / "nano", tmp_path / "tokenizer"
    words.mkdir()
    train_tokenizer(words)
    nano, tokenizer = Nano(tokenizer_sizes(words)), TurnTokenizer(words)
    write_checkpoint(nano, words, trained / CHECKPOINT_FOLDER)
    reader = Reader(nano, tokenizer, train_vision=False)
    write_heads(reader, LooksPrompt(SAM2_WIDTHS.hidden_size), trained / HEADS_FILE)
    run = tmp_path / "run"
    options = ["--from", str(trained), "--stage", "memory", "--length", "0.0001", "--threads", "1"]
    monkeypatch.setattr("sys.argv", ["training.train", str(run), *options])
    main()
    place = Workplace(run)
    assert place.is_done("memory") and not place.is_done("wordings")
    before, after = (
        torch.load(place.weights(stage), weights_only=True)["sam"] for stage in ("joint", "memory")
    )
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert {"memory_attention", "memory_encoder"} <= changed
    assert changed <= {
        "memory_attention",
        "memory_encoder",
        "memory_temporal_positional_encoding",
        "object_pointer_proj",
        "no_object_pointer",
    }
