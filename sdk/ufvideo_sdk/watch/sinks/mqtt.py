"""Publishes events at an MQTT broker."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from ufvideo_sdk.errors import ConfigError
from ufvideo_sdk.validation.optional_library import optional_library
from ufvideo_sdk.validation.paths import shown
from ufvideo_sdk.watch.rules.sink_settings import MqttSettings
from ufvideo_sdk.watch.sinks.event_message import CameraNames, EventMessage
from ufvideo_sdk.watch.sinks.mqtt_topics import OFF, OFFLINE, ON, ONLINE, Outgoing, Topics
from ufvideo_sdk.watch.sinks.secret_settings import secret_of
from ufvideo_sdk.watch.sinks.sink import SinkStats
from ufvideo_sdk.watch.sources.capture import CaptureNotice

if TYPE_CHECKING:
    from paho.mqtt.client import Client

_INSTALL = 'pip install "ufvideo-sdk[watch]"'
# The broker has it at least once: after a connection broke it may come twice.
_QOS = 1
_KEEPALIVE_S = 30
# A broker that is away is tried again after pauses between these.
_PAUSES_S = (1, 30)
_GOODBYE_S = 1.0


class Mqtt:
    """Publishes each edge of an event, the state of each rule, and notices.

    Messages wait in a ring of ours, oldest first, and one at a time is given to paho, which drops
    the newest where too many wait. Beyond `max_waiting` the oldest is dropped, and counted.
    """

    def __init__(self, settings: MqttSettings, run: str) -> None:
        """Begin to connect; nobody waits for it.

        Args:
            settings: Which broker.
            run: Which run of the program it is.

        Raises:
            ConfigError: When paho-mqtt is not installed, an environment variable is not set, or
                the certificates cannot be read.
        """
        self._settings = settings
        self._topics = Topics(settings.topic)
        self._changed = threading.Condition()
        self._ring: deque[Outgoing] = deque()
        # What the broker keeps, and what of it is still to be published.
        self._kept: dict[str, Outgoing] = {}
        self._stale: deque[str] = deque()
        self._acknowledged: set[int] = set()
        self._is_connected = self._is_busy = False
        self._deadline: float | None = None
        self._num_delivered = self._num_dropped = 0
        self._problem = "not connected yet"
        self._client = self._made_client(run)
        self._keep(Outgoing(self._topics.availability, ONLINE, retain=True))
        port = settings.port or (8883 if settings.tls else 1883)
        self._client.connect_async(settings.host, port, keepalive=_KEEPALIVE_S)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._run, name="ufvideo mqtt", daemon=True)
        self._thread.start()

    @property
    def stats(self) -> SinkStats:
        """Counts of messages so far, those that the broker keeps left out."""
        with self._changed:
            return SinkStats(
                "mqtt",
                self._num_delivered,
                len(self._ring) + self._is_busy,
                self._num_dropped,
                0,
                self._problem,
            )

    def add_camera(self, camera: CameraNames) -> None:
        """Publish that no event is under way, and what Home Assistant wants to know."""
        for rule in camera.rules.values():
            topic = self._topics.state(camera.plain_name, rule)
            self._keep(Outgoing(topic, OFF, retain=True))
        if self._settings.discovery:
            for outgoing in self._topics.discovery(camera):
                self._keep(outgoing)

    def edge(self, message: EventMessage) -> None:
        """Publish that an event is under way, or is not any more."""
        topic = self._topics.state(message.camera_name, message.rule_name)
        state = ON if message.event.edge == "start" else OFF
        self._keep(Outgoing(topic, state, retain=True))

    def publish(self, message: EventMessage) -> None:
        """Publish an edge of an event."""
        topic = self._topics.event(message.camera_name, message.rule_name)
        self._put(Outgoing(topic, message.to_json()))

    def notice(self, camera: CameraNames, notice: CaptureNotice) -> None:
        """Publish something else."""
        value = {
            "camera": camera.name,
            "notice": notice.kind,
            "time_s": notice.time_s,
            "text": notice.text,
        }
        payload = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        self._put(Outgoing(self._topics.notice(camera.plain_name), payload))

    def close(self, timeout_s: float) -> None:
        """Publish what waits within a time, say that nobody watches any more, and disconnect."""
        with self._changed:
            self._deadline = time.monotonic() + timeout_s
            self._changed.notify_all()
        self._thread.join(timeout_s + 0.5)
        if self._is_connected:
            # The broker says it by itself only where a connection breaks.
            sent = self._client.publish(self._topics.availability, OFFLINE, _QOS, retain=True)
            self._deadline = time.monotonic() + _GOODBYE_S
            self._wait_for(sent.mid)
        self._client.disconnect()
        self._client.loop_stop()
        with self._changed:
            self._num_dropped += len(self._ring)
            self._ring.clear()

    def _made_client(self, run: str) -> Client:
        module = optional_library("paho.mqtt.client", "mqtt", _INSTALL)
        client: Client = module.Client(
            module.CallbackAPIVersion.VERSION2, client_id=f"ufvideo-{run}", protocol=module.MQTTv311
        )
        settings = self._settings
        user = secret_of(settings.user_env, "mqtt.user_env")
        if user is not None:
            client.username_pw_set(user, secret_of(settings.password_env, "mqtt.password_env"))
        if settings.tls:
            client.tls_set_context(_tls(settings))
        client.will_set(self._topics.availability, OFFLINE, _QOS, retain=True)
        client.reconnect_delay_set(*_PAUSES_S)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        return client

    def _put(self, outgoing: Outgoing) -> None:
        with self._changed:
            if self._deadline is not None:
                self._num_dropped += 1
                return
            if len(self._ring) >= self._settings.max_waiting:
                self._ring.popleft()
                self._num_dropped += 1
            self._ring.append(outgoing)
            self._changed.notify_all()

    def _keep(self, outgoing: Outgoing) -> None:
        """Publish what the broker keeps; of one topic only the newest counts."""
        with self._changed:
            self._kept[outgoing.topic] = outgoing
            if outgoing.topic not in self._stale:
                self._stale.append(outgoing.topic)
            self._changed.notify_all()

    def _run(self) -> None:
        while (outgoing := self._next()) is not None:
            sent = self._client.publish(outgoing.topic, outgoing.payload, _QOS, outgoing.retain)
            has_arrived = self._wait_for(sent.mid)
            with self._changed:
                if not outgoing.retain:
                    self._is_busy = False
                    self._num_delivered += has_arrived
                    self._num_dropped += not has_arrived

    def _next(self) -> Outgoing | None:
        """What comes next, as soon as the broker is there; None at the end."""
        with self._changed:
            while not (self._is_connected and (self._stale or self._ring)):
                if self._deadline is not None and not (self._stale or self._ring):
                    return None
                if not self._wait():
                    return None
            if self._deadline is not None and time.monotonic() >= self._deadline:
                return None
            if self._stale:
                return self._kept[self._stale.popleft()]
            self._is_busy = True
            return self._ring.popleft()

    def _wait_for(self, mid: int) -> bool:
        """Wait until the broker has a message; paho sends it again after a connection broke."""
        with self._changed:
            while mid not in self._acknowledged:
                if not self._wait():
                    return False
            self._acknowledged.discard(mid)
            return True

    def _wait(self) -> bool:
        """Wait for a change; False when there is no more time."""
        left_s = None if self._deadline is None else self._deadline - time.monotonic()
        if left_s is not None and left_s <= 0:
            return False
        self._changed.wait(left_s)
        return True

    def _on_connect(self, client: Client, data: Any, flags: Any, code: Any, rest: Any) -> None:
        with self._changed:
            self._is_connected = not code.is_failure
            self._problem = f"{self._place}: {code}" if code.is_failure else ""
            if self._is_connected:
                # A broker that was started anew has forgotten everything.
                self._stale = deque(self._kept)
            self._changed.notify_all()

    def _on_connect_fail(self, client: Client, data: Any) -> None:
        with self._changed:
            self._problem = f"{self._place}: the broker cannot be reached"

    def _on_disconnect(self, client: Client, data: Any, flags: Any, code: Any, rest: Any) -> None:
        with self._changed:
            self._is_connected = False
            if self._deadline is None:
                self._problem = self._problem or f"{self._place}: the connection broke"

    def _on_publish(self, client: Client, data: Any, mid: int, code: Any, rest: Any) -> None:
        with self._changed:
            self._acknowledged.add(mid)
            self._changed.notify_all()

    @property
    def _place(self) -> str:
        return self._settings.host


def _tls(settings: MqttSettings) -> ssl.SSLContext:
    file = settings.ca_file
    try:
        return ssl.create_default_context(cafile=None if file is None else str(file))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"mqtt.ca_file: expected a file of certificates, got"
            f" {'the system has none' if file is None else shown(file)}: {error.strerror or error}"
        ) from None
