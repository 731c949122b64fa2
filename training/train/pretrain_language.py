"""Third stage of training: the language model learns to answer from what the vision stages see.

The vision encoder and the aligner stand still. [SEG] states learn the prompts that SAM 2 was
trained with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from training.tasks.task import NUM_TIME_TOKENS
from training.train.conversation import (
    NUM_VIDEO_TOKENS,
    Conversation,
    converse,
    recite,
)
from training.train.even_tokens import TOKEN_SPREAD, even_out, shrink, standardise_inputs
from training.train.fact_heads import ClockHead, FactHeads, SceneHead, time_entropy
from training.train.looks import LooksPrompt
from training.train.nano import Nano
from training.train.packed_attention import run_layers
from training.train.sizes import NUM_FRAMES
from training.train.thing_facts import stacked
from training.train.turns import TurnTokenizer
from training.train.variety import PLAIN, Variety, of_batch
from training.world import TRAIN_SEEDS, VALIDATION_SEEDS
from ufvideo_export.package.manifest_fields import MAX_REGION_TOKENS
from ufvideo_export.torch_model.region_pooling import merge_tokens, pool_features

Batch = list[Conversation]
# How much the facts count against the words.
FACT_WEIGHT = 0.05
# Names of a clip that are recited.
_NUM_WORDS = 18
# Behind which layer what is to be known: the time, what video tokens show, what mentions mean, and
# what holds of options and before the answer.
_CLOCK_LAYER, _VIDEO_LAYER, _MENTION_LAYER, _LATE_LAYER = 2, 3, 4, 5


@dataclass(frozen=True)
class States:
    """What the language model computes of a batch.

    Attributes:
        hidden: States that have something to say, float32 [M, D].
        targets: What each is to say, int64 [M].
        weights: How much it counts, float32 [M].
        owners: Sequence and question of each, int64 [M, 2].
        prompts: Mask prompts of all [SEG], in order, float32 [S, C].
        layers: All states before the first layer and behind each, float32 [B, L, D].
    """

    hidden: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor
    owners: torch.Tensor
    prompts: torch.Tensor
    layers: list[torch.Tensor]


class Reader(nn.Module):
    """Everything from frames to language states, as the runtime computes it.

    All clips of a batch have the same number of video tokens.
    """

    def __init__(self, nano: Nano, tokenizer: TurnTokenizer, *, train_vision: bool) -> None:
        super().__init__()
        self.vision_encoder = nano.vision_encoder
        self.aligner = nano.aligner
        self.region_encoder = nano.region_encoder
        self.language_model = nano.language_model
        self.seg_projection = nano.seg_projection
        self.video_heads, self.mention_heads, self.late_heads = (
            FactHeads(nano.sizes.hidden_size) for _ in range(3)
        )
        self.scene_head = SceneHead(nano.sizes.hidden_size)
        self.clock_head = ClockHead(nano.sizes.hidden_size)
        self.vision_encoder.requires_grad_(train_vision)
        self.aligner.requires_grad_(train_vision)
        self._train_vision = train_vision
        self._prefix = len(tokenizer.prefix_ids)
        self.first_time_id = tokenizer.facts.time_first_id

    def forward(self, batch: Batch) -> States:
        """Run a batch through."""
        with torch.set_grad_enabled(self._train_vision and torch.is_grad_enabled()):
            frames = torch.from_numpy(np.concatenate([c.frames for c in batch]))
            features = self.vision_encoder(frames).split([len(c.frames) for c in batch])
            clips = [f if len(f) > 1 else f.expand(NUM_FRAMES, -1, -1) for f in features]
            num_video_tokens = batch[0].num_video_tokens
            video = self.aligner(torch.cat(clips)).view(len(batch), num_video_tokens, -1)
        length = max(len(c.ids) for c in batch)
        ids, positions, parts, targets, weights = (
            torch.stack([_filled(getattr(c, name), length, value) for c in batch])
            for name, value in (
                ("ids", 0),
                ("positions", 0),
                ("parts", -1),
                ("targets", -100),
                ("weights", 0.0),
            )
        )
        embeddings = self.language_model.get_input_embeddings()(ids)
        end = self._prefix + num_video_tokens
        video = video.to(embeddings.dtype)
        embeddings = torch.cat([embeddings[:, : self._prefix], video, embeddings[:, end:]], 1)
        embeddings = self._with_regions(embeddings, batch, features)
        layers = run_layers(self.language_model.model, embeddings, positions, parts)
        hidden = layers[-1]
        said = targets >= 0
        rows, places = said.nonzero(as_tuple=True)
        segs = torch.cat([hidden[b, torch.from_numpy(c.seg_places)] for b, c in enumerate(batch)])
        return States(
            hidden=hidden[said],
            targets=targets[said],
            weights=weights[said],
            owners=torch.stack([rows, parts[rows, places]], 1),
            prompts=self.seg_projection(segs),
            layers=layers,
        )

    def scores(self, hidden: torch.Tensor) -> torch.Tensor:
        """Scores of all tokens, float32 [M, D] -> [M, V]."""
        return F.linear(hidden, self.language_model.get_input_embeddings().weight).float()

    def language_loss(self, states: States, *, time_spread: float) -> torch.Tensor:
        """Weighted cross entropy; a time token a little off is a little wrong.

        Args:
            states: Of `forward`.
            time_spread: Standard deviation of the times that are taken for right, tokens.
        """
        scores = self.scores(states.hidden).log_softmax(-1)
        plain = -scores.gather(1, states.targets[:, None])[:, 0]
        first = self.first_time_id
        times = (states.targets >= first) & (states.targets < first + NUM_TIME_TOKENS)
        if bool(times.any()):
            told = scores[times, first : first + NUM_TIME_TOKENS]
            spread = time_entropy(told, states.targets[times] - first, time_spread)
            plain = plain.masked_scatter(times, spread)
        return (plain * states.weights).sum() / states.weights.sum().clamp(min=1.0)

    def fact_loss(self, states: States, batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        """How well inner states know the facts: of the video tokens, and of what is mentioned."""
        head = slice(self._prefix, self._prefix + batch[0].num_video_tokens)
        video = stacked([c.video_facts for c in batch])
        told = self.video_heads(
            states.layers[_VIDEO_LAYER][:, head].flatten(0, 1),
            torch.from_numpy(video.classes),
            torch.from_numpy(video.times),
        )
        total, figures = told[0], {f"video_{k}": v for k, v in told[1].items()}
        if batch[0].num_video_tokens == NUM_VIDEO_TOKENS:
            clocks = states.layers[_CLOCK_LAYER][:, head].unflatten(1, (NUM_FRAMES // 2, -1))
            clock, figures["video_clock_error"] = self.clock_head(clocks)
            total = total + clock
        rows = np.concatenate([[b] * len(c.mention_places) for b, c in enumerate(batch)])
        places = np.concatenate([c.mention_places for c in batch])
        late = np.concatenate([c.late for c in batch])
        facts = stacked([c.mention_facts for c in batch])
        for name, heads, layer, which in (
            ("said", self.mention_heads, _MENTION_LAYER, ~late),
            ("late", self.late_heads, _LATE_LAYER, late),
        ):
            if which.any():
                where = (torch.from_numpy(rows[which].astype(np.int64)), places[which])
                told = heads(
                    states.layers[layer][where[0], torch.from_numpy(where[1])],
                    torch.from_numpy(facts.classes[which]),
                    torch.from_numpy(facts.times[which]),
                )
                total = total + told[0]
                figures |= {f"{name}_{k}": v for k, v in told[1].items()}
        clips = {b: c.looks_shown for b, c in enumerate(batch) if c.looks_shown is not None}
        if clips:
            shown = torch.from_numpy(np.stack(list(clips.values())))
            last = states.layers[_LATE_LAYER][list(clips), head.stop - 1]
            total = total + self.scene_head(last, shown)
        return total, figures

    def _with_regions(
        self, embeddings: torch.Tensor, batch: Batch, features: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        pooled: list[torch.Tensor] = []
        rows: list[int] = []
        places: list[int] = []
        for b, conversation in enumerate(batch):
            for region, start in zip(conversation.regions, conversation.region_starts, strict=True):
                seen = features[b][torch.from_numpy(region.positions)]
                pooled_here = pool_features(seen, torch.from_numpy(region.weights))
                vectors = merge_tokens(pooled_here, MAX_REGION_TOKENS)
                pooled.append(vectors)
                rows += [b] * len(vectors)
                places += range(start, start + len(vectors))
        if not pooled:
            return embeddings
        tokens = self.region_encoder(torch.cat(pooled)).to(embeddings.dtype)
        return embeddings.index_put((torch.tensor(rows), torch.tensor(places)), tokens)


def prepare_tokens(nano: Nano, batches: Sequence[Batch]) -> None:
    """Bring video tokens, region tokens and words to one size before the first step.

    Args:
        nano: With pretrained vision stages.
        batches: Clips to measure on.
    """
    clips = [c.frames for batch in batches for c in batch if len(c.frames) == NUM_FRAMES]
    with torch.no_grad():
        features = nano.vision_encoder(torch.from_numpy(np.concatenate(clips)))
        tokens = nano.aligner(features)
    even_out(nano.aligner.readout[-1], tokens)
    standardise_inputs(nano.region_encoder[0], features.flatten(0, 1))
    shrink(nano.region_encoder[-1])
    start_language_model(nano)


def start_language_model(nano: Nano) -> None:
    """Start the language model with weights that fit its width.

    The standard deviation of 0.02 that Qwen2 starts with suits thousands of channels; at a few
    hundred, attention would begin as a plain mean.
    """
    depth = (2 * nano.sizes.num_layers) ** 0.5
    with torch.no_grad():
        for name, module in nano.language_model.model.named_modules():
            if isinstance(module, nn.Linear):
                spread = module.in_features**-0.5
                onto_stream = name.endswith(("o_proj", "down_proj"))
                module.weight.normal_(std=spread / depth if onto_stream else spread)
        nano.language_model.get_input_embeddings().weight.normal_(std=TOKEN_SPREAD)


def _filled(values: np.ndarray, length: int, value: float) -> torch.Tensor:
    return F.pad(torch.from_numpy(values), (0, length - len(values)), value=value)


def prompt_loss(states: States, batch: Batch, looks_prompt: LooksPrompt) -> torch.Tensor:
    """How far [SEG] prompts are from those of the things' looks, in their own spread."""
    looks = torch.from_numpy(np.concatenate([c.seg_looks for c in batch]))
    if not len(looks):
        return states.prompts.sum()
    with torch.no_grad():
        wanted = looks_prompt(looks)
        spread = looks_prompt.spread()
    return F.mse_loss(states.prompts.float(), wanted) / spread


