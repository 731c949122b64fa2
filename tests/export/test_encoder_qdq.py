"""Int8 encoders with scales that are measured when they are exported."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

torch = pytest.importorskip("torch", reason="needs the export extra")
import onnx  # noqa: E402
import onnx_ir as ir  # noqa: E402
import onnxruntime  # noqa: E402

from ufvideo_export import export_package  # noqa: E402
from ufvideo_export.calibration.drawn_frames import drawn_frames  # noqa: E402
from ufvideo_export.calibration.frames import CalibrationFrames  # noqa: E402
from ufvideo_export.checkpoint.checkpoint import Checkpoint  # noqa: E402
from ufvideo_export.graph import encoder_qdq, to_onnx  # noqa: E402
from ufvideo_export.graph.activation_scales import measure_scales  # noqa: E402
from ufvideo_export.precision import Quantization, recipe  # noqa: E402
from ufvideo_export.spec import stage_specs  # noqa: E402
from ufvideo_export.stages import STAGES  # noqa: E402
from ufvideo_export.verify import verify_stage  # noqa: E402
from ufvideo_sdk import RuntimeConfig, UFVideo  # noqa: E402
from ufvideo_sdk.errors import ConfigError, InferenceError, InputError  # noqa: E402
from ufvideo_sdk.package.manifest import read_manifest  # noqa: E402

pytestmark = pytest.mark.torch

ENCODERS = ("vision_encoder", "mask_encoder")
QDQ: dict[str, Any] = {"encoder_int8": "qdq"}
# Against fp32 on frames that scales were not measured on, root mean square.
MAX_RMS_ERROR = 0.05


def stage_of(folder: Path, stem: str, precision: str = "int8", **options: Any) -> Any:
    checkpoint = Checkpoint(folder)
    spec = stage_specs(checkpoint, "fp32")[stem]
    return STAGES[stem](checkpoint, spec, precision, Quantization(**options))


Plain = Callable[[Path, str], Path]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Plain:
    """The graph of an encoder in fp32, traced once."""
    folder = tmp_path_factory.mktemp("plain")

    def path_of(checkpoint: Path, stem: str) -> Path:
        path = folder / checkpoint.name / f"{stem}.onnx"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            stage_of(checkpoint, stem, "fp32").write(path)
        return path

    return path_of


def quantized(plain: Path, checkpoint: Path, out: Path, **options: Any) -> Any:
    """A stage in int8 whose graph lies in a folder, made of that in fp32."""
    stage = stage_of(checkpoint, plain.stem, **options)
    out.mkdir()
    stage.quantize(Path(shutil.copy(plain, out)))
    return stage


def outputs(path: Path, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return np.concatenate([each.ravel() for each in session.run(None, {"frames": frames})])


def rms(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.square(found - expected).mean() / np.square(expected).mean()))


def other_frames(side_px: int) -> NDArray[np.uint8]:
    """Frames that no calibration has seen, uint8 [3, S, S, 3]."""
    turned = [frame[::-1, ::-1].transpose(1, 0, 2) for frame in drawn_frames(side_px)][:3]
    return np.ascontiguousarray(np.stack(turned))


@pytest.mark.parametrize("stem", ENCODERS)
def test_the_form_of_the_graph(small_package_qdq: Path, stem: str) -> None:
    graph = ir.load(small_package_qdq / f"{stem}.onnx").graph
    products = [node for node in graph if node.op_type == "MatMul"]
    weighted = [
        node
        for node in products
        if getattr(node.inputs[1].producer(), "op_type", "") == "DequantizeLinear"
    ]
    readers: Counter[str] = Counter()
    scales: dict[str, set[float]] = {}
    for node in weighted:
        rounded, weight = (value.producer() for value in node.inputs)
        assert rounded.op_type == weight.op_type == "DequantizeLinear"
        steps = rounded.inputs[0].producer()
        assert steps.op_type == "QuantizeLinear"
        # One scale for the activation, the same in both; zero points of int8, all 0.
        assert steps.inputs[1] is rounded.inputs[1] and steps.inputs[1].shape.numpy() == ()
        assert steps.inputs[2] is rounded.inputs[2]
        for value in (steps.inputs[2], weight.inputs[2]):
            zeros = value.const_value.numpy()
            assert zeros.dtype == np.int8 and not zeros.any()
        # A scale a column of the weight, of 7 bits.
        integers, columns = (value.const_value.numpy() for value in weight.inputs[:2])
        assert integers.dtype == np.int8 and np.abs(integers.astype(int)).max() == 64
        assert weight.attributes["axis"].as_int() == 1
        assert columns.shape == integers.shape[1:] and (columns > 0).all()
        # A pair for each product, or ONNX Runtime's CPU multiplies floats.
        assert len(steps.outputs[0].uses()) == len(rounded.outputs[0].uses()) == 1
        name = steps.inputs[0].name
        readers[name] += 1
        scales.setdefault(name, set()).add(float(steps.inputs[1].const_value.numpy()))
    assert weighted and all(len(scales[name]) == count for name, count in readers.items())
    # Attention's products and convolutions are floats, and no weight is there twice.
    attention = len(products) - len(weighted)
    assert attention > 0 and not any(node.op_type == "ConvInteger" for node in graph)
    assert all(value.uses() for value in graph.initializers.values())
    onnx.checker.check_model(small_package_qdq / f"{stem}.onnx", full_check=True)


@pytest.mark.parametrize("stem", ENCODERS)
def test_onnxruntime_multiplies_int8(small_package_qdq: Path, tmp_path: Path, stem: str) -> None:
    path = small_package_qdq / f"{stem}.onnx"
    before = Counter(node.op_type for node in onnx.load(path).graph.node)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    after = Counter(node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node)
    integers = after["MatMulIntegerToFloat"] + after["QLinearMatMul"]
    assert integers == before["QuantizeLinear"] > 0
    assert after["DequantizeLinear"] == 0


@pytest.mark.parametrize("stem", ENCODERS)
def test_error_against_float(
    small_checkpoint: Path, plain: Plain, tmp_path: Path, stem: str
) -> None:
    pytest.importorskip("optimum", reason="needs optimum-onnx, of the export extra")
    exact = plain(small_checkpoint, stem)
    kinds: dict[str, dict[str, Any]] = {
        "dynamic": {},
        "qdq": QDQ,
        "full": QDQ | {"reduce_range": False},
    }
    errors = {}
    for name, options in kinds.items():
        stage = quantized(exact, small_checkpoint, tmp_path / name, **options)
        path = tmp_path / name / exact.name
        # One at a time: dynamic scales are those of a run.
        frames = [frame[None] for frame in other_frames(stage.side_px)]
        found, expected = (
            np.concatenate([outputs(each, frame) for frame in frames]) for each in (path, exact)
        )
        errors[name] = rms(found, expected)
    assert 0 < errors["full"] < 1.1 * errors["qdq"] < 1.1 * MAX_RMS_ERROR, errors
    assert errors["qdq"] < 1.5 * errors["dynamic"], errors
    measured = verify_stage(stage, path)
    assert 0 < measured.max_rel_error < measured.tolerance_rel


def test_equal_frames_give_equal_bytes(
    tiny_checkpoint: Path, plain: Plain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = plain(tiny_checkpoint, "vision_encoder")
    name = exact.name
    for out in ("first", "second"):
        quantized(exact, tiny_checkpoint, tmp_path / out, **QDQ)
    first = (tmp_path / "first" / name).read_bytes()
    assert first == (tmp_path / "second" / name).read_bytes()
    picture = tmp_path / "grey.png"
    Image.fromarray(np.full((30, 30, 3), 127, np.uint8)).save(picture)
    grey = QDQ | {"calibration": (str(picture),)}
    quantized(exact, tiny_checkpoint, tmp_path / "grey", **grey)
    assert first != (tmp_path / "grey" / name).read_bytes()
    # As an export writes it, weights in a file of their own before and behind.
    monkeypatch.setattr(to_onnx, "INLINE_WEIGHTS_BYTES", 1024)
    stage = stage_of(tiny_checkpoint, "vision_encoder", **QDQ)
    (tmp_path / "apart").mkdir()
    stage.write(tmp_path / "apart" / name)
    files = {path.name for path in (tmp_path / "apart").iterdir()}
    assert files == {name, f"{name}.data"}
    frames = other_frames(stage.side_px)
    apart, inside = (outputs(tmp_path / each / name, frames) for each in ("apart", "first"))
    assert (apart == inside).all()


def test_scales_are_the_best_of_their_frames(tiny_checkpoint: Path, plain: Plain) -> None:
    path = plain(tiny_checkpoint, "vision_encoder")
    stage = stage_of(tiny_checkpoint, "vision_encoder")
    name = encoder_qdq.weighted_products(ir.load(path).graph)[4].inputs[0].name
    model = onnx.load(path)
    model.graph.output.append(onnx.helper.make_tensor_value_info(name, 1, None))
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    frames = list(CalibrationFrames().of_size(stage.side_px))
    values = np.stack([session.run([name], {"frames": frame})[0] for frame in frames])
    found = measure_scales(stage.spec, path, [name, name], lambda: frames)
    assert list(found) == [name]
    peak = np.abs(values).max()

    def changed(scale: float) -> float:
        rounded = np.clip(np.rint(values / np.float32(scale)), -128, 127) * np.float32(scale)
        return float(np.sqrt(np.square(values - rounded).mean() / np.square(values).mean()))

    errors = {reach: changed(peak * reach / 127) for reach in (1.0, 0.8, 0.64, 0.5, 0.4)}
    best = min(errors, key=lambda reach: errors[reach])
    assert found[name].scale == pytest.approx(peak * best / 127, rel=1e-3)
    assert found[name].error == pytest.approx(errors[best], rel=2e-2)


def test_products_that_int8_does_not_hold_stay_floats(
    tiny_checkpoint: Path, plain: Plain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = plain(tiny_checkpoint, "vision_encoder")
    stage = stage_of(tiny_checkpoint, "vision_encoder")
    products = encoder_qdq.weighted_products(ir.load(exact).graph)
    names = [node.inputs[0].name for node in products]
    # Two layers have four inputs each; a quarter of them, the first ones, are never int8.
    first = list(dict.fromkeys(names))[:2]
    frames = list(CalibrationFrames().of_size(stage.side_px))
    scales = measure_scales(stage.spec, exact, names, lambda: frames)
    errors = {name: found.error for name, found in scales.items()}
    limit = float(np.median([errors[name] for name in names]))
    monkeypatch.setattr(encoder_qdq, "MAX_INPUT_ERROR", limit)
    quantized(exact, tiny_checkpoint, tmp_path / "some", **QDQ)
    graph = onnx.load(tmp_path / "some" / exact.name).graph
    read = {node.input[0] for node in graph.node if node.op_type == "QuantizeLinear"}
    assert read == {name for name in names if errors[name] <= limit and name not in first} != set()
    assert not all(errors[name] <= limit for name in names if name not in first)
    kinds = Counter(node.op_type for node in graph.node)
    assert kinds["MatMul"] == len(names) + 4
    monkeypatch.setattr(encoder_qdq, "MAX_INPUT_ERROR", 1e-9)
    with pytest.raises(InferenceError, match=r"whose input int8 holds .* calibrate with other"):
        quantized(exact, tiny_checkpoint, tmp_path / "none", **QDQ)


def test_the_package_says_it(small_package_qdq: Path) -> None:
    manifest = read_manifest(small_package_qdq)
    assert (manifest.format_version, manifest.tracking) == (2, None)
    assert manifest.capabilities == ("ask", "segment")
    assert manifest.provenance["quantization"].endswith(", encoder_int8=qdq")
    assert manifest.provenance["calibration"] == "16 drawn frames"
    assert "optimum_onnx" not in manifest.provenance
    for stem, stage in manifest.stages.items():
        assert bool(stage.variants) == (stem in ENCODERS)
    for stem in ENCODERS:
        stage = manifest.stages[stem]
        own = stage.variants["tensorrt"]
        assert stage.precision == own.precision == "int8"
        assert (own.graph, own.weights) == (stage.graph, stage.weights)
        assert own.verification == manifest.verification[stem]
        assert 0 < own.verification.max_rel_error < own.verification.tolerance_rel


def test_the_runtime_answers(small_package_qdq: Path) -> None:
    model = UFVideo.load(small_package_qdq, runtime=RuntimeConfig(num_threads=1))
    frames = np.stack(list(drawn_frames(48)))[:4]
    with model.open(frames, fps=2) as session:
        assert session.ask("What is there?").token_ids is not None


def test_other_precisions_with_it() -> None:
    static = Quantization(**QDQ)
    assert recipe("int8", static).stages == recipe("int8").stages
    # For a GPU: the language model's floats are fp16, and TensorRT has int8 encoders.
    halves = Quantization(**QDQ, floats="fp16")
    assert recipe("int4", halves).stages["mask_encoder"] == "int8"
    assert [recipe("int4", halves).is_static(stem) for stem in ("mask_encoder", "aligner")] == [
        True,
        False,
    ]
    assert not recipe("int8").is_static("mask_encoder")
    assert "encoder_int8" not in Quantization(encoder_int8="dynamic").text("int8")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"encoder_int8": "static"}, "encoder_int8 to be dynamic or qdq, found 'static'"),
        ({"encoder_int8": "dynamic", "floats": "fp16"}, "encoder_int8 qdq or none with floats"),
        ({"calibration": ("clip.mp4",)}, "no calibration without encoder_int8 qdq.*'clip.mp4'"),
        ({**QDQ, "calibration": "clip.mp4"}, "calibration to be a tuple of paths"),
    ],
)
def test_options_that_say_nothing_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Quantization(**options)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_floats_have_no_scales(precision: str, tiny_checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"no quantization options with precision {precision}"):
        export_package(
            tiny_checkpoint, tmp_path / "out", precision=precision, quantization=Quantization(**QDQ)
        )
    assert not list(tmp_path.iterdir())


def test_frames_are_looked_at_first(tiny_checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    labels = []
    with pytest.raises(InputError, match="expected pictures or videos"):
        export_package(
            tiny_checkpoint,
            tmp_path / "out",
            precision="int8",
            quantization=Quantization(**QDQ, calibration=(str(tmp_path / "frames"),)),
            progress=lambda label, _: labels.append(label),
        )
    assert labels == ["calibration frames"]
    assert [path.name for path in tmp_path.iterdir()] == ["frames"]


@pytest.mark.parametrize("stem", ENCODERS)
def test_openvino_multiplies_int8(small_package_qdq: Path, stem: str) -> None:
    openvino = pytest.importorskip("openvino", reason="needs openvino: pip install openvino")
    path = small_package_qdq / f"{stem}.onnx"
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    compiled = openvino.Core().compile_model(str(path), "CPU", settings)
    graph = onnx.load(path).graph
    side = graph.input[0].type.tensor_type.shape.dim[1].dim_value
    frames = other_frames(side)[:1]
    found = compiled.create_infer_request().infer([frames])
    flat = np.concatenate([np.asarray(found[each]).ravel() for each in compiled.outputs])
    assert rms(flat, outputs(path, frames)) < 0.02
    kinds = Counter(
        str(node.get_rt_info()["runtimePrecision"].astype(str))
        for node in compiled.get_runtime_model().get_ordered_ops()
        if str(node.get_rt_info()["layerType"].astype(str)) in ("FullyConnected", "MatMul")
    )
    integers = sum(count for kind, count in kinds.items() if kind in ("i8", "u8"))
    assert integers == Counter(node.op_type for node in graph.node)["QuantizeLinear"], kinds
