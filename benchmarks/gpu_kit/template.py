"""A package without its weights: what the exporter writes for a checkpoint of some sizes.

Graphs, tokenizer and manifest are those of an export. Of a weight there is only where it lies in
its file and how its values are spread, so that 17 GB travel in a few megabytes and `fill` makes a
package on another machine without exporting: the time and memory of a run do not depend on values.
No stage is compared with PyTorch.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir

from benchmarks.gpu_kit.fill import WEIGHTS_NAME
from benchmarks.gpu_kit.unwritten_checkpoint import UnwrittenCheckpoint
from ufvideo_export.checkpoint.tokenizer import chat_template_json, read_tokenizer
from ufvideo_export.graph.to_onnx import declare_graph
from ufvideo_export.package.manifest_fields import model_facts, video_facts
from ufvideo_export.package.write_package import file_entry
from ufvideo_export.precision import Quantization, recipe
from ufvideo_export.process.free_memory import give_back_memory
from ufvideo_export.spec import stage_specs
from ufvideo_export.stages import STAGES
from ufvideo_export.stages.stage import Stage
from ufvideo_sdk.package.file_names import MANIFEST_NAME
from ufvideo_sdk.package.manifest import (
    FORMAT_VERSION,
    FileEntry,
    Manifest,
    StageEntry,
    StageVerification,
)

# Smaller tensors stay in the graph: constants whose values the arithmetic needs, norms, biases.
SMALLEST_BYTES = 1 << 16
# Values that a computation, not a training, gave: they stay in the graph whatever their size.
_COMPUTED = re.compile(r"^(cos|sin)_cache$")
_LAYER = re.compile(r"(?<=layers\.)\d+(?=\.)")
# A byte of two four-bit zero points.
_MIDDLES = 0x88
_UNCOMPARED = "random weights, no stage compared with PyTorch"


@dataclass(frozen=True)
class Spread:
    """How the values of a tensor are spread, and where it lies in its file.

    Attributes:
        name: Of the initializer.
        dtype: NumPy's name of it.
        offset: First byte in the file.
        length: In bytes.
        mean: Of the values.
        std: Their standard deviation.
        low: The least value.
        high: The largest value.
    """

    name: str
    dtype: str
    offset: int
    length: int
    mean: float
    std: float
    low: float
    high: float


def write_template(
    folder: Path,
    checkpoint: UnwrittenCheckpoint,
    precision: str,
    shared: dict[str, Path],
    smallest_bytes: int = SMALLEST_BYTES,
) -> None:
    """Write the template of a package for GPUs: floats between integer weights are fp16.

    Args:
        folder: Where to; it must not exist.
        checkpoint: The sizes, and what the values are spread like.
        precision: As in `export_package`.
        shared: Graphs of encoders that were traced before, by stem and precision: tracing SAM 2
            takes a minute, and an int4 package has the encoders of an fp16 one.
        smallest_bytes: Tensors below this stay in the graph.
    """
    folder.mkdir(parents=True)
    quantization = Quantization(floats="fp16") if precision in ("int8", "int4") else None
    chosen = recipe(precision, quantization)
    specs = stage_specs(checkpoint, chosen.stages["language_model"], chosen.quantization)
    tokenizer = read_tokenizer(checkpoint.folder, checkpoint.sizes)
    tokenizer.write(folder / "tokenizer.json")
    (folder / "chat_template.json").write_text(chat_template_json(), encoding="utf-8")
    stages, spreads = {}, {}
    for stem, spec in specs.items():
        key = f"{stem} {chosen.stages[stem]}"
        if key in shared:
            _link_stage(shared[key], folder, stem)
            spreads[stem] = json.loads((shared[key] / WEIGHTS_NAME).read_text())[stem]
        else:
            stage = STAGES[stem](checkpoint, spec, chosen.stages[stem], chosen.quantization)
            spreads[stem] = [asdict(each) for each in _write_graph(stage, folder, smallest_bytes)]
            shared[key] = folder
            del stage
            give_back_memory()
        stages[stem] = StageEntry(
            graph=file_entry(folder, f"{stem}.onnx"),
            weights=_unfilled(f"{stem}.onnx.data", spreads[stem]),
            precision=chosen.stages[stem],
            inputs=spec.inputs,
            outputs=spec.outputs,
        )
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        model=model_facts(checkpoint, "predicting"),
        video=video_facts(checkpoint),
        tokens=tokenizer.facts,
        stages=stages,
        files=tuple(file_entry(folder, name) for name in ("tokenizer.json", "chat_template.json")),
        provenance={"source": _UNCOMPARED},
        verification=dict.fromkeys(specs, StageVerification(0.0, 0.0, 0.0, 0.0)),
    )
    (folder / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8")
    (folder / WEIGHTS_NAME).write_text(json.dumps(spreads), encoding="utf-8")


def _unfilled(name: str, spreads: list[dict[str, Any]]) -> FileEntry | None:
    """The entry of a file that `fill` writes, its digest still to come."""
    if not spreads:
        return None
    last = spreads[-1]
    return FileEntry(path=name, size_bytes=last["offset"] + last["length"], sha256="0" * 64)


def _link_stage(source: Path, folder: Path, stem: str) -> None:
    (folder / f"{stem}.onnx").hardlink_to(source / f"{stem}.onnx")


def _write_graph(stage: Stage, folder: Path, smallest_bytes: int) -> list[Spread]:
    """Write the graph, its large tensors as references into a file that is not there."""
    model = stage.graph()
    declare_graph(model, stage.spec)
    stem, offset = stage.spec.stem, 0
    spreads: list[Spread] = []
    measured: dict[tuple[str, str], tuple[float, float, float, float]] = {}
    for name, value in model.graph.initializers.items():
        tensor = value.const_value
        assert tensor is not None
        if tensor.nbytes < smallest_bytes or not _is_filled(name, tensor):
            continue
        # Every layer's tensors are spread like the first one's: those of one layer are made.
        key = (_LAYER.sub("N", name), str(tensor.shape))
        if key not in measured:
            measured[key] = _measured(name, tensor)
        spreads.append(
            Spread(name, tensor.dtype.numpy().name, offset, tensor.nbytes, *measured[key])
        )
        value.const_value = ir.ExternalTensor(
            location=f"{stem}.onnx.data",
            offset=offset,
            length=tensor.nbytes,
            dtype=tensor.dtype,
            shape=ir.Shape(tensor.shape),
            name=name,
            base_dir=str(folder),
        )
        # As ONNX Runtime maps files: by pages.
        offset += -(-tensor.nbytes // 4096) * 4096
    ir.save(model, folder / f"{stem}.onnx")
    return spreads


def _is_filled(name: str, tensor: ir.TensorProtocol) -> bool:
    numbers = (ir.DataType.FLOAT, ir.DataType.FLOAT16, ir.DataType.UINT8, ir.DataType.INT8)
    return tensor.dtype in numbers and not _COMPUTED.match(name)


def _measured(name: str, tensor: ir.TensorProtocol) -> tuple[float, float, float, float]:
    """Mean, standard deviation, least and largest of at most a million values."""
    if name.endswith("_zero_points"):
        # The middle, as for values around zero; other ones would move every product.
        return _MIDDLES, 0.0, _MIDDLES, _MIDDLES
    some = tensor.numpy().reshape(-1)[: 1 << 20].astype(np.float64)
    return float(some.mean()), float(some.std()), float(some.min()), float(some.max())
