"""A machine with TensorRT, as far as the SDK sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ufvideo_sdk import _native
from ufvideo_sdk.errors import InferenceError
from ufvideo_sdk.runtime.nvidia_device import NvidiaDevice
from ufvideo_sdk.tensorrt import engines as tensorrt_engines


@dataclass
class TensorRtStandIn:
    """Builds an engine where there is none, as ONNX Runtime does when it opens a graph."""

    opened: list[str] = field(default_factory=list)
    options: dict[str, dict[str, str]] = field(default_factory=dict)
    num_engines: int = 1
    always_builds: bool = False
    native_config: Any = None
    timings_found: dict[str, bytes | None] = field(default_factory=dict)
    fails_at: str | None = None

    def open_stage(self, package: Any, stem: str, config: Any) -> SimpleNamespace:
        options = dict(config.stage_provider_options[stem]["tensorrt"])
        self.opened.append(stem)
        self.options.setdefault(stem, options)
        folder = Path(options["trt_engine_cache_path"])
        engine = folder / f"{stem}_sm87.engine"
        nodes = SimpleNamespace(num_nodes={"tensorrt": self.num_engines, "cuda": 2})
        if engine.exists() and not self.always_builds:
            return nodes
        assert options["trt_engine_cache_enable"] == "1"
        if stem == self.fails_at:
            raise InferenceError(f"{stem}: TensorRT could not build it")
        for number in range(self.num_engines):
            engine.with_stem(f"{engine.stem}{number or ''}").write_bytes(b"engine of %d" % number)
        engine.with_suffix(".profile").write_bytes(b"profile")
        if "trt_timing_cache_path" in options:
            timing = Path(options["trt_timing_cache_path"]) / "sm87.timing"
            found = timing.read_bytes() if timing.exists() else None
            self.timings_found[stem] = found
            timing.write_bytes((found or b"") + stem.encode() + b" ")
        return nodes


def stand_in_for_tensorrt(monkeypatch: pytest.MonkeyPatch) -> TensorRtStandIn:
    """Put it in the place of ONNX Runtime, NVIDIA's driver and TensorRT."""
    stand_in = TensorRtStandIn()
    monkeypatch.setattr(tensorrt_engines, "nvidia_device", lambda n: NvidiaDevice("Orin", "8.7"))
    monkeypatch.setattr(tensorrt_engines, "tensorrt_version", lambda library: "10.13.0")
    monkeypatch.setattr(_native, "open_stage", stand_in.open_stage)
    monkeypatch.setattr(_native, "find_provider_problem", lambda *arguments: None)
    return stand_in
