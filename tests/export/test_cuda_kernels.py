"""What CUDA's kernels leave to the CPU, of every stage in every precision: these nodes, no others.

What cannot be seen here: fusions after a graph is split between providers (their results run where
their parts would), what a kernel refuses as it runs, and what a GPU's own age excludes.
"""

from __future__ import annotations

import mmap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

onnx = pytest.importorskip("onnx", reason="needs the export extra")
onnxruntime = pytest.importorskip("onnxruntime")

from tests.cuda_placement import place  # noqa: E402
from tests.data.cuda import kernel_table as TABLE  # noqa: E402
from tests.graph_reader import (  # noqa: E402
    Reader,
    operators_of_the_runtime,
    spelled_operators,
)
from ufvideo_sdk.package.manifest import read_manifest  # noqa: E402
from ufvideo_sdk.package.shipped_package import shipped_package  # noqa: E402

pytestmark = pytest.mark.torch
ROOT = Path(__file__).parents[2]
CUDA_LIBRARY = ROOT / ".cache/onnxruntime-gpu/onnxruntime/capi/libonnxruntime_providers_cuda.so"


# Nano ships in int8.
PACKAGES = (
    "nano",
    "exported_package_track",
    "small_package_fp16_track",
    "small_package_int4",
    "small_package_qdq",
    "package_of_a_gpu",
    "odd_package_track",
)
FOR_A_GPU = ("small_package_fp16_track", "package_of_a_gpu")

# CUDA's attention computes in 16 bits alone: every layer's.
WIDE_ATTENTION = {"GroupQueryAttention": "input 0 FLOAT"}
# Encoders in int8 quantise what comes in to uint8, and CUDA multiplies int8 by int8 alone.
INTEGER_PRODUCTS = {"DynamicQuantizeLinear": "no kernel", "MatMulInteger": "input 0 UINT8"}
# Arithmetic of shapes, which ONNX Runtime returns to the CPU on purpose: its values are in host
# memory, and are used there. The optimizer makes a Gather of some of it.
SHAPE_ARITHMETIC = {"Concat", "Slice"}
SHAPE_ARITHMETIC_OF = dict.fromkeys(
    ("mask_decoder", "mask_encoder", "vision_encoder", "track_decoder"), SHAPE_ARITHMETIC
) | {
    # Numbers of memories and pointers become a number of tokens.
    "memory_attention": {"Concat", "Mul", "Reshape", "Squeeze"},
}


@pytest.fixture(params=PACKAGES)
def package(request: pytest.FixtureRequest) -> Path:
    return package_named(request.param, request)


def package_named(name: str, request: pytest.FixtureRequest) -> Path:
    if name == "nano":
        return shipped_package()
    folder: Path = request.getfixturevalue(name)
    return folder


def graphs(package: Path) -> Iterator[tuple[str, str, Any]]:
    """Each stage's stem, its precision, and its graph without large weights."""
    for stem, entry in read_manifest(package).stages.items():
        yield stem, entry.precision, onnx.load(package / f"{stem}.onnx", load_external_data=False)


def left_to_the_cpu(stem: str, precision: str, graph: Any) -> dict[str, str]:
    """What is known to fall to the CPU in a stage: operators with the reason."""
    if stem == "language_model":
        inputs = {value.name: value.type.tensor_type.elem_type for value in graph.graph.input}
        cache = inputs["past_key_values.0.key"]
        return WIDE_ATTENTION if cache == onnx.TensorProto.FLOAT else {}
    if precision != "int8" or not stem.endswith("encoder"):
        return {}
    # With scales fixed beforehand CUDA rounds to int8, and multiplies in floats.
    is_static = any(node.op_type == "QuantizeLinear" for node in graph.graph.node)
    return {} if is_static else INTEGER_PRODUCTS


def check(graph: Any, known: dict[str, str], returned: set[str]) -> None:
    """All nodes of the known operators and no others fall to the CPU, for the known reasons."""
    placed, nodes = place(graph, TABLE.KERNELS), graph.graph.node
    assert {(nodes[i].op_type, reason) for i, reason in placed.without_kernel.items()} == set(
        known.items()
    )
    counts = Counter(node.op_type for node in nodes)
    assert len(placed.without_kernel) == sum(counts[op_type] for op_type in known)
    assert {nodes[i].op_type for i in placed.returned} == returned
    types = Reader(graph).types
    assert {types[name] for i in placed.returned for name in nodes[i].input} <= {"INT64"}


def test_what_falls_to_the_cpu_is_known(package: Path) -> None:
    for stem, precision, graph in graphs(package):
        returned = SHAPE_ARITHMETIC_OF.get(stem, set())
        check(graph, left_to_the_cpu(stem, precision, graph), returned)


