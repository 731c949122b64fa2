"""`ufvideo replay`."""

from __future__ import annotations

import time
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from ufvideo_sdk.cli.exit_codes import INCOMPLETE
from ufvideo_sdk.cli.options import (
    FallbackOption,
    LibraryOption,
    PackageOption,
    ProviderOption,
    ThreadsOption,
    runtime_settings,
)
from ufvideo_sdk.cli.say import print_json, say

if TYPE_CHECKING:
    from ufvideo_sdk.watch.recording.replayed_facts import ReplayReport


def replay(
    folder: Annotated[
        str,
        typer.Argument(
            metavar="DIR", help="A recording, or a folder with one.", show_default=False
        ),
    ],
    rules: Annotated[
        str | None,
        typer.Option(
            "--rules", metavar="RULES", help="Other rules. Default: those it was recorded with."
        ),
    ] = None,
    expect: Annotated[
        Path | None,
        typer.Option(
            "--expect",
            metavar="FILE",
            help="Events to compare with, byte for byte: exit code 8 if they differ.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Write facts.jsonl and events.jsonl to a new folder."
        ),
    ] = None,
    package: PackageOption = None,
    threads: ThreadsOption = None,
    provider: ProviderOption = None,
    allow_fallback: FallbackOption = False,
    onnxruntime_library: LibraryOption = None,
) -> None:
    """Watch a recording once more, and print its events as lines of JSON.

    Example: ufvideo replay recordings --rules rules.yaml --expect events.jsonl
    """
    from contextlib import nullcontext

    from ufvideo_sdk._native import CancellationToken
    from ufvideo_sdk.atomic_file import new_folder
    from ufvideo_sdk.cli.interruptible import interruptible
    from ufvideo_sdk.cli.loaded import loaded
    from ufvideo_sdk.validation.paths import as_path
    from ufvideo_sdk.watch import Replay, Rules
    from ufvideo_sdk.watch.engine.fact_log import line_of
    from ufvideo_sdk.watch.engine.facts import Event
    from ufvideo_sdk.watch.recording.folders import the_recording

    recording = the_recording(as_path(folder, "DIR"))
    found = None if rules is None else Rules.load(rules)
    expected = None if expect is None else _lines(expect)
    runtime = runtime_settings(
        threads, provider, onnxruntime_library, allow_fallback=allow_fallback
    )
    model = loaded(package, runtime)
    cancel = CancellationToken()
    played = Replay(model, recording, found, cancel=cancel)
    for difference in played.report.differences:
        say(f"differs: {difference}", err=True)
    events: list[str] = []

    def play(log: TextIO | None) -> None:
        for fact in played:
            line = line_of(fact)
            if isinstance(fact, Event):
                events.append(line)
            if log is not None:
                log.write(line)

    with nullcontext() if out is None else new_folder(out) as draft:
        begin_s = time.monotonic()
        with nullcontext() if draft is None else _written(draft / "facts.jsonl") as log:
            interruptible(lambda: play(log), cancel)
        took_s = time.monotonic() - begin_s
        if draft is not None:
            (draft / "events.jsonl").write_text("".join(events), encoding="utf-8")
    print_json("".join(events))
    for line in _said(played.report, took_s):
        say(line, err=True)
    if expected is not None:
        _compare(events, expected)


def _written(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", newline="\n")


def _lines(path: Path) -> list[str]:
    from ufvideo_sdk.errors import InputError
    from ufvideo_sdk.validation.paths import as_path, open_plain_file, shown

    with open_plain_file(as_path(path, "--expect"), "a log of events") as file:
        try:
            return file.read().decode("utf-8").splitlines(keepends=True)
        except UnicodeDecodeError:
            raise InputError(f"{shown(path)}: expected UTF-8, got other bytes") from None


def _compare(events: list[str], expected: list[str]) -> None:
    for number, (ours, theirs) in enumerate(zip_longest(events, expected), start=1):
        if ours != theirs:
            say(f"line {number}: expected {(theirs or 'no line').rstrip()}", err=True)
            say(f"line {number}: got      {(ours or 'no line').rstrip()}", err=True)
            raise typer.Exit(INCOMPLETE)
    say(f"as expected: {len(events)} lines", err=True)


def _said(report: ReplayReport, took_s: float) -> list[str]:
    lines = []
    if report.num_changed:
        lines.append(f"{report.num_changed} frames have other pixels than those that were watched")
    if report.num_missing:
        lines.append(
            f"the packets of {report.num_missing} frames are there no more: what needs them is the"
            " log's"
        )
    if not report.is_as_logged:
        lines.append("other questions: they were asked as a machine would that is fast enough")
    if report.is_broken_off:
        lines.append(f"the recording breaks off at {report.stream_s:.2f} s")
    speed = report.stream_s / took_s if took_s > 0 else 0.0
    lines.append(
        f"replayed {report.stream_s:.2f} s of {report.num_frames} frames in {took_s:.2f} s:"
        f" {speed:.1f} times as fast as real time"
    )
    return lines
