"""MQTT against a real broker: what arrives, what it keeps, and what is lost while it is away."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")
pytest.importorskip("paho.mqtt.client", reason="needs the watch extra: pip install '.[watch]'")

import paho.mqtt.client as paho

from ufvideo_sdk.errors import ConfigError
from ufvideo_sdk.watch.engine.facts import Event
from ufvideo_sdk.watch.rules.sink_settings import MqttSettings
from ufvideo_sdk.watch.sinks.event_message import CameraNames, EventMessage
from ufvideo_sdk.watch.sinks.mqtt import Mqtt
from ufvideo_sdk.watch.sources.capture import CaptureNotice

SECRET = "hunter2-s3cr3t"
DOOR = CameraNames("door", "door", {"visitor": "visitor", "left open": "left_open"})
# Debian puts it where only root looks.
BROKER = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

pytestmark = pytest.mark.skipif(BROKER is None, reason="needs the Debian package mosquitto")


class Broker:
    """A broker on loopback, which can be killed and started again."""

    def __init__(self, folder: Path, more: str = "allow_anonymous true\n") -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._file = folder / "mosquitto.conf"
        self._file.write_text(f"listener {self.port} 127.0.0.1\nuser root\n{more}")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Broker:
        assert BROKER is not None
        command = [BROKER, "-c", str(self._file)]
        out = subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdout=out, stderr=out)
        wait(self._answers)
        return self

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()


class Subscriber:
    """Keeps what the broker sends, in order."""

    def __init__(self, broker: Broker, *topics: str) -> None:
        self.messages: list[tuple[str, str, bool]] = []
        self._ready = threading.Event()
        self._topics = topics or ("#",)
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = self._subscribe
        self.client.on_subscribe = lambda *_: self._ready.set()
        self.client.on_message = self._keep
        self.client.connect(*("127.0.0.1", broker.port))
        self.client.loop_start()
        self.wait_until_ready()

    def _subscribe(self, client: Any, *_: Any) -> None:
        client.subscribe([(topic, 1) for topic in self._topics])

    def _keep(self, client: Any, data: Any, message: Any) -> None:
        self.messages.append((message.topic, message.payload.decode(), bool(message.retain)))

    def wait_until_ready(self) -> None:
        assert self._ready.wait(10)
        self._ready.clear()

    @property
    def ids(self) -> list[int]:
        """Ids of the events that came, each once, in order."""
        found = [json.loads(p)["id"] for t, p, _ in self.messages if t == "ufvideo/door/visitor"]
        return list(dict.fromkeys(found))

    def payloads(self, topic: str) -> list[str]:
        return [payload for name, payload, _ in self.messages if name == topic]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def wait(condition: Callable[[], object], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


def message(number: int, edge: str = "start") -> EventMessage:
    event = Event(edge, number, "visitor", 8.0, 6.0, None, 4.0, None, "why", (60,), ())
    return EventMessage("run", "door", "door", "visitor", event, "Is somebody there?", "yes")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    found = Broker(tmp_path).start()
    yield found
    found.stop()


def opened(broker: Broker, **rest: Any) -> Mqtt:
    mqtt = Mqtt(MqttSettings("127.0.0.1", port=broker.port, **rest), "test")
    # A broker that is started again is found soon.
    mqtt._client.reconnect_delay_set(1, 1)
    return mqtt


def test_edges_states_and_notices_arrive_in_order(broker: Broker) -> None:
    listener = Subscriber(broker)
    mqtt = opened(broker)
    mqtt.add_camera(DOOR)
    wait(lambda: listener.payloads("ufvideo/door/visitor/state") == ["OFF"])
    mqtt.edge(message(1))
    mqtt.publish(message(1))
    wait(lambda: "ON" in listener.payloads("ufvideo/door/visitor/state"))
    mqtt.notice(DOOR, CaptureNotice("dark", 3.0, "the picture is dark"))
    mqtt.edge(message(1, "end"))
    mqtt.publish(message(1, "end"))
    mqtt.close(5.0)
    wait(lambda: "offline" in listener.payloads("ufvideo/availability"))
    listener.close()
    assert listener.payloads("ufvideo/availability") == ["online", "offline"]
    assert listener.payloads("ufvideo/door/visitor/state") == ["OFF", "ON", "OFF"]
    edges = [json.loads(text) for text in listener.payloads("ufvideo/door/visitor")]
    assert [(edge["edge"], edge["id"]) for edge in edges] == [("start", 1), ("end", 1)]
    (notice,) = map(json.loads, listener.payloads("ufvideo/door/notice"))
    assert notice["text"] == "the picture is dark"
    stats = mqtt.stats
    assert (stats.num_delivered, stats.num_dropped, stats.problem) == (3, 0, "")


def test_the_broker_keeps_states_and_not_events(broker: Broker) -> None:
    mqtt = opened(broker)
    mqtt.add_camera(DOOR)
    mqtt.edge(message(1))
    mqtt.publish(message(1))
    mqtt.close(5.0)
    late = Subscriber(broker)
    wait(lambda: len(late.messages) >= 3)
    late.close()
    assert sorted(late.messages) == [
        ("ufvideo/availability", "offline", True),
        ("ufvideo/door/left_open/state", "OFF", True),
        ("ufvideo/door/visitor/state", "ON", True),
    ]


def test_a_watch_that_is_killed_is_said_by_the_broker(broker: Broker) -> None:
    listener = Subscriber(broker, "ufvideo/availability")
    mqtt = opened(broker)
    wait(lambda: listener.payloads("ufvideo/availability") == ["online"])
    # The connection breaks without a goodbye.
    mqtt._client.loop_stop()
    mqtt._client.socket().shutdown(socket.SHUT_RDWR)
    wait(lambda: listener.payloads("ufvideo/availability") == ["online", "offline"])
    listener.close()
    mqtt.close(0.0)


def test_nothing_is_lost_while_the_broker_is_away_but_what_the_ring_drops(broker: Broker) -> None:
    listener = Subscriber(broker)
    mqtt = opened(broker, max_waiting=10)
    mqtt.add_camera(DOOR)
    for number in range(1, 6):
        mqtt.publish(message(number))
    wait(lambda: listener.ids == [1, 2, 3, 4, 5])
    broker.kill()
    wait(lambda: mqtt.stats.problem)
    # Three more than the ring holds: the oldest of them go.
    for number in range(6, 19):
        mqtt.publish(message(number))
    assert mqtt.stats.num_dropped == 3 and mqtt.stats.num_waiting == 10
    broker.start()
    listener.wait_until_ready()
    wait(lambda: len(listener.ids) >= 15)
    for number in range(19, 22):
        mqtt.publish(message(number))
    mqtt.close(10.0)
    wait(lambda: len(listener.ids) >= 18)
    listener.close()
    assert listener.ids == [1, 2, 3, 4, 5, *range(9, 22)]
    assert (mqtt.stats.num_delivered, mqtt.stats.num_dropped) == (18, 3)
    # A broker that has forgotten what it kept is told again.
    assert listener.payloads("ufvideo/door/visitor/state")[-1] == "OFF"
    assert "online" in listener.payloads("ufvideo/availability")


def test_what_is_on_its_way_when_the_broker_is_killed_arrives(broker: Broker) -> None:
    listener = Subscriber(broker)
    mqtt = opened(broker)
    for number in range(1, 301):
        mqtt.publish(message(number))
    wait(lambda: len(listener.ids) > 20)
    # It stops in the middle, without an acknowledgement.
    assert broker._process is not None
    broker._process.send_signal(signal.SIGSTOP)
    wait(lambda: mqtt.stats.num_waiting)
    time.sleep(0.1)
    sent = mqtt.stats.num_delivered
    broker._process.send_signal(signal.SIGCONT)
    wait(lambda: len(listener.ids) == 300)
    mqtt.close(10.0)
    listener.close()
    assert 20 < sent < 300 and listener.ids == list(range(1, 301))
    assert (mqtt.stats.num_delivered, mqtt.stats.num_dropped) == (300, 0)


def test_a_broker_that_never_comes_holds_up_nothing(tmp_path: Path) -> None:
    away = Broker(tmp_path)
    mqtt = opened(away, max_waiting=4)
    for number in range(1, 11):
        mqtt.publish(message(number))
    wait(lambda: "cannot be reached" in mqtt.stats.problem)
    begun = time.monotonic()
    mqtt.close(0.3)
    assert time.monotonic() - begun < 3.0
    mqtt.publish(message(11))
    assert (mqtt.stats.num_delivered, mqtt.stats.num_dropped) == (0, 11)


def test_a_password_comes_from_the_environment_and_is_never_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    passwords = tmp_path / "passwords"
    tool = shutil.which("mosquitto_passwd")
    assert tool is not None, "the Debian package mosquitto has it"
    subprocess.run([tool, "-b", "-c", str(passwords), "cam", SECRET], check=True)
    broker = Broker(tmp_path, f"allow_anonymous false\npassword_file {passwords}\n").start()
    monkeypatch.setenv("MQTT_USER", "cam")
    monkeypatch.setenv("MQTT_PASSWORD", SECRET)
    names = {"user_env": "MQTT_USER", "password_env": "MQTT_PASSWORD"}
    try:
        right = opened(broker, **names)
        right.publish(message(1))
        wait(lambda: right.stats.num_delivered == 1)
        right.close(5.0)
        monkeypatch.setenv("MQTT_PASSWORD", f"{SECRET}-wrong")
        wrong = opened(broker, **names)
        wait(lambda: "127.0.0.1:" in wrong.stats.problem)
        problem = wrong.stats.problem
        wrong.close(0.0)
    finally:
        broker.stop()
    assert problem == "127.0.0.1: Not authorized"
    captured = capfd.readouterr()
    assert SECRET not in f"{problem}{wrong!r}{wrong._settings}{captured.out}{captured.err}"
    monkeypatch.delenv("MQTT_PASSWORD")
    with pytest.raises(ConfigError, match=r"mqtt.password_env: expected the environment variable"):
        opened(broker, **names)


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_certificate_is_checked(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the Debian package openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        f"{openssl} req -x509 -newkey rsa:2048 -nodes -days 2 -keyout {key} -out {certificate}"
        " -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1",
        shell=True,
        check=True,
        capture_output=True,
    )
    more = f"allow_anonymous true\ncertfile {certificate}\nkeyfile {key}\n"
    broker = Broker(tmp_path, more).start()
    try:
        right = opened(broker, tls=True, ca_file=certificate)
        right.publish(message(1))
        wait(lambda: right.stats.num_delivered == 1)
        right.close(5.0)
        # Without the file nobody vouches for it.
        wrong = opened(broker, tls=True)
        wait(lambda: "cannot be reached" in wrong.stats.problem)
        wrong.close(0.0)
        assert wrong.stats.num_delivered == 0
    finally:
        broker.stop()
    with pytest.raises(ConfigError, match=r"mqtt.ca_file: expected a file of certificates"):
        opened(broker, tls=True, ca_file=tmp_path / "missing")


def test_home_assistant_is_told_of_each_rule(broker: Broker) -> None:
    listener = Subscriber(broker, "homeassistant/#")
    mqtt = opened(broker, topic="home/cams", discovery=True)
    mqtt.add_camera(CameraNames("front door", "front_door", {"Tür offen": "Tür_offen"}))
    wait(lambda: listener.messages)
    mqtt.close(5.0)
    listener.close()
    ((topic, text, _),) = listener.messages
    node = "ufvideo_home_cams_front_door"
    assert topic == f"homeassistant/binary_sensor/{node}/T_fc_r_offen/config"
    config = json.loads(text)
    assert config["state_topic"] == "home/cams/front_door/Tür_offen/state"
    assert config["availability_topic"] == "home/cams/availability"
    assert (config["payload_on"], config["payload_off"]) == ("ON", "OFF")
    assert config["name"] == "Tür offen" and config["device"]["name"] == "front door"


def test_a_missing_library_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "paho.mqtt.client", None)
    with pytest.raises(ConfigError, match=r"mqtt: expected the library paho.*\[watch\]"):
        Mqtt(MqttSettings("localhost"), "test")
