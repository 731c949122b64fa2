"""Shows a watch while it runs."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType

from rich.console import Console
from rich.live import Live

from ufvideo_sdk.watch.sinks.sink import SinkStats
from ufvideo_sdk.watch.status import WatchStatus
from ufvideo_sdk.watch.view.picture import picture
from ufvideo_sdk.watch.view.plain_lines import PlainLines

_PICTURE_EVERY_S = 0.5
_LINES_EVERY_S = 1.0


class StatusView:
    """Shows a watch on stderr, as a picture on a terminal and as lines elsewhere.

    with StatusView(lambda: watch.status, lambda: outputs.stats) as view:
        ...

    What it shows is read in a thread of its own; what cannot be shown stops nothing.
    """

    def __init__(
        self,
        status: Callable[[], WatchStatus],
        sinks: Callable[[], Sequence[SinkStats]] = tuple,
        *,
        plain: bool = False,
        console: Console | None = None,
    ) -> None:
        """Decide how to show it.

        Args:
            status: Returns the watch at this moment.
            sinks: Returns counts of its sinks.
            plain: Whether lines are shown on a terminal too.
            console: Where to; None: stderr.
        """
        self._status, self._sinks = status, sinks
        self._console = console or Console(stderr=True)
        self._is_picture = self._console.is_terminal and not plain
        self._lines = PlainLines()
        self._live: Live | None = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ufvideo view", daemon=True)

    @property
    def is_picture(self) -> bool:
        """Whether a picture is drawn, in which lines on the same terminal would stand."""
        return self._is_picture

    @property
    def leaves_stdout(self) -> bool:
        """Whether lines of JSON may go to standard output: not into the picture."""
        return not (self._is_picture and sys.stdout is not None and sys.stdout.isatty())

    def __enter__(self) -> StatusView:
        if self._is_picture:
            self._live = Live(console=self._console, auto_refresh=False, redirect_stdout=False)
            self._live.start()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join(5.0)
        # What happened last is shown too.
        self._show()
        if self._live is not None:
            with suppress(OSError):
                self._live.stop()

    def _run(self) -> None:
        every_s = _PICTURE_EVERY_S if self._is_picture else _LINES_EVERY_S
        while not self._is_over.wait(every_s):
            self._show()

    def _show(self) -> None:
        """Show the watch at this moment. A terminal that is closed ends the view, not the watch."""
        try:
            status, sinks = self._status(), self._sinks()
            if self._live is not None:
                width, height = self._console.size
                self._live.update(picture(status, sinks, width, height - 1), refresh=True)
                return
            for line in self._lines.of(status, sinks):
                # Not by rich, which would wrap it.
                self._console.file.write(f"{line}\n")
            self._console.file.flush()
        except (OSError, ValueError):
            self._is_over.set()
