"""Energy on recorded boards, and from readings of a known power."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.unit.recorded_machine import recorded_machine
from ufvideo_sdk.bench.energy import Reading, find_energy_readers
from ufvideo_sdk.bench.figures import figure_of
from ufvideo_sdk.bench.nvml import open_nvml
from ufvideo_sdk.bench.sampler import INTERVAL_S, RailLog, Sampler


def powers_w(root: Path) -> dict[str, float]:
    found = find_energy_readers(root)
    readings = {reader.rail: reader.read() for reader in found.readers}
    return {rail: reading.power_w for rail, reading in readings.items()}  # type: ignore


def test_the_rails_of_an_orin(tmp_path: Path) -> None:
    assert powers_w(recorded_machine("orin", tmp_path)) == pytest.approx(
        {
            "VDD_GPU_SOC": 19.080 * 0.320,
            "VDD_CPU_CV": 19.064 * 0.096,
            "VIN_SYS_5V0": 5.016 * 0.848,
            # The channels called NC lead nowhere, and in4 to in7 are no rails.
            "VDDQ_VDD2_1V8AO": 19.072 * 0.024,
        }
    )


def test_the_rails_of_a_thor(tmp_path: Path) -> None:
    assert powers_w(recorded_machine("thor", tmp_path)) == pytest.approx(
        {
            "VDD_GPU": 19.520 * 0.610,
            "VDD_CPU_SOC_MSS": 19.520 * 0.820,
            "VIN_SYS_5V0": 5.040 * 1.400,
            "VIN": 19.600 * 2.150,
        }
    )


def test_the_counters_of_a_laptop(tmp_path: Path) -> None:
    found = find_energy_readers(recorded_machine("laptop", tmp_path))
    readings = {reader.rail: reader.read() for reader in found.readers}
    assert set(readings) == {"package-0", "package-0/core"}
    assert readings["package-0"] == Reading(energy_j=262140.0, wraps_at_j=262143.32885)
    # Its counter is there and cannot be read.
    assert found.problems == ("psys (RAPL) cannot be read, root may",)
    assert found.not_measured is None


def test_rails_with_the_same_label_are_named_apart(tmp_path: Path) -> None:
    """Two chips that both call a channel VDD_GPU, and one chip that calls two channels so."""
    root = recorded_machine("thor", tmp_path)
    other = root / "sys/class/hwmon/hwmon5"
    bus = root / "sys/devices/i2c-1/1-0041"
    for folder in (other, bus):
        folder.mkdir(parents=True)
    (other / "device").symlink_to(bus)
    files = {"name": "ina3221"}
    for channel in (1, 2):
        files |= {
            f"in{channel}_label": "VDD_GPU",
            f"in{channel}_input": "5000",
            f"curr{channel}_input": str(1000 * channel),
        }
    for name, content in files.items():
        (other / name).write_text(content)
    powers = powers_w(root)
    assert powers["VDD_GPU (hwmon3 channel 1)"] == pytest.approx(19.520 * 0.610)
    assert powers["VDD_GPU (1-0041 channel 1)"] == pytest.approx(5.0)
    assert powers["VDD_GPU (1-0041 channel 2)"] == pytest.approx(10.0)
    assert "VDD_GPU" not in powers and "VIN" in powers
    name = "energy_j.VDD_GPU (1-0041 channel 1)"
    assert figure_of(name).name == name


@pytest.mark.parametrize("name", ["bare", None])
def test_a_board_without_sensors_is_not_measured(tmp_path: Path, name: str | None) -> None:
    root = tmp_path if name is None else recorded_machine(name, tmp_path)
    found = find_energy_readers(root)
    assert found.readers == ()
    assert found.not_measured == "not measured: no sensor of power was found"


def test_a_sensor_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    root = recorded_machine("orin", tmp_path)
    for chip in ("hwmon1", "hwmon2"):
        for channel in (1, 2, 3):
            (root / f"sys/class/hwmon/{chip}/curr{channel}_input").write_text("")
    said = find_energy_readers(root).not_measured
    assert said is not None and said.startswith("not measured: VDD_GPU_SOC (ina3221) cannot be")


def test_a_constant_power_times_the_time_is_the_energy() -> None:
    log = RailLog()
    for number in range(101):
        log.add(number * 0.1, Reading(power_w=12.5))
    assert log.joules(2.03, 7.07) == pytest.approx(12.5 * (7.07 - 2.03))
    assert log.joules(-1.0, 5.0) is None and log.joules(5.0, 11.0) is None


def test_a_power_that_rises_is_integrated_between_readings() -> None:
    log = RailLog()
    for number in range(101):
        log.add(number * 0.1, Reading(power_w=number * 0.1))
    assert log.joules(0.0, 10.0) == pytest.approx(50.0)


def test_a_counter_that_begins_again_goes_on() -> None:
    log = RailLog()
    for number, energy in enumerate((90.0, 95.0, 0.0, 5.0)):
        log.add(number * 0.1, Reading(energy_j=energy, wraps_at_j=100.0))
    assert log.energies_j == pytest.approx([0.0, 5.0, 10.0, 15.0])


class Constant:
    """A rail that tells the same power, and how often it was asked."""

    rail, source = "VDD_IN", "a test"

    def __init__(self) -> None:
        self.num_reads = 0

    def read(self) -> Reading:
        self.num_reads += 1
        return Reading(power_w=10.0)


def test_the_sampler_reads_ten_times_a_second_and_more() -> None:
    rail = Constant()
    with Sampler([rail]) as sampler:
        begin_s = time.monotonic()
        time.sleep(12 * INTERVAL_S)
        end_s = time.monotonic()
    assert rail.num_reads >= 10 * (end_s - begin_s)
    assert sampler.joules(begin_s, end_s) == pytest.approx({"VDD_IN": 10 * (end_s - begin_s)})


def test_the_sampler_sees_clocks_and_temperatures(tmp_path: Path) -> None:
    with Sampler([], root=recorded_machine("orin", tmp_path)) as sampler:
        time.sleep(2 * INTERVAL_S)
    assert sampler.seen.clocks_mhz[0] == pytest.approx((4 * 1728.0 + 8 * 1651.2) / 12)
    assert sampler.seen.temperatures_c["tj-thermal"] == 47.343
    assert sampler.seen.device_clocks_mhz["17000000.gpu"][0] == 612.0
    assert sampler.joules(0.0, 1.0) == {}


class Library:
    """What stands for libnvidia-ml: a device that tells what it is told to."""

    def __init__(self, **numbers: int) -> None:
        self._numbers = numbers

    def nvmlInit_v2(self) -> int:  # noqa: N802
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index: Any, device: Any) -> int:  # noqa: N802
        return 0 if index.value == 0 else 2

    def nvmlDeviceGetName(self, device: Any, name: Any, length: Any) -> int:  # noqa: N802
        name.value = b"NVIDIA Test"
        return 0

    def nvmlDeviceGetMemoryInfo(self, device: Any, memory: Any) -> int:  # noqa: N802
        memory._obj.used = 123456
        return 0

    def __getattr__(self, name: str) -> Any:
        if name not in self._numbers:
            raise AttributeError(name)

        def told(device: Any, *arguments: Any) -> int:
            arguments[-1]._obj.value = self._numbers[name]
            return 0

        return told


def test_a_graphics_processor_tells_its_counter() -> None:
    library = Library(nvmlDeviceGetTotalEnergyConsumption=5000, nvmlDeviceGetPowerUsage=70000)
    nvml = open_nvml(library=library)
    assert nvml is not None and nvml.name == "NVIDIA Test"
    assert (nvml.used_bytes(), nvml.clock_mhz(), nvml.temperature_c()) == (123456, None, None)
    (reader,) = find_energy_readers(Path("/nowhere"), nvml).readers
    assert (reader.rail, reader.source) == ("NVIDIA Test", "NVML")
    assert reader.read() == Reading(energy_j=5.0)
    assert open_nvml(1, library) is None


def test_a_graphics_processor_without_a_counter_tells_its_power() -> None:
    nvml = open_nvml(library=Library(nvmlDeviceGetPowerUsage=70000))
    (reader,) = find_energy_readers(Path("/nowhere"), nvml).readers
    assert reader.read() == Reading(power_w=70.0)


def test_jetson_stats_is_never_imported() -> None:
    """It is under the AGPL, and a service of root."""
    import ufvideo_sdk.bench.energy
    import ufvideo_sdk.bench.machine

    assert "jtop" not in sys.modules and "jetson_stats" not in sys.modules
    folder = Path(ufvideo_sdk.bench.energy.__file__).parent
    assert not any("jtop" in path.read_text() for path in folder.glob("*.py"))
