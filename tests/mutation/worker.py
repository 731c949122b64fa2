"""The process in which trials run: one for many cases, so that a case takes milliseconds.

It reads a case's folder from each line of its input and writes an outcome as a line of JSON.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import resource
import sys
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from tests.mutation.case import Kind, Outcome, waited_s

READY = "ready"
# The address space of a worker. Below it allocations succeed as for a user, and it is the resident
# memory that counts; beyond it they fail, so that no case takes the machine along.
_ADDRESS_SPACE_BYTES = 8 << 30
_MAX_DETAIL = 8000


def main(kind_path: str, shared: str, stacks_path: str, stacks_after_s: str) -> None:
    """Run trials until the input ends.

    Args:
        kind_path: Module and class of the kind, with a colon between.
        shared: The folder that `Kind.prepare` wrote to.
        stacks_path: Where to write the stacks of a trial that takes long.
        stacks_after_s: How long that is.
    """
    module, _, name = kind_path.partition(":")
    kind: Kind = getattr(importlib.import_module(module), name)()
    replies = os.fdopen(os.dup(1), "w")
    # What libraries print must not stand between replies.
    os.dup2(2, 1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE_BYTES, _ADDRESS_SPACE_BYTES))
    kind.set_up(Path(shared))
    with Path(stacks_path).open("w") as stacks:
        faulthandler.enable(stacks)
        _reply(replies, READY)
        for line in sys.stdin:
            stacks.truncate(0)
            faulthandler.dump_traceback_later(float(stacks_after_s), file=stacks)
            outcome = attempt(kind, Path(line.rstrip("\n")))
            faulthandler.cancel_dump_traceback_later()
            _reply(replies, json.dumps(asdict(outcome)))


def attempt(kind: Kind, folder: Path) -> Outcome:
    """Run one trial."""
    _reset_peak()
    start = time.monotonic() - waited_s(os.getpid())
    status, what, detail, where = "accepted", "", "", ""
    try:
        kind.trial(folder)
    # Everything: some libraries raise what is no Exception.
    except BaseException as error:
        status, what, detail, where = _described(error)
    return Outcome(
        status,  # type: ignore[arg-type]
        what,
        detail,
        where,
        seconds=time.monotonic() - waited_s(os.getpid()) - start,
        peak_bytes=_peak_bytes(),
    )


def _described(error: BaseException) -> tuple[str, str, str, str]:
    from ufvideo_sdk import errors

    name = type(error).__name__
    family = next((c for c in type(error).__mro__ if c.__module__ == errors.__name__), None)
    text = "".join(traceback.format_exception(error)).encode("utf-8", "backslashreplace").decode()
    if family is not None:
        return "refused", family.__name__, text[-_MAX_DETAIL:], ""
    places = traceback.extract_tb(error.__traceback__)
    ours = [p for p in places if f"{os.sep}ufvideo_sdk{os.sep}" in p.filename] or places
    where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    return "foreign", name, text[-_MAX_DETAIL:], where


def _reply(replies: TextIO, line: str) -> None:
    replies.write(line + "\n")
    replies.flush()


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak_bytes() -> int:
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
