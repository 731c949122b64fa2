"""Packages whose manifest and graphs agree with each other and not with the model they describe."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bindings.conftest import Golden, native_config, open_session
from ufvideo_sdk import _native, errors


def rewrite(package: Path, stem: str, edit: Callable[[Any, dict[str, Any]], None]) -> None:
    """Change a graph and its manifest entry together, and make the digests right again."""
    onnx = pytest.importorskip("onnx")
    path = package / f"{stem}.onnx"
    model = onnx.load(path)
    manifest = json.loads((package / "manifest.json").read_text())
    entry = manifest["stages"][stem]
    edit(model.graph, entry)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    entry["graph"]["size_bytes"] = path.stat().st_size
    entry["graph"]["sha256"] = _native.sha256_file(str(path))
    (package / "manifest.json").write_text(json.dumps(manifest))


def double(graph: Any, name: str, axis: int) -> None:
    """Give an output twice along an axis."""
    onnx = pytest.importorskip("onnx")
    for node in graph.node:
        node.output[:] = [f"{out}_single" if out == name else out for out in node.output]
    single = f"{name}_single"
    graph.node.append(onnx.helper.make_node("Concat", [single, single], [name], axis=axis))
    dimension = next(out for out in graph.output if out.name == name).type.tensor_type.shape.dim[
        axis
    ]
    if dimension.HasField("dim_value"):
        dimension.dim_value *= 2


@pytest.fixture
def package(small_package: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_package, tmp_path / "package"))


@pytest.mark.parametrize(
    ("stem", "tensor"),
    [
        ("aligner", "video_tokens"),
        ("region_encoder", "region_tokens"),
        ("token_embedder", "embeddings"),
        ("mask_decoder", "mask_logits"),
    ],
)
def test_rows_of_another_width_are_a_package_error(package: Path, stem: str, tensor: str) -> None:
    """The splice and the mask resize would copy past the end of what they allocated."""

    def edit(graph: Any, entry: dict[str, Any]) -> None:
        double(graph, tensor, 1)
        entry["outputs"][0]["shape"][1] *= 2

    rewrite(package, stem, edit)
    with pytest.raises(
        errors.PackageError, match=rf"stages\.{stem}\.outputs\[0\]: expected {tensor} .*, got"
    ):
        _native.Model.load(str(package), native_config())


def test_more_video_tokens_than_the_frames_give_are_a_package_error(
    package: Path, segmenting: Golden
) -> None:
    rewrite(package, "aligner", lambda graph, _: double(graph, "video_tokens", 0))
    model = _native.Model.load(str(package), native_config())
    with pytest.raises(errors.PackageError, match=r"video_tokens: expected 4 tokens of 2 frames"):
        open_session(model, segmenting)


def test_a_graph_that_fixes_what_may_vary_is_a_package_error(package: Path) -> None:
    def edit(graph: Any, _: dict[str, Any]) -> None:
        graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4

    rewrite(package, "region_encoder", edit)
    with pytest.raises(errors.PackageError, match=r"pooled_features.*\[R, 48\].*\[4, 48\]"):
        _native.Model.load(str(package), native_config())


def test_mask_logits_that_come_out_oblong_are_a_package_error(
    package: Path, segmenting: Golden
) -> None:
    """Repeated as often as there are objects, which no shape inference can tell: the run does."""
    helper = pytest.importorskip("onnx").helper

    def edit(graph: Any, _: dict[str, Any]) -> None:
        for node in graph.node:
            node.output[:] = ["one_each" if out == "mask_logits" else out for out in node.output]
        for name, value in (("first", 0), ("once", 1)):
            graph.initializer.append(helper.make_tensor(name, 7, [1], [value]))
        graph.node.extend(
            [
                helper.make_node("Shape", ["hidden_states"], ["states_shape"]),
                helper.make_node("Gather", ["states_shape", "first"], ["num_objects"]),
                helper.make_node("Concat", ["once", "num_objects", "once"], ["repeats"], axis=0),
                helper.make_node("Tile", ["one_each", "repeats"], ["mask_logits"]),
            ]
        )
        for axis, dimension in enumerate(graph.output[0].type.tensor_type.shape.dim):
            dimension.dim_param = f"any_{axis}"

    rewrite(package, "mask_decoder", edit)
    session = open_session(_native.Model.load(str(package), native_config()), segmenting)
    with pytest.raises(
        errors.PackageError, match=r"mask_logits: .*\[O, 32, 32\].*the graph gave \[2, 64, 32\]"
    ):
        session.segment(np.zeros((2, 64), np.float32), segmenting.frames[:1], [0])
