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


@dataclass
class Layout:
    """What a parser of a format found."""

    fields: list[Field] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)

    def add_words(self, begin: int, end: int, num_bytes: int, order: Order) -> None:
        """Take a stretch for a row of integers."""
        for offset in range(begin, end - num_bytes + 1, num_bytes):
            self.fields.append(Field(offset, num_bytes, order))

    def shifted(self, offset: int) -> Layout:
        """The same layout inside a larger file."""
        return Layout(
            [Field(f.offset + offset, f.num_bytes, f.order) for f in self.fields],
            [Unit(u.begin + offset, u.end + offset) for u in self.units],
        )


Parser = Callable[[bytes], Layout]


def mutated(content: bytes, layout: Layout, chance: random.Random) -> bytes:
    """The content with one to three fields changed, or one unit moved, doubled or taken out."""
    changed = bytearray(content)
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
