"""What both encoders of frames share: their input, and an int8 graph whose scales are measured."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ufvideo_export.calibration.frames import CalibrationFrames
from ufvideo_export.graph.encoder_qdq import quantize_statically
from ufvideo_export.stages.stage import Arrays, TorchStage


class FrameEncoderStage(TorchStage):
    """A stage whose one input is `frames`, uint8 [T, S, S, 3]."""

    @property
    @abstractmethod
    def side_px(self) -> int:
        """S, the side of a frame as it is read, pixels."""

    @property
    def is_static(self) -> bool:
        """Whether the scales of its activations are fixed when it is exported."""
        return self.precision == "int8" and self.quantization.has_static_encoders

    def quantize(self, path: Path) -> None:
        """See `TorchStage`."""
        if not self.is_static:
            super().quantize(path)
            return
        reduce_range = self.quantization.reduce_range
        quantize_statically(self.spec, path, self._calibration, reduce_range=reduce_range)

    def frames(self, random: np.random.Generator, num_frames: int) -> Arrays:
        """Frames to compare on: noise, or the first of those that scales were measured on.

        Noise is nothing that a camera sees; where scales are fixed it may leave their reach.
        """
        if not self.is_static:
            shape = (num_frames, self.side_px, self.side_px, 3)
            return {"frames": random.integers(0, 256, shape, np.uint8)}
        taken = itertools.islice(itertools.cycle(self._calibration()), num_frames)
        return {"frames": np.concatenate(list(taken))}

    def _calibration(self) -> Iterator[NDArray[np.uint8]]:
        return CalibrationFrames(self.quantization.calibration).of_size(self.side_px)
