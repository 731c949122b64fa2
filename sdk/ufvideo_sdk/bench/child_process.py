"""A Python process that is told one JSON object and answers in lines of JSON.

`ufvideo bench` measures in such processes; so does a script that runs several engines in turn: each
is loaded once, and asked for a round at a time.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from ufvideo_sdk import CapacityError, InferenceError, UFVideoError

Message = dict[str, Any]
Emit = Callable[[Mapping[str, Any]], None]
Round = Callable[[], Message]


class ChildProcess:
    """One process. Leaving its `with` block ends it.

    It ends after what it does now, or at once if the block failed.
    """

    def __init__(
        self, module: str, told: Mapping[str, Any], variables: Mapping[str, str] | None = None
    ) -> None:
        """Start the process.

        Args:
            module: What `python -m` runs; it reads what it is told with `read_told`.
            told: One object for JSON.
            variables: Environment variables that are set before anything is imported.
        """
        self._module = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | dict(variables or {}),
        )
        self._write(json.dumps(told, default=str))

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def __enter__(self) -> ChildProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.kill()

    def messages(self) -> Iterator[Message]:
        """Every object that the process writes until it ends, without being asked."""
        assert self._process.stdout is not None
        self._close_input()
        for line in self._process.stdout:
            yield dict(json.loads(line))

    def round(self) -> Message:
        """Ask a process that calls `serve` for one round.

        Raises:
            CapacityError: When the system ended the process, as it does if memory runs out.
            InferenceError: When it has ended for another reason.
        """
        assert self._process.stdout is not None
        self._write("round")
        line = self._process.stdout.readline()
        if not line:
            raise self.ended_early()
        return dict(json.loads(line))

    def ended_early(self) -> UFVideoError:
        """The error of a process that has ended before it was done."""
        status = self._process.wait()
        if status == -signal.SIGKILL:
            return CapacityError(
                f"{self._module}: expected the end of its job, the system killed it: memory ran"
                " out, or somebody ended it"
            )
        return InferenceError(
            f"{self._module}: expected the end of its job, it ended with exit status {status};"
            " standard error says why"
        )

    def close(self) -> None:
        """Wait for the end of the process, which nobody asks any more."""
        assert self._process.stdout is not None
        self._close_input()
        self._process.stdout.read()
        self._process.stdout.close()
        self._process.wait()

    def kill(self) -> None:
        """End the process in the middle of whatever it does."""
        self._process.kill()
        self.close()

    def _close_input(self) -> None:
        assert self._process.stdin is not None
        # What was not taken goes to nobody: the process has ended.
        with suppress(BrokenPipeError):
            self._process.stdin.close()

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()


def read_told() -> Message:
    """In the child: the object that it is told."""
    return dict(json.loads(sys.stdin.readline()))


def open_output() -> Emit:
    """In the child: writes objects to the parent; what other code prints goes to standard error."""
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def emit(message: Mapping[str, Any]) -> None:
        output.write(json.dumps(message) + "\n")
        output.flush()

    return emit


def serve(prepare: Callable[[Message], Round]) -> int:
    """In the child: answer each request with one round, until nobody asks any more.

    Args:
        prepare: Loads what it is told to, and returns the function that runs one round.
    """
    emit = open_output()
    run_round = prepare(read_told())
    for _ in sys.stdin:
        emit(run_round())
    return 0
