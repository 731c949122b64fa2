"""Runs the blocks of a page in order, as a reader does who pastes them one after the other.

Python blocks share one interpreter, each Bash block has a shell of its own. Reads
`[[language, code], ...]` as JSON from stdin; prints one JSON object a line for each block that
began: `{"output": ..., "error": ...}`, the error as text or null. The first error ends it.
"""

from __future__ import annotations

import contextlib
import io
import json
import linecache
import subprocess
import sys
import traceback
from typing import Any


def run_python(code: str, name: str, names: dict[str, Any]) -> tuple[str, str | None]:
    output = io.StringIO()
    # So that a traceback shows the block's lines.
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    try:
        with contextlib.redirect_stdout(output):
            exec(compile(code, name, "exec"), names)
    except BaseException:
        return output.getvalue(), traceback.format_exc()
    return output.getvalue(), None


def run_bash(code: str) -> tuple[str, str | None]:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code], capture_output=True, text=True, check=False
    )
    error = f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout, error if done.returncode else None


def main() -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, (language, code) in enumerate(json.load(sys.stdin)):
        if language == "python":
            output, error = run_python(code, f"<block {number}>", names)
        else:
            output, error = run_bash(code)
        print(json.dumps({"output": output, "error": error}), flush=True)
        if error is not None:
            return


if __name__ == "__main__":
    main()
