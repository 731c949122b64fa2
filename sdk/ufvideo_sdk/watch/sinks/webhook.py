"""Posts events to a server."""

from __future__ import annotations

import http.client
import random
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import SplitResult, quote, urlsplit

from ufvideo_sdk.errors import ConfigError
from ufvideo_sdk.validation.known_host import host_of, port_of, url_problem
from ufvideo_sdk.watch.rules.sink_settings import WebhookSettings
from ufvideo_sdk.watch.sinks.delivery import Delivery, UndeliveredError
from ufvideo_sdk.watch.sinks.event_message import CameraNames, EventMessage
from ufvideo_sdk.watch.sinks.secret_settings import secret_of
from ufvideo_sdk.watch.sinks.sink import SinkStats
from ufvideo_sdk.watch.sources.capture import CaptureNotice

_FIRST_RETRY_S = 1.0
_LONGEST_RETRY_S = 60.0
# Worth another attempt: the server is busy, or is being started.
_RETRIED = (408, 425, 429)


class Webhook:
    """Posts each edge of an event as JSON, one after the other, in a thread of its own.

    An edge that does not arrive is posted again, with the same `Idempotency-Key`, after pauses that
    grow from one second to a minute. Redirections are not followed: the URL is what was allowed.
    """

    def __init__(self, settings: WebhookSettings, *, first_retry_s: float = _FIRST_RETRY_S) -> None:
        """Check the URL and start the thread; nothing is sent yet.

        Args:
            settings: Where to.
            first_retry_s: The first pause, in seconds.

        Raises:
            ConfigError: When an environment variable is not set, or its URL may not be posted to.
        """
        url = settings.url or secret_of(settings.url_env, "webhook.url_env") or ""
        problem = url_problem(url, settings.allow_hosts)
        if problem is not None:
            expected, came, fix = problem
            where = "webhook.url" if settings.url else f"webhook.url_env, {settings.url_env}"
            raise ConfigError(f"{where}: expected {expected}, got {came}{fix and f': {fix}'}")
        self._settings, self._first_retry_s = settings, first_retry_s
        self._url = urlsplit(url)
        self._token = secret_of(settings.token_env, "webhook.token_env")
        self._delivery: Delivery[EventMessage] = Delivery(
            "webhook", self._post, max_waiting=settings.max_waiting
        )

    @property
    def stats(self) -> SinkStats:
        """Counts so far."""
        return self._delivery.stats

    def add_camera(self, camera: CameraNames) -> None:
        """The server needs no names."""

    def edge(self, message: EventMessage) -> None:
        """The server is told when the files have been written."""

    def notice(self, camera: CameraNames, notice: CaptureNotice) -> None:
        """The server is told of events only."""

    def publish(self, message: EventMessage) -> None:
        """Post an edge of an event."""
        self._delivery.put(message)

    def close(self, timeout_s: float) -> None:
        """Post what waits within a time, and end the thread."""
        self._delivery.close(timeout_s)

    def _post(self, message: EventMessage, attempt: int) -> None:
        try:
            status, retry_after = self._answer(message)
        except (OSError, http.client.HTTPException) as error:
            raise self._failure(_reason(error), attempt) from None
        if 200 <= status < 300:
            return
        if 300 <= status < 400:
            problem = f"the server sends on to another address ({status}), which is not followed"
            raise UndeliveredError(f"{self._place}: {problem}")
        if status < 500 and status not in _RETRIED:
            raise UndeliveredError(f"{self._place}: the server refuses it, status {status}")
        raise self._failure(f"status {status}", attempt, retry_after)

    def _answer(self, message: EventMessage) -> tuple[int, str | None]:
        """Post once; return the status, and when the server wants the next attempt."""
        body = message.to_json().encode("utf-8")
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "ufvideo-sdk",
            "Idempotency-Key": quote(message.key, safe="-_."),
            "Connection": "close",
        }
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        path = self._url.path or "/"
        path += f"?{self._url.query}" if self._url.query else ""
        connection = _connection(self._url, self._settings.timeout_s)
        try:
            with _ended_after(connection, self._settings.timeout_s):
                connection.request("POST", path, body, headers)
                response = connection.getresponse()
                # What else the server says is not read: it may never end.
                return response.status, response.getheader("Retry-After")
        finally:
            connection.close()

    @property
    def _place(self) -> str:
        """The host alone: path and query may be secret."""
        return f"{host_of(self._url)}:{port_of(self._url)}"

    def _failure(
        self, problem: str, attempt: int, retry_after: str | None = None
    ) -> UndeliveredError:
        text = f"{self._place}: {problem}"
        if attempt >= self._settings.num_retries:
            return UndeliveredError(f"{text}; given up after {attempt + 1} attempts")
        # With jitter: many cameras behind one server do not come back at once.
        pause_s = self._first_retry_s * 2.0**attempt * random.uniform(0.8, 1.2)
        if retry_after is not None and retry_after.isdecimal() and len(retry_after) < 6:
            pause_s = max(pause_s, float(retry_after))
        return UndeliveredError(text, min(pause_s, _LONGEST_RETRY_S))


def _connection(url: SplitResult, timeout_s: float) -> http.client.HTTPConnection:
    host = url.hostname or ""
    if url.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port_of(url), timeout=timeout_s, context=context)
    return http.client.HTTPConnection(host, port_of(url), timeout=timeout_s)


@contextmanager
def _ended_after(connection: http.client.HTTPConnection, timeout_s: float) -> Iterator[None]:
    """End a connection after a time, however slowly bytes come: a socket's limit is for each."""
    is_late = threading.Event()

    def end() -> None:
        is_late.set()
        if connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(timeout_s, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException):
        if is_late.is_set():
            raise TimeoutError from None
        raise
    else:
        if is_late.is_set():
            # Headers that were cut off read like an answer.
            raise TimeoutError
    finally:
        timer.cancel()


def _reason(error: Exception) -> str:
    """What happened, without what the server wrote and without a URL."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"no HTTP answer ({type(error).__name__})"
