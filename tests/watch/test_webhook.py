"""A webhook against a real server: what arrives, how often, and what is never said."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")

from ufvideo_sdk.errors import ConfigError
from ufvideo_sdk.questions import DocumentError
from ufvideo_sdk.watch import Rules
from ufvideo_sdk.watch.engine.facts import Event
from ufvideo_sdk.watch.rules.sink_settings import WebhookSettings
from ufvideo_sdk.watch.sinks.event_message import EventMessage
from ufvideo_sdk.watch.sinks.outputs import Outputs
from ufvideo_sdk.watch.sinks.webhook import Webhook

SECRET = "hunter2-s3cr3t"


@dataclass
class Server:
    """What came, and what is answered next; tests change it while it runs.

    Attributes:
        port: On 127.0.0.1.
        answers: What to do with each request in turn; beyond them 204.
        requests: Path, headers and body of each.
    """

    port: int
    answers: list[int | Callable[[Any], None]] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)

    def wait_for(self, number: int) -> None:
        until = time.monotonic() + 10
        while len(self.requests) < number and time.monotonic() < until:
            time.sleep(0.01)
        assert len(self.requests) >= number


@contextmanager
def running() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            headers = {name.lower(): value for name, value in self.headers.items()}
            found.requests.append((self.path, headers, body))
            answer = found.answers.pop(0) if found.answers else 204
            if callable(answer):
                answer(self)
                return
            self.send_response(answer)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    class QuietServer(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """The client goes while an answer is being sent."""

    server = QuietServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found = Server(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as found:
        yield found


def message(number: int = 1, edge: str = "start") -> EventMessage:
    event = Event(edge, number, "visitor", 8.0, 6.0, None, 4.0, None, "why", (60, 80), ())
    return EventMessage("run", "Tür", "Tür", "visitor", event, "Is somebody there?", "yes")


def settings(server: Server, path: str = "/hook", **rest: Any) -> WebhookSettings:
    url = f"http://127.0.0.1:{server.port}{path}"
    return WebhookSettings(url, allow_hosts=("127.0.0.1",), **rest)


def test_an_edge_is_posted_with_a_token_and_a_key(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_TOKEN", SECRET)
    webhook = Webhook(settings(server, "/hook?room=1", token_env="HOOK_TOKEN"))
    webhook.publish(message())
    webhook.publish(message(edge="end"))
    webhook.close(5.0)
    (path, headers, body), (_, last, _) = server.requests
    assert path == "/hook?room=1" and headers["authorization"] == f"Bearer {SECRET}"
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert (body["camera"], body["edge"], body["answer"]) == ("Tür", "start", "yes")
    assert body["key"] == "run-Tür-1-start"
    assert headers["idempotency-key"] == "run-T%C3%BCr-1-start" != last["idempotency-key"]
    assert webhook.stats.num_delivered == 2 and webhook.stats.problem == ""


def test_a_server_that_fails_is_asked_again_with_the_same_key(server: Server) -> None:
    server.answers = [500, 503, 429, 408]
    webhook = Webhook(settings(server), first_retry_s=0.01)
    webhook.publish(message())
    server.wait_for(5)
    webhook.close(5.0)
    assert len({headers["idempotency-key"] for _, headers, _ in server.requests}) == 1
    assert webhook.stats.num_delivered == 1


def test_it_gives_up_after_some_attempts_and_goes_on(server: Server) -> None:
    server.answers = [500, 500, 500]
    webhook = Webhook(settings(server, num_retries=2), first_retry_s=0.01)
    webhook.publish(message(1))
    webhook.publish(message(2))
    server.wait_for(4)
    webhook.close(5.0)
    assert [body["id"] for _, _, body in server.requests] == [1, 1, 1, 2]
    assert (webhook.stats.num_failed, webhook.stats.num_delivered) == (1, 1)


def test_pauses_grow_and_a_server_may_ask_for_longer_ones(server: Server) -> None:
    webhook = Webhook(settings(server, num_retries=9), first_retry_s=1.0)
    pauses = [webhook._failure("x", attempt).retry_s or 0.0 for attempt in range(9)]
    assert all(0.8 * 2**i <= pause <= 1.2 * 2**i for i, pause in enumerate(pauses[:5]))
    assert pauses[-1] == 60.0
    assert webhook._failure("x", 0, "7").retry_s == 7.0
    assert webhook._failure("x", 0, "9999").retry_s == 60.0
    assert (webhook._failure("x", 0, "soon").retry_s or 9) < 2.0
    assert webhook._failure("x", 9).retry_s is None
    webhook.close(0.0)


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_a_refusal_is_not_repeated(server: Server, status: int) -> None:
    server.answers = [status]
    webhook = Webhook(settings(server), first_retry_s=0.01)
    webhook.publish(message())
    webhook.close(5.0)
    assert len(server.requests) == 1 and webhook.stats.num_failed == 1
    place = f"127.0.0.1:{server.port}"
    assert webhook.stats.problem == f"{place}: the server refuses it, status {status}"


def test_no_redirection_is_followed(server: Server) -> None:
    with running() as other:

        def send_on(handler: Any) -> None:
            handler.send_response(307)
            handler.send_header("Location", f"http://localhost:{other.port}/{SECRET}")
            handler.end_headers()

        server.answers = [send_on]
        webhook = Webhook(settings(server), first_retry_s=0.01)
        webhook.publish(message())
        webhook.close(5.0)
        assert other.requests == [] and len(server.requests) == 1
    assert "sends on to another address (307), which is not followed" in webhook.stats.problem
    assert SECRET not in webhook.stats.problem


def drip(handler: Any) -> None:
    """A header that never ends, a byte now and then: each read is in time."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        handler.wfile.write(b"x")
        time.sleep(0.05)


