"""The language model's graph against PyTorch, layer by layer: no more than one layer in memory.

Every layer is fed what PyTorch feeds its own, through a cache and in chunks, so that an error says
which layer made it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from ufvideo_export.checkpoint.checkpoint import FINAL_NORM_KEY, layer_key
from ufvideo_export.graph.opened_graph import OpenedGraph
from ufvideo_export.stages.language_model_pieces import Piece, cut
from ufvideo_export.stages.stage import Arrays, OpenGraph

if TYPE_CHECKING:
    from ufvideo_export.stages.language_model import LanguageModelStage


def compared_by_layer(
    stage: LanguageModelStage,
    path: Path,
    probes: list[Arrays],
    open_piece: OpenGraph,
) -> Iterator[tuple[Arrays, Arrays]]:
    """What PyTorch and the graph compute of each layer, then the logits; see `Stage.compared`."""
    sizes = stage.checkpoint.sizes
    reference = stage.torch_reference()
    pieces = cut(path, sizes.num_layers)
    embeds = [probe["inputs_embeds"] for probe in probes]
    before: list[Arrays] = [{"inputs_embeds": each} for each in embeds]
    sums = reference.sums(embeds)
    next(sums)
    for number in range(sizes.num_layers):
        last = number + 1 == sizes.num_layers
        gain = FINAL_NORM_KEY if last else layer_key(number + 1, "input_layernorm.weight")
        piece = pieces[number]
        session = open_piece(piece.model)
        name = "hidden_states" if last else f"layer_{number}"
        after: list[Arrays] = []
        for given, total in zip(before, next(sums), strict=True):
            normed = reference.normed(total, gain).numpy()
            actual = _fed_in_chunks(stage, session, piece, given)
            yield {name: normed}, {name: actual}
            after.append(dict(zip(piece.given, (normed, total.numpy()), strict=True)))
        # Closed before the next one opens.
        del session
        before = after
    session = open_piece(pieces[-1].model)
    (taken,) = pieces[-1].taken
    for given in before:
        ends = stage.chunk_ends(*given[taken].shape[:2])
        states = given[taken][:, np.array(ends) - 1]
        logits = stage.reference_logits(torch.from_numpy(states))
        found = [_run(session, {taken: states[:, [k]]}, ["logits"]) for k in range(len(ends))]
        yield {"logits": logits}, {"logits": np.concatenate([each[0] for each in found], axis=1)}


def _fed_in_chunks(
    stage: LanguageModelStage, session: OpenedGraph, piece: Piece, given: Arrays
) -> NDArray[Any]:
    """What a layer gives for a sequence, normed, float32 [B, S, D]."""
    batch, length, _ = next(iter(given.values())).shape
    cache = stage.empty_cache(batch, length, piece.caches)
    normed, start = [], 0
    for end in stage.chunk_ends(batch, length):
        feed = {name: value[:, start:end] for name, value in given.items()}
        feed |= stage.lengths(batch, end)
        names = [piece.given[0], *piece.caches.values()]
        found, *present = _run(session, feed | cache, names)
        normed.append(found)
        cache = dict(zip(piece.caches, present, strict=True))
        start = end
    return np.concatenate(normed, axis=1)


def _run(session: OpenedGraph, feed: Arrays, names: list[str]) -> list[NDArray[Any]]:
    """Run a piece, whose own names say what it takes of a feed."""
    wanted = session.input_types
    return session.run(names, {name: value for name, value in feed.items() if name in wanted})
