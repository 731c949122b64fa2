"""Time tokens as positions among a clip's frames.

A model sees frames that were sampled by index: what it can tell is a position among them. Where
the frame rate varies, that is another fraction than the one of the clip's seconds.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from training.tasks.task import NUM_TIME_TOKENS, TIME_PATTERN, time_token


def to_positions(text: str, fractions: NDArray[np.float64]) -> str:
    """Turn time tokens of seconds into those of frame positions.

    Args:
        text: Question or answer.
        fractions: When each frame is shown, fractions of the clip, float64 [F].
    """
    return _mapped(text, fractions, np.linspace(0.0, 1.0, len(fractions)))


def to_times(text: str, fractions: NDArray[np.float64]) -> str:
    """Turn time tokens of frame positions into those of seconds; see `to_positions`."""
    return _mapped(text, np.linspace(0.0, 1.0, len(fractions)), fractions)


def to_position(fraction: float, fractions: NDArray[np.float64]) -> float:
    """Where among the clip's frames a fraction of its seconds lies, 0 to 1."""
    return float(np.interp(fraction, fractions, np.linspace(0.0, 1.0, len(fractions))))


def looked_at(num_frames: int, count: int) -> list[int]:
    """Frames spread over a clip, first and last among them, each once."""
    places = np.rint(np.linspace(0, num_frames - 1, count)).astype(int)
    return [int(place) for place in np.unique(places)]


def _mapped(text: str, known: NDArray[np.float64], wanted: NDArray[np.float64]) -> str:
    def token(match: re.Match[str]) -> str:
        fraction = int(match[1]) / (NUM_TIME_TOKENS - 1)
        return time_token(float(np.interp(fraction, known, wanted)))

    return TIME_PATTERN.sub(token, text)
