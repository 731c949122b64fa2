"""Int8 encoders beside fp32: error and speed of dynamic and static scales, on two engines.

Run as `python -m benchmarks.encoder_int8 [--vision-layers N] [--mask-blocks N] [--rounds N]`.
Weights are random, widths and pixels those of the released model, layers fewer: so400m runs 26, and
time grows with their number. Of hiera-large's 48 blocks some of each stage are taken; OpenVINO
takes many minutes to compile them. Then nano's own encoders, on its demo's clip. Errors are root
mean squares against ONNX Runtime's fp32 on frames that no scale was measured on, of the output
that is worst; times are medians, of each form and fp32 in turn.
`stock` is ONNX Runtime's own static quantiser, of uint8 activations, on the same frames. OpenVINO
is measured where it is installed (`pip install openvino`), in float32 between the products and in
bfloat16.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import itertools
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.clips import draw_frames
from testing.ufvideo_testing.full_size import SO400M
from testing.ufvideo_testing.random_checkpoint import RandomSizes, make_random_checkpoint
from ufvideo_export.calibration.drawn_frames import NUM_DRAWN_FRAMES
from ufvideo_export.calibration.frames import CalibrationFrames
from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.checkpoint.config import Sam2Sizes
from ufvideo_export.graph.encoder_int8 import quantize_encoder
from ufvideo_export.graph.encoder_qdq import quantize_statically, weighted_products
from ufvideo_export.spec import stage_specs
from ufvideo_export.stages import STAGES
from ufvideo_export.stages.frame_encoder import FrameEncoderStage
from ufvideo_export.torch_model.mask_model import Sam2Widths
from ufvideo_sdk import demo_clip
from ufvideo_sdk.video.video_file import open_source

Frames = NDArray[np.uint8]
Run = Callable[[Frames], list[NDArray[np.float32]]]
FORMS = ("fp32", "dynamic", "qdq", "qdq, 8 bits", "stock")
NANO = Path(__file__).parents[1] / "training" / "nano" / "checkpoint"
# Of large encoders, whose every frame takes seconds; nano has all that the exporter draws.
NUM_CALIBRATION_FRAMES = 4
NUM_FRAMES = 2


def encoder_sizes(stem: str, depth: int, *, quick: bool) -> RandomSizes:
    """A checkpoint whose one encoder has the released widths and `depth` layers."""
    if quick:
        return RandomSizes()
    if stem == "vision_encoder":
        # One layer more than is run: the selected one is the last but one.
        return RandomSizes(siglip=dataclasses.replace(SO400M, num_layers=depth + 1))
    # Of hiera-large's 2, 6, 36 and 4 blocks.
    sam2 = dataclasses.replace(
        Sam2Sizes(), stages=(1, 2, depth, 1), global_att_blocks=(3 + depth // 2,)
    )
    return RandomSizes(sam2=sam2, sam2_widths=Sam2Widths(256, 64, 7))


@dataclasses.dataclass(frozen=True)
class Measured:
    """A form of an encoder on an engine.

    Attributes:
        error: Root mean square of the worst output's error over that of the output.
        took_ms: Median time of a frame.
        speedup: fp32's median time over it.
    """

    error: float
    took_ms: float
    speedup: float


class Forms:
    """An encoder in every form, each written when it is asked for."""

    def __init__(
        self, folder: Path, stem: str, checkpoint: Checkpoint, num_calibration_frames: int
    ) -> None:
        self._num_calibration_frames = num_calibration_frames
        self._folder, self._spec = folder, stage_specs(checkpoint, "fp32")[stem]
        stage = STAGES[stem](checkpoint, self._spec, "fp32")
        assert isinstance(stage, FrameEncoderStage)
        self.side_px = stage.side_px
        self._plain = folder / "fp32" / f"{stem}.onnx"
        self._plain.parent.mkdir()
        stage.write(self._plain)

    def write(self, form: str) -> Path:
        """The graph in a form; its weights may lie beside it."""
        if form == "fp32":
            return self._plain
        path = self._folder / form.replace(", ", "_").replace(" ", "_") / self._plain.name
        shutil.copytree(self._plain.parent, path.parent)
        if form == "dynamic":
            quantize_encoder(self._spec, path, reduce_range=True)
        elif form == "stock":
            self._quantize_with_stock(path)
        else:
            reduce_range = form == "qdq"
            quantize_statically(self._spec, path, self.calibration, reduce_range=reduce_range)
        return path

    def calibration(self) -> Iterator[Frames]:
        """Drawn frames of each kind, uint8 [1, S, S, 3]."""
        drawn = CalibrationFrames().of_size(self.side_px)
        return itertools.islice(drawn, self._num_calibration_frames)

    def _quantize_with_stock(self, path: Path) -> None:
        import onnx_ir as ir
        from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

        class Reader(CalibrationDataReader):  # type: ignore[misc]
            def __init__(self, frames: Iterator[Frames]) -> None:
                self._frames = frames

            def get_next(self) -> dict[str, Frames] | None:
                frame = next(self._frames, None)
                return None if frame is None else {"frames": frame}

        held = {node.name or "" for node in weighted_products(ir.load(path).graph)}
        # It writes its own files, and leaves what lies there.
        shutil.rmtree(path.parent)
        path.parent.mkdir()
        quantize_static(
            self._plain,
            path,
            Reader(self.calibration()),
            op_types_to_quantize=["MatMul"],
            nodes_to_quantize=sorted(held),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            use_external_data_format=True,
            extra_options={"OpTypesToExcludeOutputQuantization": ["MatMul"]},
        )


def onnxruntime_run(path: Path, num_threads: int) -> Run:
    """The graph in ONNX Runtime, as the runtime opens it."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda frames: list(session.run(None, {"frames": frames}))


