"""Latency, memory and energy of a package on this machine: `ufvideo bench`.

from ufvideo_sdk.bench import measure
result = measure("package", "street.mp4")
print(result["ttft_ms"].p50)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ufvideo_sdk.bench.comparison import Change, Comparison, compare
    from ufvideo_sdk.bench.duration import Steadiness, steadiness
    from ufvideo_sdk.bench.figures import FIGURES, Figure
    from ufvideo_sdk.bench.plot import to_html
    from ufvideo_sdk.bench.result import BenchResult
    from ufvideo_sdk.bench.run import BenchConfig, measure, measure_pair
    from ufvideo_sdk.bench.summary import Summary
    from ufvideo_sdk.bench.workload import Workload

__all__ = [
    "FIGURES",
    "BenchConfig",
    "BenchResult",
    "Change",
    "Comparison",
    "Figure",
    "Steadiness",
    "Summary",
    "Workload",
    "compare",
    "measure",
    "measure_pair",
    "steadiness",
    "to_html",
]

# Loaded when first asked for: `ufvideo --help` and a worker need few of these.
_HOMES = {
    "FIGURES": "figures",
    "Figure": "figures",
    "BenchConfig": "run",
    "measure": "run",
    "measure_pair": "run",
    "BenchResult": "result",
    "Change": "comparison",
    "Comparison": "comparison",
    "compare": "comparison",
    "Steadiness": "duration",
    "steadiness": "duration",
    "Summary": "summary",
    "Workload": "workload",
    "to_html": "plot",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
