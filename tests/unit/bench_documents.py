"""Documents of `ufvideo bench` without a measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ufvideo_sdk.bench.result import SCHEMA_NAME, SCHEMA_VERSION

ANSWER = "a" * 64
SAMPLES = {"ttft_ms": 50.0, "tpot_ms": 5.0, "e2el_ms": 120.0, "peak_memory_bytes": 1e8}


def state() -> dict[str, Any]:
    return {
        "power_mode": None,
        "platform_profile": None,
        "on_mains": None,
        "governors": {"policy0": "performance"},
        "turbo": None,
        "cpu_clocks_mhz": [2400.0],
        "cpu_max_clocks_mhz": [2400.0],
        "device_clocks_mhz": {},
        "temperatures_c": {"cpu": 50.0},
        "throttle_counts": None,
        "load_average": 0.1,
    }


def process(number: int, samples: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    begin_s = 10.0 * number
    return {
        "begin_s": begin_s,
        "reference_ms": [1.0, 1.0],
        "samples": {name: list(values) for name, values in samples.items()},
        "first_round_samples": {"round_ms": [400.0]},
        "rounds": [{"begin_s": begin_s + 1, "end_s": begin_s + 1.3, "round_ms": 300.0}],
        "answers": {"first_question": ANSWER, "segment": ANSWER},
        "answers_vary": [],
    }


def document(
    *,
    seed: int = 0,
    num_processes: int = 10,
    spread: float = 0.01,
    factors: Mapping[str, float] | None = None,
    pair: str | None = None,
) -> dict[str, Any]:
    """A measurement of normal noise.

    Args:
        seed: Of the noise.
        num_processes: Processes.
        spread: Standard deviation of a process's logarithm.
        factors: What multiplies the samples of a figure.
        pair: The document's `pair`.
    """
    generator = np.random.default_rng(seed)
    processes = []
    for number in range(num_processes):
        level = np.exp(generator.normal(0, spread, len(SAMPLES)))
        samples = {
            name: [
                value * own * (factors or {}).get(name, 1.0) * float(np.exp(noise))
                for noise in generator.normal(0, spread, 5)
            ]
            for (name, value), own in zip(SAMPLES.items(), level, strict=True)
        }
        processes.append(process(number, samples))
    return {
        "schema": SCHEMA_NAME,
        "schema_version": SCHEMA_VERSION,
        "created": "2026-01-01T00:00:00+00:00",
        "versions": {"python": "3.12.0", "ufvideo-sdk": "0.1.0", "onnxruntime": "1.22.0"},
        "machine": {
            "board": None,
            "cpu": "a processor",
            "num_cpus": 2,
            "usable_cpus": 2,
            "memory_bytes": 1 << 33,
            "architecture": "x86_64",
            "kernel": "6.1.0",
            "jetson_linux": None,
        },
        "state": {
            "before": state(),
            "during": {
                "cpu_clock_mhz": 2400.0,
                "device_clocks_mhz": {},
                "max_temperatures_c": {"cpu": 50.0},
                "others_cpu_share": 0.01,
                "stolen_cpu_share": 0.0,
            },
            "after": state(),
        },
        "energy": {
            "rails": {},
            "not_measured": "not measured: no sensor of power was found",
            "problems": [],
            "idle_w": {},
        },
        "pair": pair,
        "package": {"model": "nano", "manifest_sha256": "0" * 64},
        "source": {"name": "clip.mp4", "is_built_in": True, "sha256": "1" * 64},
        "settings": {
            "num_processes": num_processes,
            "num_rounds": 5,
            "duration_s": None,
            "num_threads": None,
            "workload": {"first_question": "What?"},
        },
        "results": [
            {
                "providers": ["cpu"],
                "stage_providers": {"aligner": ["cpu"]},
                "processes": processes,
            }
        ],
    }
