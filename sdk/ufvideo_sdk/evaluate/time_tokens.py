"""Times in the words of the model: `{<TEMP-010><TEMP-042>}` is a span, 10 / 99 to 42 / 99."""

from __future__ import annotations

import re

NUM_TIME_TOKENS = 100
TOKEN = re.compile(r"<TEMP-(\d+)>")
_SPAN = re.compile(r"\{\s*<TEMP-(\d+)>\s*,?\s*<TEMP-(\d+)>\s*\}")


def fraction_of(token: int) -> float:
    """The part of the video that a time token stands for, 0 to 1."""
    return token / (NUM_TIME_TOKENS - 1)


def without_spans(text: str) -> str:
    """The text without the spans that it names."""
    return _SPAN.sub("", text)


def spans_of(text: str) -> tuple[tuple[float, float], ...]:
    """The spans that a text names, as parts of the video, in the order in which they stand."""
    return tuple(
        (fraction_of(int(start)), fraction_of(int(end))) for start, end in _SPAN.findall(text)
    )
