"""Text on pictures: a font that has the characters, lines that fit, words in colour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

TEXT: Colour = (240, 242, 246)
MUTED: Colour = (160, 166, 178)
"""Colour of questions, axis labels and other secondary text."""

# Pillow's own font has the ASCII letters and little more. Where a text needs others, the first of
# these that the system has and that knows all of them is taken.
_SYSTEM_FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKsc-Regular.otf",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf",
    "DroidSansFallback.ttf",
)
_NO_CHARACTER = "\U0010fffe"


@dataclass(frozen=True)
class Word:
    """A piece of a line that is not broken unless it is wider than the line.

    `swatch` puts a small square of that colour before the word, as in a legend.
    """

    text: str
    colour: Colour
    swatch: Colour | None = None


def words_of(text: str, colour: Colour) -> list[list[Word]]:
    """Split a text into paragraphs of words of one colour; unprintable characters become blanks."""
    paragraphs = []
    for line in text.splitlines():
        printable = "".join(c if c.isprintable() else " " for c in line)
        paragraphs.append([Word(word, colour) for word in printable.split()])
    return paragraphs


def font_for(text: str, size_px: int) -> Font:
    """The built-in font, or a system font when the text has characters the built-in one lacks."""
    built_in = ImageFont.load_default(size=size_px)
    characters = frozenset(text)
    fewest = _num_missing(None, characters)
    best: Font = built_in
    for name in _SYSTEM_FONTS if fewest else ():
        missing = _num_missing(name, characters)
        if missing < fewest:
            best, fewest = ImageFont.truetype(name, size_px), missing
        if not fewest:
            break
    return best


def line_height_px(size_px: int) -> int:
    """Distance between two lines of text of this size."""
    return round(size_px * 1.4)


def text_width_px(text: str, font: Font) -> int:
    """Width of a text on one line."""
    return int(np.ceil(font.getlength(text)))


def wrap(paragraphs: Iterable[Sequence[Word]], font: Font, width_px: int) -> list[list[Word]]:
    """Flow words into lines of at most `width_px`; a word wider than that is broken."""
    blank_px = font.getlength(" ")
    lines: list[list[Word]] = []
    for paragraph in paragraphs:
        line: list[Word] = []
        used_px = 0.0
        for word in (piece for whole in paragraph for piece in _pieces(whole, font, width_px)):
            word_px = _word_width_px(word, font)
            if line and used_px + blank_px + word_px > width_px:
                lines.append(line)
                line, used_px = [], 0.0
            used_px += word_px + (blank_px if line else 0)
            line.append(word)
        lines.append(line)
    return lines


def draw_lines(
    picture: NDArray[np.uint8],
    lines: Sequence[Sequence[Word]],
    font: Font,
    size_px: int,
    *,
    left_px: int,
    top_px: int,
) -> None:
    """Draw wrapped lines into a picture, in place.

    Args:
        picture: RGB, uint8 [H, W, 3].
        lines: What `wrap` returned for this font.
        font: The font of the text.
        size_px: Its size.
        left_px: Where the lines begin.
        top_px: Top of the first line.
    """
    image = Image.fromarray(picture)
    pen = ImageDraw.Draw(image)
    blank_px = font.getlength(" ")
    for i, line in enumerate(lines):
        x, y = float(left_px), top_px + i * line_height_px(size_px)
        for word in line:
            if word.swatch is not None:
                side = _swatch_px(font)
                corner = (x, y + side * 0.5)
                pen.rectangle((*corner, corner[0] + side, corner[1] + side), fill=word.swatch)
                x += side * 1.5
            pen.text((x, y), word.text, fill=word.colour, font=font)
            x += font.getlength(word.text) + blank_px
    picture[:] = np.asarray(image)


def label(text: str, size_px: int, colour: Colour, background: Colour) -> NDArray[np.uint8]:
    """A small plate with one line of text.

    Returns:
        RGB, uint8 [h, w, 3].
    """
    font = font_for(text, size_px)
    margin_px = max(2, size_px // 4)
    width_px = text_width_px(text, font) + 2 * margin_px
    image = Image.new("RGB", (width_px, size_px + 2 * margin_px), background)
    # Anchored at its middle: the accents and descenders of a font do not move the line.
    middle = (width_px / 2, image.height / 2)
    ImageDraw.Draw(image).text(middle, text, fill=colour, font=font, anchor="mm")
    return np.array(image)


def paste(
    picture: NDArray[np.uint8], patch: NDArray[np.uint8], *, left_px: int, top_px: int
) -> None:
    """Copy a patch into a picture in place, moved inside where it would reach over the edge."""
    height = min(patch.shape[0], picture.shape[0])
    width = min(patch.shape[1], picture.shape[1])
    top = min(max(top_px, 0), picture.shape[0] - height)
    left = min(max(left_px, 0), picture.shape[1] - width)
    picture[top : top + height, left : left + width] = patch[:height, :width]


def _swatch_px(font: Font) -> int:
    return max(6, round(font.getlength("n")))


def _word_width_px(word: Word, font: Font) -> float:
    swatch_px = 0.0 if word.swatch is None else _swatch_px(font) * 1.5
    return font.getlength(word.text) + swatch_px


def _pieces(word: Word, font: Font, width_px: int) -> list[Word]:
    """The word itself, or the longest beginnings of it that fit a line."""
    if _word_width_px(word, font) <= width_px:
        return [word]
    pieces: list[Word] = []
    piece = ""
    for character in word.text:
        swatch = None if pieces else word.swatch
        longer = Word(piece + character, word.colour, swatch)
        if piece and _word_width_px(longer, font) > width_px:
            pieces.append(Word(piece, word.colour, swatch))
            piece = character
        else:
            piece = longer.text
    return [*pieces, Word(piece, word.colour, None if pieces else word.swatch)]


@lru_cache(maxsize=256)
def _num_missing(name: str | None, characters: frozenset[str]) -> int:
    """How many of the characters the built-in font (None) or a system font lacks."""
    try:
        font = ImageFont.load_default(size=16) if name is None else ImageFont.truetype(name, 16)
    except OSError:
        return len(characters) + 1
    box = _glyph(font, _NO_CHARACTER)
    return sum(_glyph(font, c) == box for c in characters if not c.isspace())


def _glyph(font: Font, character: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)
