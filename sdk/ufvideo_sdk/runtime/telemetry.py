"""ONNX Runtime reports nothing, from the first import of this package on."""

from __future__ import annotations

import os

VARIABLE = "ORT_DISABLE_TELEMETRY"


def turn_off_telemetry() -> None:
    """Tell every ONNX Runtime that this process opens, or a process it starts, not to report.

    From 1.32 on the library reads this variable when it starts; without it, it reports to its
    vendor and writes a device id into the user's cache folder. The native runtime sets it too.
    """
    if os.environ.get(VARIABLE) != "1":
        os.environ[VARIABLE] = "1"
