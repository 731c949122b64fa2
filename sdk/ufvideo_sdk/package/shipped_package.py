"""The package that comes with the SDK: nano, for a first look."""

from __future__ import annotations

from pathlib import Path

from ufvideo_sdk.errors import PackageError
from ufvideo_sdk.package.file_names import MANIFEST_NAME

SHIPPED_NAME = "nano"
WHAT_IT_IS = (
    f"{SHIPPED_NAME}, a demonstration model of a rendered world of coloured shapes that move; it"
    " knows nothing else"
)
# Beside this module, so that it is found however the SDK was installed.
_FOLDER = Path(__file__).parents[1] / SHIPPED_NAME


def shipped_package() -> Path:
    """The folder of the package that ships.

    Raises:
        PackageError: When this installation lacks it.
    """
    if not (_FOLDER / MANIFEST_NAME).is_file():
        raise PackageError(
            f"expected the package {SHIPPED_NAME} that ships with the SDK in {_FOLDER}, found none:"
            " install the SDK again, or name a package that `ufvideo export` wrote"
        )
    return _FOLDER
