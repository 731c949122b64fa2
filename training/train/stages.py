"""The stages of training in order: what each starts from, how long it takes, what it leaves."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from training.train.looks import LooksPrompt
from training.train.loop import Plan, train_stage
from training.train.memory_batches import memory_batches
from training.train.memory_validation import LongClips
from training.train.nano import Nano, save_whole
from training.train.occluded_validation import OccludedFrames
from training.train.pretrain_language import (
    FACT_WEIGHT,
    Reader,
    conversations,
    prepare_tokens,
    prompt_loss,
    recitals,
    right_by_kind,
    validation_batches,
)
from training.train.pretrain_masks import MaskPretraining, mask_batches
from training.train.pretrain_vision import VisionPretraining, vision_batches
from training.train.sizes import SAM2_WIDTHS
from training.train.start_from import write_heads
from training.train.train_jointly import JointTraining, joint_batches
from training.train.train_memory import MemoryTraining
from training.train.train_occluded import OccludedTraining, occluded_batches
from training.train.train_tracking import TrackingTraining, tracking_batches
from training.train.turns import TurnTokenizer
from training.train.variety import LAST, PLAIN, Variety
from training.train.workplace import Workplace
from training.train.world_tokenizer import tokenizer_sizes

PLANS = {
    plan.name: plan
    for plan in (
        Plan("vision", num_steps=4200, learning_rate=1e-3, low_precision=True),
        Plan("masks", num_steps=10000, learning_rate=6e-4, low_precision=True),
        Plan("tracking", num_steps=900, learning_rate=5e-4, low_precision=True),
        Plan("names", num_steps=1600, learning_rate=1e-3, floor=0.5, low_precision=True),
        Plan("language", num_steps=6000, learning_rate=1e-3, low_precision=True),
        Plan("joint", num_steps=300, learning_rate=3e-4, num_warmup=50, low_precision=True),
        Plan("answers", num_steps=3600, learning_rate=7e-4, num_warmup=30, low_precision=True),
        Plan("occluded", num_steps=1500, learning_rate=2e-4, num_warmup=50, low_precision=True),
        Plan("memory", num_steps=500, learning_rate=5e-4, low_precision=True),
        Plan("wordings", num_steps=3400, learning_rate=5e-4, num_warmup=100, low_precision=True),
    )
}
# Its language model is what ships.
LAST_STAGE = "wordings"
# Times are taken for right within so many tokens, at first and for the last part of a stage.
_EARLY_SPREAD, _LATE_SPREAD = 2.0, 1.0
_EARLY_PART = 0.6
_PROMPT_WEIGHT = 0.5
_VALIDATE_EVERY = 500
_VALIDATION_BATCHES = 6
_MEASURED_BATCHES = 3
# What is validated: the name before each figure, and how clips are shown and asked about.
_CANONICAL: Mapping[str, Variety] = {"": PLAIN}
_CHECKED: Mapping[str, Variety] = {
    "": PLAIN,
    "words_": Variety(reworded=1.0),
    "long_": Variety(long_share=1.0),
    "of_8_": Variety(num_frames=8),
    "of_4_": Variety(num_frames=4),
}
# Stages that came after the others were run: the seeds of those stay what they were.
_LATER = ("memory", "occluded")
# What memory is validated on.
_LONG_CLIPS, _LONG_FRAMES = 4, 200
_VALIDATE_MEMORY_EVERY = 200
# What single frames are validated on: batches of long clips and of short scenes.
_LONG_BATCHES, _SHORT_BATCHES = 3, 8
_VALIDATE_OCCLUDED_EVERY = 150


def run_stage(name: str, place: Workplace, *, num_threads: int, length: float = 1.0) -> None:
    """Run a stage to its end, from where it was left.

    Args:
        name: One of PLANS.
        place: Where earlier stages left their weights.
        num_threads: Cores to use.
        length: Part of the plan's steps to take; for trying the command out.
    """
    torch.set_num_threads(num_threads)
    torch.manual_seed(sorted(PLANS, key=lambda each: (each in _LATER, each)).index(name))
    plan = PLANS[name]
    steps = max(round(plan.num_steps * length), 2)
    plan = replace(plan, num_steps=steps, num_warmup=min(plan.num_warmup, steps // 2))
    if not place.is_done(name):
        _STAGES[name](plan, place)
        place.set_done(name)


def write_training_heads(place: Workplace, path: Path) -> None:
    """Write what the last stage leaves that no checkpoint holds; see start_from."""
    nano = Nano(tokenizer_sizes(place.tokenizer))
    reader = Reader(nano, TurnTokenizer(place.tokenizer), train_vision=False)
    _load_reader(reader, place.weights(LAST_STAGE))
    looks_prompt = LooksPrompt(SAM2_WIDTHS.hidden_size)
    _load_looks(looks_prompt, place.weights("joint"))
    write_heads(reader, looks_prompt, path)


def load_nano(place: Workplace) -> Nano:
    """Nano as the last stages left it: its words from one, its masks from the other."""
    nano = Nano(tokenizer_sizes(place.tokenizer))
    reader = Reader(nano, TurnTokenizer(place.tokenizer), train_vision=False)
    _load_reader(reader, place.weights(LAST_STAGE))
    nano.load_part(place.weights("memory"), "sam")
    return nano


def _vision(plan: Plan, place: Workplace) -> None:
    nano = Nano(tokenizer_sizes(place.tokenizer))
    module = VisionPretraining(nano)

    def losses(batch: dict[str, torch.Tensor], step: int) -> tuple[torch.Tensor, dict[str, float]]:
        found = module(batch)
        return found.total, found.scores

    def save() -> None:
        nano.save_part(place.weights(plan.name), "vision_encoder", "aligner")

    train_stage(plan, module, vision_batches, losses, place.folder, on_save=save)


def _masks(plan: Plan, place: Workplace) -> None:
    module = MaskPretraining(Nano(tokenizer_sizes(place.tokenizer)))

    def losses(batch: dict[str, torch.Tensor], step: int) -> tuple[torch.Tensor, dict[str, float]]:
        masks, looks, kind = module.losses(batch)
        return masks.total + looks, {"iou": masks.iou, "kind": kind}

    train_stage(
        plan,
        module,
        mask_batches,
        losses,
        place.folder,
        on_save=lambda: _save_sam(module, place.weights(plan.name)),
    )


def _tracking(plan: Plan, place: Workplace) -> None:
    module = TrackingTraining(Nano(tokenizer_sizes(place.tokenizer)))
    _load_sam(module, place.weights("masks"))
    _learn_tracking(plan, place, module, tracking_batches)


def _names(plan: Plan, place: Workplace) -> None:
    nano = Nano(tokenizer_sizes(place.tokenizer))
    tokenizer = TurnTokenizer(place.tokenizer)
    nano.load_part(place.weights("vision"), "vision_encoder", "aligner")
    prepare_tokens(nano, validation_batches(tokenizer, _MEASURED_BATCHES))
    reader = Reader(nano, tokenizer, train_vision=False)

    def losses(batch: list, step: int) -> tuple[torch.Tensor, dict[str, float]]:  # type: ignore[type-arg]
        facts, figures = reader.fact_loss(reader(batch), batch)
        return FACT_WEIGHT * facts, figures

    train_stage(
        plan,
        reader,
        functools.partial(recitals, place.tokenizer, batch_size=12, ramp=400),
        losses,
        place.folder,
        on_save=lambda: save_whole({"reader": reader.state_dict()}, place.weights(plan.name)),
    )


def _language(plan: Plan, place: Workplace) -> None:
    batches = functools.partial(conversations, place.tokenizer, ramp=200)
    _learn_answers(plan, place, "names", batches, early_part=_EARLY_PART)


def _answers(plan: Plan, place: Workplace) -> None:
    batches = functools.partial(conversations, place.tokenizer, late=True)
    _learn_answers(plan, place, "joint", batches)


def _wordings(plan: Plan, place: Workplace) -> None:
    batches = functools.partial(conversations, place.tokenizer, late=True, variety=LAST)
    _learn_answers(plan, place, "answers", batches, checked=_CHECKED)


def _learn_answers(
    plan: Plan,
    place: Workplace,
    start: str,
    batches: Callable[..., Any],
    *,
    early_part: float = 0.0,
    checked: Mapping[str, Variety] = _CANONICAL,
) -> None:
    """Train the language model alone, from the weights of a stage."""
    nano = Nano(tokenizer_sizes(place.tokenizer))
    tokenizer = TurnTokenizer(place.tokenizer)
    reader = Reader(nano, tokenizer, train_vision=False)
    _load_reader(reader, place.weights(start))
    looks_prompt = LooksPrompt(SAM2_WIDTHS.hidden_size)
    _load_looks(looks_prompt, place.weights("masks"))

    def losses(batch: list, step: int) -> tuple[torch.Tensor, dict[str, float]]:  # type: ignore[type-arg]
        states = reader(batch)
        spread = _EARLY_SPREAD if step < early_part * plan.num_steps else _LATE_SPREAD
        language = reader.language_loss(states, time_spread=spread)
        prompts = prompt_loss(states, batch, looks_prompt)
        facts, figures = reader.fact_loss(states, batch)
        figures |= {"language": float(language.detach()), "prompt": float(prompts.detach())}
        return language + _PROMPT_WEIGHT * prompts + FACT_WEIGHT * facts, figures

    train_stage(
        plan,
        reader,
        functools.partial(batches, batch_size=8, num_questions=12),
        losses,
        place.folder,
        validate=_validator(reader, tokenizer, checked),
        validate_every=_VALIDATE_EVERY,
        on_save=lambda: save_whole({"reader": reader.state_dict()}, place.weights(plan.name)),
    )


def _joint(plan: Plan, place: Workplace) -> None:
    nano = Nano(tokenizer_sizes(place.tokenizer))
    tokenizer = TurnTokenizer(place.tokenizer)
    module = JointTraining(nano, tokenizer)
    _load_reader(module.reader, place.weights("language"))
    _load_sam(module.tracking, place.weights("tracking"))

    def save() -> None:
        parts = {
            "reader": module.reader.state_dict(),
            "sam": nano.sam.state_dict(),
            "looks": module.tracking.looks_prompt.state_dict(),
        }
        save_whole(parts, place.weights(plan.name))

    train_stage(
        plan,
        module,
        functools.partial(joint_batches, tokenizer_folder=place.tokenizer),
        lambda batch, step: module(batch, time_spread=_LATE_SPREAD),
        place.folder,
        validate=_validator(module.reader, tokenizer),
        validate_every=_VALIDATE_EVERY,
        on_save=save,
    )


def _occluded(plan: Plan, place: Workplace) -> None:
    module = OccludedTraining(Nano(tokenizer_sizes(place.tokenizer)))
    _load_sam(module, place.weights("joint"))
    frames = OccludedFrames(module, num_long=_LONG_BATCHES, num_short=_SHORT_BATCHES)
    _learn_tracking(
        plan,
        place,
        module,
        occluded_batches,
        frames.scores,
        validate_every=_VALIDATE_OCCLUDED_EVERY,
    )


def _memory(plan: Plan, place: Workplace) -> None:
    module = MemoryTraining(Nano(tokenizer_sizes(place.tokenizer)))
    _load_sam(module, place.weights("occluded"))

    @functools.cache
    def clips() -> LongClips:
        return LongClips(module, num_clips=_LONG_CLIPS, num_frames=_LONG_FRAMES)

    _learn_tracking(plan, place, module, memory_batches, lambda: clips().scores())


def _learn_tracking(
    plan: Plan,
    place: Workplace,
    module: TrackingTraining | MemoryTraining | OccludedTraining,
    batches: Callable[[int], Iterator[Any]],
    validate: Callable[[], Mapping[str, float]] | None = None,
    validate_every: int = _VALIDATE_MEMORY_EVERY,
) -> None:
    """Train SAM 2, or a part of it."""
    train_stage(
        plan,
        module,
        batches,
        lambda batch, step: module(batch),
        place.folder,
        validate=validate,
        validate_every=validate_every if validate else 0,
        on_save=lambda: _save_sam(module, place.weights(plan.name)),
    )


_STAGES: dict[str, Callable[[Plan, Workplace], None]] = {
    "vision": _vision,
    "masks": _masks,
    "tracking": _tracking,
    "names": _names,
    "language": _language,
    "joint": _joint,
    "answers": _answers,
    "occluded": _occluded,
    "memory": _memory,
    "wordings": _wordings,
}


def _validator(
    reader: Reader, tokenizer: TurnTokenizer, checked: Mapping[str, Variety] = _CANONICAL
) -> Callable[[], Mapping[str, float]]:
    batches = [
        (name, batch)
        for name, variety in checked.items()
        for batch in validation_batches(tokenizer, _VALIDATION_BATCHES, variety=variety)
    ]

    def validate() -> Mapping[str, float]:
        found: dict[str, list[bool]] = defaultdict(list)
        with torch.no_grad():
            for name, batch in batches:
                for kind, right in right_by_kind(reader, reader(batch), batch).items():
                    found[f"{name}{kind}"] += right
        return {kind: sum(right) / len(right) for kind, right in found.items()}

    return validate


def _load_reader(reader: Reader, path: Path) -> None:
    state = torch.load(path, map_location="cpu", weights_only=True)
    reader.load_state_dict(state["reader"])


def _save_sam(
    module: MaskPretraining | TrackingTraining | MemoryTraining | OccludedTraining, path: Path
) -> None:
    parts = {"sam": module.sam.state_dict(), "looks": module.looks_prompt.state_dict()}
    save_whole(parts, path)


def _load_sam(module: TrackingTraining | MemoryTraining | OccludedTraining, path: Path) -> None:
    state = torch.load(path, map_location="cpu", weights_only=True)
    module.sam.load_state_dict(state["sam"])
    _load_looks(module.looks_prompt, path)


def _load_looks(looks_prompt: LooksPrompt, path: Path) -> None:
    """The stand-in prompts, which do not learn any more."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    looks_prompt.load_state_dict(state["looks"])
    looks_prompt.requires_grad_(False)
