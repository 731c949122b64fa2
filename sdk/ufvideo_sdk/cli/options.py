"""Options that several commands share, and what they turn into."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ufvideo_sdk.validation.paths import as_path, entries_of, shown

if TYPE_CHECKING:
    from ufvideo_sdk.video.clip import Clip

PackageOption = Annotated[
    str | None,
    typer.Option(
        "--package",
        metavar="PACKAGE",
        envvar="UFVIDEO_PACKAGE",
        help="Package folder that `ufvideo export` wrote, or hf:USER/NAME[@REVISION] on the"
        " Hugging Face Hub. Default: nano, a demonstration model.",
    ),
]
SourceArgument = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE", help="A video, an image, or a folder of frames.", show_default=False
    ),
]
PackageArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="PACKAGE",
        help="Package folder, or hf:USER/NAME[@REVISION]. Default: nano, a demonstration model.",
        show_default=False,
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object, and nothing else, on stdout.")
]
SaveOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--save",
        metavar="FILE",
        help="Also write a file: .mp4 annotated video, .png contact sheet, .json. May be repeated.",
    ),
]
StartOption = Annotated[
    float | None,
    typer.Option("--start", metavar="SECONDS", help="Look from this second of the source on."),
]
EndOption = Annotated[
    float | None, typer.Option("--end", metavar="SECONDS", help="Look up to this second.")
]
FpsOption = Annotated[
    float | None,
    typer.Option(
        "--fps",
        metavar="NUMBER",
        help="Frame rate of a folder of frames (default: 3) or of a bare stream such as .h264.",
    ),
]
StreamOption = Annotated[
    int | None,
    typer.Option(
        "--stream",
        metavar="NUMBER",
        help="Video stream of the file, as ffprobe counts. Default: the file's default one.",
    ),
]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Refuse a damaged video; else its whole frames are read.")
]
FramesOption = Annotated[
    str,
    typer.Option(
        "--frames",
        metavar="WHICH",
        help="Frames to segment: 'sampled', 'all', frame numbers such as 0,3,6, or 'tracked': all,"
        " carried by SAM 2's memory.",
    ),
]
SegmentFramesOption = Annotated[
    str | None,
    typer.Option(
        "--frames",
        metavar="WHICH",
        help="Frames to segment: 'sampled' (the default), 'all' (the default with --track), or"
        " frame numbers such as 0,3,6.",
    ),
]
TrackOption = Annotated[
    bool,
    typer.Option(
        "--track", help="Name the object on one frame, and carry it to the others by memory."
    ),
]
TrackFromOption = Annotated[
    float | None,
    typer.Option(
        "--track-from",
        metavar="SECONDS",
        help="Name it on the first frame from this time on. Default: where it is seen well.",
    ),
]
MaxNewTokensOption = Annotated[
    int | None, typer.Option(metavar="NUMBER", help="Longest answer, tokens.")
]
TemperatureOption = Annotated[
    float | None,
    typer.Option(metavar="NUMBER", help="0 is greedy (the default); above 0 samples."),
]
TopKOption = Annotated[
    int | None, typer.Option(metavar="NUMBER", help="Sample among the k likeliest.")
]
TopPOption = Annotated[
    float | None,
    typer.Option(metavar="NUMBER", help="Sample within this share of probability."),
]
SeedOption = Annotated[int | None, typer.Option(metavar="NUMBER", help="Seed of the sampler.")]
RepetitionPenaltyOption = Annotated[
    float | None,
    typer.Option(
        metavar="NUMBER", help="Above 1 makes tokens less likely that were there already."
    ),
]
StopOption = Annotated[
    list[str] | None,
    typer.Option(
        "--stop", metavar="TEXT", help="End the answer before this text; may be repeated."
    ),
]
ChoiceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--choice", metavar="TEXT", help="The answer is the likeliest of these texts; repeat."
    ),
]
ChoiceCaseOption = Annotated[
    str,
    typer.Option(
        "--choice-case",
        metavar="CASE",
        help="'model': each choice in the letter case the model finds likeliest; 'exact': as it"
        " is written.",
    ),
]
AllowAbsentOption = Annotated[
    bool,
    typer.Option(
        "--allow-absent", help="Let the model say that it is not there (nano can): not found."
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads", metavar="NUMBER", help="Threads inside an operator. Default: all cores."
    ),
]
ProviderOption = Annotated[
    list[str] | None,
    typer.Option(
        "--provider",
        metavar="NAME",
        help="Execution provider (tensorrt, cuda, cpu); repeat in order of preference."
        " Default: cpu.",
    ),
]
FallbackOption = Annotated[
    bool,
    typer.Option(
        "--allow-fallback", help="Leave a provider out that cannot start, in place of an error."
    ),
]
LibraryOption = Annotated[
    Path | None,
    typer.Option(
        "--onnxruntime-library",
        metavar="FILE",
        help="libonnxruntime.so to use. Default: the installed onnxruntime package's.",
    ),
]


def runtime_settings(
    threads: int | None,
    provider: list[str] | None,
    library: Path | None,
    *,
    allow_fallback: bool = False,
) -> dict[str, Any]:
    """The keywords of RuntimeConfig that were given; the others keep their defaults."""
    return only_given(
        num_threads=threads,
        providers=tuple(provider) if provider else None,
        onnxruntime_library=library,
        allow_fallback=allow_fallback or None,
    )


def only_given(**settings: Any) -> dict[str, Any]:
    """The settings that are not None."""
    return {name: value for name, value in settings.items() if value is not None}


def parse_frames(text: str, *, may_track: bool = False) -> str | tuple[int, ...]:
    """Read `--frames`: 'sampled', 'all' or numbers with commas between.

    Args:
        text: What was given.
        may_track: Whether 'tracked' is among the names.

    Raises:
        typer.BadParameter: When it is anything else.
    """
    if text in ("sampled", "all") or (may_track and text == "tracked"):
        return text
    numbers = text.split(",")
    if not all(number.strip().isdecimal() for number in numbers):
        names = "'sampled', 'all', 'tracked'" if may_track else "'sampled', 'all'"
        raise typer.BadParameter(
            f"expected {names} or numbers such as 0,3,6, got {text!r}",
            param_hint="--frames",
        )
    return tuple(int(number) for number in numbers)


def check_save_paths(
    paths: list[Path] | None, *, inputs: Iterable[Path] = (), clip: Clip | None = None
) -> list[Path]:
    """Refuse a file that cannot be written, before the model runs.

    Args:
        paths: What `--save` was given.
        inputs: Files that the command reads, which must not be replaced.
        clip: What the command is about, once it is open.

    Raises:
        InputError: Naming the path and what is wrong with it.
        typer.BadParameter: When two of them are the same file.
    """
    if not paths:
        return []
    from ufvideo_sdk.render.save import check_save_path

    sources = tuple(inputs)
    targets: dict[str, Path] = {}
    for path in paths:
        check_save_path(as_path(path, "--save"), clip=clip, sources=sources)
        # A link is written through, as the file that it names.
        target = os.path.realpath(path)
        if target in targets:
            first, again = shown(targets[target]), shown(path)
            came = f"{first} twice" if first == again else f"one twice, as {first} and as {again}"
            raise typer.BadParameter(f"expected files that differ, got {came}", param_hint="--save")
        targets[target] = path
    return paths


def check_order(source: str, words: str, name: str) -> None:
    """Refuse a source and words in the wrong order.

    Args:
        source: What stands where the source should.
        words: What stands behind it.
        name: What should stand there, as the help calls it.

    Raises:
        InputError: When nothing is at the source, and the words name something.
    """
    from ufvideo_sdk.errors import InputError

    is_swapped = not os.path.lexists(source) and os.path.lexists(words)
    if is_swapped:
        raise InputError(
            f"expected SOURCE {name} in this order, found nothing at {shown(Path(source))}, but"
            f" {shown(Path(words))} is there: swap them"
        )


def read_by(source: str, package: str | None) -> list[Path]:
    """Return the files that a command reads, as far as its arguments name them."""
    package_files = () if package is None else entries_of(as_path(package, "--package"))
    return [as_path(source, "SOURCE"), *package_files]
