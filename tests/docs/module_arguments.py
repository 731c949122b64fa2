"""Whether arguments suit a module that is run with `python -m`: its source is read, not run."""

from __future__ import annotations

import argparse
import ast
import importlib.util
from pathlib import Path
from typing import NoReturn

# What decides how many words an argument takes. Types and choices do not: documents say FOLDER.
_ARITY = ("action", "nargs", "required")


class _RefusedError(Exception):
    """Arguments do not suit."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _RefusedError(message)


def wrong_arguments(module: str, words: list[str]) -> str | None:
    """What argparse would refuse of a module's arguments; None if nothing, or if it uses none.

    Modules are not imported: those that export need PyTorch.
    """
    tree = ast.parse(_source(module).read_text(encoding="utf-8"))
    calls = [call for call in ast.walk(tree) if isinstance(call, ast.Call)]
    if not any(_attribute(call) == "ArgumentParser" for call in calls):
        return None
    subcommands = any(_attribute(call) == "add_subparsers" for call in calls)
    parser = _Parser(add_help=False)
    has_computed_names = False
    for call in calls:
        if _attribute(call) == "add_argument":
            constants = [name.value for name in call.args if isinstance(name, ast.Constant)]
            names = [name for name in constants if isinstance(name, str)]
            has_computed_names |= not names
            if names and not (subcommands and not names[0].startswith("-")):
                _add(parser, names, call)
    try:
        _, unknown = parser.parse_known_args(words)
    except _RefusedError as refused:
        return str(refused)
    known = subcommands or has_computed_names
    return None if known or not unknown else f"unrecognized arguments: {' '.join(unknown)}"


def _add(parser: argparse.ArgumentParser, names: list[str], call: ast.Call) -> None:
    keywords = {
        keyword.arg: keyword.value.value
        for keyword in call.keywords
        if keyword.arg in _ARITY and isinstance(keyword.value, ast.Constant)
    }
    try:
        parser.add_argument(*names, **keywords)  # type: ignore[arg-type]
    except argparse.ArgumentError:
        # The same option of a subcommand.
        return


def _attribute(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _source(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = importlib.util.find_spec(f"{module}.__main__")
    if spec is None or spec.origin is None:
        raise ValueError(f"expected a module that can be run, got {module}")
    return Path(spec.origin)
