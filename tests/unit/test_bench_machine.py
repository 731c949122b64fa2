"""The state of recorded machines, and what differs between two."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.unit.bench_documents import document
from tests.unit.recorded_machine import recorded_machine
from ufvideo_sdk.bench.machine import busy_seconds, machine_description, machine_state
from ufvideo_sdk.bench.machine_difference import state_differences


def test_an_orin(tmp_path: Path) -> None:
    root = recorded_machine("orin", tmp_path)
    description, state = machine_description(root), machine_state(root)
    assert description["board"] == "NVIDIA Jetson AGX Orin Developer Kit"
    assert description["cpu"] == "ARM implementer 0x41, part 0xd42"
    assert (description["num_cpus"], description["memory_bytes"]) == (12, 64349824 * 1024)
    assert (description["jetson_linux"], description["kernel"]) == ("36.4.3", "5.15.148-tegra")
    assert state["power_mode"] == "2 (MODE_30W)"
    assert state["governors"] == {
        "policy0": "schedutil",
        "policy4": "schedutil",
        "policy8": "schedutil",
        "17000000.gpu": "nvhost_podgov",
    }
    assert state["cpu_clocks_mhz"] == 4 * [1728.0] + 8 * [1651.2]
    assert state["device_clocks_mhz"] == {"17000000.gpu": 612.0}
    # A zone of a part that is off reads as nothing.
    assert state["temperatures_c"] == {
        "cpu-thermal": 47.343,
        "gpu-thermal": 44.125,
        "soc0-thermal": 45.031,
        "tj-thermal": 47.343,
        "tboard-thermal": 35.25,
    }
    assert state["load_average"] == 0.52


def test_a_thor(tmp_path: Path) -> None:
    root = recorded_machine("thor", tmp_path)
    state = machine_state(root)
    assert machine_description(root)["jetson_linux"] == "38.2.0"
    assert state["power_mode"] == "1 (120W)"
    assert state["device_clocks_mhz"] == {"gpu-gpc-0": 1575.0, "gpu-nvd-0": 1692.0}
    assert state["temperatures_c"]["tj-thermal"] == 53.125


def test_a_laptop_on_battery(tmp_path: Path) -> None:
    root = recorded_machine("laptop", tmp_path)
    description, state = machine_description(root), machine_state(root)
    assert description["board"] == "LENOVO 21HDCTO1WW"
    assert description["cpu"] == "13th Gen Intel(R) Core(TM) i7-1355U"
    assert (state["platform_profile"], state["on_mains"]) == ("balanced", False)
    assert state["turbo"] is True
    assert state["throttle_counts"] == 6
    assert state["temperatures_c"]["coretemp Package id 0"] == 61.0
    assert state["cpu_clocks_mhz"] == [1200.0, 1600.0, 2000.0, 2400.0]


def test_a_board_without_sensors(tmp_path: Path) -> None:
    state = machine_state(recorded_machine("bare", tmp_path))
    assert machine_description(tmp_path)["cpu"] == "BCM2835"
    for name in ("power_mode", "platform_profile", "on_mains", "turbo", "throttle_counts"):
        assert state[name] is None
    for name in ("governors", "device_clocks_mhz", "temperatures_c"):
        assert state[name] == {}
    assert state["cpu_clocks_mhz"] == []


def test_an_empty_tree_tells_nothing(tmp_path: Path) -> None:
    description, state = machine_description(tmp_path), machine_state(tmp_path)
    told = {name: value for name, value in description.items() if value is not None}
    assert list(told) == ["architecture"]
    assert not any(state.values())
    assert busy_seconds(tmp_path) is None


def test_processor_time_of_all(tmp_path: Path) -> None:
    busy = busy_seconds(recorded_machine("orin", tmp_path))
    assert busy is not None
    used_s, stolen_s = busy
    # user, nice, system, irq and softirq, in ticks of which there are 100 a second.
    assert (used_s, stolen_s) == ((1000 + 20 + 300 + 10 + 5) / 100, 0.0)


def test_this_machine_tells_something() -> None:
    description = machine_description()
    assert description["num_cpus"] and description["usable_cpus"] and description["memory_bytes"]
    busy = busy_seconds()
    assert busy is not None and busy[0] > 0


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("state", "before", "power_mode"), "0 (MAXN)", "power_mode before the run: not told, 0"),
        (("state", "after", "governors"), {"policy0": "powersave"}, "governors after the run"),
        (("state", "during", "cpu_clock_mhz"), 2000.0, "processor clock: 2400 MHz, 2000 MHz"),
        (("state", "during", "others_cpu_share"), 0.5, "other processes: 1%, 50%"),
        (("state", "during", "max_temperatures_c"), {"cpu": 90.0}, "temperature of cpu: 50 C"),
        (("versions", "onnxruntime"), "1.99.0", "onnxruntime: 1.22.0, 1.99.0"),
        (("machine", "kernel"), "7.0", "kernel: 6.1.0, 7.0"),
        (("settings", "num_threads"), 1, "num_threads: not told, 1"),
        (
            ("results", 0, "stage_providers"),
            {"aligner": ["cuda"]},
            "providers of aligner: ['cpu'], ['cuda']",
        ),
        (("results", 0, "processes", 0, "reference_ms"), 99 * [9.0], "reference work: 1 ms, 9 ms"),
    ],
)
def test_another_state_is_named(path: tuple[Any, ...], value: Any, said: str) -> None:
    a = document()
    assert list(state_differences(a, document())) == []
    b = copy.deepcopy(a)
    place: Any = b
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert any(said in each for each in state_differences(a, b))


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ((7, 7), (7, 9), "throttled during the run: 0, 2"),
        ((7, 17), (30, 51), "throttled during the run: 10, 21"),
        ((7, 17), (30, 49), None),  # both are throttled, about as often
        ((0, 0), (500, 500), None),  # counts since the system started
        ((None, None), (3, 3), "throttled during the run: not told, 0"),
    ],
)
def test_throttling_is_counted_during_the_run(
    ours: tuple[Any, Any], theirs: tuple[Any, Any], said: str | None
) -> None:
    documents = document(), document()
    for each, counts in zip(documents, (ours, theirs), strict=True):
        for moment, count in zip(("before", "after"), counts, strict=True):
            each["state"][moment]["throttle_counts"] = count
    found = list(state_differences(*documents))
    assert len(found) == (said is not None)
    assert all(said in each for each in found if said is not None)


def test_the_sdk_and_the_package_are_what_is_compared() -> None:
    a, b = document(), document()
    b["versions"]["ufvideo-sdk"] = "9.9"
    b["package"]["manifest_sha256"] = "f" * 64
    assert list(state_differences(a, b)) == []


def test_bench_is_built_on_public_names() -> None:
    """The import contract of pyproject.toml cannot name the compiled module."""
    import ufvideo_sdk.bench

    folder = Path(ufvideo_sdk.bench.__file__).parent
    sources = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
    assert len(sources) > 15
    assert [name for name, text in sources.items() if "_native" in text] == []
