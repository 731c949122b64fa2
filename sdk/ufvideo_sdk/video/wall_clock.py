"""Times of day of frames, for sources that know them."""

from __future__ import annotations

import math
from datetime import datetime, timezone

import numpy as np
from numpy.typing import ArrayLike

CLOCKS = ("camera", "arrival", "file")


class WallClock:
    """When the frames of a clip were recorded, in UTC.

    Attributes:
        quality: Whose clock it is: "camera", the camera's own; "arrival", this machine's when a
            frame arrived; "file", what the maker of a file says.
    """

    def __init__(self, walls_s: ArrayLike, quality: str) -> None:
        """Take the times.

        Args:
            walls_s: Seconds since 1970 in UTC of each frame of the clip, [n]; NaN where unknown.
            quality: See the class.
        """
        self._walls_s = np.asarray(walls_s, np.float64)
        self.quality = quality

    def utc_of(self, fraction: float) -> datetime | None:
        """The time at a fraction of the clip, as `Clip.time_of`; None where it is not known."""
        position = fraction * (len(self._walls_s) - 1)
        before = self._walls_s[math.floor(position)]
        after = self._walls_s[math.ceil(position)]
        wall_s = before + (after - before) * (position - math.floor(position))
        return None if math.isnan(wall_s) else datetime.fromtimestamp(float(wall_s), timezone.utc)
