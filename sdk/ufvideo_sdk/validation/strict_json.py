"""JSON that is refused unless every key, type and bound is right, and the rules for that."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn, Protocol, TypeVar, get_type_hints

from ufvideo_sdk.errors import PackageError
from ufvideo_sdk.validation.finite import shown_number

INT64_MAX = 2**63 - 1
MAX_NAME_LENGTH = 256
# Longer than any number that a rule allows; Python itself refuses 4300 digits, in its own words.
_MAX_DIGITS = 400

T = TypeVar("T")


class FieldError(PackageError):
    """What is wrong with one key; `under` puts the path of its parent in front."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{key}: {problem}" if key else problem)
        self.key = key
        self.problem = problem

    def __reduce__(self) -> tuple[type[FieldError], tuple[str, str], dict[str, Any]]:
        # An exception is made again from `args`, which holds the message alone.
        return FieldError, (self.key, self.problem), self.__dict__

    def under(self, parent: str) -> FieldError:
        """The same problem seen from the parent object."""
        return FieldError(join_key(parent, self.key), self.problem)


@contextmanager
def inside(parent: str) -> Iterator[None]:
    """Put `parent` in front of the key of a problem raised inside."""
    try:
        yield
    except FieldError as problem:
        raise problem.under(parent) from None


def join_key(parent: str, key: str) -> str:
    """`parent.key`, or `parent[3]` where the key is an index in brackets."""
    return parent + key if not parent or not key or key.startswith("[") else f"{parent}.{key}"


