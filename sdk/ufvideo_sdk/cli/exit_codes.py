"""One exit code for each family of errors; see docs/cli.md."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import typer

from ufvideo_sdk.atomic_file import NO_ROOM
from ufvideo_sdk.cli.say import say
from ufvideo_sdk.cli.standard_streams import give_up_output
from ufvideo_sdk.errors import (
    CapacityError,
    ConfigError,
    DeviceError,
    InferenceError,
    InputError,
    PackageError,
    StateError,
)

UNEXPECTED = 1
USAGE = 2
# Finished, and the answer is no or incomplete: for commands that compare or check.
INCOMPLETE = 8
INTERRUPTED = 130
# As shells report a process that SIGPIPE ended.
BROKEN_PIPE = 141
EXIT_CODES: dict[type[Exception], int] = {
    ConfigError: USAGE,
    InputError: 3,
    PackageError: 4,
    DeviceError: 5,
    CapacityError: 6,
    InferenceError: 7,
    StateError: 7,
}

# typer carries its own copy of click since 0.26 and imports the installed one before: this is the
# base of what either raises for a wrong command line.
_CommandLineError: type[BaseException] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)


@contextmanager
def reported_errors() -> Iterator[None]:
    """Turn an exception into one line on stderr and its exit code.

    Raises:
        typer.Exit: With the code of the error's family.
    """
    try:
        yield
        # What cannot be printed is an error now, not a traceback when Python ends.
        sys.stdout.flush()
    except (typer.Exit, typer.Abort, _CommandLineError):
        raise
    except BrokenPipeError:
        # Whoever read has enough, such as `head`: no error to speak of.
        give_up_output()
        raise typer.Exit(BROKEN_PIPE) from None
    except KeyboardInterrupt:
        say("interrupted", err=True)
        raise typer.Exit(INTERRUPTED) from None
    except MemoryError as error:
        fail(f"out of memory {error}".rstrip(), EXIT_CODES[CapacityError])
    except Exception as error:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            fail(f"expected room for the output, got: {error.strerror}", EXIT_CODES[CapacityError])
        for family, code in EXIT_CODES.items():
            if isinstance(error, family):
                fail(str(error), code)
        if os.environ.get("UFVIDEO_TRACEBACK"):
            raise
        fail(
            f"unexpected {type(error).__name__}: {error} (a bug; UFVIDEO_TRACEBACK=1 shows where)",
            UNEXPECTED,
        )


def fail(message: str, code: int) -> None:
    """Say what went wrong, in one line, and end with a code.

    Raises:
        typer.Exit: Always.
    """
    give_up_output()
    with suppress(OSError):
        say(f"error: {' '.join(message.split())}", err=True)
    raise typer.Exit(code)
