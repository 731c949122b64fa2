"""Graphs of a package, each written and compared with PyTorch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.package.export_progress import ExportProgress
from ufvideo_export.package.write_package import file_entry
from ufvideo_export.precision import Recipe
from ufvideo_export.process.free_memory import give_back_memory
from ufvideo_export.spec import StageSpec
from ufvideo_export.stages import STAGES
from ufvideo_export.verify import verify_stage
from ufvideo_sdk.package.manifest import StageEntry, StageVerification
from ufvideo_sdk.package.manifest_fields import StageVariant

Progress = Callable[[str, float], None]


def write_stages(
    checkpoint: Checkpoint,
    specs: Mapping[str, StageSpec],
    chosen: Recipe,
    finished: ExportProgress,
    report: Progress,
) -> tuple[dict[str, StageEntry], dict[str, StageVerification]]:
    """Write stages into the folder of an export under way; finished ones are taken over.

    Args:
        checkpoint: The weights.
        specs: Of the stages to write, in order.
        chosen: Their precision.
        finished: What the folder holds already.
        report: Called with what is being done and the fraction of the work behind it.

    Returns:
        What a manifest says of each.

    Raises:
        InferenceError: When a graph does not agree with PyTorch.
    """
    folder = finished.folder
    entries: dict[str, StageEntry] = {}
    verification: dict[str, StageVerification] = {}
    for number, (stem, spec) in enumerate(specs.items()):
        path, precision = folder / f"{stem}.onnx", chosen.stages[stem]
        before = _stage_entry(folder, spec, precision) if path.exists() else None
        measured = before and finished.finished(stem, before)
        if before is not None and measured is not None:
            report(f"{stem} (taken over)", number / len(specs))
            entries[stem], verification[stem] = before, measured
            continue
        for left in folder.glob(f"{stem}.onnx*"):
            left.unlink()
        report(stem, number / len(specs))
        stage = STAGES[stem](checkpoint, spec, precision, chosen.quantization)
        stage.write(path)
        report(f"{stem} (comparing)", (number + 0.7) / len(specs))
        verification[stem] = verify_stage(stage, path)
        entries[stem] = _stage_entry(folder, spec, precision)
        finished.record(stem, entries[stem], verification[stem])
        # One stage's weights in memory at a time.
        del stage
        give_back_memory()
    for stem in filter(chosen.is_static, entries):
        entries[stem] = _for_tensorrt(entries[stem], verification[stem])
    return entries, verification


def _stage_entry(folder: Path, spec: StageSpec, precision: str) -> StageEntry:
    weights = f"{spec.stem}.onnx.data"
    return StageEntry(
        graph=file_entry(folder, f"{spec.stem}.onnx"),
        weights=file_entry(folder, weights) if (folder / weights).exists() else None,
        precision=precision,
        inputs=spec.inputs,
        outputs=spec.outputs,
    )


def _for_tensorrt(entry: StageEntry, measured: StageVerification) -> StageEntry:
    """The entry of an int8 graph that TensorRT takes: its own files are the variant for it."""
    own = StageVariant(entry.graph, entry.weights, entry.precision, measured)
    return dataclasses.replace(entry, variants={"tensorrt": own})
