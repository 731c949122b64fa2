"""The memory of a question beside what `ufvideo info` plans for it, in fp32 and int4.

Run as `python -m benchmarks.memory_plan [--quick] [PACKAGE ...]`; without a package half a billion
random parameters in both precisions. A process loads the package and asks one question about a
clip: what it held at most, imports apart, is compared with the plan and with the weights and the KV
cache alone. The exit status is 0 only where every floor holds.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.figure_table import print_figures
from benchmarks.floors import Figure, exit_status, summary
from benchmarks.question_memory import peak_of
from ufvideo_sdk.bench.child_process import Message
from ufvideo_sdk.diagnostics.memory_plan import memory_plan
from ufvideo_sdk.package.file_names import MANIFEST_NAME
from ufvideo_sdk.package.manifest import read_manifest

PEAK_LIMIT = 1.25
PLAN_LIMIT = 0.10
_MIB = 1 << 20
# Tokens of the answer whose memory is measured.
_NUM_TOKENS, _NUM_QUICK_TOKENS = 256, 6


def peak_figures(package: Path, measured: Message) -> list[Figure]:
    """The floors on what a question held at most.

    Args:
        package: The package.
        measured: What `peak_of` returned.
    """
    manifest = read_manifest(package / MANIFEST_NAME)
    precision = manifest.stages["language_model"].precision
    plan = memory_plan(manifest, num_answer_tokens=measured["num_answer_tokens"])
    peak = measured["peak_bytes"]
    needed = plan.weights_bytes + plan.kv_cache_bytes
    limit = PEAK_LIMIT if precision == "int4" else None
    detail = f"{peak / _MIB:.0f} MiB, {measured['load_bytes'] / _MIB:.0f} while loading"
    wrong = abs(plan.peak_bytes / peak - 1)
    planned = f"planned {plan.peak_bytes / _MIB:.0f} MiB, measured {peak / _MIB:.0f}"
    return [
        Figure(f"peak memory {precision} / (weights + KV)", peak / needed, limit, "below", detail),
        Figure(f"memory plan {precision}, off by", wrong, PLAN_LIMIT, "at most", planned),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; see the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", nargs="*", type=Path, metavar="PACKAGE")
    parser.add_argument("--quick", action="store_true", help="a tiny model: does it run?")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--work-dir", type=Path, help="keeps the models, out/peers")
    options = parser.parse_args(arguments)
    packages = options.packages
    if not packages:
        from benchmarks.latency.peers.weights import weights_of

        weights = weights_of(options.work_dir, is_quick=options.quick)
        packages = [weights.package(precision) for precision in ("fp32", "int4")]
    figures: list[Figure] = []
    for package in packages:
        count = _NUM_QUICK_TOKENS if options.quick else _NUM_TOKENS
        measured = peak_of(package, num_threads=options.threads, num_answer_tokens=count)
        figures += peak_figures(package, measured)
    print_figures(Console(width=150), figures)
    print(summary(figures, []))
    return exit_status(figures)


if __name__ == "__main__":
    sys.exit(main())
