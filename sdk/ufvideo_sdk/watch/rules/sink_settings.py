"""What a file of rules says about where events go.

No secret is part of it: a setting that ends in `_env` is the name of an environment variable, which
is read when a sink is opened and kept nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class JsonLinesSettings:
    """Lines of JSON.

    Attributes:
        file: The file that lines are appended to; None: standard output.
        fsync: Whether each line is on the disk before the next one is written (files only).
    """

    file: Path | None = None
    fsync: bool = True


@dataclass(frozen=True)
class Keep:
    """How many files of events are kept in a folder; without a bound all of them.

    Attributes:
        days: Files that are older are removed.
        gigabytes: Beyond so many, 1e9 bytes each, the oldest files are removed.
    """

    days: float | None = None
    gigabytes: float | None = None


@dataclass(frozen=True)
class ClipSettings:
    """A clip of each event.

    Attributes:
        folder: Where clips are written.
        annotated: Whether a clip is drawn on and encoded again.
        plain: Whether the packets as they came are kept too, or alone.
        max_s: A clip is cut so many seconds after its start.
        keep: How many are kept.
    """

    folder: Path
    annotated: bool = True
    plain: bool = False
    max_s: float = 60.0
    keep: Keep = Keep()


@dataclass(frozen=True)
class SnapshotSettings:
    """Frames that are evidence of an event, as JPEG.

    Attributes:
        folder: Where they are written.
        annotated: Whether they are drawn on.
        max_frames: Most frames of one edge of an event.
        keep: How many are kept.
    """

    folder: Path
    annotated: bool = True
    max_frames: int = 4
    keep: Keep = Keep()


@dataclass(frozen=True)
class WebhookSettings:
    """A server that each edge of an event is posted to.

    Attributes:
        url: Where to; None: `url_env` has it.
        url_env: The environment variable with the URL, where the URL itself is secret.
        allow_hosts: Hosts that may be posted to, such as "alerts.example" or "localhost:8080".
        token_env: The environment variable with a bearer token; None: none is sent.
        timeout_s: Seconds for one attempt, from connecting to the status of the answer.
        num_retries: Attempts after the first one.
        max_waiting: Messages that wait; beyond it the oldest is dropped.
    """

    url: str | None
    url_env: str | None = None
    allow_hosts: tuple[str, ...] = ()
    token_env: str | None = None
    timeout_s: float = 5.0
    num_retries: int = 5
    max_waiting: int = 256


@dataclass(frozen=True)
class MqttSettings:
    """An MQTT broker.

    Attributes:
        host: Its host.
        port: Its port; None: 8883 with TLS, 1883 without.
        topic: What every topic begins with.
        tls: Whether the connection is encrypted, and the broker's certificate checked.
        ca_file: Certificates that are trusted; None: those of the system.
        user_env: The environment variable with the user.
        password_env: The environment variable with the password.
        max_waiting: Messages that wait while the broker is away; beyond it the oldest is dropped.
        discovery: Whether Home Assistant is told of each rule.
    """

    host: str
    port: int | None = None
    topic: str = "ufvideo"
    tls: bool = False
    ca_file: Path | None = None
    user_env: str | None = None
    password_env: str | None = None
    max_waiting: int = 1000
    discovery: bool = False


@dataclass(frozen=True)
class PrometheusSettings:
    """A port of this machine, 127.0.0.1, that Prometheus reads.

    Attributes:
        port: Its number; 0: one that is free.
    """

    port: int


EVENT_SINKS = ("json_lines", "clips", "snapshots", "webhook", "mqtt")
"""Sinks that a rule may choose from."""


@dataclass(frozen=True)
class SinkSettings:
    """Where events go; None: not there.

    Attributes:
        json_lines: Lines of JSON, on standard output if the file of rules says nothing.
        clips: A clip of each event.
        snapshots: Frames that are evidence.
        webhook: A server that is posted to.
        mqtt: A broker.
        prometheus: Counts of the whole process.
    """

    json_lines: JsonLinesSettings | None = field(default_factory=JsonLinesSettings)
    clips: ClipSettings | None = None
    snapshots: SnapshotSettings | None = None
    webhook: WebhookSettings | None = None
    mqtt: MqttSettings | None = None
    prometheus: PrometheusSettings | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The sinks of events that are there."""
        return tuple(name for name in EVENT_SINKS if getattr(self, name) is not None)
