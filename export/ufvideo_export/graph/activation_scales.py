"""In what steps int8 holds an activation, measured frame by frame in ONNX Runtime.

Figures are computed inside the graph, so that of each activation a few numbers come out and never
its values: memory is that of one frame. A first pass takes the largest magnitude, a second one the
squared error of several scales up to it. The best scale need not reach the largest value: a few
values far out would cost all others their bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from ufvideo_export.graph.opened_graph import OpenedGraph
from ufvideo_export.spec import StageSpec

Frames = Callable[[], Iterable[NDArray[np.uint8]]]
INT8_LARGEST = 127
# Of the largest magnitude; what is beyond a scale's reach is clipped.
_REACHES = (1.0, 0.8, 0.64, 0.5, 0.4)
# Sums come in another order with another number of threads: scales keep what does not depend on it.
_DIGITS = 4
_ZERO = "int8_zero"


@dataclass(frozen=True)
class ActivationScale:
    """How int8 holds an activation.

    Attributes:
        scale: What one step stands for.
        error: Root mean square of what rounding and clipping change, over that of the values.
    """

    scale: float
    error: float


def measure_scales(
    spec: StageSpec, path: Path, names: Sequence[str], frames: Frames
) -> dict[str, ActivationScale]:
    """Find the scale of each activation with the least squared error over all frames.

    Args:
        spec: The graph's border; its one input takes the frames.
        path: The graph in fp32, its weights beside it.
        names: Of the activations.
        frames: Gives the frames, uint8 [1, S, S, 3]; called twice.

    Raises:
        InferenceError: When ONNX Runtime refuses the graph or cannot run it.
    """
    names = list(dict.fromkeys(names))
    peaks = _Figures(spec, path)
    for name in names:
        peaks.add_peak(name)
    largest = [_rounded(peak) for peak in peaks.over(frames, np.maximum)]
    # An activation that is zero on every frame has no scale of its own.
    largest = [peak or 1.0 for peak in largest]
    errors = _Figures(spec, path)
    for name, peak in zip(names, largest, strict=True):
        errors.add_power(name)
        for reach in _REACHES:
            errors.add_error(name, np.float32(peak * reach / INT8_LARGEST))
    sums = np.array(errors.over(frames, np.add)).reshape(len(names), 1 + len(_REACHES))
    found = {}
    for name, peak, (power, *of_scales) in zip(names, largest, sums.tolist(), strict=True):
        best = int(np.argmin(of_scales))
        error = float(np.sqrt(of_scales[best] / power)) if power else 0.0
        found[name] = ActivationScale(peak * _REACHES[best] / INT8_LARGEST, error)
    return found


def _rounded(peak: float) -> float:
    return float(f"{peak:.{_DIGITS}g}")


class _Figures:
    """A graph that gives one number for each thing asked of its activations."""

    def __init__(self, spec: StageSpec, path: Path) -> None:
        self._stem, self._input, self._folder = spec.stem, spec.inputs[0].name, path.parent
        self._model = onnx.load(path, load_external_data=False)
        # What only the outputs need is not computed.
        del self._model.graph.output[:]
        self._model.graph.initializer.append(numpy_helper.from_array(np.int8(0), _ZERO))

    def add_peak(self, name: str) -> None:
        """The largest magnitude of an activation."""
        self._result("ReduceMax", self._node("Abs", name))

    def add_power(self, name: str) -> None:
        """The sum of the squares of an activation."""
        self._result("ReduceSumSquare", name)

    def add_error(self, name: str, scale: np.float32) -> None:
        """The sum of the squares of what int8 in steps of `scale` changes."""
        held = f"scale_{len(self._model.graph.initializer)}"
        self._model.graph.initializer.append(numpy_helper.from_array(np.asarray(scale), held))
        steps = self._node("QuantizeLinear", name, held, _ZERO)
        rounded = self._node("DequantizeLinear", steps, held, _ZERO)
        self._result("ReduceSumSquare", self._node("Sub", name, rounded))

    def over(self, frames: Frames, combined: np.ufunc) -> list[float]:
        """The figures over all frames, combined by sum or maximum, in the order they were added."""
        graph = OpenedGraph(
            self._stem, self._model.SerializeToString(), self._folder, prepack=False
        )
        outputs = [value.name for value in self._model.graph.output]
        found = np.zeros(len(outputs))
        for frame in frames():
            found = combined(found, np.array(graph.run(outputs, {self._input: frame}), np.float64))
        return [float(figure) for figure in found]

    def _node(self, operator: str, *inputs: str) -> str:
        name = f"figure_{len(self._model.graph.node)}"
        self._model.graph.node.append(helper.make_node(operator, list(inputs), [name], name=name))
        return name

    def _result(self, operator: str, value: str) -> None:
        name = self._node(operator, value)
        self._model.graph.node[-1].attribute.append(helper.make_attribute("keepdims", 0))
        output = helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [])
        self._model.graph.output.append(output)
