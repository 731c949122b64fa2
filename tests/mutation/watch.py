"""Watches a worker: a crash, a hang or too much memory ends it and is an outcome."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from tests.mutation.case import Kind, Outcome, waited_s
from tests.mutation.worker import READY

_POLL_S = 0.02
_START_S = 120.0
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Limits:
    """What a case may take.

    Attributes:
        seconds: Wall time without waiting for a processor.
        peak_bytes: Resident memory of the worker, what it holds between cases included.
    """

    seconds: float = 20.0
    peak_bytes: int = 1 << 30


class Watch:
    """One worker at a time, started again where a case ended it."""

    def __init__(self, kind: type[Kind], shared: Path, scratch: Path, limits: Limits) -> None:
        """Start nothing yet.

        Args:
            kind: The kind of all cases.
            shared: The folder that `Kind.prepare` wrote to.
            scratch: Where the worker's own files go.
            limits: What a case may take.
        """
        self._kind_path = f"{kind.__module__}:{kind.__qualname__}"
        self._shared = shared
        self._stacks = scratch / "stacks.txt"
        self._printed = scratch / "printed.txt"
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def outcome(self, folder: Path) -> Outcome:
        """Run the case in a folder.

        Raises:
            RuntimeError: When no worker starts.
        """
        process = self._started()
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(f"{folder}\n".encode())
        process.stdin.flush()
        begin, peak = time.monotonic() - waited_s(process.pid), 0
        while True:
            ready, _, _ = select.select([process.stdout], [], [], _POLL_S)
            seconds = time.monotonic() - waited_s(process.pid) - begin
            if ready:
                line = process.stdout.readline()
                if line:
                    return self._checked(Outcome(**json.loads(line)))
                return self._crashed(process, seconds, peak)
            peak = max(peak, _resident_bytes(process.pid))
            if peak > self._limits.peak_bytes:
                return self._ended(Outcome("memory", seconds=seconds, peak_bytes=peak))
            if seconds > self._limits.seconds:
                return self._ended(Outcome("hang", seconds=seconds, peak_bytes=peak))

    def _checked(self, outcome: Outcome) -> Outcome:
        """The outcome, where a case ended by itself but took too much."""
        if outcome.peak_bytes > self._limits.peak_bytes:
            self._end()  # its memory is not that of the next case
            return replace(outcome, status="memory", what="", where="")
        if outcome.seconds > self._limits.seconds:
            return replace(outcome, status="hang", what="", where="")
        return outcome

    def _crashed(self, process: subprocess.Popen[bytes], seconds: float, peak: int) -> Outcome:
        code = process.wait()
        self._end()
        what = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return self._with_stacks(Outcome("crash", what, seconds=seconds, peak_bytes=peak))

    def _ended(self, outcome: Outcome) -> Outcome:
        if outcome.status == "hang" and self._process is not None:
            # Its handler writes the stacks of all threads.
            self._process.send_signal(signal.SIGABRT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=2.0)
        self._end()
        return self._with_stacks(outcome)

    def _with_stacks(self, outcome: Outcome) -> Outcome:
        stacks = self._stacks.read_text(errors="replace")
        printed = self._printed.read_text(errors="replace")[-2000:]
        lines = [line for line in stacks.splitlines() if "ufvideo_sdk" in line]
        where = lines[0].strip().rpartition("/")[2] if lines else ""
        return replace(outcome, detail=f"{stacks[-6000:]}\n{printed}", where=where)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None:
            return self._process
        arguments = (self._kind_path, self._shared, self._stacks, 0.75 * self._limits.seconds)
        # Not through pytest's settings or a user's: a library's warning is no refusal.
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONWARNINGS"}
        with self._printed.open("wb") as printed:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.mutation.worker", *map(str, arguments)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=printed,
                cwd=_ROOT,
                env=environment,
                bufsize=0,
            )
        assert process.stdout is not None
        self._process = process
        ready, _, _ = select.select([process.stdout], [], [], _START_S)
        if not ready or process.stdout.readline().decode().strip() != READY:
            self._end()
            printed_text = self._printed.read_text(errors="replace")[-4000:]
            raise RuntimeError(f"{self._kind_path}: the worker did not start:\n{printed_text}")
        return process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _resident_bytes(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/statm").read_text().split()
    except OSError:
        return 0
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if len(fields) > 1 else 0
