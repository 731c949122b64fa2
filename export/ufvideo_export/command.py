"""`ufvideo export`, found by the command line through its entry point."""

from __future__ import annotations

from contextlib import ExitStack
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from ufvideo_export.checkpoint.tensor_account import LeftOut
    from ufvideo_export.estimate import ExportEstimate
    from ufvideo_sdk.hub.download import DownloadProgress


class Precision(str, Enum):
    """Precision of weights; docs/package_format.md says what it is for each stage."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"
    INT4 = "int4"


class HeadPrecision(str, Enum):
    """Precision of the weights that give the logits."""

    FP32 = "fp32"
    INT8 = "int8"
    INT4 = "int4"


class Floats(str, Enum):
    """What a language model computes in between integer weights."""

    FP32 = "fp32"
    FP16 = "fp16"


class SegHiddenState(str, Enum):
    """Which state of the language model becomes a mask's prompt."""

    PRECEDING = "preceding"
    PREDICTING = "predicting"


def export(
    checkpoint: Annotated[
        str,
        typer.Argument(
            help="Checkpoint folder in the released format, or hf:USER/NAME[@REVISION] on the"
            " Hugging Face Hub."
        ),
    ],
    out: Annotated[Path, typer.Argument(help="The package folder to write.")],
    vision_tower: Annotated[
        str | None,
        typer.Option(
            help="SigLIP's folder or hf:USER/NAME, when it is not in or beside CHECKPOINT."
        ),
    ] = None,
    precision: Annotated[
        Precision, typer.Option(help="Precision of the language model; it sets the others'.")
    ] = Precision.FP32,
    block_size: Annotated[
        int | None, typer.Option(help="Weights that share a scale (int8, int4); 128.")
    ] = None,
    symmetric: Annotated[
        bool | None,
        typer.Option("--symmetric/--asymmetric", help="Without or with zero points (int8, int4)."),
    ] = None,
    accuracy_level: Annotated[
        int | None, typer.Option(help="4: inputs in int8, fast; 1: in float32, exact (int8, int4).")
    ] = None,
    head_precision: Annotated[
        HeadPrecision | None,
        typer.Option(help="Precision of the logits' weights (int8, int4); PRECISION."),
    ] = None,
    full_range: Annotated[
        bool | None,
        typer.Option(
            "--full-range/--reduce-range",
            help="8 bits in the encoders: for CPUs with VNNI only (int8, int4).",
        ),
    ] = None,
    floats: Annotated[
        Floats | None,
        typer.Option(help="fp16 for GPUs: arithmetic, KV cache and encoders (int8, int4); fp32."),
    ] = None,
    seg_hidden_state: Annotated[
        SegHiddenState,
        typer.Option(help="State behind a mask: as released code generates, or as it trains."),
    ] = SegHiddenState.PRECEDING,
    ignore_tensors: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Leave out tensors that are no part of the model: '*.extra.*'; repeatable.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a package that exists.")] = False,
) -> None:
    """Write a checkpoint as a package of ONNX graphs, each compared with PyTorch on the way.

    Example: ufvideo export checkpoints/UFVideo-7B packages/ufvideo-7b --precision fp16
    Example: ufvideo export hf:Hevven/UFVideo-7B package/ --vision-tower
    hf:google/siglip-so400m-patch14-384 --precision int4
    """
    # PyTorch takes seconds to import: not for --help, nor for the other commands.
    from ufvideo_export.export import export_package
    from ufvideo_export.precision import Quantization
    from ufvideo_sdk.hub.download import readable_bytes

    options = {
        "block_size": block_size,
        "symmetric": symmetric,
        "accuracy_level": accuracy_level,
        "head": None if head_precision is None else head_precision.value,
        "reduce_range": None if full_range is None else not full_range,
        "floats": None if floats is None else floats.value,
    }
    given = {name: value for name, value in options.items() if value is not None}
    console = Console(stderr=True)

    def say_left_out(parts: tuple[LeftOut, ...]) -> None:
        console.print("No graph needs these tensors of the checkpoint:")
        for part in parts:
            console.print(f"  {part}", markup=False, highlight=False, soft_wrap=True)

    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    bar = Progress(*columns, console=console)
    task = bar.add_task("starting", total=1.0)
    with ExitStack() as shown:

        def show_bar() -> None:
            # Not before there is something to wait for: an error above a bar at 0 % is no start.
            if not bar.live.is_started:
                shown.enter_context(bar)

        downloads: dict[str, TaskID] = {}

        def show_download(progress: DownloadProgress) -> None:
            show_bar()
            # The small files of a repository come first, then its weights.
            source = f"{progress.source} {progress.total_bytes}"
            if source not in downloads:
                left = readable_bytes(progress.total_bytes - progress.done_bytes)
                line = f"Downloading {left} of {progress.source} into {progress.folder}"
                console.print(line, markup=False, highlight=False, soft_wrap=True)
                downloads[source] = bar.add_task("", total=1.0)
            done, total = progress.done_bytes, progress.total_bytes
            bar.update(
                downloads[source],
                description=f"{progress.source.repository} {readable_bytes(done)}",
                completed=done / max(total, 1),
            )

        def show_estimate(found: ExportEstimate) -> None:
            console.print(f"It will take {found}.")
            show_bar()

        manifest = export_package(
            checkpoint,
            out,
            vision_tower=vision_tower,
            precision=precision.value,
            quantization=Quantization(**given) if given else None,
            seg_hidden_state=seg_hidden_state.value,
            ignore_tensors=ignore_tensors or (),
            force=force,
            on_left_out=say_left_out,
            on_download=show_download,
            on_estimate=show_estimate,
            progress=lambda label, done: bar.update(task, description=label, completed=done),
        )
        bar.update(task, description="done", completed=1.0)
    console.print(f"Wrote {out} ({manifest.model.name}, {precision.value}); compared with PyTorch:")
    for stem, measured in manifest.verification.items():
        console.print(
            f"  {stem:<16} max error {measured.max_abs_error:.2e},"
            f" {measured.max_rel_error:.2e} of the largest value"
        )