def right_by_kind(reader: Reader, states: States, batch: Batch) -> Mapping[str, list[bool]]:
    """Of each kind of question, whether all words that count were said, teacher forced.

    A time within two tokens counts as said.
    """
    said = reader.scores(states.hidden).argmax(-1)
    first = reader.first_time_id
    times = (states.targets >= first) & (states.targets < first + NUM_TIME_TOKENS)
    right = torch.where(times, (said - states.targets).abs() <= 2, said == states.targets)
    right = right | (states.weights < 1)
    found: dict[str, list[bool]] = defaultdict(list)
    for b, conversation in enumerate(batch):
        for k, task in enumerate(conversation.tasks):
            own = (states.owners == torch.tensor([b, k + 1])).all(-1)
            found[task.kind.value].append(bool(right[own].all()))
    return found


def conversations(
    tokenizer_folder: Path,
    first: int,
    *,
    batch_size: int,
    num_questions: int,
    num_mask_frames: int = 0,
    ramp: int = 0,
    late: bool = False,
    variety: Variety = PLAIN,
) -> Iterator[Batch]:
    """Batches without end.

    Args:
        tokenizer_folder: Where the tokenizer is.
        first: Number of the first batch.
        batch_size: Clips.
        num_questions: Of a clip.
        num_mask_frames: Frames of a clip to segment.
        ramp: Batches until all clips are as full as they get.
        late: For the last stages; see `converse`.
        variety: For the last stage; see `converse`.
    """
    tokenizer = TurnTokenizer(tokenizer_folder)
    number = first
    while True:
        # Seeds of their own, far from those of the other stages.
        start = _first_seed(late=late, variety=variety) + number * batch_size
        shown = of_batch(variety, number)
        easy = min(4 * number // ramp, 3) if ramp else 3
        yield [
            converse(
                seed,
                level=easy if k % 4 else max(easy, 2),
                num_questions=num_questions,
                tokenizer=tokenizer,
                num_mask_frames=num_mask_frames,
                late=late,
                variety=shown,
            )
            for k, seed in enumerate(TRAIN_SEEDS[start : start + batch_size])
        ]
        number += 1


def _first_seed(*, late: bool, variety: Variety) -> int:
    if variety != PLAIN:
        return 85_000_000
    return 70_000_000 if late else 20_000_000


def recitals(tokenizer_folder: Path, first: int, *, batch_size: int, ramp: int) -> Iterator[Batch]:
    """Batches of clips whose things are named, without end; see `conversations`."""
    tokenizer = TurnTokenizer(tokenizer_folder)
    number = first
    while True:
        start = 50_000_000 + number * batch_size
        easy = min(4 * number // ramp, 3)
        yield [
            recite(seed, level=easy if k % 2 else 3, num_words=_NUM_WORDS, tokenizer=tokenizer)
            for k, seed in enumerate(TRAIN_SEEDS[start : start + batch_size])
        ]
        number += 1


def validation_batches(
    tokenizer: TurnTokenizer, count: int, *, variety: Variety = PLAIN
) -> list[Batch]:
    """Clips of validation seeds, eight to a batch."""
    return [
        [
            converse(seed, level=3, num_questions=10, tokenizer=tokenizer, variety=variety)
            for seed in VALIDATION_SEEDS[8 * k : 8 * k + 8]
        ]
        for k in range(count)
    ]
