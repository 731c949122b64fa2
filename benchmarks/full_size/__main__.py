"""The released model's size with random weights: made, exported, compared, figures with floors.

Run as `python -m benchmarks.full_size FOLDER [--precision fp16 int4] [--compare] [--keep]`. A
checkpoint of 8.6 billion values is written in shards and exported at each precision in processes of
its own. The first export is killed where the language model begins and goes on from there. Memory
is that of the whole process tree, pages of mapped files included, and at most 6 GiB. With
`--compare` each package runs beside PyTorch, stage by stage. Folders go as soon as they are
measured, unless `--keep` is given; a checkpoint that is there is taken. The last line sums up, and
the exit status is 0 only where every floor holds.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.figure_table import print_figures
from benchmarks.floors import Figure, exit_status, summary
from benchmarks.full_size.watched import Watched, folder_bytes, watch

MEMORY_LIMIT_GIB = 6.0
GIB, GB = 2**30, 1e9
WORK = ("-m", "benchmarks.full_size.work")
# The stage that an export is killed at: the largest one, behind four others.
KILLED_AT = "language_model"


def make_checkpoint(console: Console, folder: Path, sizes: str) -> list[Figure]:
    """Write the checkpoint, unless it is there."""
    target, partial = folder / "checkpoint", folder / "checkpoint.partial"
    if target.exists():
        console.print(f"{target} is there: taken as it is")
        return []
    shutil.rmtree(partial, ignore_errors=True)
    found = watch([*WORK, "make", sizes, str(partial)], folder)
    partial.rename(target)
    facts = json.loads(found.lines[-1])
    size = folder_bytes(target)
    largest = facts["largest_shard_bytes"]
    detail = f"{size / GB:.1f} GB in {facts['shards']} files of at most {largest / GB:.2f} GB"
    return [
        Figure("checkpoint, 10^9 values", facts["values"] / 1e9, None, "", detail),
        Figure("checkpoint, s", found.took_s, None, ""),
        memory_figure("checkpoint", found),
    ]


def export_package(
    console: Console, folder: Path, precision: str, *, stopped_once: bool
) -> list[Figure]:
    """Export, at first only up to the language model where `stopped_once`."""
    package = folder / f"package-{precision}"
    arguments = [*WORK, "export", str(folder / "checkpoint"), str(package), precision]
    held = folder_bytes(folder)
    figures: list[Figure] = []
    runs: list[Watched] = []
    if stopped_once:
        runs.append(watch(arguments, folder, stop_at=KILLED_AT, on_line=console.print))
        console.print(f"killed at {KILLED_AT}; once more")
    runs.append(watch(arguments, folder, on_line=console.print))
    if stopped_once:
        taken = sum("taken over" in line for line in runs[-1].lines)
        figures.append(Figure(f"{precision}: stages taken over", taken, 4, "at least"))
    whole = Watched(
        took_s=sum(run.took_s for run in runs),
        core_s=sum(run.core_s for run in runs),
        resident_bytes=max(run.resident_bytes for run in runs),
        anonymous_bytes=max(run.anonymous_bytes for run in runs),
    )
    disk = max(run.disk_bytes for run in runs) - held
    figures += [
        memory_figure(f"{precision}: export", whole),
        Figure(f"{precision}: export, s", whole.took_s, None, ""),
        Figure(f"{precision}: package, GB", folder_bytes(package) / GB, None, ""),
    ]
    facts = [json.loads(line) for line in runs[-1].lines if line.startswith("{")]
    figures += estimate_figures(precision, facts[0]["estimate"], whole, disk)
    for found in facts[1:]:
        name = f"{precision}: {found['stem']}, error at export"
        figures.append(Figure(name, found["error"], found["limit"], "at most"))
    return figures


def estimate_figures(
    precision: str, estimate: dict[str, float], found: Watched, disk_bytes: float
) -> list[Figure]:
    """What was measured over what the export had said before it began."""
    rows = (
        ("disk under way", disk_bytes / GB, estimate["disk_bytes"] / GB, "GB", 1.0),
        ("memory", found.resident_bytes / GIB, estimate["memory_bytes"] / GIB, "GiB", None),
        ("processor time", found.core_s, estimate["core_s"], "s of one core", None),
    )
    return [
        Figure(
            f"{precision}: {name} / its estimate",
            measured / expected,
            limit,
            "at most" if limit else "",
            f"{measured:.2f} of {expected:.2f} {unit}",
        )
        for name, measured, expected, unit, limit in rows
    ]


def compare_package(console: Console, folder: Path, precision: str) -> list[Figure]:
    """Each stage of a package beside PyTorch."""
    package = folder / f"package-{precision}"
    arguments = [*WORK, "compare", str(folder / "checkpoint"), str(package)]
    found = watch(arguments, folder, on_line=console.print)
    lines = [json.loads(line) for line in found.lines]
    errors = [
        Figure(
            f"{precision}: {line['name']}", line["error"], line["limit"], "at most", line["detail"]
        )
        for line in lines
    ]
    peak = Figure(f"{precision}: comparison, GiB", found.resident_bytes / GIB, None, "")
    return [*errors, peak]


def memory_figure(name: str, found: Watched) -> Figure:
    """The peak of a process tree against its floor."""
    detail = f"{found.anonymous_bytes / GIB:.2f} GiB without pages of files"
    return Figure(
        f"{name}, peak memory, GiB",
        found.resident_bytes / GIB,
        MEMORY_LIMIT_GIB,
        "at most",
        detail,
    )


def print_section(console: Console, title: str, figures: Sequence[Figure]) -> None:
    """Print a table, as soon as it is measured: the next one may be an hour away."""
    print_figures(console, figures, title=title, value_format=".4g", limit_format="g")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.full_size", description=__doc__.splitlines()[0]
    )
    parser.add_argument("folder", type=Path, help="where 18 GB and one package at a time fit")
    choices = ("fp32", "fp16", "int8", "int4")
    parser.add_argument(
        "--precision", nargs="+", choices=choices, default=["fp16", "int4"], help="fp16 int4"
    )
    parser.add_argument("--compare", action="store_true", help="run each package beside PyTorch")
    parser.add_argument("--keep", action="store_true", help="leave checkpoint and packages")
    parser.add_argument("--quick", action="store_true", help="a tiny model: does it run?")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make, export, compare; print the table."""
    options = parse(arguments)
    folder: Path = options.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    console = Console(width=150)
    figures: list[Figure] = []

    def add(title: str, found: list[Figure]) -> None:
        figures.extend(found)
        if found:
            print_section(console, title, found)

    add("checkpoint", make_checkpoint(console, folder, "quick" if options.quick else "full"))
    for number, precision in enumerate(options.precision):
        stopped_once = number == 0
        exported = export_package(console, folder, precision, stopped_once=stopped_once)
        add(f"export, {precision}", exported)
        if options.compare:
            add(f"comparison, {precision}", compare_package(console, folder, precision))
        if not options.keep:
            shutil.rmtree(folder / f"package-{precision}")
    if not options.keep:
        shutil.rmtree(folder / "checkpoint")
    print(summary(figures, []))
    return exit_status(figures)


if __name__ == "__main__":
    sys.exit(main())
