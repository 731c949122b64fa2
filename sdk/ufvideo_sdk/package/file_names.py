"""Names of files in a package; for what must run without the native module too."""

from __future__ import annotations

from ufvideo_sdk.validation.known_folders import MANIFEST_NAME as MANIFEST_NAME