def stay_silent(handler: Any) -> None:
    time.sleep(1.5)


def endless_body(handler: Any) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x" * 65536)


@pytest.mark.parametrize("answer", [stay_silent, drip])
def test_an_attempt_has_a_time_limit(server: Server, answer: Any) -> None:
    server.answers = [answer]
    webhook = Webhook(settings(server, timeout_s=0.3, num_retries=0))
    begun = time.monotonic()
    webhook.publish(message())
    webhook.close(5.0)
    assert 0.25 < time.monotonic() - begun < 1.2
    assert "no answer in time; given up after 1 attempts" in webhook.stats.problem


def test_a_body_that_never_ends_is_not_read(server: Server) -> None:
    server.answers = [endless_body]
    webhook = Webhook(settings(server, timeout_s=5.0))
    begun = time.monotonic()
    webhook.publish(message())
    webhook.close(5.0)
    assert webhook.stats.num_delivered == 1 and time.monotonic() - begun < 2.0


def test_a_server_that_is_away_is_said() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    webhook = Webhook(settings(Server(port), num_retries=0))
    webhook.publish(message())
    webhook.close(5.0)
    expected = f"127.0.0.1:{port}: Connection refused; given up after 1 attempts"
    assert webhook.stats.problem == expected


def test_a_server_without_a_trusted_certificate_is_said(server: Server) -> None:
    url = f"https://127.0.0.1:{server.port}/"
    webhook = Webhook(WebhookSettings(url, allow_hosts=("127.0.0.1",), num_retries=0))
    webhook.publish(message())
    webhook.close(5.0)
    assert webhook.stats.num_failed == 1 and server.requests == []


def test_more_than_the_queue_holds_drops_the_oldest(server: Server) -> None:
    release = threading.Event()

    def wait(handler: Any) -> None:
        release.wait(5)
        handler.send_response(204)
        handler.end_headers()

    server.answers = [wait]
    webhook = Webhook(settings(server, max_waiting=2))
    webhook.publish(message(1))
    server.wait_for(1)
    for number in range(2, 7):
        webhook.publish(message(number))
    release.set()
    webhook.close(5.0)
    assert [body["id"] for _, _, body in server.requests] == [1, 5, 6]
    assert (webhook.stats.num_dropped, webhook.stats.num_delivered) == (3, 3)


def outputs(webhook: str, **rest: Any) -> Outputs:
    text = f"{{sinks: {{json_lines: no, webhook: {webhook}}}, rules: {{r: {{track: a cat}}}}}}"
    return Outputs(Rules.parse(text), **rest)


def test_only_hosts_that_are_allowed_are_posted_to(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://Alerts.example/hook"
    with pytest.raises(ConfigError, match=r"webhook.url: expected a host of allow_hosts, got a"):
        outputs(f"{{url: '{url}'}}")
    outputs(f"{{url: '{url}'}}", allow_hosts=["alerts.example"]).close(0.0)
    outputs(f"{{url: '{url}', allow_hosts: [ALERTS.example]}}").close(0.0)
    with pytest.raises(DocumentError, match=r"got alerts.example: add alerts.example to allow_ho"):
        outputs(f"{{url: '{url}', allow_hosts: [other.example]}}")
    # A port may be part of it.
    outputs("{url: 'http://[::1]:81/', allow_hosts: ['[::1]:81']}").close(0.0)
    with pytest.raises(DocumentError, match=r"got \[::1\]:81: add"):
        outputs("{url: 'http://[::1]:81/', allow_hosts: ['[::1]:82']}")
    # So it is with a URL that is secret, which no message repeats.
    monkeypatch.setenv("HOOK_URL", f"https://evil.example/{SECRET}")
    with pytest.raises(ConfigError, match=r"webhook.url_env, HOOK_URL: .*got evil") as raised:
        outputs("{url_env: HOOK_URL, allow_hosts: [alerts.example]}")
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "webhook",
    [
        "{url: 'https://user:SECRET@a.example/', allow_hosts: [a.example]}",
        "{url: 'SECRET://a.example', allow_hosts: [a.example]}",
        "{url: 'https://SECRET b.example', allow_hosts: [a.example]}",
        "{url: 'https://a.example:SECRET/', allow_hosts: [a.example]}",
        "{url: 'https://a.example/', allow_hosts: ['https://user:SECRET@a.example']}",
        "{url: 'https://a.example/', token: SECRET}",
        "{url: 'https://a.example/', token_env: SECRET}",
        "{url_env: SECRET}",
        "{url: 'https://a.example/#SECRET'}",
    ],
)
def test_no_error_of_the_file_repeats_a_secret(webhook: str) -> None:
    with pytest.raises(DocumentError, match=r"rules:1:") as raised:
        outputs(webhook.replace("SECRET", SECRET))
    assert SECRET not in str(raised.value)


def test_a_variable_that_is_not_set_is_refused_before_the_watch(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOOK_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="expected the environment variable HOOK_TOKEN, got none"):
        Webhook(settings(server, token_env="HOOK_TOKEN"))
    monkeypatch.setenv("HOOK_TOKEN", f"{SECRET}\r\nX: y")
    with pytest.raises(ConfigError, match="expected ASCII characters") as raised:
        Webhook(settings(server, token_env="HOOK_TOKEN"))
    assert SECRET not in str(raised.value)
