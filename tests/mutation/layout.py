"""Where a binary file's fields and parts lie, and mutations that use it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tests.mutation import blind

Order = Literal["little", "big"]


@dataclass(frozen=True)
class Field:
    """An unsigned integer in a file."""

    offset: int
    num_bytes: int
    order: Order

    def read(self, content: bytes | bytearray) -> int:
        """Its value."""
        return int.from_bytes(content[self.offset : self.offset + self.num_bytes], self.order)

    def write(self, content: bytearray, value: int) -> None:
        """Replace it, cut to its size."""
        raw = (value % (1 << 8 * self.num_bytes)).to_bytes(self.num_bytes, self.order)
        content[self.offset : self.offset + self.num_bytes] = raw


@dataclass(frozen=True)
class Unit:
    """A box, chunk, segment or packet, header included.

    Attributes:
        begin: First byte.
        end: Behind the last byte.
        sizes: The size fields of what the unit lies in.
    """

    begin: int
    end: int
    sizes: tuple[Field, ...] = ()


# Height and width of pictures that a few bytes claim: what must not be believed, in memory or time.
_LARGE = (
    (4000, 4000), (8192, 4320), (4321, 8192), (9000, 9000), (16000, 16000), (16384, 16384),
    (65535, 65535), (1, 65535), (65535, 1), (30000, 30000),
)  # fmt: skip


@dataclass
class Layout:
    """What a parser of a format found.

    Attributes:
        fields: Integers.
        units: Parts that can be moved.
        sizes: Height and width of pictures, which matter together.
    """

    fields: list[Field] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    sizes: list[tuple[Field, Field]] = field(default_factory=list)

    def add_words(self, begin: int, end: int, num_bytes: int, order: Order) -> None:
        """Take a stretch for a row of integers."""
        for offset in range(begin, end - num_bytes + 1, num_bytes):
            self.fields.append(Field(offset, num_bytes, order))

    def shifted(self, offset: int) -> Layout:
        """The same layout inside a larger file."""
        return Layout(
            [_moved(place, offset) for place in self.fields],
            [Unit(unit.begin + offset, unit.end + offset) for unit in self.units],
            [(_moved(height, offset), _moved(width, offset)) for height, width in self.sizes],
        )

    def add(self, inner: Layout, offset: int) -> None:
        """Take in the layout of a file inside this one."""
        moved = inner.shifted(offset)
        self.fields += moved.fields
        self.units += moved.units
        self.sizes += moved.sizes


def _moved(place: Field, offset: int) -> Field:
    return Field(place.offset + offset, place.num_bytes, place.order)


Parser = Callable[[bytes], Layout]


def mutated(content: bytes, layout: Layout, chance: random.Random) -> bytes:
    """The content with one to three fields changed, or one unit moved, doubled or taken out."""
    changed = bytearray(content)
    if layout.sizes and chance.random() < 0.08:
        for pair in layout.sizes:
            for place, value in zip(pair, chance.choice(_LARGE), strict=True):
                place.write(changed, value)
        return bytes(changed)
    if layout.units and (not layout.fields or chance.random() < 0.4):
        _change_unit(changed, chance.choice(layout.units), layout, chance)
        return bytes(changed)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        if layout.fields:
            place = chance.choice(layout.fields)
            place.write(changed, blind.integer(chance, place.read(changed)))
    return bytes(changed)


def _change_unit(changed: bytearray, unit: Unit, layout: Layout, chance: random.Random) -> None:
    whole = bytes(changed[unit.begin : unit.end])
    other = chance.choice(layout.units)
    replacement = chance.choice(
        (
            b"",
            whole * 2,
            whole * 20,
            blind.mutated(whole, chance),
            bytes(changed[other.begin : other.end]),
            bytes(changed[other.begin : other.end]) + whole,
            whole[: chance.randrange(len(whole) + 1)],
        )
    )
    if chance.random() < 0.7:
        # What the unit lies in stays whole: parsers come as far as the unit.
        for size in unit.sizes:
            size.write(changed, size.read(changed) + len(replacement) - len(whole))
    changed[unit.begin : unit.end] = replacement
