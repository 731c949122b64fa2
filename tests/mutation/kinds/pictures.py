"""Picture files: alone, in a folder of frames, and as masks of `--region`."""

from __future__ import annotations

import contextlib
import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.mutation import blind, container_layouts, layout, picture_layouts
from tests.mutation.case import Entries, Entry, Special
from tests.mutation.kinds import use

_SPECIALS = (
    Special("missing"),
    Special("folder"),
    Special("fifo"),
    Special("link", "/dev/zero"),
    Special("link", "nowhere"),
    Special("sparse", num_bytes=20_000_000_000),
)
_PARSERS: dict[str, Callable[[bytes], layout.Layout]] = {
    ".jpg": picture_layouts.jpeg,
    ".png": picture_layouts.png,
    ".tif": picture_layouts.tiff,
    ".bmp": picture_layouts.bmp,
    ".webp": container_layouts.riff,
}


class Pictures:
    """Pictures that Pillow writes, of every format and mode that the SDK reads."""

    name = "pictures"
    share = 1.5
    links_shared = False

    def __init__(self) -> None:
        self._whole: dict[str, bytes] = {}
        self._layouts: dict[str, layout.Layout] = {}

    def prepare(self, folder: Path) -> None:
        """Make the pictures that are mutated."""
        self._whole = dict(_written())
        for name, content in self._whole.items():
            self._layouts[name] = _PARSERS[Path(name).suffix](content)

    def set_up(self, folder: Path) -> None:
        """Load the model that all trials share."""
        self._model = use.load(use.TINY)

    def entries(self, chance: random.Random) -> Entries:
        """One picture, or one among the pictures of a folder."""
        name = chance.choice(sorted(self._whole))
        suffix = Path(name).suffix
        entry: Entry
        if chance.random() < 0.02:
            entry = chance.choice(_SPECIALS)
        elif chance.random() < 0.03:
            # Of another format than its name says.
            entry = blind.mutated(self._whole[chance.choice(sorted(self._whole))], chance)
        else:
            entry = self._changed(name, chance)
        if chance.random() < 0.8:
            return {f"picture{suffix}": entry}
        return {
            f"frames/1{suffix}": self._whole[name],
            f"frames/2{suffix}": entry,
            f"frames/3{suffix}": self._whole[name],
        }

    def _changed(self, name: str, chance: random.Random) -> bytes:
        content = self._whole[name]
        if chance.random() < 0.4:
            changed = blind.mutated(content, chance)
        else:
            changed = layout.mutated(content, self._layouts[name], chance)
        is_png = name.endswith(".png")
        repaired = is_png and chance.random() < 0.9
        return picture_layouts.with_png_checksums(changed) if repaired else changed

    def trial(self, folder: Path) -> None:
        """Open the picture, ask about it and use it as a mask."""
        from ufvideo_sdk import UFVideoError
        from ufvideo_sdk.cli.region_option import parse_region, region_of

        path = next(iter(sorted(folder.iterdir())), folder / "missing.png")
        masks = sorted(folder.rglob("*.*")) or [path]
        with contextlib.suppress(UFVideoError), use.errors_hold():
            marks = parse_region(f"0:{masks[-1]}")
            region_of(marks, height=use.HEIGHT, width=use.WIDTH)
        with use.errors_hold():
            session = self._model.open(path)
            use.question(session)
            session.segment("ball")


def _written() -> list[tuple[str, bytes]]:
    from PIL import Image

    pixels = use.frames()[0]
    rgb = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "maker"
    plain_tags = exif.tobytes()
    exif.get_ifd(0x8769)[0x9003] = "2024:01:01 00:00:00"
    turned = exif.tobytes()
    wide = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    pictures: list[tuple[str, Image.Image, dict[str, Any]]] = [
        ("plain.jpg", rgb, {"quality": 80}),
        ("turned.jpg", rgb, {"exif": turned}),
        ("progressive.jpg", rgb, {"progressive": True, "exif": turned}),
        ("grey.jpg", rgb.convert("L"), {}),
        ("cmyk.jpg", rgb.convert("CMYK"), {}),
        ("plain.png", rgb, {}),
        ("turned.png", rgb, {"exif": turned}),
        ("palette.png", rgb.convert("P"), {"transparency": 3}),
        ("bits.png", rgb.convert("1"), {}),
        ("grey.png", rgb.convert("L"), {}),
        ("alpha.png", rgb.convert("LA"), {}),
        ("wide.png", wide, {}),
        ("plain.tif", rgb, {}),
        ("turned.tif", rgb, {"exif": plain_tags}),
        ("lzw.tif", rgb, {"compression": "tiff_lzw"}),
        ("deflate.tif", rgb, {"compression": "tiff_deflate", "exif": plain_tags}),
        ("jpeg.tif", rgb, {"compression": "jpeg"}),
        ("fax.tif", rgb.convert("1"), {"compression": "group4"}),
        ("wide.tif", wide, {}),
        ("plain.bmp", rgb, {}),
        ("palette.bmp", rgb.convert("P"), {}),
        ("lossy.webp", rgb, {"exif": turned}),
        ("lossless.webp", rgb, {"lossless": True}),
        ("animated.webp", rgb, {"save_all": True, "append_images": [rgb.rotate(180)]}),
    ]
    return [(name, _saved(image, name, options)) for name, image, options in pictures]


def _saved(image: Any, name: str, options: dict[str, Any]) -> bytes:
    formats = {".jpg": "JPEG", ".tif": "TIFF", ".png": "PNG", ".bmp": "BMP", ".webp": "WEBP"}
    buffer = io.BytesIO()
    image.save(buffer, formats[Path(name).suffix], **options)
    return buffer.getvalue()
