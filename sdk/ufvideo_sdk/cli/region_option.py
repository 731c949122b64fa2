"""`--region`: an object marked by boxes or mask images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

if TYPE_CHECKING:
    from ufvideo_sdk.video.regions import Region

RegionOption = Annotated[
    list[str] | None,
    typer.Option(
        "--region",
        metavar="MARK",
        help=(
            "One object, for one <region> in the question: FRAME:x,y,w,h (pixels) or"
            " FRAME:mask.png (nonzero is the object); several frames joined with ';'. Repeat for"
            " more objects."
        ),
    ),
]
_FORM = "FRAME:x,y,w,h or FRAME:mask.png, joined with ';'"


@dataclass(frozen=True)
class FrameMark:
    """An object on one frame: a box or the path of a mask image, exactly one of them."""

    frame_idx: int
    box_xywh: tuple[float, float, float, float] | None
    mask_path: Path | None


def parse_region(text: str) -> tuple[FrameMark, ...]:
    """Read one `--region`.

    Raises:
        typer.BadParameter: When it does not have the form.
    """
    return tuple(_parse_mark(part, text) for part in text.split(";"))


def region_of(marks: tuple[FrameMark, ...], *, height: int, width: int) -> Region:
    """The region that the marks describe on a source of this size, pixels.

    Raises:
        InputError: When a box lies outside, or a mask image cannot be read, has another size or
            several channels.
    """
    from ufvideo_sdk.video.pictures import read_mask
    from ufvideo_sdk.video.regions import Region

    masks = []
    for mark in marks:
        if mark.box_xywh is not None:
            box = Region.from_box(mark.frame_idx, mark.box_xywh, height=height, width=width)
            masks.append(box.masks[0])
        elif mark.mask_path is not None:
            masks.append(read_mask(mark.mask_path, height=height, width=width))
    return Region(np.array([mark.frame_idx for mark in marks], np.int64), np.stack(masks))


def _parse_mark(part: str, whole: str) -> FrameMark:
    frame, colon, place = part.strip().partition(":")
    if not colon or not frame.isdecimal() or not place:
        raise typer.BadParameter(
            f"expected {_FORM}; got {part!r} in {whole!r}", param_hint="--region"
        )
    numbers = place.split(",")
    if len(numbers) != 4:
        return FrameMark(int(frame), None, Path(place))
    try:
        x, y, width, height = (float(number) for number in numbers)
    except ValueError:
        return FrameMark(int(frame), None, Path(place))
    return FrameMark(int(frame), (x, y, width, height), None)
