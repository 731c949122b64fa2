"""What `ufvideo bench` measures of a session, held against its floors.

Run as `python -m benchmarks.session_floors [PACKAGE] [--processes 10] [--rounds 10]`; without a
package half a billion random parameters in fp32, which takes about an hour (`--processes 2
--rounds 2`: four minutes, too few cancels for their percentile). A second question must cost little
beside the first, a batch of eight questions little beside eight calls, a cancel no more than the
rest of a token, and rounds must leave no memory behind. The exit status is 0 only where every floor
that was measured holds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.figure_table import print_figures
from benchmarks.floors import Figure, exit_status, summary
from ufvideo_sdk.bench import BenchConfig, BenchResult, Workload, measure
from ufvideo_sdk.bench.summary import percentile

SECOND_QUESTION_LIMIT = 0.15
ASK_MANY_LIMIT = 0.35
CANCEL_SLACK_MS = 5.0
GROWTH_LIMIT = 1.02
EIGHT = (
    "What does the orange circle do?",
    "What does the purple triangle do?",
    "What does the ring do?",
    "How many objects are there?",
    "Which object leaves the picture first?",
    "What is behind the triangle?",
    "Does the ring move?",
    "What happens at the end?",
)


def session_figures(result: BenchResult) -> list[Figure]:
    """The floors of a measurement."""
    processes = result.document["results"][0]["processes"]
    samples = [each["samples"] for each in processes]
    are_equal = all(each["answers"]["batch"] == each["answers"]["one_by_one"] for each in processes)
    held = [each["resident_memory_bytes"] for each in samples]
    delays = [delay for each in samples for delay in each.get("cancel_ms", [])]
    token_ms = result["tpot_ms"].mean
    cancels = f"{len(delays)} cancels; a token takes {token_ms:.2f} ms"
    return [
        _ratio(result, "ttft_second_ms", "ttft_ms", SECOND_QUESTION_LIMIT),
        _ratio(result, "ask_many_ms", "ask_each_ms", ASK_MANY_LIMIT),
        Figure("answers of the batch equal those of single calls", float(are_equal), 1, "at least"),
        Figure(
            "cancel_ms, 95th percentile",
            percentile(delays, 95),
            token_ms + CANCEL_SLACK_MS,
            "at most",
            cancels,
        ),
        Figure(
            "resident memory after the last round / after the first",
            max(each[-1] / each[0] for each in held),
            GROWTH_LIMIT,
            "below",
            f"the largest of {len(held)} processes, {len(held[0])} rounds each",
        ),
    ]


def _ratio(result: BenchResult, name: str, beside: str, limit: float) -> Figure:
    ours, other = result[name], result[beside]
    detail = f"{ours.mean:.1f} ms against {other.mean:.1f} ms"
    return Figure(f"{name} / {beside}", ours.mean / other.mean, limit, "below", detail)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; see the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", nargs="?", type=Path)
    parser.add_argument("--processes", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--max-new-tokens", type=int, default=32)
    options = parser.parse_args(arguments)
    package = options.package
    if package is None:
        from benchmarks.latency.peers.weights import weights_of

        package = weights_of(None, is_quick=False).package("fp32")
    workload = Workload(batch=EIGHT, max_new_tokens=options.max_new_tokens)
    config = BenchConfig(
        num_processes=options.processes, num_rounds=options.rounds, workload=workload
    )
    figures = session_figures(measure(package, config=config))
    print_figures(Console(width=150), figures)
    print(summary(figures, []))
    return exit_status(figures)


if __name__ == "__main__":
    sys.exit(main())
