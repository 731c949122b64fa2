"""What a session promises: a cheap second question, batches, bounded memory, a prompt cancel."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from benchmarks.floors import Figure, Spread, percentile
from benchmarks.latency.peers.speed import Setting
from benchmarks.latency.peers.worker import one_round, start_worker
from ufvideo_sdk.bench.child_process import Figures
from ufvideo_sdk.diagnostics.memory_plan import memory_plan
from ufvideo_sdk.package.file_names import MANIFEST_NAME
from ufvideo_sdk.package.manifest import read_manifest

_MODULE = "benchmarks.latency.peers.session_tasks"
SECOND_QUESTION_LIMIT = 0.15
ASK_MANY_LIMIT = 0.35
PEAK_LIMIT = 1.25
GROWTH_LIMIT = 1.02
CANCEL_SLACK_MS = 5.0
PLAN_LIMIT = 0.10
_MIB = 1 << 20


def second_question_section(setting: Setting) -> list[Figure]:
    """Time to the first token, second question over first."""
    rounds = _rounds(setting, "second_question", setting.weights.package("fp32"))
    ratios = [each["second_ms"] / each["first_ms"] for each in rounds]
    first, second = (statistics.median(each[key] for each in rounds) for key in _FIRST_SECOND)
    video, question = setting.sizes.num_video_tokens, setting.sizes.num_question_tokens
    detail = f"{second:.1f} ms against {first:.1f} ms; quartiles {Spread.of(ratios)}"
    name = f"first token, second question of {question} tokens / first, {video} video tokens"
    return [Figure(name, statistics.median(ratios), SECOND_QUESTION_LIMIT, "below", detail)]


def _quartiles(ratios: list[float]) -> str:
    return f"quartiles {Spread.of(ratios)}"


_FIRST_SECOND = ("first_ms", "second_ms")


def ask_many_section(setting: Setting) -> list[Figure]:
    """Decode time of eight questions at once over eight in a row."""
    name = "decode, ask_many of 8 / eight ask in a row, fp32"
    rounds = _rounds(setting, "ask_many", setting.weights.package("fp32"))
    ratios = [each["together_ms"] / each["alone_ms"] for each in rounds]
    equal = sum(each["equal"] for each in rounds) / len(rounds)
    return [
        Figure(name, statistics.median(ratios), ASK_MANY_LIMIT, "below", _quartiles(ratios)),
        Figure("ask_many, rounds whose answers equal those of ask", equal, 1.0, "at least"),
    ]


def cancel_section(setting: Setting) -> list[Figure]:
    """How long an answer goes on after a cancel."""
    figures = _one(setting, "cancel", setting.weights.package("fp32"))
    delay_ms = percentile(figures["delays_ms"], 95)
    limit_ms = figures["step_ms"] + CANCEL_SLACK_MS
    detail = f"{len(figures['delays_ms'])} cancels; a decode step takes {figures['step_ms']:.2f} ms"
    return [Figure("cancel, 95th percentile, ms", delay_ms, limit_ms, "at most", detail)]


def growth_section(setting: Setting) -> list[Figure]:
    """Memory after many questions, on the package that ships."""
    figures = _one(setting, "growth", None)
    ratio = figures["last_bytes"] / figures["first_bytes"]
    count, first = setting.sizes.num_questions, setting.sizes.num_first_questions
    name = f"memory after {count} questions / after {first}, nano"
    detail = f"{figures['last_bytes'] / _MIB:.1f} against {figures['first_bytes'] / _MIB:.1f} MiB"
    return [Figure(name, ratio, GROWTH_LIMIT, "below", detail)]


def memory_section(setting: Setting) -> list[Figure]:
    """Peak of one question, over weights and cache, and beside the plan."""
    found = []
    for precision in ("fp32", "int4"):
        package = setting.weights.package(precision)
        found += peak_figures(precision, package, peak_of(setting, package))
    return found


def peak_of(setting: Setting, package: Path) -> Figures:
    """What a question holds at most, in a process of its own."""
    told = {
        "task": "peak",
        "package": str(package),
        "num_threads": setting.num_threads,
        "num_answer_tokens": setting.sizes.num_peak_tokens,
    }
    return one_round(_MODULE, told, setting.num_threads)


def peak_figures(precision: str, package: Path, figures: Figures) -> list[Figure]:
    """The floors on what a question held at most.

    Args:
        precision: Of the package.
        package: The package.
        figures: What the worker measured.
    """
    manifest = read_manifest(package / MANIFEST_NAME)
    plan = memory_plan(manifest, num_answer_tokens=figures["num_answer_tokens"])
    peak = figures["peak_bytes"]
    needed = plan.weights_bytes + plan.kv_cache_bytes
    limit = PEAK_LIMIT if precision == "int4" else None
    detail = f"{peak / _MIB:.0f} MiB, {figures['load_bytes'] / _MIB:.0f} while loading"
    wrong = abs(plan.peak_bytes / peak - 1)
    planned = f"planned {plan.peak_bytes / _MIB:.0f} MiB, measured {peak / _MIB:.0f}"
    return [
        Figure(f"peak memory {precision} / (weights + KV)", peak / needed, limit, "below", detail),
        Figure(f"memory plan {precision}, off by", wrong, PLAN_LIMIT, "at most", planned),
    ]


def _told(setting: Setting, task: str, package: Path | None) -> dict[str, Any]:
    return {
        "task": task,
        "package": None if package is None else str(package),
        "num_threads": setting.num_threads,
        "sizes": setting.sizes.to_json(),
    }


def _one(setting: Setting, task: str, package: Path | None) -> Figures:
    return one_round(_MODULE, _told(setting, task, package), setting.num_threads)


def _rounds(setting: Setting, task: str, package: Path) -> list[Figures]:
    """Rounds of one process, after one that is not counted."""
    with start_worker(_MODULE, _told(setting, task, package), setting.num_threads) as worker:
        worker.round()
        return [worker.round() for _ in range(setting.num_rounds)]
