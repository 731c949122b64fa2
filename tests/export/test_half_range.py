"""fp16 graphs of weights at which activations pass 65504, the largest fp16 number.

ONNX Runtime's CPU computes many fp16 operators in fp32 and rounds nothing in between, so that a
right answer there says nothing of a GPU: every fp16 value of a graph is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the export extra")
import onnx  # noqa: E402
import onnx_ir as ir  # noqa: E402
import onnxruntime  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from testing.ufvideo_testing.random_checkpoint import RandomSizes, make_random_checkpoint  # noqa: E402
from ufvideo_export.checkpoint.checkpoint import Checkpoint  # noqa: E402
from ufvideo_export.precision import Quantization  # noqa: E402
from ufvideo_export.spec import stage_specs  # noqa: E402
from ufvideo_export.stages import STAGES  # noqa: E402
from ufvideo_export.verify import verify_stage  # noqa: E402

pytestmark = pytest.mark.torch

LARGEST = 65504.0
Tensors = dict[str, Any]


def made(folder: Path, change: Callable[[Tensors], None], file: str = "", **sizes: Any) -> Path:
    """A random checkpoint whose weights are changed."""
    checkpoint = make_random_checkpoint(
        folder / "checkpoint", replace(RandomSizes(num_aligner_blocks=1), **sizes), seed=3
    )
    path = checkpoint / file / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    assert all(tensor.isfinite().all() for tensor in tensors.values())
    save_file(tensors, path)
    return checkpoint


def stage_of(
    folder: Path, stem: str, precision: str, quantization: Quantization | None = None
) -> Any:
    checkpoint = Checkpoint(folder)
    # A language model's cache is that of its own floats.
    spec = stage_specs(checkpoint, precision, quantization)[stem]
    return STAGES[stem](checkpoint, spec, precision, quantization)


def large_updates(tensors: Tensors) -> None:
    """Each layer adds 100,000 and more."""
    for layer in range(2):
        tensors[f"model.layers.{layer}.mlp.up_proj.weight"] *= 200
        tensors[f"model.layers.{layer}.mlp.down_proj.weight"] *= 2000


def large_attention(tensors: Tensors) -> None:
    """Each layer's attention adds 100,000 and more, of values that fit."""
    for layer in range(2):
        tensors[f"model.layers.{layer}.self_attn.v_proj.weight"] *= 30
        tensors[f"model.layers.{layer}.self_attn.o_proj.weight"] *= 5000


def many_updates(tensors: Tensors) -> None:
    """Each layer adds up to 50,000: only their sum is too large."""
    for layer in range(6):
        tensors[f"model.layers.{layer}.mlp.up_proj.weight"] *= 30
        tensors[f"model.layers.{layer}.mlp.down_proj.weight"] *= 1000


def check_half_values(path: Path, feed: dict[str, Any]) -> None:
    """Every fp16 value that a graph computes of an input is finite."""
    model = onnx.load(path)
    known = {value.name for value in model.graph.output}
    for node in model.graph.node:
        names = [name for name in node.output if name and name not in known]
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    found = dict(
        zip([each.name for each in session.get_outputs()], session.run(None, feed), strict=True)
    )
    halves = {name: value for name, value in found.items() if value.dtype == np.float16}
    assert halves
    assert [name for name, value in halves.items() if not np.isfinite(value).all()] == []


def largest_sum(stage: Any) -> float:
    """The largest value that runs through the layers, in PyTorch."""
    embeds = [probe["inputs_embeds"] for probe in stage.probes(np.random.default_rng(0))]
    with torch.inference_mode():
        sums = stage.torch_reference().sums(embeds)
        return max(float(each.abs().max()) for states in sums for each in states)


@pytest.mark.parametrize(
    ("change", "num_layers"),
    [(large_updates, 2), (large_attention, 2), (many_updates, 6)],
    ids=["update", "attention", "sum"],
)
@pytest.mark.parametrize("precision", ["fp16", "int8", "int4"])
def test_language_model(
    tmp_path: Path, change: Callable[[Tensors], None], num_layers: int, precision: str
) -> None:
    folder = made(tmp_path, change, num_layers=num_layers)
    quantization = None if precision == "fp16" else Quantization(floats="fp16")
    stage = stage_of(folder, "language_model", precision, quantization)
    assert largest_sum(stage) > LARGEST
    path = tmp_path / "language_model.onnx"
    stage.write(path)
    dtypes = {value.name: value.dtype for value in ir.load(path).graph.inputs}
    assert dtypes["past_key_values.0.key"] == ir.DataType.FLOAT16
    verify_stage(stage, path)
    (embeds,) = stage.probes(np.random.default_rng(0))[0].values()
    caches = [name for name in dtypes if name.startswith("past")]
    cache = stage.empty_cache(1, embeds.shape[1], caches)
    lengths = stage.lengths(1, embeds.shape[1])
    check_half_values(path, {"inputs_embeds": embeds, **lengths, **cache})


