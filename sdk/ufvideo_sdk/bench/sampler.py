"""Watch power, memory, clocks and temperatures beside the work, in a thread of its own."""

from __future__ import annotations

import bisect
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ufvideo_sdk.bench.energy import EnergyReader, Reading
from ufvideo_sdk.bench.machine import ROOT, cpu_clocks_mhz, device_clocks_mhz, temperatures_c
from ufvideo_sdk.bench.nvml import Nvml
from ufvideo_sdk.bench.process_memory import tree_bytes

# Twenty readings a second: boards average over about as long.
INTERVAL_S = 0.05
# Clocks and temperatures take longer to read, and change more slowly.
_SLOW_EVERY = 10


@dataclass
class RailLog:
    """What one rail told, as energy since the first reading.

    Attributes:
        times_s: Monotonic time of each reading.
        energies_j: Energy until then, joules.
    """

    times_s: list[float] = field(default_factory=list)
    energies_j: list[float] = field(default_factory=list)
    _last: Reading | None = None

    def add(self, time_s: float, reading: Reading) -> None:
        """Add a reading; powers are integrated as straight lines between two."""
        energy_j = self.energies_j[-1] if self.energies_j else 0.0
        if self._last is not None:
            energy_j += _between(self._last, reading, time_s - self.times_s[-1])
        self.times_s.append(time_s)
        self.energies_j.append(energy_j)
        self._last = reading

    def joules(self, begin_s: float, end_s: float) -> float | None:
        """Energy between two moments; None if they were not watched whole."""
        times = self.times_s
        slack_s = 2 * INTERVAL_S
        if len(times) < 2 or begin_s < times[0] - slack_s or end_s > times[-1] + slack_s:
            return None
        return self._at(end_s) - self._at(begin_s)

    def _at(self, time_s: float) -> float:
        """Energy at a moment; beyond the first and last reading, as the nearest two go on."""
        times, energies = self.times_s, self.energies_j
        i = min(max(bisect.bisect_left(times, time_s), 1), len(times) - 1)
        span_s = times[i] - times[i - 1]
        slope = (energies[i] - energies[i - 1]) / span_s if span_s > 0 else 0.0
        return energies[i] + slope * (time_s - times[i])


def _between(before: Reading, after: Reading, seconds: float) -> float:
    if after.energy_j is not None and before.energy_j is not None:
        difference = after.energy_j - before.energy_j
        return difference + (after.wraps_at_j or 0.0) if difference < 0 else difference
    if after.power_w is not None and before.power_w is not None:
        return (before.power_w + after.power_w) / 2 * seconds
    return 0.0


@dataclass
class Watched:
    """What was seen until now.

    Attributes:
        rails: Logs of the rails, by name.
        clocks_mhz: Mean clock of the processors at each slow reading.
        device_clocks_mhz: Clock of each device at each slow reading, by name.
        temperatures_c: The highest temperature of each sensor.
        peak_tree_bytes: Most memory of the process tree that is watched.
        peak_device_bytes: Most device memory in use by everybody.
    """

    rails: dict[str, RailLog] = field(default_factory=dict)
    clocks_mhz: list[float] = field(default_factory=list)
    device_clocks_mhz: dict[str, list[float]] = field(default_factory=dict)
    temperatures_c: dict[str, float] = field(default_factory=dict)
    peak_tree_bytes: int = 0
    peak_device_bytes: int | None = None


class Sampler:
    """Watches until its `with` block ends."""

    def __init__(
        self, readers: Sequence[EnergyReader], nvml: Nvml | None = None, root: Path = ROOT
    ) -> None:
        """Begin with nothing seen.

        Args:
            readers: The rails.
            nvml: A graphics processor to watch too.
            root: Where the system's files lie.
        """
        self._readers = readers
        self._nvml = nvml
        self._root = root
        self._lock = threading.Lock()
        self._pid: int | None = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ufvideo-bench-sampler", daemon=True)
        self.seen = Watched(rails={reader.rail: RailLog() for reader in readers})

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def watch_process(self, pid: int | None) -> None:
        """Watch the memory of a process and its children from now on; None: of none."""
        with self._lock:
            self._pid = pid
            self.seen.peak_tree_bytes = 0
            self.seen.peak_device_bytes = None

    def device_bytes(self) -> int | None:
        """Device memory in use by everybody now; None if nothing tells."""
        return None if self._nvml is None else self._nvml.used_bytes()

    def joules(self, begin_s: float, end_s: float) -> dict[str, float]:
        """Energy between two monotonic times by rail, of the rails that were read meanwhile."""
        with self._lock:
            found = {rail: log.joules(begin_s, end_s) for rail, log in self.seen.rails.items()}
        return {rail: joules for rail, joules in found.items() if joules is not None}

    def _run(self) -> None:
        number = 0
        due_s = time.monotonic()
        while not self._end.is_set():
            self._read_fast()
            if number % _SLOW_EVERY == 0:
                self._read_slow()
            number += 1
            due_s = max(due_s + INTERVAL_S, time.monotonic())
            self._end.wait(max(due_s - time.monotonic(), 0.0))
        self._read_fast()

    def _read_fast(self) -> None:
        readings: list[tuple[str, float, Reading]] = []
        for reader in self._readers:
            reading = reader.read()
            if reading is not None:
                readings.append((reader.rail, time.monotonic(), reading))
        pid = self._pid
        held = 0 if pid is None else tree_bytes(pid)
        used = self.device_bytes()
        with self._lock:
            for rail, time_s, reading in readings:
                self.seen.rails[rail].add(time_s, reading)
            if pid == self._pid:
                self.seen.peak_tree_bytes = max(self.seen.peak_tree_bytes, held)
                if used is not None:
                    self.seen.peak_device_bytes = max(self.seen.peak_device_bytes or 0, used)

    def _read_slow(self) -> None:
        clocks = cpu_clocks_mhz(self._root)
        devices = device_clocks_mhz(self._root)
        temperatures = temperatures_c(self._root)
        if self._nvml is not None:
            _add(devices, self._nvml.name, self._nvml.clock_mhz)
            _add(temperatures, self._nvml.name, self._nvml.temperature_c)
        with self._lock:
            seen = self.seen
            if clocks:
                seen.clocks_mhz.append(sum(clocks) / len(clocks))
            for name, clock in devices.items():
                seen.device_clocks_mhz.setdefault(name, []).append(clock)
            for name, temperature in temperatures.items():
                seen.temperatures_c[name] = max(
                    seen.temperatures_c.get(name, temperature), temperature
                )


def _add(found: dict[str, float], name: str, read: Callable[[], float | None]) -> None:
    value = read()
    if value is not None:
        found[name] = value
