"""One step of a stage in a process of its own, whose memory is all given back when it ends.

Tracing a large module leaves its weights behind, held by what Python does not see.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ufvideo_sdk.errors import InferenceError

if TYPE_CHECKING:
    from ufvideo_export.stages.stage import Stage

# Starting a process takes seconds, so that small checkpoints stay in this one.
APART_BYTES = 2 << 30
_COMMAND = "from ufvideo_export.process.isolated import _serve; _serve()"
_SHOWN_CHARACTERS = 2000


def run_apart(stage: Stage, step: str, path: Path) -> None:
    """Call a method of a stage with a path.

    Args:
        stage: Without weights in memory.
        step: The method's name.
        path: Its argument.

    Raises:
        InferenceError: When it fails, with the end of what it wrote to standard error.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND],
        input=pickle.dumps((stage, step, path)),
        env=environment,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise InferenceError(
            f"expected {stage.spec.stem} to be written by a process of its own, it ended with"
            f" status {done.returncode}:"
            f" {done.stderr.decode(errors='replace')[-_SHOWN_CHARACTERS:]}"
        )


def _serve() -> None:
    stage, step, path = pickle.load(sys.stdin.buffer)
    getattr(stage, step)(path)
