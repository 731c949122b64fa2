"""How much of the machine a watch uses, and what gives way when it is too much."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ufvideo_sdk.errors import ConfigError
from ufvideo_sdk.validation.arguments import as_number, described

# What may be used at once after a quiet time, and what may be owed before frames give way, in
# seconds of the whole machine.
_MOST_SAVED_S = 2.0
_FRAMES_OWED_S = (1.0, 3.0, 6.0)
_LATEST_S = 10.0
# Weight of the newest cost of a question among those before.
_NEWEST = 0.3
CAUSE = "budget"


@dataclass(frozen=True)
class MachineUse:
    """What a process has used.

    Attributes:
        now_s: A clock that goes on.
        used_s: Seconds of the whole machine: processor time over the number of processors.
    """

    now_s: float
    used_s: float


def machine_use() -> MachineUse:
    """Return what this process has used, all threads together."""
    return MachineUse(time.monotonic(), time.process_time() / len(os.sched_getaffinity(0)))


class Budget:
    """Saves the share of the machine that may be used, and spends what is used.

    In debt, questions give way first: from the last of the file to the first. A debt of seconds
    makes frames give way too: every second one, then three of four, then seven of eight. A file
    that waits for its reader waits, and nothing of it gives way.
    """

    def __init__(
        self, share: float | None, measure: Callable[[], MachineUse] = machine_use
    ) -> None:
        """Begin without savings.

        Args:
            share: The part of the machine that may be used, above 0.0 and up to 1.0; None: all.
            measure: What is used so far; a test gives its own.

        Raises:
            ConfigError: When the share is not so.
        """
        number = as_number(share)
        if share is not None and (number is None or not 0 < number <= 1):
            expected = "a part of the machine above 0 and up to 1, such as 0.5"
            raise ConfigError(f"budget: expected {expected}, got {described(share)}")
        self.share = number
        self._measure = measure
        self._last = measure()
        self._saved_s = _MOST_SAVED_S / 2
        self._latest: deque[MachineUse] = deque([self._last])
        self._costs: dict[str, float] = {}
        self._num_frames = 0

    def settle(self) -> None:
        """Count what was used since the last call."""
        use, last = self._measure(), self._last
        self._last = use
        self._latest.append(use)
        while len(self._latest) > 2 and use.now_s - self._latest[1].now_s >= _LATEST_S:
            self._latest.popleft()
        if self.share is not None:
            saved_s = self._saved_s + self.share * (use.now_s - last.now_s)
            self._saved_s = min(saved_s - (use.used_s - last.used_s), _MOST_SAVED_S)

    @property
    def used_share(self) -> float | None:
        """The part of the machine that was used in the latest ten seconds; None before that."""
        first, last = self._latest[0], self._latest[-1]
        passed_s = last.now_s - first.now_s
        return (last.used_s - first.used_s) / passed_s if passed_s > 0 else None

    def affordable(self, names: Sequence[str]) -> int:
        """Return how many of the questions that are due can be asked, from the first on.

        Args:
            names: Names of the questions, in the order of the file.
        """
        if self.share is None:
            return len(names)
        left_s = self._saved_s
        for count, name in enumerate(names):
            if left_s <= 0:
                return count
            left_s -= self._costs.get(name, 0.0)
        return len(names)

    def spent(self, names: Sequence[str], used_s: float) -> None:
        """Remember what questions have cost, together, in seconds of the whole machine."""
        for name in names:
            cost_s = used_s / len(names)
            known_s = self._costs.get(name, cost_s)
            self._costs[name] = known_s + _NEWEST * (cost_s - known_s)

    @property
    def is_in_debt(self) -> bool:
        """Whether more was used than saved."""
        return self.share is not None and self._saved_s <= 0

    @property
    def stride(self) -> int:
        """Of so many frames one is looked at."""
        if self.share is None:
            return 1
        return 1 << sum(-self._saved_s > owed_s for owed_s in _FRAMES_OWED_S)

    @property
    def giving_way(self) -> tuple[str, ...]:
        """What is left out now, in the order in which it gave way."""
        if not self.is_in_debt:
            return ()
        frames = () if self.stride == 1 else (f"frames: one of {self.stride} is looked at",)
        return ("questions", *frames)

    def takes_frame(self) -> bool:
        """Whether the next frame is looked at."""
        self._num_frames += 1
        return self._num_frames % self.stride == 0
