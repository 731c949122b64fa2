"""How masks are laid out as files; imports nothing, as commands do so at their start."""

from __future__ import annotations

MASK_LAYOUTS = ("png", "youtube-vos")
"""The first is the default."""
