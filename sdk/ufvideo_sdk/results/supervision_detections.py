"""Masks as the detections of the library supervision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.results.object_mask import FrameMasks, numbered_name
from ufvideo_sdk.validation.optional_library import optional_library
from ufvideo_sdk.validation.short_text import counted

if TYPE_CHECKING:
    import supervision

_INSTALL = "pip install supervision"


class DetectionsByFrame(Mapping[int, "supervision.Detections"]):
    """`supervision.Detections` by source index of the frame, in the order of the frames.

    A frame's masks are decoded each time it is looked up: all at once may not fit into memory.
    """

    def __init__(
        self,
        frames: Sequence[FrameMasks],
        names: Sequence[str] | None = None,
        ids: Sequence[int] | None = None,
    ) -> None:
        """Keep the run-length codes; nothing is decoded yet.

        Args:
            frames: The masks of each frame.
            names: A name for each object; None: "object 1" and so on.
            ids: Number of each object's track; None: from 1 on.

        Raises:
            ConfigError: When supervision is not installed.
            InputError: When two of the frames have the same index.
        """
        optional_library("supervision", "to_supervision", _INSTALL)
        self._names = names
        self._ids = ids
        self._frames = {frame.frame_idx: frame for frame in frames}
        if len(self._frames) != len(frames):
            raise InputError("to_supervision: expected each frame once, got one twice")

    def __getitem__(self, frame_idx: int) -> supervision.Detections:
        """The detections of a frame, decoded now."""
        return detections_of(self._frames[frame_idx], self._names, self._ids)

    def __iter__(self) -> Iterator[int]:
        """Source indices of the frames."""
        return iter(self._frames)

    def __len__(self) -> int:
        """Number of frames."""
        return len(self._frames)

    def __repr__(self) -> str:
        return f"DetectionsByFrame({counted(len(self), 'frame')})"


def detections_of(
    frame: FrameMasks, names: Sequence[str] | None = None, ids: Sequence[int] | None = None
) -> supervision.Detections:
    """The masks of one frame (see `FrameMasks.to_supervision`).

    Args:
        frame: The masks.
        names: A name for each object; None: "object 1" and so on.
        ids: Number of each object's track; None: from 1 on.

    Raises:
        ConfigError: When supervision is not installed.
    """
    library = optional_library("supervision", "to_supervision", _INSTALL)
    found = [(idx, mask) for idx, mask in enumerate(frame.objects) if not mask.is_empty]
    if not found:
        return library.Detections.empty()
    if names is None:
        names = [numbered_name(idx) for idx in range(len(frame.objects))]
    idxs = np.array([idx for idx, _ in found])
    tracker_ids = idxs + 1 if ids is None else np.asarray(ids)[idxs]
    return library.Detections(
        xyxy=np.array([mask.box for _, mask in found], np.float32),
        mask=np.stack([mask.pixels() for _, mask in found]),
        confidence=np.array([mask.score for _, mask in found], np.float32),
        class_id=idxs,
        tracker_id=tracker_ids,
        data={"class_name": np.array([names[idx] for idx, _ in found])},
    )