def shown(value: object) -> str:
    """The value for a message, cut to a readable length."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, int):
        # A bool as JSON spells it.
        return json.dumps(value) if isinstance(value, bool) else shown_number(value)
    try:
        text = json.dumps(value)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def shown_key(key: str) -> str:
    """The key of a file for a message: printable, and cut to a readable length."""
    text = key if key.isprintable() else json.dumps(key)[1:-1]
    return text if len(text) <= 80 else text[:77] + "..."


class Rule(Protocol):
    """Says whether a value is allowed."""

    def check(self, value: object) -> None:
        """Raise FieldError with an empty or an index key."""


def _refuse(expected: str, value: object) -> NoReturn:
    raise FieldError("", f"expected {expected}, got {shown(value)}")


@dataclass(frozen=True)
class Integer:
    """An integer between two bounds; a bool or 3.0 is none."""

    low: int
    high: int = INT64_MAX

    def check(self, value: object) -> None:
        """Refuse another type or a value outside the bounds."""
        is_integer = isinstance(value, int) and not isinstance(value, bool)
        if not is_integer or not self.low <= value <= self.high:  # type: ignore[operator]
            _refuse(f"an integer from {self.low} to {self.high}", value)


@dataclass(frozen=True)
class Boolean:
    """True or false."""

    def check(self, value: object) -> None:
        """Refuse anything else, 0 and 1 included."""
        if not isinstance(value, bool):
            _refuse("true or false", value)


@dataclass(frozen=True)
class Text:
    """A string, bounded in length."""

    min_length: int = 1
    max_length: int = MAX_NAME_LENGTH

    def check(self, value: object) -> None:
        """Refuse another type, a length outside the bounds, and text that is no Unicode."""
        if not isinstance(value, str) or not self.min_length <= len(value) <= self.max_length:
            _refuse(f"a string of {self.min_length} to {self.max_length} characters", value)
        try:
            value.encode()
        except UnicodeEncodeError:
            _refuse("a string of Unicode characters", value)


@dataclass(frozen=True)
class OneOf:
    """One of a few strings."""

    choices: tuple[str, ...]

    def check(self, value: object) -> None:
        """Refuse anything else."""
        if not isinstance(value, str) or value not in self.choices:
            _refuse(" or ".join(f'"{choice}"' for choice in self.choices), value)


@dataclass(frozen=True)
class Sha256:
    """64 lower-case hexadecimal digits."""

    def check(self, value: object) -> None:
        """Refuse anything else."""
        if not isinstance(value, str) or not re.fullmatch(r"[0-9a-f]{64}", value):
            _refuse("64 lower-case hexadecimal digits", value)


@dataclass(frozen=True)
class Each:
    """A tuple of a bounded number of values that all obey one rule."""

    rule: Rule
    min_count: int
    max_count: int

    def check(self, value: object) -> None:
        """Refuse another type, another count, and the first wrong item by its index."""
        if not isinstance(value, tuple) or not self.min_count <= len(value) <= self.max_count:
            what = f"a list of {len(value)}" if isinstance(value, tuple) else shown(value)
            raise FieldError(
                "", f"expected a list of {self.min_count} to {self.max_count} items, got {what}"
            )
        for index, item in enumerate(value):
            with inside(f"[{index}]"):
                self.rule.check(item)


@dataclass(frozen=True)
class Instance:
    """An instance of a class, which has checked itself."""

    of: type
    optional: bool = False

    def check(self, value: object) -> None:
        """Refuse an instance of anything else."""
        if not isinstance(value, self.of) and not (self.optional and value is None):
            name = self.of.__name__ + (" or null" if self.optional else "")
            _refuse(name, value)


def check_fields(instance: Any) -> None:
    """Check each field of a dataclass by the rule in its `Annotated` type.

    Raises:
        FieldError: Naming the first field that breaks its rule.
    """
    # A class is hashable; mypy looks at the `__hash__` of its instances.
    for name, rules in field_rules(type(instance)).items():  # type: ignore[arg-type]
        for rule in rules:
            with inside(name):
                rule.check(getattr(instance, name))


@cache
def field_rules(kind: type) -> Mapping[str, tuple[Rule, ...]]:
    """The rules of a dataclass by field; looking them up takes far longer than checking by them."""
    hints = get_type_hints(kind, include_extras=True)
    return {
        field.name: getattr(hints[field.name], "__metadata__", ())
        for field in dataclasses.fields(kind)
    }


class _Repeated(dict[str, Any]):
    """A JSON object in which a key stands twice; refused where it is looked at."""

    repeated_key = ""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    keys = [key for key, _ in pairs]
    repeated = _Repeated(value)
    repeated.repeated_key = next(key for key in keys if keys.count(key) > 1)
    return repeated


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def parse_json(text: str) -> object:
    """Parse JSON as RFC 8259 has it: no NaN, no infinities.

    Raises:
        FieldError: When the text is no JSON, too deeply nested to be read, or has an integer of
            more than 400 digits.
    """
    try:
        return json.loads(
            text, object_pairs_hook=_pairs, parse_constant=_constant, parse_int=_integer
        )
    except RecursionError:
        raise FieldError("", "expected JSON, got one nested too deeply") from None
    except ValueError as error:
        raise FieldError("", f"expected JSON, got text that is none: {error}") from None


def as_object(value: object) -> dict[str, Any]:
    """The value as a JSON object whose keys all differ.

    Raises:
        FieldError: When it is something else, or a key stands twice.
    """
    if not isinstance(value, dict):
        _refuse("an object", value)
    if isinstance(value, _Repeated):
        raise FieldError(shown_key(value.repeated_key), "expected once, got it more than once")
    return value


def as_list(value: object, max_count: int) -> list[Any]:
    """The value as a JSON list of at most `max_count` items.

    Raises:
        FieldError: When it is something else or longer.
    """
    if not isinstance(value, list):
        _refuse("a list", value)
    if len(value) > max_count:
        raise FieldError("", f"expected at most {max_count} items, got {len(value)}")
    return value


def as_exact_object(value: object, keys: tuple[str, ...]) -> dict[str, Any]:
    """The value as a JSON object with exactly these keys.

    Raises:
        FieldError: Naming the first unknown or missing key.
    """
    found = as_object(value)
    for key in found:
        if key not in keys:
            raise FieldError(shown_key(key), "unknown key, expected " + ", ".join(keys))
    for key in keys:
        if key not in found:
            raise FieldError(key, "expected this key, got an object without it")
    return found


def field_names(cls: type) -> tuple[str, ...]:
    """Names of a dataclass's fields, in order."""
    return tuple(field.name for field in dataclasses.fields(cls))


def plain(value: Any) -> Any:
    """A dataclass and all it holds as dicts, lists and scalars, in the order of the fields."""
    if dataclasses.is_dataclass(value):
        return {name: plain(getattr(value, name)) for name in field_names(type(value))}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return value
