"""What stands for a missing result; imports nothing, as every command does so at its start."""

from __future__ import annotations

NOT_FOUND = "not found"
"""What commands and pictures say of an event without a span and an object without a pixel."""


def missing_reason(stop_reason: str) -> str:
    """Return in words why a result is missing or incomplete.

    Args:
        stop_reason: The value of the StopReason that ended the search.
    """
    reasons = {
        "end": NOT_FOUND,
        "cancelled": "cancelled",
        "stopped": "stopped early",
        "max_new_tokens": "cut short by max_new_tokens",
        "context_full": "cut short: the model's context is full",
    }
    return reasons[stop_reason]