@pytest.mark.parametrize("name", FOR_A_GPU)
def test_nothing_falls_to_the_cpu_in_packages_for_a_gpu(
    name: str, request: pytest.FixtureRequest
) -> None:
    for stem, _, graph in graphs(package_named(name, request)):
        assert place(graph, TABLE.KERNELS).without_kernel == {}, stem


def test_graphs_that_the_optimizer_has_changed(package: Path, tmp_path: Path) -> None:
    """As they are when ONNX Runtime splits them between providers: folded and simplified."""
    for stem, precision, graph in graphs(package):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(tmp_path / f"{stem}.onnx")
        onnxruntime.InferenceSession(
            package / f"{stem}.onnx", options, providers=["CPUExecutionProvider"]
        )
        optimized = onnx.load(tmp_path / f"{stem}.onnx", load_external_data=False)
        returned = set(SHAPE_ARITHMETIC_OF.get(stem, ()))
        if "Slice" in returned:
            returned |= {"Gather"}
        check(optimized, left_to_the_cpu(stem, precision, graph), returned)


@pytest.mark.parametrize(
    ("precision", "options"),
    [
        ("int8", {}),
        ("int8", {"floats": "fp16"}),
        ("int4", {"floats": "fp16", "symmetric": True}),
        ("int4", {"floats": "fp16", "head": "fp32"}),
    ],
)
def test_other_integers(
    small_checkpoint: Path, tmp_path: Path, precision: str, options: dict[str, Any]
) -> None:
    """Written without an export: all other stages are those of an int4 package."""
    from ufvideo_export.checkpoint.checkpoint import Checkpoint
    from ufvideo_export.precision import Quantization, recipe
    from ufvideo_export.spec import stage_specs
    from ufvideo_export.stages import STAGES

    quantization, stem = Quantization(**options), "language_model"
    usual = recipe("int4", Quantization(floats=quantization.floats)).stages
    assert recipe(precision, quantization).stages == dict(usual) | {stem: precision}
    checkpoint = Checkpoint(small_checkpoint)
    spec = stage_specs(checkpoint, precision, quantization)[stem]
    STAGES[stem](checkpoint, spec, precision, quantization).write(tmp_path / "model.onnx")
    graph = onnx.load(tmp_path / "model.onnx", load_external_data=False)
    check(graph, {} if options else WIDE_ATTENTION, set())


@pytest.fixture(scope="module")
def narrow_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As many layers, blocks, heads and pixels as the released model, of few channels."""
    import dataclasses

    from testing.ufvideo_testing.full_size import SO400M
    from testing.ufvideo_testing.random_checkpoint import RandomSizes, make_random_checkpoint
    from ufvideo_export.checkpoint.config import Sam2Sizes
    from ufvideo_export.torch_model.mask_model import Sam2Widths

    narrow = {"mask_decoder_mlp_dim": 48, "memory_attention_feedforward": 32}
    sizes = RandomSizes(
        hidden_size=28 * 16,
        num_attention_heads=28,
        num_key_value_heads=4,
        num_frames=32,
        num_aligner_blocks=4,
        siglip=dataclasses.replace(SO400M, hidden_size=32, intermediate_size=64),
        sam2=dataclasses.replace(Sam2Sizes(), embed_dim=8, num_heads=1, **narrow),
        sam2_widths=Sam2Widths(64, 16, 7),
    )
    return make_random_checkpoint(tmp_path_factory.mktemp("narrow") / "narrow", sizes, seed=1)


# Tracing mask_encoder's 48 blocks takes a minute: looked at by hand, and as all others.
@pytest.mark.slow
@pytest.mark.parametrize(
    "stem",
    [
        "vision_encoder",
        "aligner",
        "region_encoder",
        "mask_decoder",
        "memory_encoder",
        "memory_attention",
        "track_decoder",
    ],
)
def test_released_forms(narrow_checkpoint: Path, tmp_path: Path, stem: str) -> None:
    from ufvideo_export.checkpoint.checkpoint import Checkpoint
    from ufvideo_export.spec import stage_specs
    from ufvideo_export.stages import STAGES

    checkpoint = Checkpoint(narrow_checkpoint)
    spec = stage_specs(checkpoint, "fp16", None, track=True)[stem]
    STAGES[stem](checkpoint, spec, "fp16", None).write(tmp_path / "model.onnx")
    graph = onnx.load(tmp_path / "model.onnx", load_external_data=False)
    check(graph, {}, SHAPE_ARITHMETIC_OF.get(stem, set()))
    # SAM 2 computes its positions in the graph from some size on.
    assert spelled_operators(graph.graph) <= operators_of_the_runtime()


@pytest.mark.parametrize(
    ("name", "lacking"),
    [("small_package_fp16_track", {"Resize"}), ("odd_package_track", {"Resize", "Pad"})],
)
def test_releases_before_1_25(name: str, lacking: set[str], request: pytest.FixtureRequest) -> None:
    """They lack two kernels of opset 20; maps are padded only where windows do not divide them."""
    for stem, precision, graph in graphs(package_named(name, request)):
        known = left_to_the_cpu(stem, precision, graph)
        if stem == "memory_encoder":
            known = known | {"Resize": "version 19"}
        if stem == "mask_encoder":
            known = known | dict.fromkeys(lacking, "version 19")
        placed = place(graph, TABLE.KERNELS | TABLE.BEFORE_1_25)
        found = {(graph.graph.node[i].op_type, why) for i, why in placed.without_kernel.items()}
        assert found == set(known.items()), stem


def test_the_table_is_of_our_graphs(request: pytest.FixtureRequest) -> None:
    used = {
        (node.domain, node.op_type)
        for name in PACKAGES
        for _, _, graph in graphs(package_named(name, request))
        for node in graph.graph.node
    }
    others = TABLE.OF_THE_OPTIMIZER | TABLE.OF_RELEASED_SIZES
    assert set(TABLE.KERNELS) - others == used - TABLE.WITHOUT_KERNEL
    assert used >= TABLE.WITHOUT_KERNEL


@pytest.mark.parametrize("name", sorted(TABLE.CLASSES_IN_LIBRARY))
def test_the_library_has_these_classes(name: str) -> None:
    """The types of what decides most, as the library's own names say them."""
    if not CUDA_LIBRARY.exists():
        pytest.skip("needs onnxruntime-gpu: bash cmake/fetch_onnxruntime_gpu.sh")
    with CUDA_LIBRARY.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as m:
        assert (m.find(b"\0" + name.encode() + b"\0") >= 0) is TABLE.CLASSES_IN_LIBRARY[name]


