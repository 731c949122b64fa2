"""NVIDIA's management library, through ctypes: power, energy, memory and clocks of one device."""

from __future__ import annotations

import ctypes
from typing import Any

_LIBRARY = "libnvidia-ml.so.1"
_CLOCK_SM = 1
_TEMPERATURE_GPU = 0


class _Memory(ctypes.Structure):
    _fields_ = (
        ("total", ctypes.c_ulonglong),
        ("free", ctypes.c_ulonglong),
        ("used", ctypes.c_ulonglong),
    )


class Nvml:
    """One device of the management library. What it does not report is None."""

    def __init__(self, library: Any, device: ctypes.c_void_p) -> None:
        """Use `open_nvml`."""
        self._library = library
        self._device = device
        name = ctypes.create_string_buffer(96)
        is_told = library.nvmlDeviceGetName(device, name, ctypes.c_uint(len(name))) == 0
        self.name = name.value.decode("utf-8", "replace") if is_told else "GPU"

    def _number(self, function: str, kind: Any, *arguments: Any) -> float | None:
        value = kind()
        call = getattr(self._library, function, None)
        if call is None or call(self._device, *arguments, ctypes.byref(value)) != 0:
            return None
        return float(value.value)

    def energy_j(self) -> float | None:
        """Energy since the driver was loaded, joules."""
        millijoules = self._number("nvmlDeviceGetTotalEnergyConsumption", ctypes.c_ulonglong)
        return None if millijoules is None else millijoules / 1e3

    def power_w(self) -> float | None:
        """Power now, watts."""
        milliwatts = self._number("nvmlDeviceGetPowerUsage", ctypes.c_uint)
        return None if milliwatts is None else milliwatts / 1e3

    def used_bytes(self) -> int | None:
        """Device memory in use by everybody."""
        memory = _Memory()
        call = getattr(self._library, "nvmlDeviceGetMemoryInfo", None)
        if call is None or call(self._device, ctypes.byref(memory)) != 0:
            return None
        return int(memory.used)

    def clock_mhz(self) -> float | None:
        """Clock of the multiprocessors now."""
        return self._number("nvmlDeviceGetClockInfo", ctypes.c_uint, ctypes.c_int(_CLOCK_SM))

    def temperature_c(self) -> float | None:
        """Temperature now, degrees Celsius."""
        argument = ctypes.c_int(_TEMPERATURE_GPU)
        return self._number("nvmlDeviceGetTemperature", ctypes.c_uint, argument)

    def power_limit_w(self) -> float | None:
        """Power that the device holds to, watts."""
        milliwatts = self._number("nvmlDeviceGetEnforcedPowerLimit", ctypes.c_uint)
        return None if milliwatts is None else milliwatts / 1e3

    def driver(self) -> str | None:
        """Version of the driver."""
        text = ctypes.create_string_buffer(80)
        call = getattr(self._library, "nvmlSystemGetDriverVersion", None)
        if call is None or call(text, ctypes.c_uint(len(text))) != 0:
            return None
        return text.value.decode("ascii", "replace")


def open_nvml(device_id: int = 0, library: Any = None) -> Nvml | None:
    """A device of the library; None where there is no library, or no such device.

    Args:
        device_id: Number of the device.
        library: What stands for the library, in a test.
    """
    if library is None:
        try:
            library = ctypes.CDLL(_LIBRARY)
        except OSError:
            return None
    device = ctypes.c_void_p()
    if library.nvmlInit_v2() != 0:
        return None
    if library.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(device_id), ctypes.byref(device)) != 0:
        return None
    return Nvml(library, device)
