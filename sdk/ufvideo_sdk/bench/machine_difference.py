"""Differences between the states of the machine in two measurements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

# How much may differ before the state counts as another one.
CLOCK_SHARE = 0.05
OTHERS_SHARE = 0.10
TEMPERATURE_C = 15.0
REFERENCE_SHARE = 0.05
THROTTLING_FACTOR = 2
_MACHINE = ("board", "cpu", "num_cpus", "usable_cpus", "memory_bytes", "kernel", "jetson_linux")
_STATE = ("power_mode", "platform_profile", "on_mains", "governors", "turbo", "cpu_max_clocks_mhz")
# Its version may differ: it is what the comparison is about.
_COMPARED = ("ufvideo-sdk",)


def state_differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[str]:
    """Each difference as "what: before, after"."""
    for name in _MACHINE:
        yield from _unequal(name, a["machine"].get(name), b["machine"].get(name))
    for name in sorted({*a["versions"], *b["versions"]} - set(_COMPARED)):
        yield from _unequal(name, a["versions"].get(name), b["versions"].get(name))
    yield from _unequal(
        "num_threads", a["settings"].get("num_threads"), b["settings"].get("num_threads")
    )
    yield from _provider_differences(a, b)
    for moment in ("before", "after"):
        for name in _STATE:
            x, y = a["state"][moment].get(name), b["state"][moment].get(name)
            yield from _unequal(f"{name} {moment} the run", x, y)
    yield from _differences_during(a["state"]["during"], b["state"]["during"])
    yield from _throttling(_num_throttled(a["state"]), _num_throttled(b["state"]))
    yield from _far("reference work", _reference(a), _reference(b), REFERENCE_SHARE, "ms")


def _unequal(what: str, x: object, y: object) -> Iterator[str]:
    if x != y:
        yield f"{what}: {_told(x)}, {_told(y)}"


def _told(value: object) -> str:
    return "not told" if value is None else str(value)


def _provider_differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[str]:
    """Stages that ran on other providers of the same list, as after one could not start."""
    theirs = {tuple(each["providers"]): each["stage_providers"] for each in b["results"]}
    for each in a["results"]:
        other = theirs.get(tuple(each["providers"]))
        for stem, used in each["stage_providers"].items():
            if other is not None:
                yield from _unequal(f"providers of {stem}", used, other.get(stem))


def _differences_during(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[str]:
    yield from _far("processor clock", a["cpu_clock_mhz"], b["cpu_clock_mhz"], CLOCK_SHARE, "MHz")
    devices = {*a["device_clocks_mhz"], *b["device_clocks_mhz"]}
    for name in sorted(devices):
        x, y = a["device_clocks_mhz"].get(name), b["device_clocks_mhz"].get(name)
        yield from _far(f"clock of {name}", x, y, CLOCK_SHARE, "MHz")
    for name in sorted({*a["max_temperatures_c"]} & {*b["max_temperatures_c"]}):
        x, y = a["max_temperatures_c"][name], b["max_temperatures_c"][name]
        if abs(x - y) > TEMPERATURE_C:
            yield f"highest temperature of {name}: {x:.0f} C, {y:.0f} C"
    for what, name in (
        ("other processes", "others_cpu_share"),
        ("other guests", "stolen_cpu_share"),
    ):
        x, y = a[name], b[name]
        # Also if both are high: neighbours never load the machine alike twice.
        if x is not None and y is not None and max(x, y) > OTHERS_SHARE:
            yield f"processor time of {what}: {x:.0%}, {y:.0%}"


def _num_throttled(state: Mapping[str, Any]) -> int | None:
    """How often the processors were throttled during a run; None if Linux does not report it."""
    before, after = (state[moment].get("throttle_counts") for moment in ("before", "after"))
    return None if before is None or after is None else int(after - before)


def _throttling(x: int | None, y: int | None) -> Iterator[str]:
    """One run was throttled and the other was not, or one more than twice as often."""
    what = "times that the processors were throttled during the run"
    if x is None or y is None:
        yield from _unequal(what, x, y)
    elif max(x, y) > THROTTLING_FACTOR * min(x, y):
        yield f"{what}: {x}, {y}"


def _far(what: str, x: float | None, y: float | None, share: float, unit: str) -> Iterator[str]:
    if x is None or y is None:
        yield from _unequal(what, x, y)
    elif abs(x - y) > share * min(x, y):
        yield f"{what}: {x:.4g} {unit}, {y:.4g} {unit}"


def _reference(document: Mapping[str, Any]) -> float:
    return float(
        np.median(
            [
                value
                for result in document["results"]
                for process in result["processes"]
                for value in process["reference_ms"]
            ]
        )
    )
