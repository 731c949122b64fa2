"""The sinks of a watch: opened once, shared by its cameras."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from ufvideo_sdk.watch.rules.rules import Rules
from ufvideo_sdk.watch.rules.sink_settings import SinkSettings
from ufvideo_sdk.watch.sinks.camera_sink import CameraSink, Targets
from ufvideo_sdk.watch.sinks.clips import Clips
from ufvideo_sdk.watch.sinks.event_message import CameraNames, Publisher, plain_names
from ufvideo_sdk.watch.sinks.json_lines import JsonLines
from ufvideo_sdk.watch.sinks.mqtt import Mqtt
from ufvideo_sdk.watch.sinks.prometheus import Prometheus
from ufvideo_sdk.watch.sinks.sink import CameraPictures, SinkStats
from ufvideo_sdk.watch.sinks.snapshots import Snapshots
from ufvideo_sdk.watch.sinks.webhook import Webhook
from ufvideo_sdk.watch.status import WatchStatus

# What opening needs when it fails half way: nothing has been delivered.
_AT_ONCE_S = 0.0


class Outputs:
    """Opens the sinks of a file of rules, and makes a `Sink` for each camera.

    with_outputs = Outputs(rules, status=lambda: watch.status)
    sink = with_outputs.open_camera(pictures, rules.for_camera("door"))
    ...
    sink.close(10.0)
    with_outputs.close(10.0)

    Files are written first, and then a message names them. A sink that cannot deliver never stops
    the watch: `stats` says what it dropped, and why.
    """

    def __init__(
        self,
        rules: Rules,
        *,
        folder: Path | None = None,
        allow_hosts: Sequence[str] = (),
        has_stdout: bool = True,
        status: Callable[[], WatchStatus | None] = lambda: None,
    ) -> None:
        """Open every sink.

        Args:
            rules: The whole file of rules.
            folder: What relative paths of the file begin at; None: the working folder.
            allow_hosts: Hosts that a webhook may post to, beside those of the file.
            has_stdout: Whether lines may go to standard output; not where a view is drawn on it.
            status: Returns the watch at this moment, for Prometheus; None before it has begun.

        Raises:
            ConfigError: When a library is not installed, an environment variable is not set, a
                host is not allowed or a port is taken.
            InputError: When a file or a folder cannot be made.
        """
        self._settings = _within(rules.sinks, folder or Path(), allow_hosts)
        self._run = _new_run()
        self._cameras: list[CameraSink] = []
        self._names: dict[str, str] = {}
        self._publishers: dict[str, Publisher] = {}
        with ExitStack() as undo:
            self._open(undo, has_stdout, status)
            undo.pop_all()

    def _open(
        self, undo: ExitStack, has_stdout: bool, status: Callable[[], WatchStatus | None]
    ) -> None:
        settings = self._settings
        lines = settings.json_lines
        if lines is not None and lines.file is None and not has_stdout:
            lines = None
        self._lines = None if lines is None else JsonLines(lines)
        if self._lines is not None:
            undo.callback(self._lines.close, _AT_ONCE_S)
        self._clips = None if settings.clips is None else Clips(settings.clips)
        if self._clips is not None:
            undo.callback(self._clips.close, _AT_ONCE_S)
        self._snapshots = None if settings.snapshots is None else Snapshots(settings.snapshots)
        if self._snapshots is not None:
            undo.callback(self._snapshots.close, _AT_ONCE_S)
        if settings.webhook is not None:
            self._publishers["webhook"] = Webhook(settings.webhook)
            undo.callback(self._publishers["webhook"].close, _AT_ONCE_S)
        if settings.mqtt is not None:
            self._publishers["mqtt"] = Mqtt(settings.mqtt, self._run)
            undo.callback(self._publishers["mqtt"].close, _AT_ONCE_S)
        self._prometheus: Prometheus | None = None
        if settings.prometheus is not None:
            counts = (status, lambda: self.stats, lambda: tuple(self._cameras))
            self._prometheus = Prometheus(settings.prometheus, *counts)

    @property
    def stats(self) -> tuple[SinkStats, ...]:
        """Counts of every sink so far, from any thread."""
        return tuple(sink.stats for sink in self._all())

    @property
    def prometheus_port(self) -> int | None:
        """The port that Prometheus reads; None without one."""
        return None if self._prometheus is None else self._prometheus.port

    def open_camera(self, pictures: CameraPictures, rules: Rules) -> CameraSink:
        """Return the sink of a camera.

        Args:
            pictures: Pictures of the camera; they are read until the sink is closed.
            rules: The rules of the camera (`Rules.for_camera`).
        """
        self._names = plain_names([*self._names, pictures.name])
        rule_names = plain_names(rule.name for rule in rules.rules)
        names = CameraNames(pictures.name, self._names[pictures.name], rule_names)
        for publisher in self._publishers.values():
            publisher.add_camera(names)
        targets = Targets(self._run, self._lines, self._clips, self._snapshots, self._publishers)
        camera = CameraSink(pictures, rules, targets, names)
        self._cameras.append(camera)
        return camera

    def close(self, timeout_s: float) -> None:
        """Deliver what waits within a time, drop the rest, and end every thread.

        The sinks of the cameras are closed before it. Files come first, as messages name them.
        """
        until = time.monotonic() + timeout_s
        for sink in self._all():
            sink.close(max(until - time.monotonic(), 0.0))
        if self._prometheus is not None:
            self._prometheus.close()

    def _all(self) -> Iterator[Snapshots | Clips | Publisher | JsonLines]:
        if self._snapshots is not None:
            yield self._snapshots
        if self._clips is not None:
            yield self._clips
        yield from self._publishers.values()
        if self._lines is not None:
            yield self._lines


def _within(settings: SinkSettings, folder: Path, allow_hosts: Sequence[str]) -> SinkSettings:
    """The settings with paths that begin at a folder, and with more hosts that are allowed."""
    lines, webhook, mqtt = settings.json_lines, settings.webhook, settings.mqtt
    if lines is not None and lines.file is not None:
        lines = replace(lines, file=folder / lines.file)
    if webhook is not None:
        hosts = tuple(host.lower() for host in allow_hosts)
        webhook = replace(webhook, allow_hosts=(*webhook.allow_hosts, *hosts))
    if mqtt is not None and mqtt.ca_file is not None:
        mqtt = replace(mqtt, ca_file=folder / mqtt.ca_file)
    clips, snapshots = settings.clips, settings.snapshots
    return replace(
        settings,
        json_lines=lines,
        clips=None if clips is None else replace(clips, folder=folder / clips.folder),
        snapshots=(
            None if snapshots is None else replace(snapshots, folder=folder / snapshots.folder)
        ),
        webhook=webhook,
        mqtt=mqtt,
    )


def _new_run() -> str:
    """A name of this run that no other has; in the order of time."""
    begun = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    return f"{begun}-{secrets.token_hex(2)}"
