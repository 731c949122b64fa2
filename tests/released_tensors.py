"""The tensors of the released 7B model: keys and shapes, from `data/full_size`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_LISTS = Path(__file__).parent / "data" / "full_size"


def released_tensors(name: str) -> dict[str, tuple[int, ...]]:
    """Shape of each tensor of a list; `{0-27}` in a line stands for each of these numbers."""

    def lines() -> Iterator[tuple[str, str]]:
        for line in (_LISTS / f"{name}.txt").read_text(encoding="utf-8").splitlines():
            key, shape = line.split(" ")
            ranges = re.search(r"\{(.*)\}", key)
            if ranges is None:
                yield key, shape
                continue
            for part in ranges[1].split(","):
                first, last = map(int, part.split("-"))
                for number in range(first, last + 1):
                    yield key.replace(ranges[0], str(number)), shape

    return {key: tuple(map(int, shape.split("x"))) for key, shape in lines()}
