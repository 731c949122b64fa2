"""Every graph that the exporter writes is one that the runtime opens, in every precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

onnx = pytest.importorskip("onnx", reason="needs the export extra")
torch = pytest.importorskip("torch", reason="needs the export extra")

from tests.graph_reader import operators_of_the_runtime, spelled_operators  # noqa: E402
from ufvideo_export.checkpoint.checkpoint import Checkpoint  # noqa: E402
from ufvideo_export.precision import Quantization  # noqa: E402
from ufvideo_export.spec import stage_specs  # noqa: E402
from ufvideo_export.stages import STAGES  # noqa: E402
from ufvideo_sdk.package.manifest import read_manifest  # noqa: E402
from ufvideo_sdk.package.shipped_package import shipped_package  # noqa: E402

pytestmark = pytest.mark.torch

ALLOWED = operators_of_the_runtime()
PACKAGES = (
    "nano",
    "exported_package_track",
    "small_package_fp16_track",
    "odd_package_track",
    "small_package_int4",
    "small_package_qdq",
)
# Stage, precision and options that no package above has.
VARIANTS: list[tuple[str, str, dict[str, Any]]] = [
    ("language_model", "int8", {}),
    ("language_model", "int8", {"symmetric": True, "head": "fp32", "block_size": 16}),
    ("language_model", "int8", {"floats": "fp16"}),
    ("language_model", "int4", {"symmetric": True, "head": "int8", "accuracy_level": 1}),
    ("language_model", "int4", {"floats": "fp16", "head": "fp32"}),
    ("vision_encoder", "int8", {"reduce_range": False}),
    ("mask_encoder", "int8", {"reduce_range": False}),
    ("vision_encoder", "int8", {"encoder_int8": "qdq"}),
    ("mask_encoder", "int8", {"encoder_int8": "qdq"}),
]


def operators(graph: Any) -> set[str]:
    """Names as the list spells them; a node that holds a graph is none of ours."""
    for node in graph.node:
        assert not any(a.HasField("g") or a.graphs for a in node.attribute), node.op_type
    return spelled_operators(graph)


def test_the_list_is_read() -> None:
    assert {"MatMul", "com.microsoft.GroupQueryAttention"} <= ALLOWED
    assert not ALLOWED & {"Loop", "Scan", "If", "Constant", "com.microsoft.EPContext"}


@pytest.mark.parametrize("which", PACKAGES)
def test_every_graph_of_a_package_opens(request: pytest.FixtureRequest, which: str) -> None:
    native = pytest.importorskip("ufvideo_sdk._native", reason="needs the native module")
    from ufvideo_sdk import RuntimeConfig
    from ufvideo_sdk.runtime.onnxruntime_library import find_library

    folder: Path = shipped_package() if which == "nano" else request.getfixturevalue(which)
    package = native.Package.open(folder, False)
    config = RuntimeConfig(num_threads=1).to_native(find_library())
    for stem in read_manifest(folder).stages:
        graph = onnx.load(folder / f"{stem}.onnx", load_external_data=False).graph
        assert operators(graph) <= ALLOWED, stem
        native.open_stage(package, stem, config)


@pytest.mark.parametrize(("stem", "precision", "options"), VARIANTS)
def test_every_graph_of_other_options_is_within(
    tiny_checkpoint: Path, tmp_path: Path, stem: str, precision: str, options: dict[str, Any]
) -> None:
    checkpoint = Checkpoint(tiny_checkpoint)
    spec = stage_specs(checkpoint, "fp32")[stem]
    path = tmp_path / f"{stem}.onnx"
    STAGES[stem](checkpoint, spec, precision, Quantization(**options)).write(path)
    assert operators(onnx.load(path, load_external_data=False).graph) <= ALLOWED
