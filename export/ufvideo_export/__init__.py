"""Checkpoints in the released format to packages that the runtime reads.

Functions are imported on first use: they need PyTorch, which `--help` must not wait for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

# First: importing it turns ONNX Runtime's telemetry off, which this package imports, too.
import ufvideo_sdk.errors  # noqa: F401

if TYPE_CHECKING:
    from ufvideo_export.addition import add_track
    from ufvideo_export.export import export_package

__all__ = ["add_track", "export_package"]


def __getattr__(name: str) -> Any:
    if name == "add_track":
        from ufvideo_export.addition import add_track

        return add_track
    if name == "export_package":
        from ufvideo_export.export import export_package

        return export_package
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
