"""Which frames an object is remembered by (SAM 2, section 4, as released, at stride 1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from ufvideo_sdk.errors import ConfigError

Frame = TypeVar("Frame")


@dataclass(frozen=True)
class MemoryRules:
    """How much of the past an object is remembered by.

    Attributes:
        num_memories: Rows of SAM 2's temporal encoding. The last one is for prompted frames, the
            others are for the frames before the current one, by their distance.
        max_object_pointers: Object pointers reach one frame less than this into the past.
        used_memories: The window of memories as if SAM 2 had so many rows; None: all. At 1, only
            prompted frames are remembered by their features.
        max_prompted: Prompted frames that count as such, the latest; None: all of them.

    Raises:
        ConfigError: For a number that is not as said.
    """

    num_memories: int
    max_object_pointers: int
    used_memories: int | None = None
    max_prompted: int | None = None

    def __post_init__(self) -> None:
        """Check the two that a caller chooses."""
        used, kept = self.used_memories, self.max_prompted
        if used is not None and not 1 <= used <= self.num_memories:
            raise ConfigError(
                f"expected used_memories to be 1 to {self.num_memories}, found {used}"
            )
        if kept is not None and kept < 1:
            raise ConfigError(f"expected max_prompted to be at least 1, found {kept}")

    @property
    def memory_window(self) -> int:
        """Frames before the current one whose features are remembered."""
        return (self.used_memories or self.num_memories) - 1

    @property
    def pointer_window(self) -> int:
        """Frames before the current one whose pointers are remembered."""
        return self.max_object_pointers - 1


class MemoryBank(Generic[Frame]):
    """What was found of an object on the frames that the next one may look back at.

    Frames are numbered from the object's first one on. Their distance is a number of frames; no
    clock and no index of a video is asked.
    """

    def __init__(self, rules: MemoryRules) -> None:
        self._rules = rules
        self._num_frames = 0
        self._prompted: list[tuple[int, Frame]] = []
        self._recent: dict[int, Frame] = {}

    @property
    def is_empty(self) -> bool:
        """Whether the object was on no frame yet."""
        return self._num_frames == 0

    def add(self, frame: Frame, *, prompted: bool) -> None:
        """Remember what was found on the next frame, and forget what no frame after it sees."""
        number = self._num_frames
        self._num_frames += 1
        if prompted:
            self._prompted.append((number, frame))
            # An earlier prompted frame is a plain one from now on, within the window.
            self._prompted = self._prompted[-(self._rules.max_prompted or len(self._prompted)) :]
        self._recent[number] = frame
        window = max(self._rules.memory_window, self._rules.pointer_window)
        self._recent.pop(self._num_frames - 1 - window, None)

    def memories(self) -> list[tuple[Frame, int]]:
        """Frames whose features the next one sees, with their row of the temporal encoding.

        Prompted frames first, then the others; the oldest comes first in both.
        """
        last = self._rules.num_memories - 1
        recent = list(self._plain(self._rules.memory_window))
        return [(frame, last) for _, frame in self._prompted] + [
            (frame, distance - 1) for distance, frame in reversed(recent)
        ]

    def pointers(self) -> list[Frame]:
        """Frames whose object pointers the next one sees.

        Prompted frames first, the oldest first, then the others, the latest first.
        """
        recent = self._plain(self._rules.pointer_window)
        return [frame for _, frame in self._prompted] + [frame for _, frame in recent]

    def _plain(self, window: int) -> Iterator[tuple[int, Frame]]:
        """Frames at most `window` back that do not count as prompted, the latest first.

        A prompted one leaves its place empty: no older frame moves up.
        """
        prompted = {number for number, _ in self._prompted}
        for distance in range(1, window + 1):
            number = self._num_frames - distance
            if number in self._recent and number not in prompted:
                yield distance, self._recent[number]
