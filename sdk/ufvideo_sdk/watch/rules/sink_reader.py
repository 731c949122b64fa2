"""Reads where events go."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ufvideo_sdk.questions.entry import Entry, Problems
from ufvideo_sdk.questions.mapping_reader import MappingReader, as_text, did_you_mean, listed
from ufvideo_sdk.validation.known_host import host_problem, url_problem
from ufvideo_sdk.watch.rules.sink_settings import (
    EVENT_SINKS,
    ClipSettings,
    JsonLinesSettings,
    Keep,
    MqttSettings,
    PrometheusSettings,
    SinkSettings,
    SnapshotSettings,
    WebhookSettings,
)

_SINKS = "a mapping such as {clips: clips, mqtt: {host: localhost}}"
_YES_NO = ("no", "yes")
_LONGEST_CLIP_S = 600.0
_LONGEST_WAIT_S = 60.0
_MAX_PATH = 1000
# In capitals: a secret that stands in place of the name is refused, and not repeated.
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,64}(?:/[A-Za-z0-9_-]{1,64}){0,7}")

T = TypeVar("T")


def read_sinks(entry: Entry | None, problems: Problems) -> SinkSettings:
    """Read the key `sinks` of a file of rules.

    Args:
        entry: Its value; None without the key.
        problems: Where problems are added.
    """
    if entry is None:
        return SinkSettings()
    reader = MappingReader(entry, problems, _SINKS)
    settings = SinkSettings(
        json_lines=_json_lines(reader),
        clips=_part(reader, "clips", _clips),
        snapshots=_part(reader, "snapshots", _snapshots),
        webhook=_part(reader, "webhook", _webhook),
        mqtt=_part(reader, "mqtt", _mqtt),
        prometheus=_part(reader, "prometheus", _prometheus),
    )
    reader.finish()
    return settings


def read_chosen(
    reader: MappingReader, settings: SinkSettings, wrong: tuple[str, ...]
) -> tuple[str, ...] | None:
    """Read the key `sinks` of a rule: the names of some sinks of the file.

    Args:
        reader: Of the rule.
        settings: The sinks of the file.
        wrong: Sinks that the file names, and that hold a problem of their own.

    Returns:
        The names; None without the key: all of them.
    """
    if not reader.has("sinks"):
        reader.take("sinks")
        return None
    chosen = reader.texts("sinks")
    for name in chosen or ():
        if name in settings.names or name in wrong:
            continue
        fix = f"add {name} to the sinks of the file" if name in EVENT_SINKS else ""
        fix = fix or did_you_mean(name, EVENT_SINKS)
        entry = reader.entry.value["sinks"]
        reader.problems.add(entry, f"some of {listed(settings.names)}", f'"{name:.60}"', fix)
    return chosen


def _part(reader: MappingReader, key: str, read: Callable[[Entry, Problems], T | None]) -> T | None:
    entry = reader.take(key)
    return None if entry is None else read(entry, reader.problems)


def _json_lines(reader: MappingReader) -> JsonLinesSettings | None:
    entry = reader.take("json_lines")
    if entry is None:
        return JsonLinesSettings()
    if isinstance(entry.value, str):
        if entry.value == "no":
            return None
        return JsonLinesSettings(_file(entry, reader.problems))
    inner = MappingReader(entry, reader.problems, "a file, stdout, no, or {file: events.jsonl}")
    file = inner.take("file")
    settings = JsonLinesSettings(
        None if file is None else _file(file, reader.problems), _yes(inner, "fsync", True)
    )
    inner.finish()
    return settings


def _file(entry: Entry, problems: Problems) -> Path | None:
    return None if entry.value == "stdout" else _path(entry, problems)


def _clips(entry: Entry, problems: Problems) -> ClipSettings | None:
    if isinstance(entry.value, str):
        folder = _path(entry, problems)
        return None if folder is None else ClipSettings(folder)
    reader = MappingReader(entry, problems, "a folder, or a mapping such as {folder: clips}")
    folder = _needed_folder(reader)
    annotated = _yes(reader, "annotated", True)
    plain = _yes(reader, "plain", False)
    max_s = reader.seconds("max_s", ClipSettings.max_s, low=1.0) or ClipSettings.max_s
    keep = _keep(reader)
    reader.finish()
    if max_s > _LONGEST_CLIP_S:
        problems.add(reader.entry.value["max_s"], f"at most {_LONGEST_CLIP_S:g} seconds")
    if not annotated and not plain:
        fix = "write plain: yes, or leave clips out"
        problems.add(entry, "a clip that is annotated, plain or both", "neither", fix)
    return None if folder is None else ClipSettings(folder, annotated, plain, max_s, keep)


def _snapshots(entry: Entry, problems: Problems) -> SnapshotSettings | None:
    if isinstance(entry.value, str):
        folder = _path(entry, problems)
        return None if folder is None else SnapshotSettings(folder)
    reader = MappingReader(entry, problems, "a folder, or a mapping such as {folder: snapshots}")
    folder = _needed_folder(reader)
    annotated = _yes(reader, "annotated", True)
    max_frames = _integer(reader, "max_frames", 1, 16) or SnapshotSettings.max_frames
    keep = _keep(reader)
    reader.finish()
    return None if folder is None else SnapshotSettings(folder, annotated, max_frames, keep)


def _webhook(entry: Entry, problems: Problems) -> WebhookSettings | None:
    example = "{url: https://alerts.example/hook, allow_hosts: [alerts.example]}"
    reader = MappingReader(entry, problems, f"a mapping such as {example}")
    url_entry, url_env = reader.take("url"), _variable(reader, "url_env")
    allowed = _hosts(reader)
    settings = WebhookSettings(
        # Without allow_hosts an option of the command names them.
        url=None if url_entry is None else _url(url_entry, allowed, problems),
        url_env=url_env,
        allow_hosts=allowed or (),
        token_env=_variable(reader, "token_env"),
        timeout_s=reader.seconds("timeout_s", WebhookSettings.timeout_s, low=0.1) or 1.0,
        num_retries=_or(_integer(reader, "num_retries", 0, 20), WebhookSettings.num_retries),
        max_waiting=_integer(reader, "max_waiting", 1, 100_000) or WebhookSettings.max_waiting,
    )
    reader.finish()
    if settings.timeout_s > _LONGEST_WAIT_S:
        problems.add(reader.entry.value["timeout_s"], f"at most {_LONGEST_WAIT_S:g} seconds")
    if isinstance(entry.value, dict) and reader.has("url") == reader.has("url_env"):
        got = "both" if reader.has("url") else "neither"
        problems.add(entry, "one of url and url_env", got)
    return settings


def _hosts(reader: MappingReader) -> tuple[str, ...] | None:
    """Read hosts that are allowed; None without the key, or if one is wrong."""
    found = reader.texts("allow_hosts")
    problems = [problem for problem in map(host_problem, found or ()) if problem]
    for problem in problems:
        entry = reader.entry.value["allow_hosts"]
        fix = "write the host alone, or with its port: alerts.example:8443"
        reader.problems.add(entry, "names of hosts", problem, fix)
    return None if found is None or problems else tuple(host.lower() for host in found)


def _url(entry: Entry, allowed: tuple[str, ...] | None, problems: Problems) -> str | None:
    """Read a URL. What is wrong is not repeated: a URL may hold a secret."""
    if not isinstance(entry.value, str):
        problems.add(entry, "a URL as a text")
        return None
    problem = url_problem(entry.value, allowed)
    if problem is not None:
        problems.add(entry, *problem)
        return None
    return entry.value


def _mqtt(entry: Entry, problems: Problems) -> MqttSettings | None:
    reader = MappingReader(entry, problems, "a mapping such as {host: localhost}")
    host = reader.text("host", 253)
    # An address of version 6 stands without brackets, as nothing follows it.
    if host is not None and host_problem(f"[{host}]" if ":" in host else host, has_port=False):
        fix = "write the host alone; port and tls are keys of their own"
        problems.add(reader.entry.value["host"], "the name of a host", "another text", fix)
    elif host is None and isinstance(entry.value, dict) and not reader.has("host"):
        problems.add(entry, "the key host", "a mapping without it", "such as host: localhost")
    ca_file = reader.take("ca_file")
    settings = MqttSettings(
        host=host or "",
        port=_integer(reader, "port", 1, 65535),
        topic=_topic(reader),
        tls=_yes(reader, "tls", False),
        ca_file=None if ca_file is None else _path(ca_file, problems),
        user_env=_variable(reader, "user_env"),
        password_env=_variable(reader, "password_env"),
        max_waiting=_integer(reader, "max_waiting", 1, 100_000) or MqttSettings.max_waiting,
        discovery=_yes(reader, "discovery", False),
    )
    reader.finish()
    if ca_file is not None and not settings.tls:
        problems.add(ca_file, "no ca_file without tls: yes", fix="add tls: yes")
    if settings.password_env is not None and settings.user_env is None:
        fix = "add user_env: MQTT_USER"
        problems.add(reader.entry.value["password_env"], "password_env beside user_env", fix=fix)
    return settings


def _topic(reader: MappingReader) -> str:
    text = reader.text("topic")
    if text is not None and not _TOPIC.fullmatch(text):
        expected = "up to 8 levels of letters, digits, _ and -, such as home/cameras"
        reader.problems.add(reader.entry.value["topic"], expected)
        return MqttSettings.topic
    return text or MqttSettings.topic


def _prometheus(entry: Entry, problems: Problems) -> PrometheusSettings | None:
    if isinstance(entry.value, int) and not isinstance(entry.value, bool):
        if not 0 <= entry.value <= 65535:
            problems.add(entry, "a port from 0 to 65535")
        return PrometheusSettings(entry.value)
    reader = MappingReader(entry, problems, "a port, such as 9464")
    port = _integer(reader, "port", 0, 65535)
    reader.finish()
    if port is None and isinstance(entry.value, dict) and not reader.has("port"):
        problems.add(entry, "the key port", "a mapping without it", "such as port: 9464")
    return None if port is None else PrometheusSettings(port)


def _needed_folder(reader: MappingReader) -> Path | None:
    entry = reader.take("folder")
    if entry is None:
        if isinstance(reader.entry.value, dict) and not reader.has("folder"):
            reader.problems.add(reader.entry, "the key folder", "a mapping without it")
        return None
    return _path(entry, reader.problems)


def _keep(reader: MappingReader) -> Keep:
    days = reader.number("keep_days", 0.01, 36_500.0)
    return Keep(days, reader.number("keep_gb", 0.001, 1_000_000.0))


def _path(entry: Entry, problems: Problems) -> Path | None:
    text = as_text(entry, problems, _MAX_PATH)
    if text is not None and not text.isprintable():
        problems.add(entry, "a path of printable characters")
        return None
    return None if text is None else Path(text)


def _variable(reader: MappingReader, key: str) -> str | None:
    """Read the name of an environment variable. Another text may be the secret: it is not shown."""
    entry = reader.take(key)
    if entry is None:
        return None
    if not isinstance(entry.value, str) or not _VARIABLE.fullmatch(entry.value):
        expected = "the name of an environment variable in capitals, such as HOOK_TOKEN"
        fix = "put the secret itself into that variable, never into this file"
        reader.problems.add(entry, expected, "another value", fix)
        return None
    return entry.value


def _yes(reader: MappingReader, key: str, default: bool) -> bool:
    return reader.one_of(key, _YES_NO, _YES_NO[default]) == "yes"


def _integer(reader: MappingReader, key: str, low: int, high: int) -> int | None:
    entry = reader.take(key)
    if entry is None:
        return None
    is_integer = isinstance(entry.value, int) and not isinstance(entry.value, bool)
    if not is_integer or not low <= entry.value <= high:
        reader.problems.add(entry, f"an integer from {low} to {high}")
        return None
    return int(entry.value)


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