@pytest.mark.parametrize("symmetric", [False, True])
def test_scales_of_int8_blocks_keep_their_bits(tmp_path: Path, symmetric: bool) -> None:
    """255 steps of a scale make a weight: it may not be off by more than fp16 rounds by."""

    def change(tensors: Tensors) -> None:
        random = torch.Generator().manual_seed(0)
        for name, tensor in tensors.items():
            if name.startswith("model.layers.") and name.endswith("proj.weight"):
                tensor.normal_(0, 0.02, generator=random)

    quantization = Quantization(symmetric=symmetric, floats="fp16")
    stage = stage_of(made(tmp_path, change), "language_model", "int8", quantization)
    path = tmp_path / "language_model.onnx"
    stage.write(path)
    weights = ir.load(path).graph.initializers
    scales = {
        name: value.const_value.numpy()
        for name, value in weights.items()
        if name.startswith("model.layers.") and name.endswith("_scales")
    }
    assert len(scales) == 2 * 5
    smallest = {name: float(np.abs(each).min()) for name, each in scales.items()}
    assert min(smallest.values()) >= np.finfo(np.float16).tiny, smallest


def steps(keys: list[str], sizes: list[float]) -> Callable[[Tensors], None]:
    """One channel of the sum through the layers goes up, and down again."""

    def change(tensors: Tensors) -> None:
        for key, size in zip(keys, sizes, strict=True):
            tensors[key][1] = size

    return change


def test_vision_encoder(tmp_path: Path) -> None:
    keys = [f"vision_model.encoder.layers.{layer}.mlp.fc2.bias" for layer in range(4)]
    siglip = replace(RandomSizes().siglip, num_layers=5)
    change = steps(keys, [60000, 60000, -60000, -60000])
    folder = made(tmp_path, change, "siglip", siglip=siglip)
    check_traced(folder, "vision_encoder", tmp_path, "layers.1")


def test_mask_encoder(tmp_path: Path) -> None:
    prefix = "model.mask_encoder.sam2_model.image_encoder.trunk.blocks"
    keys = [f"{prefix}.{block}.mlp.layers.1.bias" for block in (2, 3, 4, 5)]
    sam2 = replace(RandomSizes().sam2, stages=(1, 1, 4, 1))
    folder = made(tmp_path, steps(keys, [60000, 60000, -60000, -60000]), sam2=sam2)
    check_traced(folder, "mask_encoder", tmp_path, "blocks.3")


def test_mask_decoder(tmp_path: Path) -> None:
    """Its sums are normed where they arise; in the two stages without such a sum nothing helps."""
    prefix = "model.mask_encoder.sam2_model.sam_mask_decoder.transformer.layers.0"
    keys = [f"{prefix}.{name}.bias" for name in ("norm2", "mlp.layers.1")]
    folder = made(tmp_path, steps(keys, [40000, 40000]))
    check_traced(folder, "mask_decoder", tmp_path, "transformer.layers.0.layer_norm3", given=True)


def check_traced(folder: Path, stem: str, out: Path, layer: str, *, given: bool = False) -> None:
    """What a layer gives, or is given, is too large for fp16, and the graph right for all that."""
    stage = stage_of(folder, stem, "fp16")
    found: list[float] = []
    name = next(name for name, _ in stage.module.named_modules() if name.endswith(layer))

    def note(_module: Any, inputs: Any, output: Any) -> None:
        noted = inputs if given else output
        found.append(float((noted[0] if isinstance(noted, tuple) else noted).abs().max()))

    hook = stage.module.get_submodule(name).register_forward_hook(note)
    stage.reference(stage.probes(np.random.default_rng(0))[0])
    hook.remove()
    assert found[0] > LARGEST
    path = out / f"{stem}.onnx"
    stage.write(path)
    verify_stage(stage, path)
    check_half_values(path, stage.probes(np.random.default_rng(0))[0])


def test_no_value_is_rounded_between_two_sums(tmp_path: Path) -> None:
    folder = make_random_checkpoint(tmp_path / "checkpoint", RandomSizes(), seed=3)
    path = tmp_path / "vision_encoder.onnx"
    stage_of(folder, "vision_encoder", "fp16").write(path)
    half = ir.DataType.FLOAT16
    for node in ir.load(path).graph:
        source = node.inputs[0].producer() if node.inputs and node.inputs[0] else None
        if node.op_type == "Cast" and source is not None and source.op_type == "Cast":
            assert source.attributes["to"].as_int() != half, node.name
