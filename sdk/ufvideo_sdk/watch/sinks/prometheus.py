"""Counts of a watch, for Prometheus to read from this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ufvideo_sdk.errors import ConfigError
from ufvideo_sdk.validation.optional_library import optional_library
from ufvideo_sdk.watch.rules.sink_settings import PrometheusSettings
from ufvideo_sdk.watch.sinks.camera_sink import CameraSink
from ufvideo_sdk.watch.sinks.sink import SinkStats
from ufvideo_sdk.watch.status import CameraStatus, WatchStatus

if TYPE_CHECKING:
    from prometheus_client.core import Metric

_INSTALL = 'pip install "ufvideo-sdk[watch]"'
_ADDRESS = "127.0.0.1"

# Name, what it is, and the figure; None is left out.
_Figure = tuple[str, str, Callable[[CameraStatus], float | None]]
_GAUGES: tuple[_Figure, ...] = (
    ("live", "Whether frames arrive.", lambda camera: float(camera.state == "live")),
    ("frame_rate", "Frames a second that arrive.", lambda camera: camera.frame_rate),
    ("looked_at_rate", "Frames a second that are looked at.", lambda camera: camera.looked_at_rate),
    (
        "clock_error_seconds",
        "How far stream time is from arrival.",
        lambda camera: camera.clock_error_s,
    ),
    ("stream_seconds", "Stream time of the newest frame.", lambda camera: camera.time_s),
    ("events_under_way", "Events under way.", lambda camera: float(len(camera.under_way))),
    ("recorded_bytes", "What the recording takes.", lambda camera: float(camera.recorded_bytes)),
)
_COUNTERS: tuple[_Figure, ...] = (
    ("frames", "Frames that were looked at.", lambda camera: float(camera.num_frames)),
    ("connections", "Connections that gave a frame.", lambda camera: float(camera.num_connections)),
    ("questions_asked", "Questions that were asked.", lambda camera: float(camera.num_asked)),
    ("questions_failed", "Questions without an answer.", lambda camera: float(camera.num_failed)),
)


class Prometheus:
    """Serves counts on a port of 127.0.0.1, with a registry of its own."""

    def __init__(
        self,
        settings: PrometheusSettings,
        status: Callable[[], WatchStatus | None],
        sinks: Callable[[], Sequence[SinkStats]],
        cameras: Callable[[], Sequence[CameraSink]],
    ) -> None:
        """Open the port.

        Args:
            settings: Which port.
            status: Returns the watch at this moment; None before it has begun.
            sinks: Returns counts of the sinks.
            cameras: Returns the sinks of the cameras.

        Raises:
            ConfigError: When prometheus-client is not installed, or the port is taken.
        """
        client = optional_library("prometheus_client", "prometheus", _INSTALL)
        self._families = optional_library("prometheus_client.core", "prometheus", _INSTALL)
        self._status, self._sinks, self._cameras = status, sinks, cameras
        registry = client.CollectorRegistry(auto_describe=False)
        registry.register(self)
        try:
            server, thread = client.start_http_server(settings.port, _ADDRESS, registry)
        except OSError as error:
            raise ConfigError(
                f"prometheus.port: expected a port of {_ADDRESS} that is free, got"
                f" {settings.port}: {error.strerror}"
            ) from None
        self._server, self._thread = server, thread

    @property
    def port(self) -> int:
        """The port."""
        return int(self._server.server_port)

    def close(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def collect(self) -> Iterator[Metric]:
        """Return all figures at this moment; prometheus-client calls it."""
        status = self._status()
        if status is not None:
            yield from self._of_machine(status)
            yield from self._of_cameras(status)
        yield from self._of_events()
        yield from self._of_sinks()

    def _of_machine(self, status: WatchStatus) -> Iterator[Metric]:
        for name, what, value in (
            ("running_seconds", "Seconds since the start.", status.running_s),
            ("machine_share", "The part of the machine that is used.", status.machine_share),
            ("memory_bytes", "What the streams hold.", float(status.memory_bytes)),
        ):
            if value is not None:
                yield self._families.GaugeMetricFamily(f"ufvideo_{name}", what, value=value)

    def _of_cameras(self, status: WatchStatus) -> Iterator[Metric]:
        cameras = status.cameras
        for kind, figures in (("Gauge", _GAUGES), ("Counter", _COUNTERS)):
            for name, what, figure in figures:
                family = self._family(kind, name, what, ["camera"])
                for camera in cameras:
                    value = figure(camera)
                    if value is not None:
                        family.add_metric([camera.name], value)
                yield family
        dropped = self._family("Counter", "dropped", "What was not looked at.", ["camera", "cause"])
        stages = self._family("Summary", "stage_seconds", "Time of a stage.", ["camera", "stage"])
        for camera in cameras:
            for cause, count in sorted(camera.dropped_by.items()):
                dropped.add_metric([camera.name, cause], count)
            for stage in camera.stages:
                total_s = stage.num_calls * stage.mean_ms / 1000
                stages.add_metric([camera.name, stage.name], stage.num_calls, total_s)
        yield dropped
        yield stages

    def _of_events(self) -> Iterator[Metric]:
        events = self._family("Counter", "events", "Events that started.", ["camera", "rule"])
        for camera in self._cameras():
            for rule, count in camera.num_events.items():
                events.add_metric([camera.names.name, rule], count)
        yield events

    def _of_sinks(self) -> Iterator[Metric]:
        sinks = self._sinks()
        for kind, name, what in (
            ("Counter", "delivered", "What arrived."),
            ("Counter", "dropped", "What was dropped because too much waited."),
            ("Counter", "failed", "What was given up."),
            ("Gauge", "waiting", "What is still to be delivered."),
        ):
            family = self._family(kind, f"sink_{name}", what, ["sink"])
            for sink in sinks:
                family.add_metric([sink.name], getattr(sink, f"num_{name}"))
            yield family

    def _family(self, kind: str, name: str, what: str, labels: Sequence[str]) -> Any:
        made = getattr(self._families, f"{kind}MetricFamily")
        return made(f"ufvideo_{name}", what, labels=labels)
