"""The machine and its state, as far as they decide its speed, from the files of Linux."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ufvideo_sdk.bench.system_files import folders, number_of, text_of

ROOT = Path("/")
State = dict[str, Any]

_CPU = "sys/devices/system/cpu"
_POWER_MODEL = re.compile(r"<\s*POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+?)\s*>")


def machine_description(root: Path = ROOT) -> State:
    """What does not change: processor, cores, memory, board.

    Args:
        root: Where the system's files lie; a test gives a recorded tree.
    """
    return {
        "board": _board(root),
        "cpu": _cpu_name(root),
        "num_cpus": _num_cpus(root),
        "usable_cpus": _usable_cpus() if root == ROOT else None,
        "memory_bytes": _memory_bytes(root),
        "architecture": platform.machine(),
        "kernel": text_of(root / "proc/sys/kernel/osrelease"),
        "jetson_linux": _jetson_linux(root),
    }


def machine_state(root: Path = ROOT) -> State:
    """What may change from minute to minute; None or empty for what Linux does not report."""
    load = text_of(root / "proc/loadavg")
    return {
        "power_mode": _power_mode(root),
        "platform_profile": text_of(root / "sys/firmware/acpi/platform_profile"),
        "on_mains": _on_mains(root),
        "governors": _governors(root),
        "turbo": _turbo(root),
        "cpu_clocks_mhz": cpu_clocks_mhz(root),
        "cpu_max_clocks_mhz": _cpu_max_clocks_mhz(root),
        "device_clocks_mhz": device_clocks_mhz(root),
        "temperatures_c": temperatures_c(root),
        "throttle_counts": _throttle_counts(root),
        "load_average": None if load is None else float(load.split()[0]),
    }


def _board(root: Path) -> str | None:
    tree = text_of(root / "proc/device-tree/model")
    if tree is not None:
        return tree
    dmi = root / "sys/class/dmi/id"
    names = [text_of(dmi / name) for name in ("sys_vendor", "product_name")]
    return " ".join(name for name in names if name) or None


def _cpu_name(root: Path) -> str | None:
    fields = _cpu_fields(root)
    for name in ("model name", "Model", "Hardware"):
        if name in fields:
            return fields[name]
    if "CPU part" in fields:
        return f"ARM implementer {fields.get('CPU implementer')}, part {fields['CPU part']}"
    return None


def _cpu_fields(root: Path) -> Mapping[str, str]:
    fields: dict[str, str] = {}
    for line in (text_of(root / "proc/cpuinfo") or "").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip(), value.strip())
    return fields


def _num_cpus(root: Path) -> int | None:
    return len(folders(root / _CPU, "cpu[0-9]*")) or None


def _usable_cpus() -> int:
    return len(os.sched_getaffinity(0))


def _memory_bytes(root: Path) -> int | None:
    found = re.search(r"^MemTotal:\s+(\d+) kB", text_of(root / "proc/meminfo") or "", re.MULTILINE)
    return None if found is None else int(found[1]) * 1024


def _jetson_linux(root: Path) -> str | None:
    found = re.search(
        r"R(\d+).*?REVISION:\s*([\d.]+)", text_of(root / "etc/nv_tegra_release") or ""
    )
    return None if found is None else f"{found[1]}.{found[2]}"


def _power_mode(root: Path) -> str | None:
    """Of a Jetson: the number that nvpmodel keeps, and its name in nvpmodel's table."""
    found = re.search(r"pmode:\s*(\d+)", text_of(root / "var/lib/nvpmodel/status") or "")
    if found is None:
        return None
    number = int(found[1])
    table = text_of(root / "etc/nvpmodel.conf") or ""
    names = {int(each[0]): each[1] for each in _POWER_MODEL.findall(table)}
    return f"{number} ({names[number]})" if number in names else str(number)


def _on_mains(root: Path) -> bool | None:
    for supply in folders(root / "sys/class/power_supply", "*"):
        if text_of(supply / "type") == "Mains":
            online = number_of(supply / "online")
            return None if online is None else online != 0
    return None