def one_node(op_type: str, kind: str, opset: int = 20, **attributes: Any) -> Any:
    helper, dtype = onnx.helper, getattr(onnx.TensorProto, kind)
    border = [helper.make_tensor_value_info(name, dtype, [1, 1, 4, 4]) for name in "xy"]
    sources = ["x", "x"] if op_type in ("Add", "ConvTranspose") else ["x"]
    node = helper.make_node(op_type, sources, ["y"], name="n", **attributes)
    graph = helper.make_graph([node], "g", border[:1], border[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


@pytest.mark.parametrize(
    ("graph", "reasons"),
    [
        (one_node("Add", "FLOAT16"), []),
        (one_node("Add", "BOOL"), ["input 0 BOOL"]),
        (one_node("Det", "FLOAT"), ["no kernel"]),
        (one_node("Transpose", "FLOAT", 21), ["version 21"]),
        (one_node("Gelu", "FLOAT"), []),
        (one_node("ConvTranspose", "FLOAT", pads=[1, 0, 1, 0]), []),
        (one_node("ConvTranspose", "FLOAT", pads=[1, 0, 0, 0]), ["asymmetric pads"]),
        (one_node("Cast", "FLOAT", to=onnx.TensorProto.STRING), ["to STRING"]),
    ],
)
def test_the_test_finds_what_is_wrong(graph: Any, reasons: list[str]) -> None:
    assert list(place(graph, TABLE.KERNELS).without_kernel.values()) == reasons


def test_what_is_returned_to_the_cpu() -> None:
    """A shape's own arithmetic is; what reads it as a shape, and what it makes large, is not."""
    helper, proto = onnx.helper, onnx.TensorProto
    x, y = (helper.make_tensor_value_info(name, proto.FLOAT, None) for name in "xy")
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Concat", ["shape", "one"], ["longer"], axis=0),
        helper.make_node("Concat", ["shape", "many"], ["longest"], axis=0),
        helper.make_node("Cast", ["longer"], ["half"], to=proto.FLOAT16),
        helper.make_node("Sigmoid", ["half"], ["gate"]),
        helper.make_node("Expand", ["x", "longer"], ["y"]),
    ]
    constants = [
        helper.make_tensor(name, proto.INT64, [size], [1] * size)
        for name, size in (("one", 1), ("many", 101))
    ]
    graph = helper.make_graph(nodes, "g", [x], [y], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    placed = place(model, TABLE.KERNELS)
    # The cast's result is in host memory too, but what computes in half precision stays.
    assert placed.without_kernel == {} and placed.returned == {1, 3}
    # Behind what CUDA cannot run, what is small and of fp32 goes along.
    nodes[3].attribute[0].i = proto.STRING
    graph = helper.make_graph(nodes[:4], "g", [x], [y], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    assert place(model, TABLE.KERNELS).without_kernel == {3: "to STRING"}
