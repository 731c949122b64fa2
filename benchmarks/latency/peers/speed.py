"""Prefill and decode of every engine, round by round in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.floors import Figure, speed_figure
from benchmarks.latency.peers.engines import (
    ENGINES,
    OURS,
    PRECISIONS,
    Engine,
    absent,
    installed,
    model_path,
)
from benchmarks.latency.peers.sizes import PeerSizes
from benchmarks.latency.peers.weights import Weights
from benchmarks.latency.peers.worker import Job, start_engine
from ufvideo_sdk.bench.child_process import ChildProcess, Message
from ufvideo_sdk.bench.summary import Spread
from ufvideo_sdk.diagnostics.memory_plan import kv_cache_bytes
from ufvideo_sdk.package.file_names import MANIFEST_NAME
from ufvideo_sdk.package.manifest import read_manifest

Rounds = dict[str, list[Message]]
BANDWIDTH_FLOOR = 0.6
_READER = "benchmarks.latency.peers.bandwidth"


@dataclass(frozen=True)
class Setting:
    """What a run was asked to do.

    Attributes:
        weights: Of all engines.
        num_threads: Of each engine.
        num_rounds: That count.
        spinning: Idle threads spin.
        gguf: Files for llama.cpp, by precision.
        settle_s: Pause before a round: threads of the engine before go on spinning for a while,
            which took up to 100 ms from our prefill behind onnxruntime-genai's.
    """

    weights: Weights
    num_threads: int
    num_rounds: int
    spinning: bool
    gguf: Mapping[str, Path]
    settle_s: float = 1.0

    @property
    def sizes(self) -> PeerSizes:
        """Of the model and the work."""
        return self.weights.sizes


@dataclass(frozen=True)
class Measured:
    """Rounds of one precision.

    Attributes:
        rounds: Of every engine that was measured.
        reasons: Why the others were not.
        bytes_per_s: Read bandwidth in each round, between the engines.
    """

    rounds: Rounds
    reasons: dict[str, str]
    bytes_per_s: list[float]


def measure_speed(setting: Setting, precision: str) -> Measured:
    """Let every engine and the memory reader take turns, another one first in each round.

    A round of each comes first that is not counted.
    """
    workers: dict[str, ChildProcess] = {}
    reasons: dict[str, str] = {}
    with ExitStack() as running:
        for engine in ENGINES:
            reason = absent(engine, precision, setting.gguf, installed)
            try:
                if reason is None:
                    worker = _started(setting, engine, precision)
                    workers[engine.name] = running.enter_context(worker)
            except RuntimeError as error:
                reason = str(error)
            if reason is not None:
                reasons[engine.name] = reason
        reader = start_engine(_READER, job_of(setting, ""))
        workers[_READER] = running.enter_context(reader)
        rounds = _rounds_in_turn(setting, workers)
    reads = rounds.pop(_READER)
    return Measured(rounds, reasons, [each["bytes_per_s"] for each in reads])


def _rounds_in_turn(setting: Setting, workers: Mapping[str, ChildProcess]) -> Rounds:
    rounds: Rounds = {name: [] for name in workers}
    names = list(workers)
    for number in range(setting.num_rounds + 1):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            time.sleep(setting.settle_s)
            figures = workers[name].round()
            if number > 0:
                rounds[name].append(figures)
    return rounds


def _started(setting: Setting, engine: Engine, precision: str) -> ChildProcess:
    """An engine, loaded; one at a time, since loading takes more memory than running."""
    path = model_path(engine, precision, setting.weights, setting.gguf)
    worker = start_engine(engine.worker, job_of(setting, str(path)))
    try:
        worker.round()
    except BaseException:
        worker.kill()
        raise
    return worker


def job_of(setting: Setting, model: str) -> Job:
    """The round of an engine on a model in its format."""
    sizes = setting.sizes
    return Job(
        model,
        setting.num_threads,
        sizes.vocab_size,
        sizes.num_prompt_tokens,
        sizes.num_decode_tokens,
        setting.spinning,
    )


def step_read_bytes(package: Path, num_positions: int) -> int:
    """Bytes that one token must read: the language model's weights and the KV cache before it."""
    manifest = read_manifest(package / MANIFEST_NAME)
    stage = manifest.stages["language_model"]
    weights = stage.graph.size_bytes if stage.weights is None else stage.weights.size_bytes
    return weights + kv_cache_bytes(manifest, num_positions)


def speed_figures(
    precision: str, rounds: Rounds, reasons: Mapping[str, str], shares: Sequence[float]
) -> list[Figure]:
    """The floors of one precision.

    Args:
        precision: Which.
        rounds: Of the engines measured.
        reasons: Why the others are not.
        shares: Of the bandwidth limit that our decode reaches, in each round.
    """
    found = []
    for key, part in (("prefill_ms", "prefill"), ("decode_ms", "decode")):
        times = {name: [float(each[key]) for each in rounds[name]] for name in rounds}
        ours = times.pop(OURS, [])
        name = f"{part} {precision}, best peer / ours"
        found.append(speed_figure(name, ours, times, reasons.get(OURS, "")))
    limit = BANDWIDTH_FLOOR if precision == "int4" else None
    name = f"decode {precision}, share of the bandwidth limit"
    share = statistics.median(shares) if shares else None
    detail = f"quartiles {Spread.of(shares)}" if shares else reasons.get(OURS, "")
    found.append(Figure(name, share, limit, "at least", detail))
    return found


def print_speed(console: Console, precision: str, measured: Measured, read_bytes: int) -> None:
    """Print one precision's table.

    Args:
        console: Where to.
        precision: Which.
        measured: Of the engines and the reader.
        read_bytes: What one token reads.
    """
    rounds, reasons = measured.rounds, measured.reasons
    gb_per_s = Spread.of([each / 1e9 for each in measured.bytes_per_s])
    title = (
        f"{precision}; a token reads {read_bytes / 1e6:.0f} MB; the machine {gb_per_s.median:.1f}"
        f" GB/s (quartiles {gb_per_s})"
    )
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


def bandwidth_shares(measured: Measured, read_bytes: int) -> list[float]:
    """Share of the bandwidth limit that our decode reaches in each round; none where it ran not."""
    return [
        1e3 * read_bytes / bytes_per_s / each["decode_ms"]
        for each, bytes_per_s in zip(
            measured.rounds.get(OURS, []), measured.bytes_per_s, strict=False
        )
    ]


def speed_section(console: Console, setting: Setting) -> list[Figure]:
    """Measure and print both precisions; give their floors."""
    figures = []
    positions = setting.sizes.num_prompt_tokens + setting.sizes.num_decode_tokens // 2
    for precision in PRECISIONS:
        measured = measure_speed(setting, precision)
        read_bytes = step_read_bytes(setting.weights.package(precision), positions)
        print_speed(console, precision, measured, read_bytes)
        shares = bandwidth_shares(measured, read_bytes)
        figures += speed_figures(precision, measured.rounds, measured.reasons, shares)
    return figures