def openvino_run(path: Path, num_threads: int, precision: str) -> Run:
    """The graph in OpenVINO; "f32" or "bf16" is what it computes in between int8 products."""
    import openvino

    settings = {
        "INFERENCE_NUM_THREADS": num_threads,
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled: Any = openvino.Core().compile_model(str(path), "CPU", settings)
    request = compiled.create_infer_request()

    def run(frames: Frames) -> list[NDArray[np.float32]]:
        found = request.infer([frames])
        return [np.array(found[output]) for output in compiled.outputs]

    return run


def engines() -> dict[str, Callable[[Path, int], Run]]:
    """What is installed, by name."""
    found: dict[str, Callable[[Path, int], Run]] = {"ONNX Runtime": onnxruntime_run}
    if find_spec("openvino") is not None:
        for precision in ("f32", "bf16"):
            found[f"OpenVINO {precision}"] = lambda path, threads, precision=precision: (  # type: ignore[misc]
                openvino_run(path, threads, precision)
            )
    return found


def rms_error(
    found: Sequence[NDArray[np.float32]], expected: Sequence[NDArray[np.float32]]
) -> float:
    """Root mean square of the difference over that of an output, of the output with the largest."""
    return max(
        float(np.sqrt(np.square(one - other).mean() / np.square(other).mean()))
        for one, other in zip(found, expected, strict=True)
    )


def measure(
    paths: dict[str, Path], frames: Frames, num_threads: int, num_rounds: int
) -> dict[tuple[str, str], Measured]:
    """Each form on each engine, in turn with fp32."""
    expected: list[list[NDArray[np.float32]]] = []
    found: dict[tuple[str, str], Measured] = {}
    for engine, opened in engines().items():
        plain = opened(paths["fp32"], num_threads)
        for form, path in paths.items():
            # Two at a time: of a large frame each graph keeps gigabytes of activations.
            run = plain if form == "fp32" else opened(path, num_threads)
            outputs = [run(frames[at : at + 1]) for at in range(len(frames))]
            expected = expected or outputs
            times_s: list[tuple[float, float]] = []
            for number in range(num_rounds):
                frame = frames[number % len(frames)][None]
                times_s.append((timed(plain, frame), timed(run, frame)))
            plain_s, own_s = np.median(times_s, axis=0)
            error = max(map(rms_error, outputs, expected))
            found[form, engine] = Measured(error, 1e3 * own_s, plain_s / own_s)
            del run
            gc.collect()
    return found


def timed(run: Run, frame: Frames) -> float:
    """Seconds that a frame takes."""
    begin = time.perf_counter()
    run(frame)
    return time.perf_counter() - begin


def demo_frames() -> Sequence[Frames]:
    """Frames of nano's demo, a second apart."""
    source = open_source(demo_clip())
    times_s = source.timestamps_s
    seconds = np.arange(times_s[0], times_s[-1])
    return list(source.frames(np.searchsorted(times_s, seconds).tolist()))


def compare(
    console: Console, title: str, forms: Forms, frames: Iterable[Frames], given: argparse.Namespace
) -> None:
    """Write an encoder in every form, run it on frames of any size, and print the table."""
    paths = {form: forms.write(form) for form in FORMS}
    side = (forms.side_px, forms.side_px)
    read = np.stack([cv2.resize(each, side) for each in frames]).astype(np.uint8)
    show(console, title, paths, measure(paths, read, given.threads, given.rounds))


def show(
    console: Console,
    title: str,
    paths: dict[str, Path],
    found: dict[tuple[str, str], Measured],
) -> None:
    """Print a table: for each engine error, milliseconds, and fp32's time over it."""
    names = list(dict.fromkeys(engine for _, engine in found))
    columns = [f"{name}: {what}" for name in names for what in ("error", "ms", "fp32 / it")]
    table = Table("form", "MB", *columns, title=title)
    for form, path in paths.items():
        size = sum(each.stat().st_size for each in path.parent.iterdir()) / 1e6
        cells = []
        for name in names:
            each = found[form, name]
            cells += [f"{each.error:.2e}", f"{each.took_ms:.1f}", f"{each.speedup:.2f}"]
        table.add_row(form, f"{size:.0f}", *cells)
    console.print(table)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write, run and print both encoders."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.encoder_int8", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--vision-layers", type=int, default=6, help="of so400m; 0: leave it out")
    parser.add_argument(
        "--mask-blocks", type=int, default=6, help="in hiera's third stage; 0: leave it out"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--quick", action="store_true", help="tiny encoders: does it run?")
    given = parser.parse_args(arguments)
    console = Console(width=170)
    console.print(
        ", ".join(
            f"{name} {version(name)}" for name in ("onnxruntime", "openvino") if find_spec(name)
        ),
        f"{given.threads} threads",
    )
    depths = {"vision_encoder": given.vision_layers, "mask_encoder": given.mask_blocks}
    depths = {stem: depth for stem, depth in depths.items() if depth}
    for stem, depth in depths.items():
        with tempfile.TemporaryDirectory() as folder:
            sizes = encoder_sizes(stem, depth, quick=given.quick)
            random = make_random_checkpoint(Path(folder) / "checkpoint", sizes, seed=1)
            forms = Forms(Path(folder), stem, Checkpoint(random), NUM_CALIBRATION_FRAMES)
            size = "tiny" if given.quick else {"vision_encoder": "so400m"}.get(stem, "hiera-large")
            title = f"{stem}, {size}, {depth} layers"
            compare(console, title, forms, draw_frames(NUM_FRAMES), given)
    for stem in depths:
        with tempfile.TemporaryDirectory() as folder:
            forms = Forms(Path(folder), stem, Checkpoint(NANO), NUM_DRAWN_FRAMES)
            compare(console, f"{stem}, nano", forms, demo_frames(), given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
