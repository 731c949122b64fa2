"""What `ufvideo watch` shows and where it sends events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ufvideo_sdk.watch.rules.rules import Rules
from ufvideo_sdk.watch.sinks.event_message import plain_names
from ufvideo_sdk.watch.sinks.outputs import Outputs
from ufvideo_sdk.watch.sinks.sink import CameraPictures, Sink, SinkStats
from ufvideo_sdk.watch.status import WatchStatus
from ufvideo_sdk.watch.view.saved_stream import SavedStream, saved_path
from ufvideo_sdk.watch.view.status_view import StatusView

_CLOSE_S = 30.0


class WatchOutputs:
    """Opens the sinks of the rules, the view and the annotated streams of a command.

    with watch_outputs(rules, cameras, ...) as outputs:
        run = open_watch(..., open_sinks=outputs.open_sinks)
        with outputs.shown(lambda: run.status):
            ...
    """

    def __init__(
        self,
        rules: Rules,
        cameras: Sequence[str],
        *,
        plain: bool = False,
        save: Path | None = None,
        allow_hosts: Sequence[str] = (),
    ) -> None:
        """Open every sink.

        Args:
            rules: The whole file of rules.
            cameras: Names of all cameras.
            plain: Whether lines are shown on a terminal too.
            save: The annotated stream, `.mp4`; of several cameras a file each.
            allow_hosts: Hosts that a webhook may post to, beside those of the file.

        Raises:
            ConfigError: As `Outputs`.
            InputError: As `Outputs`, or when a rule names a camera that is not watched.
        """
        rules.check_cameras(cameras)
        self._cameras = plain_names(cameras)
        self._save = save
        self._running: Callable[[], WatchStatus] | None = None
        self._saved: list[SavedStream] = []
        self._view = StatusView(self._status, lambda: self.stats, plain=plain)
        self._outputs = Outputs(
            rules,
            allow_hosts=allow_hosts,
            has_stdout=self._view.leaves_stdout,
            status=lambda: None if self._running is None else self._running(),
        )

    @property
    def stats(self) -> tuple[SinkStats, ...]:
        """Counts of every sink, and of the annotated streams."""
        return (*self._outputs.stats, *(saved.stats for saved in self._saved))

    def open_sinks(self, pictures: CameraPictures, rules: Rules) -> Sequence[Sink]:
        """Return the sinks of a camera.

        Args:
            pictures: Pictures of the camera.
            rules: The rules of the camera.

        Raises:
            InputError: When the annotated stream cannot be written.
        """
        sinks: list[Sink] = []
        if self._save is not None:
            name = self._cameras[pictures.name]
            path = saved_path(self._save, name, len(self._cameras))
            self._saved.append(SavedStream(path, pictures, rules))
            sinks.append(self._saved[-1])
        return [*sinks, self._outputs.open_camera(pictures, rules)]

    @contextmanager
    def shown(self, status: Callable[[], WatchStatus]) -> Iterator[None]:
        """Show the watch while it runs.

        Args:
            status: Returns it at any moment.
        """
        self._running = status
        with self._view:
            yield

    def close(self) -> None:
        """Deliver what waits within half a minute, and end every sink."""
        self._outputs.close(_CLOSE_S)

    def _status(self) -> WatchStatus:
        assert self._running is not None
        return self._running()


@contextmanager
def watch_outputs(
    rules: Rules,
    cameras: Sequence[str],
    *,
    plain: bool = False,
    save: Path | None = None,
    allow_hosts: Sequence[str] = (),
) -> Iterator[WatchOutputs]:
    """Open the outputs of a watch, and close them after it; arguments as `WatchOutputs`."""
    outputs = WatchOutputs(rules, cameras, plain=plain, save=save, allow_hosts=allow_hosts)
    try:
        yield outputs
    finally:
        outputs.close()
