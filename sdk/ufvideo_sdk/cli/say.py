"""Text for a terminal: what a package, a file name or a model says is never obeyed by it."""

from __future__ import annotations

import re

import typer

# Control characters but tab and newline; the second half are those that begin with ESC in 7 bits.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def plain_text(text: str) -> str:
    r"""The text with each control character spelled out, as `\u001b`, which JSON reads back."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print text on stdout, or on stderr."""
    typer.echo(plain_text(text), err=err, nl=nl)


def print_json(text: str) -> None:
    """Print JSON on stdout, in UTF-8 whatever the encoding of the terminal is."""
    typer.echo(plain_text(text).encode("utf-8"), nl=False)
