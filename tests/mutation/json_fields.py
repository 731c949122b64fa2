"""Mutations of JSON that keep it JSON, nearly always."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

from tests.mutation import blind

# Stands for text that `json.dumps` would not write; replaced after it has.
_RAW = "@raw@"
_RAW_VALUES = (
    "NaN", "-Infinity", "1e999", "-0", "1" * 400, "-" + "9" * 400, "1" * 5000, "1.5e308",
    "[" * 100_000 + "]" * 100_000, '{"a":' * 20_000 + "1" + "}" * 20_000, "[1,", "",
    '"\\ud800"', '"\\u0000"', "tru", "01",
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 0.5, 1.0, -0.0, 1e308, 5e-324, 10**400, [], {}, [[]], [None],
    "", " ", "x" * 5000, "\0", "\x1b[31m", "\N{GRINNING FACE}" * 200, "../x", "/etc/passwd",
    "a/../b", "\ud800", "%s{media}{role}", "nan", "1",
)  # fmt: skip


class _Twice(dict[str, Any]):
    """An object whose first key stands in the text twice."""

    def items(self) -> Any:
        pairs = list(super().items())
        return [*pairs, *pairs[:1]]


def mutated(text: str, chance: random.Random) -> str:
    """The text of a JSON document with one to three values, keys or items changed."""
    root = {"": json.loads(text)}
    raw = []
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        parent, key = chance.choice(list(_places(root)))
        if chance.random() < 0.1:
            parent[key] = _RAW
            raw.append(chance.choice(_RAW_VALUES))
        else:
            _change(parent, key, chance, root)
    result = json.dumps(root.get(""), indent=chance.choice((None, 2)))
    for value in raw:
        result = result.replace(f'"{_RAW}"', value, 1)
    return result


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every value of a document, as its parent and key or index."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from _places(value[key])


def _change(parent: Any, key: Any, chance: random.Random, root: dict[str, Any]) -> None:
    kind = chance.randrange(8)
    old = parent[key]
    if kind == 0:
        parent[key] = _value(chance)
    elif kind == 1 and (key != "" or parent is not root):
        del parent[key]
    elif kind == 2:
        other, there = chance.choice(list(_places(root)))
        # A copy, for the tree must stay one.
        parent[key] = json.loads(json.dumps(other[there]))
    elif kind == 3 and isinstance(old, dict):
        old[chance.choice(("unknown", "x" * 5000, "\ud800", "\0", "", "\x1b[2J"))] = 1
    elif kind == 4 and isinstance(old, dict) and old:
        parent[key] = _Twice(old)
    elif kind == 5 and isinstance(old, list) and 0 < len(old) < 100:
        old *= chance.choice((2, 2, 3, 1000))
    elif isinstance(old, bool):
        parent[key] = not old
    elif isinstance(old, int):
        parent[key] = chance.choice((1, 1, 1, -1)) * blind.integer(chance, abs(old))
    elif isinstance(old, float):
        parent[key] = old * chance.choice((-1, 0, 1e-300, 1e300, 2))
    elif isinstance(old, str):
        parent[key] = _text(old, chance)
    else:
        parent[key] = _value(chance)


def _value(chance: random.Random) -> Any:
    # A copy: what is changed in it later must not be there in the next case.
    return copy.deepcopy(chance.choice(_VALUES))


def _text(old: str, chance: random.Random) -> str:
    at = chance.randrange(len(old) + 1)
    mark = chance.choice(("\0", "\ud800", "\n", "/", "..", "{", "\\", '"', "\x1b", "é", "9", "a"))
    return chance.choice((old[:at], old[at:], old * 2, old[:at] + mark + old[at:], old.upper()))
