"""`ufvideo export`, found by the command line through its entry point."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


class Precision(str, Enum):
    """Precision of weights and arithmetic."""

    FP32 = "fp32"
    FP16 = "fp16"


class SegHiddenState(str, Enum):
    """Which state of the language model becomes a mask's prompt."""

    PRECEDING = "preceding"
    PREDICTING = "predicting"


def export(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint folder in the released format.")],
    out: Annotated[Path, typer.Argument(help="The package folder to write.")],
    vision_tower: Annotated[
        Path | None, typer.Option(help="SigLIP's folder, when it is not in or beside CHECKPOINT.")
    ] = None,
    precision: Annotated[
        Precision, typer.Option(help="Precision of weights and arithmetic.")
    ] = Precision.FP32,
    seg_hidden_state: Annotated[
        SegHiddenState,
        typer.Option(help="State behind a mask: as released code generates, or as it trains."),
    ] = SegHiddenState.PRECEDING,
    force: Annotated[bool, typer.Option("--force", help="Replace a package that exists.")] = False,
) -> None:
    """Write a checkpoint as a package of ONNX graphs, each compared with PyTorch on the way.

    Example: ufvideo export checkpoints/UFVideo-7B packages/ufvideo-7b --precision fp16
    """
    # PyTorch takes seconds to import: not for --help, nor for the other commands.
    from ufvideo_export.export import export_package

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("starting", total=1.0)
        manifest = export_package(
            checkpoint,
            out,
            vision_tower=vision_tower,
            precision=precision.value,
            seg_hidden_state=seg_hidden_state.value,
            force=force,
            progress=lambda label, done: bar.update(task, description=label, completed=done),
        )
        bar.update(task, description="done", completed=1.0)
    console.print(f"Wrote {out} ({manifest.model.name}, {precision.value}); compared with PyTorch:")
    for stem, measured in manifest.verification.items():
        console.print(
            f"  {stem:<16} max error {measured.max_abs_error:.2e},"
            f" {measured.max_rel_error:.2e} of the largest value"
        )
