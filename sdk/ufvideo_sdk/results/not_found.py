"""What stands for a missing result; imports nothing, as every command does so at its start."""

from __future__ import annotations

NOT_FOUND = "not found"
"""What commands and pictures say of an event without a span and an object without a pixel."""
