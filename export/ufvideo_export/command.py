"""`ufvideo export`, found by the command line through its entry point."""

from __future__ import annotations

from collections.abc import Sequence
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
    from ufvideo_sdk.package.manifest import Manifest


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


class EncoderInt8(str, Enum):
    """How int8 encoders quantise what enters their products."""

    DYNAMIC = "dynamic"
    QDQ = "qdq"


class SegHiddenState(str, Enum):
    """Which state of the language model becomes a mask's prompt."""

    PRECEDING = "preceding"
    PREDICTING = "predicting"


class Addition(str, Enum):
    """What can be added to a package that has been exported without it."""

    TRACK = "track"


def export(
    checkpoint: Annotated[
        str,
        typer.Argument(
            help="Checkpoint folder in the released format, or hf:USER/NAME[@REVISION] on the"
            " Hugging Face Hub."
        ),
    ],
    out: Annotated[Path, typer.Argument(help="The package folder to write, or to add to.")],
    vision_tower: Annotated[
        str | None,
        typer.Option(
            help="SigLIP's folder or hf:USER/NAME, when it is not in or beside CHECKPOINT."
        ),
    ] = None,
    precision: Annotated[
        Precision | None,
        typer.Option(help="Precision of the language model; it sets the others'; fp32."),
    ] = None,
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
    encoder_int8: Annotated[
        EncoderInt8 | None,
        typer.Option(
            help="Encoders in int8: dynamic, or qdq, with scales measured now, which TensorRT takes"
            " too (int8, int4); dynamic."
        ),
    ] = None,
    calibration: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="What qdq measures on: a video, a picture, or a folder of these; repeatable, 16"
            " frames are taken evenly. Without it drawn frames: ranges of real ones are clipped.",
        ),
    ] = None,
    seg_hidden_state: Annotated[
        SegHiddenState | None,
        typer.Option(
            help="State behind a mask: as released code generates (preceding, the default), or as"
            " it trains."
        ),
    ] = None,
    track: Annotated[
        bool | None,
        typer.Option(
            "--track/--no-track",
            help="With or without what carries objects through a video (default: with).",
        ),
    ] = None,
    add: Annotated[
        Addition | None,
        typer.Option(
            help="Add this to the package OUT of CHECKPOINT, and leave all else in it as it is."
        ),
    ] = None,
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
    Example: ufvideo export --add track checkpoints/UFVideo-7B packages/ufvideo-7b
    """
    options = {
        "block_size": block_size,
        "symmetric": symmetric,
        "accuracy_level": accuracy_level,
        "head": None if head_precision is None else head_precision.value,
        "reduce_range": None if full_range is None else not full_range,
        "floats": None if floats is None else floats.value,
        "encoder_int8": None if encoder_int8 is None else encoder_int8.value,
        "calibration": tuple(calibration) if calibration else None,
    }
    given = {name: value for name, value in options.items() if value is not None}
    if add is not None:
        # The package says all of these.
        if given or force or any(each is not None for each in (precision, seg_hidden_state, track)):
            raise typer.BadParameter(
                "expected no option that says how to export: what is added has the package's own"
                " settings",
                param_hint="--add",
            )
        _add_track(checkpoint, out, vision_tower, ignore_tensors or ())
        return
    # PyTorch takes seconds to import: not for --help, nor for the other commands.
    from ufvideo_export.export import export_package
    from ufvideo_export.precision import Quantization

    chosen = (precision or Precision.FP32).value
    with _Shown() as shown:
        if encoder_int8 is EncoderInt8.QDQ and not calibration:
            shown.drawn_frames()
        manifest = export_package(
            checkpoint,
            out,
            vision_tower=vision_tower,
            precision=chosen,
            quantization=Quantization(**given) if given else None,
            seg_hidden_state=(seg_hidden_state or SegHiddenState.PRECEDING).value,
            track=track is not False,
            ignore_tensors=ignore_tensors or (),
            force=force,
            on_left_out=shown.left_out,
            on_download=shown.download,
            on_estimate=shown.estimate,
            progress=shown.progress,
        )
    line = f"Wrote {out} ({manifest.model.name}, {chosen})"
    shown.written(line, manifest, *manifest.verification)


def _add_track(
    checkpoint: str, package: Path, vision_tower: str | None, ignore_tensors: Sequence[str]
) -> None:
    from ufvideo_export.addition import add_track
    from ufvideo_sdk.package.manifest import CAPABILITY_STAGES

    with _Shown() as shown:
        manifest = add_track(
            checkpoint,
            package,
            vision_tower=vision_tower,
            ignore_tensors=ignore_tensors,
            on_download=shown.download,
            on_estimate=shown.estimate,
            progress=shown.progress,
        )
    line = f"Added track to {package} ({manifest.model.name})"
    shown.written(line, manifest, *CAPABILITY_STAGES["track"])


class _Shown:
    """An export on the terminal: what it will take, downloads, a bar."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        columns = (
            TextColumn("{task.description:<28}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
        )
        self._bar = Progress(*columns, console=self._console)
        self._task = self._bar.add_task("starting", total=1.0)
        self._downloads: dict[str, TaskID] = {}

    def __enter__(self) -> _Shown:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._bar.update(self._task, description="done", completed=1.0)
        if self._bar.live.is_started:
            self._bar.stop()

    def left_out(self, parts: tuple[LeftOut, ...]) -> None:
        """Say what no graph needs."""
        self._console.print("No graph needs these tensors of the checkpoint:")
        for part in parts:
            self._say(f"  {part}")

    def drawn_frames(self) -> None:
        """Say what scales that were measured on no frames of the user cost."""
        self._say(
            "Without --calibration the encoders' scales are measured on drawn frames. What real"
            " frames hold beyond their range is clipped: give videos or pictures like those that"
            " will be asked about."
        )

    def download(self, progress: DownloadProgress) -> None:
        """Show how far a download is."""
        from ufvideo_sdk.hub.download import readable_bytes

        self._show_bar()
        # The small files of a repository come first, then its weights.
        source = f"{progress.source} {progress.total_bytes}"
        if source not in self._downloads:
            left = readable_bytes(progress.total_bytes - progress.done_bytes)
            self._say(f"Downloading {left} of {progress.source} into {progress.folder}")
            self._downloads[source] = self._bar.add_task("", total=1.0)
        self._bar.update(
            self._downloads[source],
            description=f"{progress.source.repository} {readable_bytes(progress.done_bytes)}",
            completed=progress.done_bytes / max(progress.total_bytes, 1),
        )

    def estimate(self, found: ExportEstimate) -> None:
        """Say what it will take."""
        self._console.print(f"It will take {found}.")
        self._show_bar()

    def progress(self, label: str, done: float) -> None:
        """Show what is being done."""
        self._bar.update(self._task, description=label, completed=done)

    def written(self, line: str, manifest: Manifest, *stems: str) -> None:
        """Say what was written, and how far it is from PyTorch."""
        self._console.print(f"{line}; compared with PyTorch:")
        for stem in stems:
            measured = manifest.verification[stem]
            self._console.print(
                f"  {stem:<16} max error {measured.max_abs_error:.2e},"
                f" {measured.max_rel_error:.2e} of the largest value"
            )

    def _show_bar(self) -> None:
        # Not before there is something to wait for: an error above a bar at 0 % is no start.
        if not self._bar.live.is_started:
            self._bar.start()

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
