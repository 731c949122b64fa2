"""The engines: what each needs, and why one is left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from benchmarks.latency.peers.weights import Weights

OURS = "ufvideo-sdk"
PRECISIONS = ("fp32", "int4")


@dataclass(frozen=True)
class Engine:
    """One engine.

    Attributes:
        name: The distribution's name.
        module: What is imported of it.
        worker: The module that drives it.
        precisions: What it is measured in.
    """

    name: str
    module: str
    worker: str
    precisions: tuple[str, ...] = PRECISIONS

    def version(self) -> str:
        """Of the distribution that is installed."""
        try:
            return version(self.name).split("+")[0]
        except PackageNotFoundError:
            return "of this tree"


_HERE = "benchmarks.latency.peers"
ENGINES = (
    Engine(OURS, "ufvideo_sdk", f"{_HERE}.sdk_engine"),
    Engine("onnxruntime-genai", "onnxruntime_genai", f"{_HERE}.genai_engine"),
    # Its four bits need a library for each device; on the CPU there is none that ships with it.
    Engine("transformers", "transformers", f"{_HERE}.torch_engine", ("fp32",)),
    Engine("llama-cpp-python", "llama_cpp", f"{_HERE}.llama_engine"),
)


def absent(
    engine: Engine, precision: str, gguf: Mapping[str, Path], found: Callable[[str], bool]
) -> str | None:
    """Why an engine is not measured; None where it is.

    Args:
        engine: Which.
        precision: In which precision.
        gguf: Files for llama.cpp, by precision.
        found: Whether a module can be imported.
    """
    if not found(engine.module):
        return "not installed"
    if precision not in engine.precisions:
        return f"no {precision} on the CPU"
    if engine.module == "llama_cpp" and precision not in gguf:
        return f"no file given, see --gguf-{precision}"
    return None


def installed(module: str) -> bool:
    """Whether a module is there, without importing it."""
    return find_spec(module) is not None


def model_path(engine: Engine, precision: str, weights: Weights, gguf: Mapping[str, Path]) -> Path:
    """The model in the engine's format; made where it is missing.

    Raises:
        RuntimeError: When a peer's own tools fail.
        ConfigError: When the exporter does not know the precision.
    """
    if engine.name == OURS:
        return weights.package(precision)
    if engine.module == "onnxruntime_genai":
        return weights.genai(precision)
    return gguf[precision] if engine.module == "llama_cpp" else weights.qwen2()
