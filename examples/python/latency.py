"""Measure this machine and print three latencies: `python latency.py [PACKAGE [VIDEO]]`."""

from __future__ import annotations

import sys

from ufvideo_sdk.bench import BenchConfig, measure


def main(package: str | None = None, video: str | None = None) -> None:
    """Measure in two fresh processes; more make percentiles."""
    config = BenchConfig(num_processes=2, num_rounds=5)
    result = measure(package, video, config=config)
    for name in ("ttft_ms", "tpot_ms", "e2el_ms"):
        figure = result[name]
        middle = "n too small" if figure.p50 is None else f"{figure.p50:.1f}"
        print(f"{name:8} median {middle}, {figure.min:.1f} to {figure.max:.1f}, n {figure.n}")
    result.save("latency.json")


if __name__ == "__main__":
    main(*sys.argv[1:])
