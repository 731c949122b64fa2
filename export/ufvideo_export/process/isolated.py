"""One step of an export in a process of its own, whose memory is all given back when it ends.

Tracing a large module leaves its weights behind, held by what Python does not see.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from ufvideo_sdk.errors import InferenceError

# Starting a process takes seconds, so that small checkpoints stay in this one.
ISOLATED_BYTES = 2 << 30
_COMMAND = "from ufvideo_export.process.isolated import _serve; _serve()"
_SHOWN_CHARACTERS = 2000


def run_isolated(name: str, step: Callable[[Path], object], path: Path) -> None:
    """Call a method with a path.

    Args:
        name: What the method writes, for the message of a failure.
        step: The method, whose object holds no weights in memory: it is pickled.
        path: Its argument.

    Raises:
        InferenceError: If it fails, with the end of what it wrote to standard error.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND],
        input=pickle.dumps((step, path)),
        env=environment,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise InferenceError(
            f"expected {name} to be written by a process of its own, it ended with"
            f" status {done.returncode}:"
            f" {done.stderr.decode(errors='replace')[-_SHOWN_CHARACTERS:]}"
        )


def _serve() -> None:
    step, path = pickle.load(sys.stdin.buffer)
    step(path)
