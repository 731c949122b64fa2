"""Mutations that know nothing of a format."""

from __future__ import annotations

import random

# Values at which sizes, signs and counts go wrong.
INTERESTING = (
    0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 255, 256, 1000, 1023, 1024, 4096,
    16000, 32767, 32768, 65535, 65536, 10**6, 2**24, 2**30, 2**31 - 1, 2**31, 2**32 - 1, 2**32,
    10**12, 2**62, 2**63 - 1, 2**63, 2**64 - 1,
)  # fmt: skip


def integer(chance: random.Random, old: int) -> int:
    """An integer of 0 or more in place of another: an interesting one, or one nearby."""
    kind = chance.randrange(4)
    if kind == 0:
        return chance.choice(INTERESTING)
    if kind == 1:
        return max(old + chance.choice((-16, -8, -2, -1, 1, 2, 8, 16)), 0)
    if kind == 2:
        return old * chance.choice((2, 3, 10, 256, 1000))
    return chance.randrange(2 * old + 2)


def stretch(chance: random.Random, size: int) -> tuple[int, int]:
    """Begin and end of a stretch of up to 512 bytes; most are short."""
    begin = chance.randrange(size)
    return begin, min(begin + 1 + int(512 * chance.random() ** 4), size)


def _flip(changed: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)


def _random_bytes(changed: bytearray, chance: random.Random) -> None:
    begin, end = stretch(chance, len(changed))
    changed[begin:end] = chance.randbytes(end - begin)


def _constant_bytes(changed: bytearray, chance: random.Random) -> None:
    begin, end = stretch(chance, len(changed))
    changed[begin:end] = bytes([chance.choice((0, 0xFF, 0x80, 0x20))]) * (end - begin)


def _word(changed: bytearray, chance: random.Random) -> None:
    size = chance.choice((1, 2, 4, 8))
    begin = chance.randrange(max(len(changed) - size, 0) + 1)
    value = chance.choice(INTERESTING) % (1 << 8 * size)
    changed[begin : begin + size] = value.to_bytes(size, chance.choice(("little", "big")))


def _cut_off(changed: bytearray, chance: random.Random) -> None:
    del changed[chance.randrange(len(changed)) :]


def _cut_out(changed: bytearray, chance: random.Random) -> None:
    begin, end = stretch(chance, len(changed))
    del changed[begin:end]


def _double(changed: bytearray, chance: random.Random) -> None:
    begin, end = stretch(chance, len(changed))
    changed[begin:begin] = changed[begin:end] * chance.choice((1, 1, 1, 2, 50))


def _insert(changed: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(changed) + 1)
    changed[at:at] = chance.randbytes(chance.choice((1, 2, 4, 64)))


def _append(changed: bytearray, chance: random.Random) -> None:
    changed += chance.choice((b"\0", b"\0" * 4096, bytes(changed), chance.randbytes(64)))


_MUTATIONS = (
    _flip, _flip, _random_bytes, _constant_bytes, _word, _word, _cut_off, _cut_out, _double,
    _insert, _append,
)  # fmt: skip


def mutated(content: bytes, chance: random.Random) -> bytes:
    """The content with one to three changes to its bytes."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        if changed:
            chance.choice(_MUTATIONS)(changed, chance)
    return bytes(changed)
