"""Prefill and decode of every engine, round by round in turn."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.latency.peers.engines import (
    ENGINES,
    OURS,
    PRECISIONS,
    Engine,
    absent,
    installed,
    model_path,
)
from benchmarks.latency.peers.figures import Figure, Spread, speed_figure
from benchmarks.latency.peers.sizes import PeerSizes
from benchmarks.latency.peers.weights import Weights
from benchmarks.latency.peers.worker import Figures, Job, WorkerProcess, start_engine
from ufvideo_sdk.manifest import MANIFEST_NAME, read_manifest

Rounds = dict[str, list[Figures]]
BANDWIDTH_FLOOR = 0.6


@dataclass(frozen=True)
class Setting:
    """What a run was asked to do."""

    weights: Weights
    num_threads: int
    num_rounds: int
    gguf: Mapping[str, Path]

    @property
    def sizes(self) -> PeerSizes:
        """Of the model and the work."""
        return self.weights.sizes


def measure_speed(setting: Setting, precision: str) -> tuple[Rounds, dict[str, str]]:
    """Rounds of every engine in turn, and why the others are left out.

    A round of each comes first that is not counted.
    """
    workers: dict[str, WorkerProcess] = {}
    reasons: dict[str, str] = {}
    for engine in ENGINES:
        reason = absent(engine, precision, setting.gguf, installed)
        try:
            if reason is None:
                workers[engine.name] = _started(setting, engine, precision)
        except RuntimeError as error:
            reason = str(error)
        if reason is not None:
            reasons[engine.name] = reason
    rounds: Rounds = {name: [] for name in workers}
    for number in range(setting.num_rounds + 1):
        for name, worker in workers.items():
            figures = worker.round()
            if number > 0:
                rounds[name].append(figures)
    for worker in workers.values():
        worker.close()
    return rounds, reasons


def _started(setting: Setting, engine: Engine, precision: str) -> WorkerProcess:
    """An engine, loaded; one at a time, since loading takes more memory than running."""
    sizes = setting.sizes
    job = Job(
        str(model_path(engine, precision, setting.weights, setting.gguf)),
        setting.num_threads,
        sizes.vocab_size,
        sizes.num_prompt_tokens,
        sizes.num_decode_tokens,
    )
    worker = start_engine(engine.worker, job)
    try:
        worker.round()
    except RuntimeError:
        worker.close()
        raise
    return worker


def weights_read_bytes(package: Path) -> int:
    """Bytes of the language model's file: what one token reads, but for tables of some MiB."""
    stage = read_manifest(package / MANIFEST_NAME).stages["language_model"]
    return stage.graph.size_bytes if stage.weights is None else stage.weights.size_bytes


def speed_figures(
    precision: str, rounds: Rounds, reasons: Mapping[str, str], share: float | None
) -> list[Figure]:
    """The floors of one precision.

    Args:
        precision: Which.
        rounds: Of the engines measured.
        reasons: Why the others are not.
        share: Of the bandwidth limit that our decode reaches.
    """
    found = []
    for key, part in (("prefill_ms", "prefill"), ("decode_ms", "decode")):
        times = {name: [float(each[key]) for each in rounds[name]] for name in rounds}
        ours = times.pop(OURS, [])
        name = f"{part} {precision}, best peer / ours"
        found.append(speed_figure(name, ours, times, reasons.get(OURS, "")))
    limit = BANDWIDTH_FLOOR if precision == "int4" else None
    name = f"decode {precision}, share of the bandwidth limit"
    found.append(Figure(name, share, limit, "at least", reasons.get(OURS, "")))
    return found


def print_speed(
    console: Console,
    precision: str,
    rounds: Rounds,
    reasons: Mapping[str, str],
    limit_ms: float,
) -> None:
    """Print one precision's table.

    Args:
        console: Where to.
        precision: Which.
        rounds: Of the engines measured.
        reasons: Why the others are not.
        limit_ms: Time to read our weights once at the machine's bandwidth.
    """
    title = f"{precision}; reading our weights once takes {limit_ms:.2f} ms"
    table = Table(
        "engine", "prefill, ms", "quartiles", "decode, ms a token", "quartiles", title=title
    )
    for engine in ENGINES:
        label = f"{engine.name} {engine.version()}" if engine.name in rounds else engine.name
        if engine.name in reasons:
            table.add_row(label, reasons[engine.name])
            continue
        cells = [label]
        for key in ("prefill_ms", "decode_ms"):
            spread = Spread.of([float(each[key]) for each in rounds[engine.name]])
            cells += [f"{spread.median:.2f}", str(spread)]
        table.add_row(*cells)
    console.print(table)
    first = {name: each[0]["token_ids"] for name, each in rounds.items()}
    if precision == "fp32" and OURS in first and len(first) > 1:
        same = [name for name in first if name != OURS and first[name] == first[OURS]]
        console.print(f"the same greedy tokens as ours: {', '.join(same) or 'no engine'}")


def measured_share(rounds: Rounds, limit_ms: float) -> float | None:
    """Share of the bandwidth limit that our decode reaches; None where it was not measured."""
    if OURS not in rounds:
        return None
    return limit_ms / statistics.median(each["decode_ms"] for each in rounds[OURS])


def speed_section(console: Console, setting: Setting, bandwidth: float) -> list[Figure]:
    """Measure and print both precisions; give their floors."""
    figures = []
    for precision in PRECISIONS:
        rounds, reasons = measure_speed(setting, precision)
        read_bytes = weights_read_bytes(setting.weights.package(precision))
        limit_ms = 1e3 * read_bytes / bandwidth
        print_speed(console, precision, rounds, reasons, limit_ms)
        share = measured_share(rounds, limit_ms)
        figures += speed_figures(precision, rounds, reasons, share)
    return figures
