"""The keys `sinks` and `cameras` of a file of rules: what they mean, and every refusal."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")

from ufvideo_sdk.cli import app
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.questions import DocumentError
from ufvideo_sdk.watch import Engine, Rules
from ufvideo_sdk.watch.engine import explain, replayed
from ufvideo_sdk.watch.engine.facts import Frame
from ufvideo_sdk.watch.rules.sink_settings import (
    ClipSettings,
    JsonLinesSettings,
    Keep,
    MqttSettings,
    PrometheusSettings,
    SinkSettings,
    SnapshotSettings,
    WebhookSettings,
)

RULE = "rules: {r: {yes_no: Is it open?, every_s: 1}}"
WHOLE = """
sinks:
  json_lines: {file: events.jsonl, fsync: no}
  clips: {folder: clips, annotated: no, plain: yes, max_s: 30, keep_days: 7, keep_gb: 0.5}
  snapshots: {folder: shots, annotated: no, max_frames: 2, keep_days: 1}
  webhook:
    url: https://alerts.example:8443/hook
    allow_hosts: [alerts.example]
    token_env: HOOK_TOKEN
    timeout_s: 2.5
    num_retries: 0
    max_waiting: 9
  mqtt:
    host: broker.local
    port: 8884
    topic: home/cams
    tls: yes
    ca_file: ca.pem
    user_env: MQTT_USER
    password_env: MQTT_PASSWORD
    max_waiting: 50
    discovery: yes
  prometheus: {port: 9464}
rules:
  everywhere: {question: open}
  front only: {yes_no: Is it dark?, every_s: 2, cameras: [front, back], sinks: [mqtt, clips]}
  yard only: {question: open, when: no, cameras: yard, sinks: json_lines}
questions:
  open: {yes_no: Is it open?, every_s: 1}
