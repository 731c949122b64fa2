"""What a program does to the outside: sockets it opens and paths it changes, as strace saw them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None,
    reason="needs strace: bash cmake/install_debian_packages.sh",
)

# Calls that make a way to another process or machine, and calls that change what is on disk.
_SOCKETS = ("socket", "connect", "bind", "sendto", "sendmsg", "sendmmsg")
_CHANGES = (
    *("open", "openat", "creat", "mkdir", "mkdirat", "mknod", "mknodat", "rename", "renameat"),
    *("renameat2", "link", "linkat", "symlink", "symlinkat", "unlink", "unlinkat", "rmdir"),
    *("truncate", "chmod", "fchmodat", "chown", "lchown", "fchownat", "setxattr", "utimensat"),
)
# `openat(AT_FDCWD, "/a/b", O_RDWR|O_CREAT, 0644) = 3</a/b>`
_CALL = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+)", re.MULTILINE)
_WRITES = re.compile(r"O_(WRONLY|RDWR|CREAT|TRUNC|TMPFILE)")
_PATH = re.compile(r'(?:(?:\d+|AT_FDCWD)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Traced:
    """What a program did.

    Attributes:
        sockets: Calls about sockets, as strace prints them, those that failed too.
        changed: Files and folders that were opened for writing, made, renamed or removed.
        output: Its standard output and error.
    """

    sockets: list[str]
    changed: set[Path]
    output: str


def trace(command: list[str], home: Path, **environment: str) -> Traced:
    """Run a program as a user with an empty home would, and not as CI does.

    Args:
        command: The program and its arguments.
        home: Its HOME, where nothing should appear.
        environment: Further variables.
    """
    log = home.parent / f"{home.name}.strace"
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        # What Python keeps of a module it has compiled is not what is looked for here.
        "PYTHONDONTWRITEBYTECODE": "1",
        **environment,
    }
    calls = ",".join(f"?{name}" for name in (*_SOCKETS, *_CHANGES))
    strace = ["strace", "-f", "-y", "--seccomp-bpf", "-e", f"trace={calls}", "-o", str(log)]
    done = subprocess.run(
        [*strace, *command], env=variables, capture_output=True, text=True, timeout=1200
    )
    assert done.returncode == 0, done.stderr
    return _parsed(log.read_text(errors="replace"), done.stdout + done.stderr)


def python(source: str) -> list[str]:
    """The command that runs a text as a Python program."""
    return [sys.executable, "-c", source]


def _parsed(log: str, output: str) -> Traced:
    sockets: list[str] = []
    changed: set[Path] = set()
    for call, arguments, result in _CALL.findall(_whole_lines(log)):
        if call in _SOCKETS:
            sockets.append(f"{call}({arguments})")
        elif result.startswith("-"):
            continue
        elif call not in ("open", "openat") or _WRITES.search(arguments):
            changed |= {
                Path(folder, path) if folder else Path(path)
                for folder, path in _PATH.findall(arguments)
            }
    return Traced(sockets, changed, output)


def _whole_lines(log: str) -> str:
    """The log with each call that another thread's came between as one line."""
    begun: dict[str, str] = {}
    lines = []
    for line in log.splitlines():
        thread, _, rest = line.partition(" ")
        resumed = re.match(r"\s*<\.\.\. \w+ resumed>(.*)", rest)
        if rest.endswith("<unfinished ...>"):
            begun[thread] = line.removesuffix("<unfinished ...>")
        elif resumed:
            lines.append(begun.pop(thread, "") + resumed[1])
        else:
            lines.append(line)
    return "\n".join(lines)
