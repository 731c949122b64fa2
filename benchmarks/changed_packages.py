"""Copies of nano that are slower by a known share, or that answer differently."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from ufvideo_sdk.package.shipped_package import shipped_package

_STEM = "language_model"
_WIDTH = 192


def changed_copy(folder: Path, change: Callable[[Any], None]) -> Path:
    """Copy nano, with its language model's graph changed.

    Args:
        folder: Where the copy goes; it must not exist.
        change: Changes the graph in place.
    """
    shutil.copytree(shipped_package(), folder)
    path = folder / f"{_STEM}.onnx"
    model = onnx.load(path)
    change(model.graph)
    content = model.SerializeToString()
    path.write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    graph = manifest["stages"][_STEM]["graph"]
    graph["size_bytes"] = len(content)
    graph["sha256"] = hashlib.sha256(content).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def slower_package(folder: Path, num_products: int) -> Path:
    """A copy that answers the same, and multiplies zeros so many times at every step."""

    def change(graph: Any) -> None:
        make = onnx.helper.make_node
        head = next(node for node in graph.node if "logits" in node.output)
        state = head.input[0]
        head.input[0] = "slow_state"
        weight = np.zeros((_WIDTH, _WIDTH), np.float32)
        graph.initializer.extend(
            [
                onnx.numpy_helper.from_array(np.zeros((), np.float32), "slow_zero"),
                onnx.numpy_helper.from_array(weight, "slow_weight"),
            ]
        )
        nodes = [make("Mul", [state, "slow_zero"], ["slow_0"])]
        nodes += [
            make("MatMul", [f"slow_{i}", "slow_weight"], [f"slow_{i + 1}"])
            for i in range(num_products)
        ]
        nodes.append(make("Add", [state, f"slow_{num_products}"], ["slow_state"]))
        place = list(graph.node).index(head)
        for i, node in enumerate(nodes):
            graph.node.insert(place + i, node)

    return changed_copy(folder, change)


def other_answers_package(folder: Path) -> Path:
    """A copy in which every token's score is that of the token before it."""

    def change(graph: Any) -> None:
        head = next(node for node in graph.node if "logits" in node.output)
        for initializer in graph.initializer:
            if initializer.name in head.input[1:]:
                rows = onnx.numpy_helper.to_array(initializer)
                initializer.CopyFrom(
                    onnx.numpy_helper.from_array(np.roll(rows, 1, axis=0), initializer.name)
                )

    return changed_copy(folder, change)
