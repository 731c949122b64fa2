"""A written graph in ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime
from numpy.typing import NDArray

from ufvideo_sdk.errors import InferenceError


class OpenedGraph:
    """A session that names its stage in its errors and gives memory back as soon as it can."""

    def __init__(self, stem: str, graph: Path | bytes, folder: Path, *, prepack: bool) -> None:
        """Open a graph.

        Args:
            stem: Whose it is.
            graph: The graph, or a part of it, serialised.
            folder: Where the weights of a serialised one lie.
            prepack: Copy weights into the order they are multiplied in, as the runtime will.

        Raises:
            InferenceError: When ONNX Runtime refuses it.
        """
        self._stem = stem
        options = onnxruntime.SessionOptions()
        # Errors come as exceptions; nothing is printed.
        options.log_severity_level = 4
        options.enable_cpu_mem_arena = False
        if not prepack:
            options.add_session_config_entry("session.disable_prepacking", "1")
        if isinstance(graph, bytes):
            key = "session.model_external_initializers_file_folder_path"
            options.add_session_config_entry(key, str(folder))
        providers = ["CPUExecutionProvider"]
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=providers)
        except Exception as error:
            raise InferenceError(f"expected ONNX Runtime to open {stem}: {error}") from error
        self.input_types = {value.name: value.type for value in self._session.get_inputs()}

    def run(self, names: list[str], inputs: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Outputs of these names.

        Raises:
            InferenceError: When ONNX Runtime fails, with the shapes of the inputs.
        """
        try:
            results: list[NDArray[Any]] = self._session.run(names, inputs)
        except Exception as error:
            shapes = ", ".join(f"{name} {list(value.shape)}" for name, value in inputs.items())
            raise InferenceError(f"expected {self._stem} to run on {shapes}: {error}") from error
        return results
