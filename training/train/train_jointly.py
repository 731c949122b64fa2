"""Last stage of training: language model and SAM 2 learn together, with the losses of the paper.

Cross entropy of the words 1.0, binary cross entropy of the masks 2.0, dice 0.5. The masks' prompts
are the language model's own [SEG] states now; the memory path goes on learning beside them. The
vision encoder and the aligner stand still.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from training.train.conversation import Conversation
from training.train.mask_losses import MaskLosses, mask_losses
from training.train.nano import Nano
from training.train.pretrain_language import (
    FACT_WEIGHT,
    Reader,
    States,
    conversations,
    prompt_loss,
)
from training.train.pretrain_masks import Batch as MaskBatch
from training.train.train_tracking import TrackingTraining, tracking_batch
from training.train.turns import TurnTokenizer
from ufvideo_export.torch_model.mask_model import decode_candidates

_PROMPT_WEIGHT = 0.1
_TRACKING_WEIGHT = 0.5
# Masks of one clip and step at most.
_MOST_MASKS = 5
_BATCH_SIZE = 6
_NUM_QUESTIONS = 10
_NUM_MASK_FRAMES = 2
Batch = tuple[list[Conversation], MaskBatch]


class JointTraining(nn.Module):
    """All of nano."""

    def __init__(self, nano: Nano, tokenizer: TurnTokenizer) -> None:
        super().__init__()
        self.reader = Reader(nano, tokenizer, train_vision=False)
        self.tracking = TrackingTraining(nano)

    def forward(self, batch: Batch, *, time_spread: float) -> tuple[torch.Tensor, dict[str, float]]:
        """Loss and figures of a batch of clips and one of runs to track in."""
        clips, runs = batch
        states = self.reader(clips)
        language = self.reader.language_loss(states, time_spread=time_spread)
        prompts = prompt_loss(states, clips, self.tracking.looks_prompt)
        tracked, tracked_iou = self.tracking.track(runs)
        facts, _ = self.reader.fact_loss(states, clips)
        total = language + _PROMPT_WEIGHT * prompts + _TRACKING_WEIGHT * tracked
        total = total + FACT_WEIGHT * facts
        figures = {
            "language": float(language.detach()),
            "prompt": float(prompts.detach()),
            "tracked_iou": tracked_iou,
        }
        masks = self.masks(clips, states)
        if masks is not None:
            total = total + masks.total
            figures["iou"] = masks.iou
        return total, figures

    def masks(self, clips: list[Conversation], states: States) -> MaskLosses | None:
        """Losses of the masks of a batch; None where nothing is to be segmented."""
        own = states.prompts.split([len(c.seg_places) for c in clips])
        prompts: list[torch.Tensor] = []
        frames: list[NDArray[np.uint8]] = []
        truth: list[torch.Tensor] = []
        for conversation, given in zip(clips, own, strict=True):
            drawn = conversation.mask_frames
            if drawn is None:
                continue
            given = given[:_MOST_MASKS]
            frames.append(drawn.frames)
            prompts += [given] * len(drawn.frames)
            right = drawn.truth[conversation.seg_things[:_MOST_MASKS]].swapaxes(0, 1)
            truth += [*torch.from_numpy(right)]
        if not frames:
            return None
        maps = self.tracking.masks.encoder(torch.from_numpy(np.concatenate(frames)))
        padded = pad_sequence(prompts, batch_first=True)
        there = torch.arange(padded.shape[1])[None] < torch.tensor([[len(p)] for p in prompts])
        sam = self.tracking.masks.sam
        candidates, iou, _, scores = decode_candidates(sam, padded, maps)
        return mask_losses(
            candidates[there], iou[there], scores[there].squeeze(-1), torch.cat(truth)
        )


def joint_batches(first: int, *, tokenizer_folder: Path) -> Iterator[Batch]:
    """Batches without end, of scenes that no other stage has seen."""
    # The language stage ends long before these.
    offset = 2_000_000
    clips = conversations(
        tokenizer_folder,
        offset + first,
        batch_size=_BATCH_SIZE,
        num_questions=_NUM_QUESTIONS,
        num_mask_frames=_NUM_MASK_FRAMES,
    )
    for number, batch in enumerate(clips, start=first):
        yield batch, tracking_batch(offset + 10_000_000 + number, level=3)
