"""Processes that load one thing and run a round whenever they are asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

Figures = dict[str, Any]
Round = Callable[[], Figures]


class WorkerProcess:
    """One side of a comparison, loaded once and asked for a round at a time.

    Leaving its `with` block ends the process: after its last round, or at once where the block
    failed.
    """

    def __init__(self, module: str, told: str, num_threads: int) -> None:
        """Start the process.

        Args:
            module: Its `main` calls `serve`.
            told: Its one argument.
            num_threads: For OpenMP, before anything is imported.
        """
        self._module = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, told],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": str(num_threads)},
        )

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.kill()

    def round(self) -> Figures:
        """Run the job once.

        Raises:
            RuntimeError: When the process has ended.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write("round\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._module} ended with exit status {self._process.wait()}")
        return dict(json.loads(line))

    def close(self) -> None:
        """Wait for the end of the process, which nobody asks any more."""
        self._process.communicate()

    def kill(self) -> None:
        """End the process in the middle of whatever it does."""
        self._process.kill()
        self._process.communicate()


def serve(run_round: Round) -> int:
    """Answer each line of standard input with one round's figures as JSON."""
    for _ in sys.stdin:
        print(json.dumps(run_round()), flush=True)
    return 0
