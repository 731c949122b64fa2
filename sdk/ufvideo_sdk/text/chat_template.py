"""`chat_template.json`: what stands around a question."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ufvideo_sdk.errors import PackageError
from ufvideo_sdk.validation.paths import unreadable
from ufvideo_sdk.validation.strict_json import (
    Each,
    FieldError,
    Instance,
    Text,
    as_exact_object,
    as_list,
    check_fields,
    field_names,
    inside,
    parse_json,
    shown,
)

MAX_TEMPLATE_BYTES = 1 << 16
_TEXT = Text(min_length=0, max_length=4096)


@dataclass(frozen=True)
class Roles:
    """How the template spells each role."""

    system: Annotated[str, Text()]
    user: Annotated[str, Text()]
    assistant: Annotated[str, Text()]

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class ChatTemplate:
    """The parts of a prompt (docs/package_format.md).

    Attributes:
        default_system: Text of the system turn.
        turn: What stands before, for, and after the content of a turn; the first has `{role}`.
        generation_prompt: What begins the answer.
        roles: How each role is spelled.
        media_prefix: What stands before the first question, with `{media}` for the video.
    """

    default_system: Annotated[str, _TEXT]
    turn: Annotated[tuple[str, ...], Each(_TEXT, 3, 3)]
    generation_prompt: Annotated[str, _TEXT]
    roles: Annotated[Roles, Instance(Roles)]
    media_prefix: Annotated[str, _TEXT]

    def __post_init__(self) -> None:
        check_fields(self)
        for key, text, mark in (
            ("turn[0]", self.turn[0], "{role}"),
            ("media_prefix", self.media_prefix, "{media}"),
        ):
            if text.count(mark) != 1:
                raise FieldError(key, f"expected {mark} once, got {shown(text)}")
        if self.turn[1] != "{content}":
            raise FieldError("turn[1]", f'expected "{{content}}", got {shown(self.turn[1])}')

    def before(self, role: str) -> str:
        """What stands before the content of a turn of this role."""
        return self.turn[0].replace("{role}", role)

    @property
    def after(self) -> str:
        """What stands after the content of a turn."""
        return self.turn[2]

    @classmethod
    def from_json(cls, text: str) -> ChatTemplate:
        """Parse and check the text of a template.

        Raises:
            PackageError: Naming the key that is wrong.
        """
        value = as_exact_object(parse_json(text), field_names(cls))
        with inside("roles"):
            roles = Roles(**as_exact_object(value["roles"], field_names(Roles)))
        with inside("turn"):
            turn = tuple(as_list(value["turn"], 3))
        return cls(**{**value, "roles": roles, "turn": turn})


def read_chat_template(path: Path) -> ChatTemplate:
    """Read and check a `chat_template.json`.

    Raises:
        PackageError: Naming the file and what is wrong with it.
        CapacityError: When no file descriptor is left to read it with.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_TEMPLATE_BYTES + 1)
    except OSError as error:
        raise unreadable(path, error) from None
    if len(raw) > MAX_TEMPLATE_BYTES:
        raise PackageError(f"{path}: expected at most {MAX_TEMPLATE_BYTES} bytes, got more")
    try:
        return ChatTemplate.from_json(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise PackageError(f"{path}: expected JSON in UTF-8: {error}") from None
    except PackageError as error:
        raise PackageError(f"{path}: {error}") from None
