"""Video and region tokens brought to the size of words, before a language model reads them.

Pretrained tokens are a hundred times longer than words, and most of that length says only whether
anything is there. In a residual stream such tokens drown whatever a layer adds to them, when they
are seen for one. The last layer of the aligner and the first of the region encoder are linear, so
the change is folded into their weights.
"""

from __future__ import annotations

import torch
from torch import nn

# Directions that vary less than this are noise and are not blown up.
_NOISE_VARIANCE = 0.1
# Standard deviation of a token's values; words begin with the same.
TOKEN_SPREAD = 0.07


def even_out(linear: nn.Linear, tokens: torch.Tensor) -> None:
    """Centre a layer's outputs and make all their directions vary alike, in its weights.

    Args:
        linear: The last layer of what made the tokens.
        tokens: Its outputs for some clips, float32 [M, D].
    """
    with torch.no_grad():
        mean = tokens.mean(0)
        variances, directions = torch.linalg.eigh(torch.cov(tokens.T).double())
        scales = TOKEN_SPREAD / (variances.clamp(min=0) + _NOISE_VARIANCE).sqrt()
        change = (directions * scales @ directions.T).to(tokens.dtype)
        linear.weight.copy_(change @ linear.weight)
        linear.bias.copy_(change @ (linear.bias - mean))


def standardise_inputs(linear: nn.Linear, features: torch.Tensor) -> None:
    """Let a layer see its inputs with mean 0 and deviation 1, in its weights.

    Args:
        linear: The first layer of what reads the features.
        features: Some of its inputs, float32 [M, Dv].
    """
    with torch.no_grad():
        mean, spread = features.mean(0), features.std(0) + 1e-3
        linear.weight.div_(spread)
        linear.bias.sub_(linear.weight @ mean)


def shrink(linear: nn.Linear, spread: float = TOKEN_SPREAD) -> None:
    """Let a fresh layer give values of about this deviation, for inputs of about 1."""
    with torch.no_grad():
        linear.weight.normal_(std=spread / linear.in_features**0.5)
        linear.bias.zero_()
