"""Secrets of sinks, searched in everything that a watch says and writes."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")
pytest.importorskip("paho.mqtt.client", reason="needs the watch extra: pip install '.[watch]'")
pytest.importorskip("prometheus_client", reason="needs the watch extra: pip install '.[watch]'")

from tests.watch.drawn_status import STATUS
from tests.watch.rendered_camera import RenderedCamera, RenderedPictures
from tests.watch.test_event_files import ANSWERS
from tests.watch.test_mqtt import BROKER, Broker
from tests.watch.test_prometheus import scraped
from tests.watch.test_webhook import running
from ufvideo_sdk.watch import Rules
from ufvideo_sdk.watch.engine import lines_of
from ufvideo_sdk.watch.rules.shown_sinks import shown_sinks
from ufvideo_sdk.watch.sinks.outputs import Outputs
from ufvideo_sdk.watch.view.plain_lines import PlainLines

SECRETS = {
    "HOOK_URL": "path-0f3a9c",
    "HOOK_TOKEN": "token-77d1e2",
    "MQTT_USER": "user-51ab40",
    "MQTT_PASSWORD": "password-c0ffee",
}


@pytest.mark.skipif(BROKER is None, reason="needs the Debian package mosquitto")
@pytest.mark.parametrize("is_refused", [False, True])
def test_no_secret_is_in_anything_that_is_said_or_written(
    tmp_path: Path,
    is_refused: bool,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    tool = shutil.which("mosquitto_passwd")
    assert tool is not None
    passwords = tmp_path / "passwords"
    name, password = SECRETS["MQTT_USER"], "another" if is_refused else SECRETS["MQTT_PASSWORD"]
    subprocess.run([tool, "-b", "-c", str(passwords), name, password], check=True)
    broker = Broker(tmp_path, f"allow_anonymous false\npassword_file {passwords}\n").start()
    folder = tmp_path / "watch"
    folder.mkdir()
    with running() as server:
        server.answers = [403, 307] if is_refused else []
        for variable, secret in SECRETS.items():
            monkeypatch.setenv(variable, secret)
        monkeypatch.setenv("HOOK_URL", f"http://127.0.0.1:{server.port}/{SECRETS['HOOK_URL']}")
        text = f"""
            sinks:
              json_lines: events.jsonl
              snapshots: shots
              webhook: {{url_env: HOOK_URL, allow_hosts: [127.0.0.1], token_env: HOOK_TOKEN}}
              mqtt:
                {{host: 127.0.0.1, port: {broker.port}, user_env: MQTT_USER,
                password_env: MQTT_PASSWORD, discovery: yes}}
              prometheus: 0
            rules:
              visitor: {{yes_no: Is somebody there?, every_s: 2, confirm: 2 of 2}}
        """
        rules = Rules.parse(text)
        outputs = Outputs(rules, folder=folder, status=lambda: STATUS)
        sink = outputs.open_camera(RenderedPictures(), rules)
        camera = RenderedCamera(rules, [sink])
        camera.run(16.0, ANSWERS)
        camera.end()
        sink.close(10.0)
        until = time.monotonic() + 10
        while outputs.stats[1].num_waiting and time.monotonic() < until:
            time.sleep(0.01)
        while is_refused and "authorized" not in outputs.stats[2].problem:
            assert time.monotonic() < until
            time.sleep(0.01)
        port = outputs.prometheus_port
        assert port is not None
        said = [
            repr(outputs.stats),
            repr(outputs),
            repr(vars(outputs)),
            repr(rules),
            repr(list(shown_sinks(rules.sinks))),
            repr([thread.name for thread in threading.enumerate()]),
            repr(scraped(port)),
            lines_of(camera.facts),
            *PlainLines().of(STATUS, outputs.stats),
        ]
        outputs.close(0.5 if is_refused else 3.0)
        requests = list(server.requests)
    broker.stop()
    # They are used all the same.
    assert {path for path, _, _ in requests} == {f"/{SECRETS['HOOK_URL']}"}
    assert {headers["authorization"] for _, headers, _ in requests} == {
        f"Bearer {SECRETS['HOOK_TOKEN']}"
    }
    assert (outputs.stats[2].num_delivered == 2) is not is_refused
    captured = capfd.readouterr()
    said += [captured.out, captured.err, repr([body for _, _, body in requests])]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 4
    said += [f"{path} {path.read_bytes()!r}" for path in files]
    whole = "\n".join(said)
    assert [each for each in SECRETS.values() if each in whole] == []
    # What was searched for is in the environment, as long as the test runs.
    assert all(each in repr(dict(os.environ)) for each in SECRETS.values())