"""


def test_a_whole_file_means_what_it_says() -> None:
    rules = Rules.parse(WHOLE)
    assert rules.sinks == SinkSettings(
        JsonLinesSettings(Path("events.jsonl"), fsync=False),
        ClipSettings(Path("clips"), annotated=False, plain=True, max_s=30.0, keep=Keep(7.0, 0.5)),
        SnapshotSettings(Path("shots"), annotated=False, max_frames=2, keep=Keep(1.0)),
        WebhookSettings(
            "https://alerts.example:8443/hook",
            None,
            ("alerts.example",),
            "HOOK_TOKEN",
            timeout_s=2.5,
            num_retries=0,
            max_waiting=9,
        ),
        MqttSettings(
            "broker.local",
            8884,
            "home/cams",
            True,
            Path("ca.pem"),
            "MQTT_USER",
            "MQTT_PASSWORD",
            50,
            True,
        ),
        PrometheusSettings(9464),
    )
    everywhere, front, yard = rules.rules
    assert (everywhere.sinks, everywhere.cameras) == (None, ())
    assert (front.sinks, front.cameras) == (("mqtt", "clips"), ("front", "back"))
    assert front.goes_to("mqtt") and not front.goes_to("webhook") and everywhere.goes_to("webhook")
    assert (yard.sinks, yard.cameras) == (("json_lines",), ("yard",))


def test_without_the_key_lines_go_to_standard_output() -> None:
    assert Rules.parse(RULE).sinks == SinkSettings(JsonLinesSettings(None))
    assert Rules.parse(RULE).sinks.names == ("json_lines",)


@pytest.mark.parametrize(
    ("sinks", "expected"),
    [
        ("{json_lines: stdout}", SinkSettings()),
        ("{json_lines: no}", SinkSettings(None)),
        ("{json_lines: e.jsonl}", SinkSettings(JsonLinesSettings(Path("e.jsonl")))),
        ("{json_lines: {fsync: yes}}", SinkSettings()),
        ("{clips: c}", SinkSettings(clips=ClipSettings(Path("c")))),
        ("{snapshots: s}", SinkSettings(snapshots=SnapshotSettings(Path("s")))),
        ("{mqtt: {host: '::1'}}", SinkSettings(mqtt=MqttSettings("::1"))),
        ("{mqtt: {host: localhost}}", SinkSettings(mqtt=MqttSettings("localhost"))),
        ("{prometheus: 9464}", SinkSettings(prometheus=PrometheusSettings(9464))),
        (
            "{webhook: {url_env: HOOK_URL}}",
            SinkSettings(webhook=WebhookSettings(None, "HOOK_URL")),
        ),
    ],
)
def test_short_forms(sinks: str, expected: SinkSettings) -> None:
    text = f"sinks: {sinks}\n{RULE}"
    assert Rules.parse(text).sinks == expected


@pytest.mark.parametrize(
    ("sinks", "message"),
    [
        ("mqtt", "1:8: sinks: expected a mapping such as"),
        ("{clip: c}", "1:9: sinks.clip: expected one of the keys .*did you mean clips"),
        ("{json_lines: 3}", "1:21: sinks.json_lines: expected a file, stdout, no, or"),
        ("{json_lines: {file: 3}}", r"json_lines.file: expected a text, got 3"),
        ("{clips: {plain: yes}}", "sinks.clips: expected the key folder"),
        ("{clips: {folder: c, annotated: no}}", "annotated, plain or both, got neither"),
        ("{clips: {folder: c, plain: true}}", "clips.plain: expected no or yes, .*write yes"),
        ("{clips: {folder: c, max_s: 601}}", "max_s: expected at most 600 seconds"),
        ("{clips: {folder: c, max_s: 10s}}", "max_s: expected seconds as a number.*write 10"),
        ("{snapshots: {folder: s, max_frames: 0}}", "max_frames: expected an integer from 1 to 16"),
        ("{clips: {folder: c, keep_days: 0}}", "keep_days: expected a number from 0.01 to 36500"),
        ("{webhook: {allow_hosts: [a.b]}}", "sinks.webhook: expected one of url and url_env"),
        ("{webhook: {url: 'ftp://a.b/'}}", "webhook.url: expected a URL that begins with https"),
        ("{webhook: {url: 'http://a.b/', timeout_s: 61}}", "timeout_s: expected at most 60 s"),
        ("{webhook: {url: 'http://a.b/', allow_hosts: ['a.b/c']}}", "names of hosts, got a URL"),
        ("{webhook: {url: 'http://a.b/', allow_hosts: ['*']}}", "names of hosts, got another text"),
        ("{webhook: {url: 'http://a.b/', allow_hosts: ['a:0']}}", "another port than 1 to 65535"),
        ("{webhook: {url: 'http://a.b/', token: x}}", "webhook.token: .*did you mean token_env"),
        ("{webhook: {url: 'http://a.b/', token_env: abc}}", "in capitals, such as HOOK_TOKEN"),
        ("{mqtt: {port: 1883}}", "sinks.mqtt: expected the key host"),
        ("{mqtt: {host: 'mqtt://h'}}", "mqtt.host: expected the name of a host.*port and tls"),
        ("{mqtt: {host: h, topic: 'a/#'}}", "mqtt.topic: expected up to 8 levels"),
        ("{mqtt: {host: h, ca_file: c}}", "mqtt.ca_file: expected no ca_file.*add tls: yes"),
        ("{mqtt: {host: h, password_env: P}}", "password_env beside user_env.*add user_env"),
        ("{mqtt: {host: h, password: p}}", "mqtt.password: .*did you mean password_env"),
        ("{prometheus: 70000}", "prometheus: expected a port from 0 to 65535"),
        ("{prometheus: on}", "prometheus: expected a port, such as 9464"),
        ("{prometheus: {}}", "prometheus: expected the key port"),
        ("{clips: }", "sinks.clips: expected a value"),
    ],
)
def test_what_does_not_hold_is_refused_with_its_place(sinks: str, message: str) -> None:
    with pytest.raises(DocumentError, match=r"r:1:\d+: ") as raised:
        Rules.parse(f"sinks: {sinks}\n{RULE}", name="r")
    (problem,) = raised.value.problems
    assert problem.place is not None and problem.place.line == 1
    assert re.search(message, str(raised.value)), str(raised.value)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            "sinks: [clips]",
            r"2:53: rules.r.sinks: expected some of json_lines or mqtt, got \"clips",
        ),
        ("sinks: [clips]", "add clips to the sinks of the file"),
        ("sinks: [mqt]", "did you mean mqtt?"),
        ("sinks: [mqtt, mqtt]", "each text once"),
        ("sinks: []", "one or more texts"),
        ("cameras: []", "rules.r.cameras: expected one or more texts"),
        ("cameras: [3]", "rules.r.cameras.* expected a text"),
    ],
)
def test_a_rule_that_names_what_is_not_there_is_refused(rule: str, message: str) -> None:
    text = (
        f"sinks: {{mqtt: {{host: h}}}}\nrules: {{r: {{yes_no: Is it open?, every_s: 1, {rule}}}}}"
    )
    with pytest.raises(DocumentError) as raised:
        Rules.parse(text, name="r")
    assert re.search(message, str(raised.value)), str(raised.value)


def test_a_sink_with_a_mistake_is_one_problem_and_not_two() -> None:
    text = "sinks: {clips: {max_s: 3}}\nrules: {r: {track: a cat, sinks: [clips]}}"
    with pytest.raises(DocumentError) as raised:
        Rules.parse(text)
    assert [problem.path for problem in raised.value.problems] == ["sinks.clips"]


def test_keys_that_stand_elsewhere_are_said() -> None:
    text = "questions: {q: {yes_no: Is it?, every_s: 1, cameras: [a]}}\nrules: {r: {question: q}}"
    with pytest.raises(DocumentError, match="cameras belongs to a rule"):
        Rules.parse(text)


def test_each_camera_has_its_rules_and_their_questions_alone() -> None:
    rules = Rules.parse(WHOLE)
    names = {c: [r.name for r in rules.for_camera(c).rules] for c in ("front", "yard", "other")}
    assert names == {
        "front": ["everywhere", "front only"],
        "yard": ["everywhere", "yard only"],
        "other": ["everywhere"],
    }
    assert [q.name for q in rules.for_camera("yard").questions] == ["open"]
    assert rules.for_camera("yard").text == rules.text
    rules.check_cameras(["front", "back", "yard", "other"])
    with pytest.raises(InputError, match=r"rules.yard only.cameras: .* front, back, got \"yard\""):
        rules.check_cameras(["front", "back"])


def test_a_replay_follows_the_rules_of_its_camera() -> None:
    engine = Engine(Rules.parse(WHOLE).for_camera("yard"))
    facts = [engine.opened("yard"), frame := Frame(0, 0.0), *engine.take(frame)]
    assert [fact.question for fact in facts[2:]] == ["open"]  # type: ignore[union-attr]
    assert list(replayed(facts)) == facts


def test_the_check_shows_where_events_go(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(WHOLE)
    shown = CliRunner().invoke(app, ["rules", "check", str(tmp_path / "r.yaml")])
    assert shown.exit_code == 0
    lines = shown.output.splitlines()
    assert lines[1].endswith("Is it dark?  [front, back -> mqtt, clips]")
    assert lines[0].endswith("Is it open?")
    assert lines[3:] == [
        "OK  -> json_lines        events.jsonl",
        "OK  -> clips             clips/, plain, at most 30 s, kept for 7 days, up to 0.5 GB",
        "OK  -> snapshots         shots/, plain, at most 2 of an edge, kept for 1 days",
        "OK  -> webhook           https://alerts.example:8443, within 2.5 s, 0 retries",
        "OK  -> mqtt              broker.local:8884, TLS, topic home/cams, Home Assistant is told",
        "OK  -> prometheus        127.0.0.1:9464",
    ]
    as_json = CliRunner().invoke(app, ["rules", "check", str(tmp_path / "r.yaml"), "--json"])
    sinks = ["json_lines", "clips", "snapshots", "webhook", "mqtt", "prometheus"]
    assert json.loads(as_json.output)["sinks"] == sinks


def test_an_explanation_names_the_rules_of_its_camera_alone() -> None:
    engine = Engine(Rules.parse(WHOLE).for_camera("yard"))
    facts = [engine.opened("yard"), frame := Frame(0, 0.0), *engine.take(frame)]
    said = "\n".join(explain(facts, "0s"))
    assert '"everywhere"' in said and '"yard only"' in said and "front only" not in said
