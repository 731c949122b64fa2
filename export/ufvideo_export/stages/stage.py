"""What every stage of the exporter does: write its graph, and say what PyTorch computes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
import torch
from numpy.typing import NDArray
from torch import nn

from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.graph.encoder_int8 import quantize_encoder
from ufvideo_export.graph.opened_graph import OpenedGraph
from ufvideo_export.graph.to_onnx import export_module, save_graph, to_half
from ufvideo_export.precision import Quantization
from ufvideo_export.process import isolated
from ufvideo_export.process.free_memory import give_back_memory
from ufvideo_export.spec import TOLERANCES, StageSpec, Tolerance

Arrays = dict[str, NDArray[Any]]
OpenGraph = Callable[[Path | bytes], OpenedGraph]


class Stage(ABC):
    """One graph of the package."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        spec: StageSpec,
        precision: str,
        quantization: Quantization | None = None,
    ) -> None:
        self.checkpoint = checkpoint
        self.spec = spec
        self.precision = precision
        self.quantization = quantization or Quantization()

    @property
    def tolerance(self) -> Tolerance:
        """How far the graph may be from `reference`."""
        return TOLERANCES[self.precision]

    @abstractmethod
    def graph(self) -> ir.Model:
        """The graph; weights that are large may be read only when it is saved."""

    def write(self, path: Path) -> None:
        """Write the graph (and its weights' file, where it has one)."""
        save_graph(self.graph(), self.spec, path)

    @abstractmethod
    def probes(self, random: np.random.Generator) -> list[Arrays]:
        """Inputs to compare with PyTorch on: several sizes of every symbol, the smallest too."""

    @abstractmethod
    def reference(self, inputs: Arrays) -> Arrays:
        """What PyTorch computes in fp32, with the weights that integers in the graph stand for."""

    def compared(
        self, path: Path, probes: list[Arrays], open_graph: OpenGraph
    ) -> Iterator[tuple[Arrays, Arrays]]:
        """What PyTorch and a written graph compute, piece by piece.

        Args:
            path: The graph.
            probes: What both are fed.
            open_graph: Opens a graph, or a serialised one whose weights lie beside `path`.

        Raises:
            InferenceError: When ONNX Runtime refuses the graph or cannot run it.
        """
        references = [self.reference(inputs) for inputs in probes]
        # The weights are in memory once: PyTorch's go before ONNX Runtime's come.
        self.forget()
        session = open_graph(path)
        for inputs, expected in zip(probes, references, strict=True):
            yield self.comparable(expected, self.run(session, inputs))

    def forget(self) -> None:
        """Let go of the weights that PyTorch holds; what needs them reads them again."""
        give_back_memory()

    def run(self, session: OpenedGraph, inputs: Arrays) -> Arrays:
        """What the graph computes."""
        names = [tensor.name for tensor in self.spec.outputs]
        return dict(zip(names, session.run(names, inputs), strict=True))

    def comparable(self, expected: Arrays, actual: Arrays) -> tuple[Arrays, Arrays]:
        """The parts that must agree; everything, unless a stage makes a discrete choice."""
        return expected, actual


class TorchStage(Stage):
    """A stage traced from a PyTorch module."""

    # Smallest value of a symbolic size, where it is not 1.
    min_sizes: dict[str, int] = {}  # noqa: RUF012

    @cached_property
    def module(self) -> nn.Module:
        """What `load` gives, kept."""
        return self.load()

    @property
    def tolerance(self) -> Tolerance:
        """See `Stage`; quantised weights are compared with the module's own."""
        return TOLERANCES["int8_encoder" if self.precision == "int8" else self.precision]

    def forget(self) -> None:
        """See `Stage`."""
        self.__dict__.pop("module", None)
        super().forget()

    @abstractmethod
    def load(self) -> nn.Module:
        """The module with the checkpoint's weights."""

    def example(self) -> Arrays:
        """What the module is traced with; a symbolic size is at least 2 in it."""
        return self.probes(np.random.default_rng(0))[0]

    def write(self, path: Path) -> None:
        """Trace the module and save the graph; one step after the other of a large checkpoint."""
        steps = ["trace"] + (["quantize"] if self.precision == "int8" else [])
        large = self.checkpoint.size_bytes > isolated.ISOLATED_BYTES
        for step in steps:
            if large:
                isolated.run_isolated(self.spec.stem, getattr(self, step), path)
            else:
                getattr(self, step)(path)

    def trace(self, path: Path) -> None:
        """Save the graph, in fp32 where it is to be int8."""
        save_graph(self.graph(), self.spec, path)

    def graph(self) -> ir.Model:
        """See `Stage`; in fp32 where it is to be int8."""
        example = self._tensors(self.example())
        model = export_module(self.module, self.spec, example, self.min_sizes)
        return to_half(model) if self.precision == "fp16" else model

    def quantize(self, path: Path) -> None:
        """Replace the fp32 graph by one with int8 weights."""
        quantize_encoder(self.spec, path, reduce_range=self.quantization.reduce_range)

    def reference(self, inputs: Arrays) -> Arrays:
        """Run the module."""
        with torch.inference_mode():
            outputs = self.module(*self._tensors(inputs))
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        names = [tensor.name for tensor in self.spec.outputs]
        return {name: out.numpy() for name, out in zip(names, outputs, strict=True)}

    def _tensors(self, inputs: Arrays) -> list[torch.Tensor]:
        return [torch.from_numpy(inputs[tensor.name]) for tensor in self.spec.inputs]


def normal(random: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    """Standard normal numbers, float32."""
    return random.standard_normal(shape, dtype=np.float32)
