"""Attention of packed conversations: a prefix, and questions that see it and themselves.

A mask over whole sequences would make every question pay for all others. Here questions of like
length go together, each behind the prefix of its clip.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

NAME = "packed"
# Questions are computed in so many groups of like length.
_GROUPS = 4


@dataclass(frozen=True)
class _Group:
    """Questions of like length.

    Attributes:
        rows: Sequence of each, int64 [Q].
        places: Where in it each of their tokens stands, int64 [Q, L]; the first one's again where
            a question is shorter.
        real: Which of them are tokens, bool [Q, L].
        seen: What each token sees of prefix and question, bool [L, prefix + L].
    """

    rows: torch.Tensor
    places: torch.Tensor
    real: torch.Tensor
    seen: torch.Tensor


@dataclass(frozen=True)
class Packing:
    """Who sees whom in a batch of packed conversations.

    Attributes:
        prefix: Tokens that all questions of a sequence see.
        groups: All questions.
    """

    prefix: int
    groups: tuple[_Group, ...]


def packing_of(parts: torch.Tensor) -> Packing:
    """Find prefix and questions.

    Args:
        parts: 0 in the prefix, k in the k-th question, -1 where a sequence is filled up,
            int64 [B, L]. All prefixes are of one length.
    """
    prefix = int((parts[0] == 0).sum())
    spans: list[tuple[int, int, int]] = []
    for row, own in enumerate(parts[:, prefix:]):
        _, counts = own[own > 0].unique_consecutive(return_counts=True)
        starts = prefix + counts.cumsum(0) - counts
        spans += [(int(c), row, int(s)) for c, s in zip(counts, starts, strict=True)]
    spans.sort()
    size = -(-len(spans) // _GROUPS) if spans else 1
    groups = [_group(spans[i : i + size], prefix) for i in range(0, len(spans), size)]
    return Packing(prefix, tuple(groups))


def _group(spans: list[tuple[int, int, int]], prefix: int) -> _Group:
    lengths, rows, starts = (torch.tensor(part) for part in zip(*spans, strict=True))
    length = int(lengths.max())
    steps = torch.arange(length)
    real = steps < lengths[:, None]
    places = starts[:, None] + steps * real
    own = torch.ones(length, length, dtype=torch.bool).tril()
    seen = torch.cat([torch.ones(length, prefix, dtype=torch.bool), own], 1)
    return _Group(rows, places, real, seen)


def run_layers(
    model: nn.Module, embeddings: torch.Tensor, positions: torch.Tensor, parts: torch.Tensor
) -> list[torch.Tensor]:
    """States of Qwen2 before the first layer and behind each one; the last ones normalised.

    Args:
        model: transformers' Qwen2Model.
        embeddings: float32 [B, L, D].
        positions: Places in the prompt, int64 [B, L].
        parts: See `packing_of`.
    """
    model.config._attn_implementation = NAME
    packing = packing_of(parts)
    rotary = model.rotary_emb(embeddings, positions)
    states = [embeddings]
    for layer in model.layers:
        states.append(
            layer(
                states[-1],
                attention_mask=None,
                position_embeddings=rotary,
                packing=packing,
            )
        )
    states[-1] = model.norm(states[-1])
    return states


def _attend(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    packing: Packing,
    scaling: float,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Of [B, heads, L, d] each, keys and values with fewer heads; gives [B, L, heads, d]."""
    count, num_heads, length, width = query.shape
    queries = query.transpose(1, 2).to(value.dtype).flatten(2)
    both = torch.stack([key.to(value.dtype), value], 1).permute(0, 3, 1, 2, 4).flatten(2)
    prefix = packing.prefix
    causal = torch.ones(prefix, prefix, dtype=torch.bool).tril()
    shown = both[:, :prefix]
    # One row for each token, in the order in which they are computed, then put back in place.
    told = [_plain(queries[:, :prefix], shown, causal, width, scaling).flatten(0, 1)]
    steps = torch.arange(prefix)
    order = [(torch.arange(count)[:, None] * length + steps).flatten()]
    queries, both = queries.flatten(0, 1), both.flatten(0, 1)
    for group in packing.groups:
        flat = group.rows[:, None] * length + group.places
        asked = queries.index_select(0, flat.flatten()).unflatten(0, flat.shape)
        own = both.index_select(0, flat.flatten()).unflatten(0, flat.shape)
        keys = torch.cat([shown.index_select(0, group.rows), own], 1)
        told.append(_plain(asked, keys, group.seen, width, scaling)[group.real])
        order.append(flat[group.real])
    out = told[0].new_zeros(count * length, num_heads * width)
    out = out.index_copy(0, torch.cat(order), torch.cat(told))
    return out.view(count, length, num_heads, width), None


def _plain(
    query: torch.Tensor, both: torch.Tensor, seen: torch.Tensor, width: int, scaling: float
) -> torch.Tensor:
    """Attention by two products, whose backward pass is the fastest on a CPU.

    Args:
        query: [N, L, heads * width].
        both: Keys, then values, [N, S, 2 * key heads * width].
        seen: bool [L, S].
        width: Of a head.
        scaling: Of the scores.

    Returns:
        [N, L, heads * width].
    """
    count, length, _ = query.shape
    key, value = both.view(count, both.shape[1], 2, -1, width).unbind(2)
    # Heads that share keys are further rows of one product.
    asked = query.view(count, length, key.shape[2], -1, width).permute(0, 2, 3, 1, 4)
    shared = asked.shape[2]
    scores = torch.matmul((asked * scaling).flatten(2, 3), key.permute(0, 2, 3, 1))
    scores = scores.unflatten(2, (shared, length)).masked_fill(~seen, float("-inf"))
    shares = scores.softmax(-1).to(value.dtype).flatten(2, 3)
    told = torch.matmul(shares, value.transpose(1, 2)).unflatten(2, (shared, length))
    return told.permute(0, 3, 1, 2, 4).flatten(2)


ALL_ATTENTION_FUNCTIONS.register(NAME, _attend)
