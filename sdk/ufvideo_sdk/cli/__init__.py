"""The command line: `ufvideo`."""

from __future__ import annotations

from typing import Annotated

import typer

import ufvideo_sdk
from ufvideo_sdk.cli.ask import ask
from ufvideo_sdk.cli.build import build
from ufvideo_sdk.cli.command_group import CommandGroup
from ufvideo_sdk.cli.demo import demo
from ufvideo_sdk.cli.doctor import doctor
from ufvideo_sdk.cli.info import info
from ufvideo_sdk.cli.locate import locate
from ufvideo_sdk.cli.replay import replay
from ufvideo_sdk.cli.rules import rules
from ufvideo_sdk.cli.say import say
from ufvideo_sdk.cli.segment import segment
from ufvideo_sdk.cli.standard_streams import prepare_streams
from ufvideo_sdk.cli.tokens import tokens
from ufvideo_sdk.cli.verify import verify
from ufvideo_sdk.cli.watch import watch

_EXIT_CODES = (
    "Exit codes: 0 done, 1 unexpected, 2 usage or setting, 3 input (video, question, region, output"
    " file), 4 package, 5 device or ONNX Runtime, 6 capacity (memory, disk, context), 7 inference,"
    " 8 finished and the answer is no or incomplete, 130 interrupted."
)

app = typer.Typer(
    name="ufvideo",
    cls=CommandGroup,
    help="Ask a video: answers in text, in time and in pixels.",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for _command in (demo, ask, locate, segment, watch, replay, info, verify, build, doctor, tokens):
    app.command()(_command)
app.add_typer(rules)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        say(f"ufvideo {ufvideo_sdk.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Ask a video: answers in text, in time and in pixels."""


def main() -> None:
    """Run the command line; ends the process with one of the documented exit codes."""
    prepare_streams()
    app()
