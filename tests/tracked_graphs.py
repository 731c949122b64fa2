"""Graphs of a package that carry an object through frames, put together by ONNX Runtime in Python.

What the native tracker does, in as few lines as it takes: `MemoryBank` says what is remembered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ufvideo_export.torch_model.memory_bank import MemoryBank, MemoryRules
from ufvideo_sdk.package.manifest import read_manifest

Arrays = dict[str, NDArray[Any]]
_STEMS = ("mask_encoder", "mask_decoder", "memory_encoder", "memory_attention", "track_decoder")


@dataclass(frozen=True)
class GraphFrame:
    """What the graphs find of one object on one frame.

    Attributes:
        mask_logits: Of the best candidate, float32 [4h, 4w].
        iou_scores: Of three candidates, float32 [3].
        object_scores: Float32 [1].
        object_pointers: Of the best candidate, float32 [C].
        memory_features: Float32 [M, h, w].
    """

    mask_logits: NDArray[np.float32]
    iou_scores: NDArray[np.float32]
    object_scores: NDArray[np.float32]
    object_pointers: NDArray[np.float32]
    memory_features: NDArray[np.float32]


class TrackedGraphs:
    """The graphs of a package, opened."""

    def __init__(self, package: Path) -> None:
        import onnxruntime

        tracking = read_manifest(package).tracking
        assert tracking is not None
        self._tracking = tracking
        self._sessions = {
            stem: onnxruntime.InferenceSession(
                package / f"{stem}.onnx", providers=["CPUExecutionProvider"]
            )
            for stem in _STEMS
        }

    def rules(self, used_memories: int | None, max_prompted: int | None) -> MemoryRules:
        """The package's own, within a caller's bounds."""
        return MemoryRules(
            self._tracking.num_memories,
            self._tracking.max_object_pointers,
            used_memories=used_memories,
            max_prompted=max_prompted,
        )

    def encode(self, frames: NDArray[np.uint8]) -> list[Arrays]:
        """Features of each frame, uint8 [F, S, S, 3]."""
        return [self.run("mask_encoder", frames=frame[None]) for frame in frames]

    def track(
        self,
        features: Sequence[Arrays],
        prompts: Mapping[int, NDArray[np.float32]],
        rules: MemoryRules,
    ) -> Iterator[GraphFrame]:
        """One object from its first prompt on.

        Args:
            features: Of the frames, in the order of the pass.
            prompts: [SEG] states, float32 [D], by the number of the frame.
            rules: What is remembered.
        """
        bank: MemoryBank[GraphFrame] = MemoryBank(rules)
        for number in range(min(prompts), len(features)):
            maps, prompt = features[number], prompts.get(number)
            found = self._recalled(maps, bank) if prompt is None else self._prompted(maps, prompt)
            frame = self._memorised(maps, found)
            bank.add(frame, prompted=prompt is not None)
            yield frame

    def follow(
        self, features: Sequence[Arrays], first: GraphFrame, rules: MemoryRules
    ) -> Iterator[GraphFrame]:
        """One object from what is known of it on the first frame, which comes back as it is."""
        bank: MemoryBank[GraphFrame] = MemoryBank(rules)
        bank.add(first, prompted=True)
        yield first
        for maps in features[1:]:
            frame = self._memorised(maps, self._recalled(maps, bank))
            bank.add(frame, prompted=False)
            yield frame

    def run(self, stem: str, **inputs: NDArray[Any]) -> Arrays:
        """Outputs of a graph by name."""
        session = self._sessions[stem]
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, inputs), strict=True))

    def _memorised(self, maps: Arrays, found: Arrays) -> GraphFrame:
        memory = self.run(
            "memory_encoder",
            image_features=maps["image_features"],
            mask_logits=found["mask_logits"][None],
        )
        return GraphFrame(**found, memory_features=memory["memory_features"][0])

    def _prompted(self, maps: Arrays, prompt: NDArray[np.float32]) -> Arrays:
        found = self.run("mask_decoder", hidden_states=prompt[None], **maps)
        return {name: value[0] for name, value in found.items()}

    def _recalled(self, maps: Arrays, bank: MemoryBank[GraphFrame]) -> Arrays:
        memories = bank.memories()
        conditioned = self.run(
            "memory_attention",
            image_features=maps["image_features"],
            memory_features=np.stack([frame.memory_features for frame, _ in memories])[None],
            memory_ages=np.array([[age for _, age in memories]], np.int64),
            object_pointers=np.stack([frame.object_pointers for frame in bank.pointers()])[None],
        )
        fine = {name: maps[name] for name in ("high_res_features_0", "high_res_features_1")}
        found = {k: v[0] for k, v in self.run("track_decoder", **conditioned, **fine).items()}
        best = int(found["iou_scores"].argmax())
        return found | {name: found[name][best] for name in ("mask_logits", "object_pointers")}
