"""What a precision means for each stage, and integer graphs against PyTorch."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.compare import DEQUANTISED, EXACT, assert_close

torch = pytest.importorskip("torch", reason="needs the export extra")
import onnx_ir as ir  # noqa: E402

from testing.ufvideo_testing.random_checkpoint import RandomSizes, make_random_checkpoint  # noqa: E402
from ufvideo_export import export_package  # noqa: E402
from ufvideo_export.checkpoint.checkpoint import Checkpoint  # noqa: E402
from ufvideo_export.precision import Quantization, recipe  # noqa: E402
from ufvideo_export.spec import TOLERANCES, stage_specs  # noqa: E402
from ufvideo_export.stages import STAGES  # noqa: E402
from ufvideo_export.torch_model.model import load_language_model  # noqa: E402
from ufvideo_export.verify import open_graph as open_stage  # noqa: E402
from ufvideo_export.verify import verify_stage  # noqa: E402
from ufvideo_sdk.errors import ConfigError, InferenceError, InputError  # noqa: E402
from ufvideo_sdk.package.manifest import STAGE_STEMS, read_manifest  # noqa: E402

pytestmark = pytest.mark.torch

OpenGraph = Callable[[Path, str], Any]


def stage_of(folder: Path, stem: str, precision: str, **options: Any) -> Any:
    checkpoint = Checkpoint(folder)
    return STAGES[stem](
        checkpoint, stage_specs(checkpoint, "fp32")[stem], precision, Quantization(**options)
    )


def test_recipes() -> None:
    for floats in ("fp32", "fp16"):
        assert set(recipe(floats).stages.values()) == {floats}
    for integers in ("int8", "int4"):
        assert recipe(integers).stages == {
            "vision_encoder": "int8",
            "aligner": "fp16",
            "region_encoder": "fp16",
            "token_embedder": "int8",
            "language_model": integers,
            "mask_encoder": "int8",
            "mask_decoder": "fp16",
            "memory_encoder": "fp16",
            "memory_attention": "fp16",
            "track_decoder": "fp16",
        }


def test_floats_of_a_gpu() -> None:
    stages = recipe("int4", Quantization(floats="fp16")).stages
    assert stages["language_model"] == "int4" and stages["token_embedder"] == "int8"
    rest = {stem: each for stem, each in stages.items() if each not in ("int4", "int8")}
    assert set(rest.values()) == {"fp16"} and len(rest) == 8


@pytest.mark.parametrize(
    ("precision", "options", "words"),
    [
        ("int3", {}, "precision to be fp32 or fp16 or int8 or int4, found 'int3'"),
        ("int4", {"block_size": 48}, "block_size to be 16 or 32 .*, found 48"),
        ("int4", {"floats": "int8"}, "floats to be fp32 or fp16, found 'int8'"),
        ("int4", {"accuracy_level": 2}, "accuracy_level to be 1 or 4, found 2"),
        ("int4", {"head": "int3"}, "head to be fp32 or int8 or int4, found 'int3'"),
        ("fp16", {"symmetric": True}, "no quantization options with precision fp16"),
    ],
)
def test_unknown_options_are_refused(precision: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        recipe(precision, Quantization(**options) if options else None)


def test_integers_need_optimum(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "optimum" else found(name)
    )
    with pytest.raises(ConfigError, match="expected optimum-onnx"):
        export_package(tiny_checkpoint, tmp_path / "package", precision="int4")


def test_package_says_the_precision_of_every_stage(
    small_package: Path, small_package_int4: Path
) -> None:
    manifest, whole = read_manifest(small_package_int4), read_manifest(small_package)
    stages = recipe("int4").stages
    found = {stem: entry.precision for stem, entry in manifest.stages.items()}
    assert found == {stem: stages[stem] for stem in STAGE_STEMS}
    assert manifest.provenance["quantization"] == (
        "block_size=128, asymmetric, accuracy_level=4, head=int4, reduce_range=true, floats=fp32"
    )
    assert "quantization" not in whole.provenance
    for stem in STAGE_STEMS:
        sizes = [each.stages[stem].graph.size_bytes for each in (manifest, whole)]
        assert sizes[0] < sizes[1], stem
    # What PyTorch computes with the same weights; the inputs of a product are rounded.
    assert (
        manifest.verification["language_model"].tolerance_rel == TOLERANCES["int8_inputs"].max_rel
    )
    assert manifest.verification["token_embedder"].max_abs_error == 0


def dense_weights(graph: ir.Graph) -> dict[str, NDArray[np.float32]]:
    """Every quantised matrix of a graph by name, decoded value by value as the operator says."""
    found = {}
    for node in graph:
        if node.op_type != "MatMulNBits":
            continue
        packed, scales, *zero_points = (
            value.const_value.numpy()
            for value in node.inputs[1:]
            if value is not None and value.const_value is not None
        )
        bits = node.attributes["bits"].as_int()
        size = node.attributes["block_size"].as_int()

        def integers(packed: NDArray[np.uint8], count: int, bits: int = bits) -> NDArray[Any]:
            parts = [packed] if bits == 8 else [packed & 15, packed >> 4]
            return np.stack(parts, axis=-1).reshape(*packed.shape[:-1], -1)[..., :count]

        values = integers(packed, size).astype(np.float32)
        middle = (
            integers(zero_points[0], scales.shape[1]).astype(np.float32)[..., None]
            if zero_points
            else np.float32(1 << (bits - 1))
        )
        name = node.inputs[1].name.removesuffix("_q")  # type: ignore[union-attr]
        found[name] = ((values - middle) * scales[..., None]).reshape(len(packed), -1)
    return found


def dequantised_model(checkpoint: Checkpoint, graph: ir.Graph) -> Any:
    """The language model in PyTorch with the weights that a graph holds."""
    model = load_language_model(checkpoint)
    weights = dense_weights(graph)
    sizes = checkpoint.sizes
    head = weights.pop("model.embed_tokens.weight", weights.pop("lm_head.weight", None))
    assert len(weights) == 5 * sizes.num_layers
    with torch.no_grad():
        if head is not None:
            model.lm_head.weight = torch.nn.Parameter(torch.from_numpy(head))
        for name, weight in weights.items():
            matrix = torch.from_numpy(weight)
            if "qkv_proj" not in name:
                model.get_parameter(name).copy_(matrix)
                continue
            first = 0
            for part in ("q_proj", "k_proj", "v_proj"):
                target = model.get_parameter(name.replace("qkv_proj", part))
                target.copy_(matrix[first : first + len(target)])
                first += len(target)
            assert first == len(matrix)
    return model


@pytest.mark.parametrize(
    ("precision", "options"),
    [
        ("int4", {}),
        ("int4", {"symmetric": True, "block_size": 32}),
        ("int4", {"head": "int8"}),
        ("int4", {"head": "fp32", "block_size": 16}),
        ("int8", {}),
        ("int8", {"symmetric": True}),
    ],
)
@pytest.mark.parametrize("which", ["tiny_checkpoint", "odd_checkpoint"])
def test_accuracy_level_1_equals_dequantised_pytorch(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    which: str,
    precision: str,
    options: dict[str, Any],
) -> None:
    folder: Path = request.getfixturevalue(which)
    stage = stage_of(folder, "language_model", precision, accuracy_level=1, **options)
    path = tmp_path / "language_model.onnx"
    stage.write(path)
    model = dequantised_model(stage.checkpoint, ir.load(path).graph)
    embeds = np.random.default_rng(3).standard_normal(
        (1, 21, stage.checkpoint.sizes.hidden_size), dtype=np.float32
    )
    with torch.inference_mode():
        states = model.model(inputs_embeds=torch.from_numpy(embeds)).last_hidden_state
        logits = model.lm_head(states).numpy()
    found = stage.run(open_stage(stage, path, tmp_path), {"inputs_embeds": embeds})
    assert_close(found["hidden_states"], states.numpy(), DEQUANTISED, where="states")
    assert_close(found["logits"][:, -1], logits[:, -1], DEQUANTISED, where="logits")
    # And so says the exporter's own reference.
    verification = verify_stage(stage, path)
    assert verification.max_rel_error <= DEQUANTISED.max_rel
    assert verification.tolerance_rel == TOLERANCES["fp32"].max_rel


def test_another_integer_is_noticed(tiny_checkpoint: Path, tmp_path: Path) -> None:
    stage = stage_of(tiny_checkpoint, "language_model", "int4", accuracy_level=1)
    path = tmp_path / "language_model.onnx"
    stage.write(path)
    model = ir.load(path)
    name = "model.layers.0.mlp.down_proj.weight_q"
    value = model.graph.initializers[name]
    changed = value.const_value.numpy().copy()  # type: ignore[union-attr]
    changed[3, 0, 5] ^= 8
    value.const_value = ir.Tensor(changed, name=name)
    ir.save(model, path)
    with pytest.raises(InferenceError, match=r"language_model \(int4\)"):
        verify_stage(stage, path)


def test_rows_that_no_block_divides_are_refused_at_once(tmp_path: Path) -> None:
    if importlib.util.find_spec("optimum") is None:
        pytest.skip("needs optimum-onnx, of the export extra")

    def labels_only(label: str, _fraction: float) -> None:
        assert label == "checkpoint"

    folder = make_random_checkpoint(
        tmp_path / "odd", RandomSizes(intermediate_size=100, num_layers=1), seed=4
    )
    with pytest.raises(InputError, match=r"multiple of 16 .*intermediate_size gives rows of 100"):
        export_package(folder, tmp_path / "package", precision="int4", progress=labels_only)
    assert not (tmp_path / "package").exists()


@pytest.mark.parametrize(("reduce_range", "largest"), [(True, 64), (False, 127)])
def test_encoders_multiply_int8_where_a_weight_is(
    tiny_checkpoint: Path, tmp_path: Path, reduce_range: bool, largest: int
) -> None:
    if importlib.util.find_spec("optimum") is None:
        pytest.skip("needs optimum-onnx, of the export extra")
    stage = stage_of(tiny_checkpoint, "vision_encoder", "int8", reduce_range=reduce_range)
    path = tmp_path / "vision_encoder.onnx"
    stage.write(path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["vision_encoder.onnx"]
    graph = ir.load(path).graph
    kinds = [node.op_type for node in graph]
    num_layers = 2
    assert kinds.count("MatMulInteger") == 6 * num_layers
    # Scores and weighted values of attention, and the patches' convolution.
    assert kinds.count("MatMul") == 2 * num_layers and kinds.count("Conv") == 1
    integers = [
        value.const_value.numpy()
        for value in graph.initializers.values()
        if value.dtype == ir.DataType.INT8 and value.const_value is not None
    ]
    extremes = max(int(np.abs(each.astype(int)).max()) for each in integers)
    assert extremes == largest
    assert verify_stage(stage, path).max_rel_error > 0


def test_embeddings_are_rows_in_steps(
    small_package: Path, small_package_int4: Path, open_graph: OpenGraph
) -> None:
    ids = np.arange(0, 626, 5)
    whole, stepped = (
        open_graph(package, "token_embedder").run(None, {"token_ids": ids})[0]
        for package in (small_package, small_package_int4)
    )
    steps = np.abs(whole).max(axis=1, keepdims=True) / 127
    assert (np.abs(stepped - whole) <= steps * 0.5001).all()
    assert_close(np.rint(stepped / steps) * steps, stepped, EXACT, max_abs=1e-6, max_rel=1e-6)
