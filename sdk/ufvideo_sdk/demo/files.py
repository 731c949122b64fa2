"""The files of the demonstration."""

from __future__ import annotations

from pathlib import Path

from ufvideo_sdk.errors import PackageError

CLIP_NAME = "clip.mp4"
TRUTH_NAME = "truth.json"
# Beside this module, so that they are found however the SDK was installed.
_FOLDER = Path(__file__).parent


def demo_clip() -> Path:
    """Return the video that ships with the SDK: coloured shapes that nano can be asked about.

    Raises:
        PackageError: When this installation lacks it.
    """
    return shipped_file(CLIP_NAME)


def shipped_file(name: str) -> Path:
    """Return a file of the demonstration.

    Raises:
        PackageError: When this installation lacks it.
    """
    path = _FOLDER / name
    if not path.is_file():
        raise PackageError(
            f"expected the demonstration's {name} that ships with the SDK in {_FOLDER}, found none:"
            " install the SDK again"
        )
    return path
