"""Linear readers of facts from the language model's inner states; they exist in training alone."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from training.tasks.task import NUM_TIME_TOKENS
from training.train.thing_facts import CLASS_COUNTS, IGNORED, LOOKS, TIME_NAMES

# Standard deviation of the times that are taken for right, time tokens.
_TIME_SPREAD = 2.0
# Which option is right hangs on this one fact; most others are told by several places. The colour a
# thing began with and what it does in the end are what is mixed up longest.
_WEIGHTS = {"true": 10.0, "color": 2.5, "action": 2.5}


class FactHeads(nn.Module):
    """Reads every fact of a thing, and when it was what."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.classes = nn.Linear(width, sum(CLASS_COUNTS.values()))
        self.times = nn.Linear(width, len(TIME_NAMES) * NUM_TIME_TOKENS)

    def forward(
        self, states: torch.Tensor, classes: torch.Tensor, times: torch.Tensor
    ) -> tuple[torch.Tensor, dict[str, float]]:
        """Mean loss of what is known, and how often each fact is told right.

        Args:
            states: float32 [M, width].
            classes: int64 [M, number of class facts]; IGNORED where unknown.
            times: float32 [M, number of times] of 0 to 1; NaN where unknown.
        """
        normed = self.norm(states)
        said = self.classes(normed).float().split(list(CLASS_COUNTS.values()), -1)
        total, scores = normed.new_zeros(()).float(), {}
        for k, (name, scored) in enumerate(zip(CLASS_COUNTS, said, strict=True)):
            known = classes[:, k] != IGNORED
            if bool(known.any()):
                entropy = F.cross_entropy(scored[known], classes[known, k])
                total = total + _WEIGHTS.get(name, 1.0) * entropy
                right = scored[known].argmax(-1) == classes[known, k]
                scores[name] = float(right.float().mean())
        known = ~times.isnan()
        if bool(known.any()):
            wanted = times[known] * (NUM_TIME_TOKENS - 1)
            scored = self.times(normed).unflatten(-1, (len(TIME_NAMES), -1)).float()[known]
            total = total + 2 * time_entropy(scored.log_softmax(-1), wanted, _TIME_SPREAD).mean()
            steps = torch.arange(NUM_TIME_TOKENS)
            off = ((scored.softmax(-1) * steps).sum(-1) - wanted).abs()
            scores["time_error"] = float(off.detach().mean())
        return total, scores


class SceneHead(nn.Module):
    """Reads which looks there are from the state of the last video token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.looks = nn.Linear(width, len(LOOKS))

    def forward(self, states: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
        """Loss of states [B, width] for what is shown, float32 [B, len(LOOKS)]."""
        said = self.looks(self.norm(states)).float()
        return 10 * F.binary_cross_entropy_with_logits(said, shown)


class ClockHead(nn.Module):
    """Reads from a video token's state when it is: attention is told distances, never places."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.times = nn.Linear(width, NUM_TIME_TOKENS)

    def forward(self, states: torch.Tensor) -> tuple[torch.Tensor, float]:
        """Loss of the states of all video tokens, [B, pairs, cells, width], and how far off."""
        scored = self.times(self.norm(states)).float()
        pairs = torch.arange(states.shape[1])
        # The middle of a pair of frames.
        now = (2 * pairs + 0.5) / (2 * len(pairs) - 1) * (NUM_TIME_TOKENS - 1)
        wanted = now[None, :, None].expand(scored.shape[:-1]).flatten()
        flat = scored.flatten(0, -2)
        off = (flat.softmax(-1) * torch.arange(NUM_TIME_TOKENS)).sum(-1) - wanted
        loss = time_entropy(flat.log_softmax(-1), wanted, _TIME_SPREAD).mean()
        return loss, float(off.detach().abs().mean())


def time_entropy(scores: torch.Tensor, wanted: torch.Tensor, spread: float) -> torch.Tensor:
    """Cross entropy of times, where one that is a little off is a little wrong.

    Args:
        scores: Logarithms of the time tokens' probabilities, float32 [M, NUM_TIME_TOKENS].
        wanted: The right time tokens, whole or between two, [M].
        spread: Standard deviation of the times that are taken for right, tokens.
    """
    off = (torch.arange(NUM_TIME_TOKENS)[None] - wanted[:, None]) / spread
    shares = (-0.5 * off**2).softmax(-1)
    return -(shares * scores).sum(-1)
