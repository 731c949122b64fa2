"""The group of all commands: our own, and those that other packages bring."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

import typer
from typer.core import TyperGroup

from ufvideo_sdk.cli.exit_codes import USAGE, fail, reported_errors
from ufvideo_sdk.runtime.onnxruntime_library import INSTALL_EXPORT

ENTRY_POINT_GROUP = "ufvideo.commands"
_HOW_TO_GET = {"export": INSTALL_EXPORT}


class CommandGroup(TyperGroup):
    """Finds plug-in commands by name and turns every error into an exit code.

    A plug-in is an entry point of the group `ufvideo.commands` that names a function typer can
    make a command of.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all commands, in the order of the help text."""
        own = super().list_commands(ctx)
        found = {point.name for point in entry_points(group=ENTRY_POINT_GROUP)}
        return [*own, *sorted((found | _HOW_TO_GET.keys()) - set(own))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, or None."""
        own = super().get_command(ctx, cmd_name)
        return own if own is not None else _plug_in(cmd_name)

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Read the command line; `--help` prints here."""
        with reported_errors():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        with reported_errors():
            return super().invoke(ctx)


def _plug_in(name: str) -> Any:
    points = [point for point in entry_points(group=ENTRY_POINT_GROUP) if point.name == name]
    if not points and name not in _HOW_TO_GET:
        return None
    try:
        function = points[0].load() if points else None
        reason = "it is not installed"
    except ImportError as error:
        function, reason = None, str(error)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    if function is None:
        # Whatever options were given, the answer is how to install the command.
        anything = {"ignore_unknown_options": True, "allow_extra_args": True}
        app.command(name, context_settings=anything)(_missing(name, reason))
    else:
        app.command(name)(function)
    command: Any = typer.main.get_command(app)
    command.callback = _naming_missing_packages(name, command.callback)
    return command


def _missing(name: str, reason: str) -> Callable[[], None]:
    def command() -> None:
        _say_how_to_get(name, reason)

    command.__doc__ = f"Not installed; {_how_to_get(name)}"
    return command


def _naming_missing_packages(name: str, run: Callable[..., Any]) -> Callable[..., Any]:
    """Catch what a plug-in imports only once it runs."""

    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return run(*args, **kwargs)
        except ModuleNotFoundError as error:
            return _say_how_to_get(name, str(error))

    return guarded


def _say_how_to_get(name: str, reason: str) -> None:
    fail(f"'ufvideo {name}' lacks a package ({reason}): {_how_to_get(name)}", USAGE)


def _how_to_get(name: str) -> str:
    return _HOW_TO_GET.get(name, f"install what the command {name!r} needs")
