"""Whether packages answer on the device as they do on the CPU.

Run as `python -m benchmarks.gpu_kit.agreement DEVICE PACKAGE...`; nano, as it ships, is added. The
exit status is 0 only where every figure holds.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.gpu_kit.device import runtime
from benchmarks.latency.device_agreement import agreement_figures
from ufvideo_sdk import UFVideoError
from ufvideo_sdk.package.shipped_package import shipped_package

_NUM_NEW_TOKENS = 32


def main(arguments: Sequence[str]) -> int:
    """Compare each package; see the module."""
    device, *packages = arguments
    held = True
    for package in (shipped_package(), *map(Path, packages)):
        try:
            figures = agreement_figures(package, runtime(device).providers, _NUM_NEW_TOKENS)
        except UFVideoError as error:
            print(f"{package.name}: {type(error).__name__}: {error}")
            held = False
            continue
        for figure in figures:
            name = f"{package.name}: {figure.name}"
            print(f"{name}: {figure.value:.4f} (at least {figure.limit}) {figure.verdict}")
            held = held and figure.holds
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
