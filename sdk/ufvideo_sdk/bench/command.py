"""The command `ufvideo bench`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from ufvideo_sdk.bench.result import BenchResult
    from ufvideo_sdk.bench.run import BenchConfig

# As `ufvideo`'s other commands: finished, and the answer is no.
_WORSE = 8


def bench(
    package: Annotated[
        str | None,
        typer.Argument(
            metavar="PACKAGE",
            help="Package folder, or hf:USER/NAME[@REVISION]. Default: nano, which ships.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            metavar="SOURCE",
            help="A video, an image or a folder of frames. Default: the clip that ships.",
        ),
    ] = None,
    provider: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[,NAME]",
            help="Execution providers in order of preference, such as cuda,cpu; repeat to measure"
            " several lists, each by itself. Default: cpu.",
        ),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Threads inside an operator.")
    ] = None,
    processes: Annotated[
        int, typer.Option(metavar="NUMBER", help="Fresh processes of each list of providers.")
    ] = 10,
    rounds: Annotated[
        int, typer.Option(metavar="NUMBER", help="Rounds of each process that count.")
    ] = 10,
    max_new_tokens: Annotated[
        int, typer.Option(metavar="NUMBER", help="Longest answer, tokens.")
    ] = 32,
    duration: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="One process that goes on for so long; the first minute against the last.",
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="PACKAGE",
            help="Measure another package in turn with this one, process by process, and compare.",
        ),
    ] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="A.json B.json", help="Compare two files of --save; measure nothing."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Compare although the machine's state differs.")
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write JSON with all samples (docs/bench.md)."),
    ] = None,
    save_other: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The same of the package of --against.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with pictures, .html.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, and nothing else, on stdout.")
    ] = False,
    list_figures: Annotated[
        bool, typer.Option("--list", help="Print the name and meaning of every figure.")
    ] = False,
) -> None:
    """Measure latency, memory and energy of a package on this machine.

    Example: ufvideo bench package/ --save a.json --plot a.html
    """
    if list_figures:
        _list_figures(as_json)
        return
    if compare is not None:
        _check_alone(package=package, against=against, save=save, plot=plot, duration=duration)
        from ufvideo_sdk.bench.result import BenchResult

        before, after = (BenchResult.load(path) for path in compare)
        _compare(before, after, force=force, as_json=as_json)
        return
    if save_other is not None and against is None:
        raise typer.BadParameter("expected it beside --against", param_hint="--save-other")
    config = _config(
        provider,
        threads,
        {"processes": processes, "rounds": rounds, "tokens": max_new_tokens},
        duration,
    )
    if against is None:
        (result,) = results = _measured(package, None, source, config)
    else:
        result, _ = results = _measured(package, against, source, config)
    for path, each in zip((save, save_other), results, strict=False):
        if path is not None:
            each.save(path)
            typer.echo(f"wrote {path}", err=True)
    if plot is not None:
        from ufvideo_sdk.bench.plot import to_html
        from ufvideo_sdk.bench.result import write_text

        write_text(plot, to_html(result))
        typer.echo(f"wrote {plot}", err=True)
    if against is not None:
        _compare(results[0], results[1], force=force, as_json=as_json)
    elif as_json:
        typer.echo(result.to_json(), nl=False)
    else:
        from ufvideo_sdk.bench.table import result_lines

        for line in result_lines(result):
            typer.echo(line)


def _check_alone(**others: object) -> None:
    given = [name for name, value in others.items() if value is not None]
    if given:
        raise typer.BadParameter(
            f"expected it alone: it measures nothing, got {given[0]} beside it",
            param_hint="--compare",
        )


def _list_figures(as_json: bool) -> None:
    from ufvideo_sdk.bench.figures import listed
    from ufvideo_sdk.bench.table import figure_lines

    if as_json:
        typer.echo(json.dumps([asdict(figure) for figure in listed()], indent=1))
        return
    for line in figure_lines(listed()):
        typer.echo(line)


def _config(
    provider: list[str] | None, threads: int | None, counts: dict[str, int], duration: float | None
) -> BenchConfig:
    from ufvideo_sdk.bench.run import BenchConfig
    from ufvideo_sdk.bench.workload import Workload

    lists = [tuple(name.strip() for name in each.split(",")) for each in provider or ["cpu"]]
    return BenchConfig(
        num_processes=counts["processes"],
        num_rounds=counts["rounds"],
        duration_s=duration,
        providers=tuple(lists),
        num_threads=threads,
        workload=Workload(max_new_tokens=counts["tokens"]),
    )


def _measured(
    package: str | None, against: str | None, source: Path | None, config: BenchConfig
) -> tuple[BenchResult, ...]:
    from ufvideo_sdk.bench.run import measure, measure_pair

    console = Console(stderr=True)
    if package is None:
        typer.echo("no package named: this is nano, a demonstration model", err=True)
    with console.status("measuring") as status:

        def on_progress(done: int, total: int) -> None:
            status.update(f"measuring: {done} of {total} processes")

        if against is None:
            return (measure(package, source, config=config, on_progress=on_progress),)
        return measure_pair(package, against, source, config=config, on_progress=on_progress)


def _compare(before: BenchResult, after: BenchResult, *, force: bool, as_json: bool) -> None:
    from ufvideo_sdk.bench.comparison import compare
    from ufvideo_sdk.bench.table import comparison_lines

    comparison = compare(before, after, force=force)
    if as_json:
        typer.echo(json.dumps(asdict(comparison), indent=1))
    else:
        for line in comparison_lines(comparison):
            typer.echo(line)
    if comparison.is_worse:
        raise typer.Exit(_WORSE)
