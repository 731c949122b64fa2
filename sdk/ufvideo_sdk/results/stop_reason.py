"""Why a result ended."""

from __future__ import annotations

from enum import Enum


class StopReason(str, Enum):
    """Why an answer ended."""

    END = "end"
    MAX_NEW_TOKENS = "max_new_tokens"
    CONTEXT_FULL = "context_full"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    STOP_STRING = "stop_string"


CUT_SHORT = (StopReason.MAX_NEW_TOKENS, StopReason.CONTEXT_FULL)
"""Reasons that end a text before the model does."""
