"""Where events go, in words."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from ufvideo_sdk.validation.known_host import host_of, port_of
from ufvideo_sdk.watch.rules.sink_settings import (
    ClipSettings,
    Keep,
    MqttSettings,
    SinkSettings,
    WebhookSettings,
)


def shown_sinks(settings: SinkSettings) -> Iterator[tuple[str, str]]:
    """Return the name of each sink and what it does, in one line without a secret.

    Args:
        settings: The sinks of a file of rules.
    """
    if settings.json_lines is not None:
        yield "json_lines", str(settings.json_lines.file or "standard output")
    if settings.clips is not None:
        yield "clips", _clips(settings.clips)
    if settings.snapshots is not None:
        kind = "annotated" if settings.snapshots.annotated else "plain"
        most = f"at most {settings.snapshots.max_frames} of an edge"
        kept = _kept(settings.snapshots.keep)
        yield "snapshots", f"{settings.snapshots.folder}/, {kind}, {most}{kept}"
    if settings.webhook is not None:
        yield "webhook", _webhook(settings.webhook)
    if settings.mqtt is not None:
        yield "mqtt", _mqtt(settings.mqtt)
    if settings.prometheus is not None:
        yield "prometheus", f"127.0.0.1:{settings.prometheus.port or 'a free port'}"


def _clips(settings: ClipSettings) -> str:
    kinds = [("annotated", settings.annotated), ("plain", settings.plain)]
    kind = " and ".join(name for name, is_wanted in kinds if is_wanted)
    return f"{settings.folder}/, {kind}, at most {settings.max_s:g} s{_kept(settings.keep)}"


def _kept(keep: Keep) -> str:
    days = "" if keep.days is None else f", kept for {keep.days:g} days"
    return days if keep.gigabytes is None else f"{days}, up to {keep.gigabytes:g} GB"


def _webhook(settings: WebhookSettings) -> str:
    place = f"the URL in {settings.url_env}"
    if settings.url is not None:
        # The path may be what others must not know.
        url = urlsplit(settings.url)
        place = f"{url.scheme}://{host_of(url)}:{port_of(url)}"
    return f"{place}, within {settings.timeout_s:g} s, {settings.num_retries} retries"


def _mqtt(settings: MqttSettings) -> str:
    port = settings.port or (8883 if settings.tls else 1883)
    tls = ", TLS" if settings.tls else ""
    discovery = ", Home Assistant is told" if settings.discovery else ""
    return f"{settings.host}:{port}{tls}, topic {settings.topic}{discovery}"
