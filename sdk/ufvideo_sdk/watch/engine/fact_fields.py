"""What the fields of facts may be, and the check of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.finite import is_finite_number
from ufvideo_sdk.validation.strict_json import (
    Each,
    FieldError,
    Integer,
    Text,
    check_fields,
    field_rules,
    shown,
)

_MAX_TEXT = 1 << 20
MAX_ITEMS = 10_000


@dataclass(frozen=True)
class Number:
    """A finite number between two bounds; `optional` allows None too."""

    low: float = -1e15
    high: float = 1e15
    optional: bool = False

    def check(self, value: object) -> None:
        """Refuse another type or a value outside the bounds."""
        if value is None and self.optional:
            return
        if not is_finite_number(value) or not self.low <= value <= self.high:  # type: ignore[operator]
            expected = f"a number from {self.low:g} to {self.high:g}"
            raise FieldError("", f"expected {expected}, got {shown(value)}")


@dataclass(frozen=True)
class OptionalText:
    """A string, or None."""

    def check(self, value: object) -> None:
        """Refuse anything else."""
        if value is not None:
            Text(max_length=_MAX_TEXT).check(value)


Idx = Annotated[int, Integer(0)]
Seconds = Annotated[float, Number()]
OptionalSeconds = Annotated[float | None, Number(optional=True)]
Name = Annotated[str, Text(max_length=256)]
Words = Annotated[str, Text(min_length=0, max_length=_MAX_TEXT)]
Idxs = Annotated[tuple[int, ...], Each(Integer(0), 0, MAX_ITEMS)]
Fraction = Annotated[float, Number(-10.0, 10.0)]
Change = Annotated[float | None, Number(0.0, 1.0, optional=True)]
Choice = Annotated[str | None, OptionalText()]


@dataclass(frozen=True)
class Checked:
    """A fact whose fields are checked when it is made; a number is kept as its field's type."""

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            InputError: Naming the kind of fact and the field.
        """
        try:
            check_fields(self)
        except FieldError as problem:
            raise self._refused(problem) from None
        # A class is hashable; mypy looks at the `__hash__` of its instances.
        for name in _float_names(type(self)):  # type: ignore[arg-type]
            value = getattr(self, name)
            if value is not None:
                # 5 and 5.0 are equal, and not the same bytes; 0.0 has no sign here.
                object.__setattr__(self, name, float(value) + 0.0)

    @classmethod
    def kind(cls) -> str:
        """Return the name of its kind, as the log and messages have it."""
        return cls.__name__.lower()

    def _refused(self, problem: FieldError) -> InputError:
        return InputError(f"{self.kind()}: {problem}")


@cache
def _float_names(kind: type) -> tuple[str, ...]:
    """Return the names of a fact's fields that are floats."""
    rules = field_rules(kind)
    return tuple(name for name in rules if any(isinstance(each, Number) for each in rules[name]))
