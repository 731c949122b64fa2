"""`--save-masks`: a folder of PNG files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ufvideo_sdk.results.mask_layouts import MASK_LAYOUTS
from ufvideo_sdk.validation.paths import as_path

SaveMasksOption = Annotated[
    Path | None,
    typer.Option(
        "--save-masks", metavar="FOLDER", help="Also write the masks as PNG files, a new folder."
    ),
]
MaskLayoutOption = Annotated[
    str,
    typer.Option(
        "--mask-layout",
        metavar="LAYOUT",
        help="'png': a file for each object and frame; 'youtube-vos': the folders of YouTube-VOS.",
    ),
]


@dataclass(frozen=True)
class MaskFolder:
    """Where masks are written as PNG files, and in which layout."""

    path: Path
    layout: str


def check_mask_folder(folder: Path | None, layout: str) -> MaskFolder | None:
    """Refuse a folder of masks that cannot be made, before the model runs.

    Args:
        folder: What `--save-masks` was given.
        layout: What `--mask-layout` was given.

    Returns:
        Where to write masks, and in which layout; None without `--save-masks`.

    Raises:
        InputError: Naming the folder and what is wrong with it.
        typer.BadParameter: When there is no such layout, or one without a folder.
    """
    if layout not in MASK_LAYOUTS:
        raise typer.BadParameter(
            f"expected 'png' or 'youtube-vos', got {layout!r}", param_hint="--mask-layout"
        )
    if folder is None:
        if layout != MASK_LAYOUTS[0]:
            raise typer.BadParameter("expected --save-masks beside it", param_hint="--mask-layout")
        return None
    from ufvideo_sdk.atomic_file import check_new_folder

    check_new_folder(as_path(folder, "--save-masks"))
    return MaskFolder(folder, layout)