def _governors(root: Path) -> dict[str, str]:
    """By frequency domain of the processors, and by device."""
    found = {}
    for policy in folders(root / _CPU / "cpufreq", "policy*"):
        governor = text_of(policy / "scaling_governor")
        if governor is not None:
            found[policy.name] = governor
    for device in _devices(root):
        governor = text_of(device / "governor")
        if governor is not None:
            found[device.name] = governor
    return found


def _turbo(root: Path) -> bool | None:
    intel = number_of(root / _CPU / "intel_pstate/no_turbo")
    if intel is not None:
        return intel == 0
    boost = number_of(root / _CPU / "cpufreq/boost")
    return None if boost is None else boost != 0


def cpu_clocks_mhz(root: Path = ROOT) -> list[float]:
    """The clock of each processor now; empty if Linux reports none."""
    clocks = [
        number_of(cpu / "cpufreq/scaling_cur_freq") for cpu in folders(root / _CPU, "cpu[0-9]*")
    ]
    told = [clock / 1e3 for clock in clocks if clock is not None]
    if told:
        return told
    info = text_of(root / "proc/cpuinfo") or ""
    return [float(each) for each in re.findall(r"^cpu MHz\s*:\s*([\d.]+)", info, re.MULTILINE)]


def _cpu_max_clocks_mhz(root: Path) -> list[float]:
    clocks = [
        number_of(policy / "scaling_max_freq")
        for policy in folders(root / _CPU / "cpufreq", "policy*")
    ]
    return [clock / 1e3 for clock in clocks if clock is not None]


def _devices(root: Path) -> list[Path]:
    """Graphics processors and memory controllers with a clock of their own."""
    return [
        device
        for device in folders(root / "sys/class/devfreq", "*")
        if any(word in device.name.lower() for word in ("gpu", "ga10b", "gv11b", "emc", "bwmgr"))
    ]


def device_clocks_mhz(root: Path = ROOT) -> dict[str, float]:
    """The clock of each graphics processor now, by name."""
    found = {}
    for device in _devices(root):
        clock = number_of(device / "cur_freq")
        if clock is not None:
            found[device.name] = clock / 1e6
    return found


def temperatures_c(root: Path = ROOT) -> dict[str, float]:
    """Temperatures now, in degrees Celsius, by sensor."""
    found: dict[str, float] = {}
    for zone in folders(root / "sys/class/thermal", "thermal_zone*"):
        _add_temperature(found, text_of(zone / "type") or zone.name, zone / "temp")
    for chip in folders(root / "sys/class/hwmon", "hwmon*"):
        name = text_of(chip / "name") or chip.name
        if name in ("coretemp", "k10temp", "zenpower", "cpu_thermal"):
            for sensor in folders(chip, "temp*_input"):
                label = text_of(chip / sensor.name.replace("_input", "_label"))
                _add_temperature(found, f"{name} {label or sensor.name}", sensor)
    return found


def _add_temperature(found: dict[str, float], name: str, path: Path) -> None:
    thousandths = number_of(path)
    # A sensor of a part that is switched off reads as an error, or as an absurd value.
    if thousandths is not None and -50e3 < thousandths < 200e3:
        found.setdefault(name, thousandths / 1e3)


def _throttle_counts(root: Path) -> int | None:
    counts = [
        number_of(cpu / "thermal_throttle/core_throttle_count")
        for cpu in folders(root / _CPU, "cpu[0-9]*")
    ]
    told = [int(count) for count in counts if count is not None]
    return sum(told) if told else None


def busy_seconds(root: Path = ROOT) -> tuple[float, float] | None:
    """Processor time since the system started: in use by anybody, and stolen by other guests.

    None if Linux does not report it.
    """
    line = (text_of(root / "proc/stat") or "").splitlines()[:1]
    fields = line[0].split() if line else []
    if len(fields) < 9 or fields[0] != "cpu":
        return None
    user, nice, system, _, _, irq, softirq, steal = (int(each) for each in fields[1:9])
    tick = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + softirq) / tick, steal / tick
