"""Energy from the sensors that the machine has, by the name of the rail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from ufvideo_sdk.bench.machine import ROOT
from ufvideo_sdk.bench.nvml import Nvml
from ufvideo_sdk.bench.system_files import folders, number_of, text_of

NOT_MEASURED = "not measured"
_POWER_CHIPS = ("ina3221", "ina3221x", "ina238", "ina226")


class EnergyReader(Protocol):
    """One rail."""

    @property
    def rail(self) -> str:
        """Its name, as the board calls it."""

    @property
    def source(self) -> str:
        """The kind of sensor, such as "ina3221" or "NVML"."""

    def read(self) -> Reading | None:
        """A reading now; None if the sensor cannot be read."""


@dataclass(frozen=True)
class Reading:
    """A power now, or a counter of energy.

    Attributes:
        power_w: Power at this moment, watts; None for a counter.
        energy_j: Energy since some moment in the past, joules; None for a power.
        wraps_at_j: Where the counter begins again at 0; None if it never does.
    """

    power_w: float | None = None
    energy_j: float | None = None
    wraps_at_j: float | None = None


@dataclass(frozen=True)
class PowerMonitor:
    """A channel of an INA3221 or a chip like it: voltage times current."""

    rail: str
    source: str
    chip: Path
    channel: int

    @property
    def place(self) -> str:
        """The chip's bus address, which is the same after a restart, and the channel."""
        device = self.chip / "device"
        address = device.resolve().name if device.exists() else self.chip.name
        return f"{address} channel {self.channel}"

    def read(self) -> Reading | None:
        """Millivolts times milliamperes."""
        millivolts = number_of(self.chip / f"in{self.channel}_input")
        milliamperes = number_of(self.chip / f"curr{self.channel}_input")
        if millivolts is None or milliamperes is None:
            return None
        return Reading(power_w=millivolts * milliamperes / 1e6)


@dataclass(frozen=True)
class Rapl:
    """A domain of Intel's or AMD's running average power limit: a counter of microjoules."""

    rail: str
    source: str
    domain: Path

    @property
    def place(self) -> str:
        """The domain's folder, such as "intel-rapl:1"."""
        return self.domain.name

    def read(self) -> Reading | None:
        """The counter, which begins again at its largest value."""
        microjoules = number_of(self.domain / "energy_uj")
        if microjoules is None:
            return None
        largest = number_of(self.domain / "max_energy_range_uj")
        return Reading(
            energy_j=microjoules / 1e6, wraps_at_j=None if largest is None else largest / 1e6
        )


@dataclass(frozen=True)
class NvmlDevice:
    """A graphics processor's own counter, or its power where it has no counter."""

    rail: str
    source: str
    nvml: Nvml

    @property
    def place(self) -> str:
        """The library that reports it."""
        return self.source

    def read(self) -> Reading | None:
        """Millijoules since the driver was loaded, or milliwatts."""
        energy_j = self.nvml.energy_j()
        if energy_j is not None:
            return Reading(energy_j=energy_j)
        power_w = self.nvml.power_w()
        return None if power_w is None else Reading(power_w=power_w)


Sensor = PowerMonitor | Rapl | NvmlDevice


@dataclass(frozen=True)
class EnergyReaders:
    """All rails that can be read, and why others cannot.

    Attributes:
        readers: Those whose first reading succeeded.
        problems: Sensors that were found and cannot be read, with the reason.
    """

    readers: tuple[EnergyReader, ...]
    problems: tuple[str, ...]

    @property
    def not_measured(self) -> str | None:
        """Why nothing is measured; None if a rail is."""
        if self.readers:
            return None
        reason = "; ".join(self.problems) or "no sensor of power was found"
        return f"{NOT_MEASURED}: {reason}"


def find_energy_readers(root: Path = ROOT, nvml: Nvml | None = None) -> EnergyReaders:
    """Look for all sensors of power or energy.

    Args:
        root: Where the system's files lie; a test gives a recorded tree.
        nvml: NVIDIA's management library with a device; None: without.
    """
    candidates: list[Sensor] = [*_power_monitors(root), *_rapl_domains(root)]
    if nvml is not None:
        candidates.append(NvmlDevice(nvml.name, "NVML", nvml))
    readers: list[EnergyReader] = []
    problems = []
    for reader in _named_apart(candidates):
        if reader.read() is None:
            problems.append(f"{reader.rail} ({reader.source}) cannot be read{_hint(reader)}")
        else:
            readers.append(reader)
    return EnergyReaders(tuple(readers), tuple(problems))


def _named_apart(sensors: Sequence[Sensor]) -> list[Sensor]:
    """The sensors; those whose rails have the same label are named after their place too."""
    counts = Counter(sensor.rail for sensor in sensors)
    return [
        replace(sensor, rail=f"{sensor.rail} ({sensor.place})")
        if counts[sensor.rail] > 1
        else sensor
        for sensor in sensors
    ]


def _hint(reader: EnergyReader) -> str:
    """Since 2020 Linux shows RAPL's counters to root only."""
    return ", root may" if isinstance(reader, Rapl) and reader.domain.is_dir() else ""


def _power_monitors(root: Path) -> list[PowerMonitor]:
    readers: list[PowerMonitor] = []
    for chip in folders(root / "sys/class/hwmon", "hwmon*"):
        name = text_of(chip / "name")
        if name not in _POWER_CHIPS:
            continue
        own = text_of(chip / "label")
        for channel in (1, 2, 3):
            if not (chip / f"curr{channel}_input").exists():
                continue
            label = text_of(chip / f"in{channel}_label") or (own if channel == 1 else None)
            # A channel that leads nowhere is called so.
            if label == "NC" or number_of(chip / f"in{channel}_enable") == 0:
                continue
            rail = label or f"{name} {chip.name} channel {channel}"
            readers.append(PowerMonitor(rail, name, chip, channel))
    return readers


def _rapl_domains(root: Path) -> list[Rapl]:
    readers: list[Rapl] = []
    parent = root / "sys/class/powercap"
    for domain in folders(parent, "intel-rapl:*"):
        name = text_of(domain / "name")
        if name is None:
            continue
        # A part, such as core, is named after the whole that it belongs to.
        whole = text_of(parent / domain.name.rpartition(":")[0] / "name")
        is_part = domain.name.count(":") > 1 and whole is not None
        readers.append(Rapl(f"{whole}/{name}" if is_part else name, "RAPL", domain))
    return readers
