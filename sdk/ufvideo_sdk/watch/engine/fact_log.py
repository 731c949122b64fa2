"""Facts as lines of JSON, and lines as facts.

A line is an object. Its first key is `fact`, the fact's kind; the others are the fact's fields in
their order, all of them. Floats are written as Python's repr: reading and writing a line again
keeps every byte.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar, get_args

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.paths import open_plain_file, reading_failed, shown
from ufvideo_sdk.validation.strict_json import (
    FieldError,
    as_exact_object,
    as_list,
    as_object,
    field_names,
    inside,
    parse_json,
    plain,
)
from ufvideo_sdk.validation.strict_json import shown as shown_value
from ufvideo_sdk.watch.engine.fact_fields import MAX_ITEMS
from ufvideo_sdk.watch.engine.facts import (
    Answered,
    Event,
    Fact,
    FoundObject,
    FoundSpan,
    Opened,
    Tracked,
)

FACTS_NAME = "facts.jsonl"
"""Name of the log in the folder of a recording."""
_KINDS: dict[str, type[Fact]] = {kind.kind(): kind for kind in get_args(Fact)}
_MAX_LINE = 1 << 24
# Fields that are lists, with the class of their items.
_LISTS: dict[type, dict[str, type]] = {
    Answered: {"spans": FoundSpan, "objects": FoundObject},
    Tracked: {"objects": FoundObject},
    Event: {"frame_idxs": int, "object_ids": int},
}

T = TypeVar("T")


def line_of(fact: Fact) -> str:
    """Return a fact as a line, with its newline."""
    value = {"fact": fact.kind(), **plain(fact)}
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def fact_of(line: str) -> Fact:
    """Return the fact of a line.

    Raises:
        InputError: When it is no line that `line_of` writes.
    """
    try:
        value = as_object(parse_json(line))
        name = value.get("fact")
        kind = _KINDS.get(name) if isinstance(name, str) else None
        if kind is None:
            expected = ", ".join(_KINDS)
            raise FieldError("fact", f"expected one of {expected}, got {shown_value(name)}")
        fact = _made(kind, value, ("fact",))
    except FieldError as problem:
        raise InputError(str(problem)) from None
    if line_of(fact) != line:
        raise InputError("expected a line as it is written, with its keys in order, got another")
    return fact


def read_facts(path: Path) -> Iterator[Fact]:
    """Read a log, fact by fact.

    Args:
        path: The file.

    Raises:
        InputError: When it cannot be read, a line is none of a log, or the first fact is not
            `Opened`; it names the line.
    """
    with open_plain_file(path, "a log of facts") as file:
        number = 0
        while True:
            number += 1
            place = f"{shown(path)}, line {number}"
            try:
                content = file.readline(_MAX_LINE)
            except OSError as error:
                raise reading_failed(error, path, "a log of facts") from None
            if not content:
                break
            fact = _fact_at(content, place)
            if isinstance(fact, Opened) != (number == 1):
                what = "the fact opened" if number == 1 else "the fact opened in line 1 only"
                raise InputError(f"{place}: expected {what}, got {fact.kind()}")
            yield fact
        if number == 1:
            raise InputError(f"{shown(path)}: expected a log of facts, got an empty file")


def lines_of(facts: Iterable[Fact]) -> str:
    """Return facts as the text of a log."""
    return "".join(map(line_of, facts))


def _fact_at(content: bytes, place: str) -> Fact:
    if not content.endswith(b"\n"):
        raise InputError(
            f"{place}: expected a whole line, got one that is cut off, as a killed process leaves;"
            " remove it"
        )
    try:
        return fact_of(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise InputError(f"{place}: expected UTF-8, got other bytes") from None
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def _made(kind: type[T], value: object, before: tuple[str, ...] = ()) -> T:
    """Make a fact, or a part of one, of a JSON object with exactly its keys."""
    names = field_names(kind)
    found = as_exact_object(value, (*before, *names))
    lists = _LISTS.get(kind, {})
    fields: dict[str, Any] = {}
    for name in names:
        fields[name] = found[name]
        if name in lists:
            with inside(name):
                fields[name] = _items(found[name], lists[name])
    return kind(**fields)


def _items(value: object, kind: type) -> tuple[Any, ...]:
    items = as_list(value, MAX_ITEMS)
    if not dataclasses.is_dataclass(kind):
        return tuple(items)
    made = []
    for index, item in enumerate(items):
        with inside(f"[{index}]"):
            made.append(_made(kind, item))
    return tuple(made)
