"""Names of files in a package; imports nothing, for what must run without the native module."""

from __future__ import annotations

MANIFEST_NAME = "manifest.json"
