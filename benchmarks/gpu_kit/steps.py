"""Steps of a run: commands with time limits of their own, in order of what they tell."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from benchmarks.gpu_kit.report import Report


@dataclass(frozen=True)
class Step:
    """One command of a run.

    Attributes:
        name: What it finds out.
        command: The command.
        limit_s: Its process group is ended after these seconds.
        needed: Nothing further makes sense where it fails.
        environment: Variables on top of the run's.
    """

    name: str
    command: Sequence[str]
    limit_s: float
    needed: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


def run_step(step: Step, report: Report, left_s: float) -> bool:
    """Run a step, its lines going to the report as they come.

    Args:
        step: What is run.
        report: Where its lines go.
        left_s: Of the whole run; at most these seconds are taken.

    Returns:
        Whether it ended by itself with exit status 0.
    """
    limit_s = min(step.limit_s, left_s)
    if limit_s <= 1:
        report.line(f"--- {step.name}: left out, no time is left")
        return False
    report.line(f"--- {step.name} (at most {limit_s:.0f} s)")
    begin = report.seconds
    process = subprocess.Popen(
        step.command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, **step.environment},
        start_new_session=True,
    )
    over = threading.Event()

    def end() -> None:
        over.set()
        end_group(process)

    timer = threading.Timer(limit_s, end)
    timer.start()
    with process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                report.line(f"    {line.rstrip()}")
            status = process.wait()
        finally:
            timer.cancel()
            end_group(process)
    took = f"{report.seconds - begin:.1f} s"
    if over.is_set():
        report.line(f"--- {step.name}: STOPPED at its limit, after {took}")
    elif status:
        report.line(f"--- {step.name}: FAILED with exit status {status} after {took}")
    else:
        report.line(f"--- {step.name}: done in {took}")
    return status == 0 and not over.is_set()


def end_group(process: subprocess.Popen[str]) -> None:
    """End a process that leads a group, and what it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def run_steps(steps: Sequence[Step], report: Report, seconds: float) -> int:
    """Run steps until the time is over.

    Args:
        steps: In order.
        report: Where lines go.
        seconds: For the whole run, from the report's beginning.

    Returns:
        0 where every step succeeded, else 1.
    """
    succeeded = 0
    failed: list[str] = []
    for step in steps:
        if run_step(step, report, seconds - report.seconds):
            succeeded += 1
            continue
        failed.append(step.name)
        if step.needed:
            report.line(f"{step.name} is needed by all that follows")
            break
    told = f"; not {', '.join(failed)}" if failed else ""
    report.line(f"{succeeded} of {len(steps)} steps succeeded{told}")
    return 0 if succeeded == len(steps) else 1
