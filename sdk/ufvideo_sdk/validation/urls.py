"""URLs that are given in place of a path."""

from __future__ import annotations

import os
import re

# Two slashes, or one where pathlib has merged them.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{1,20}):(//?)(.*)", re.DOTALL)
_SCHEMES = (
    "http", "https", "rtsp", "rtsps", "rtmp", "rtmps", "rtp", "udp", "tcp", "srt", "mms", "ftp",
    "ftps", "sftp", "s3", "gs", "gcs", "az", "abfs", "hdfs", "file",
)  # fmt: skip
_STREAMS = ("rtsp", "rtsps", "rtmp", "rtmps", "rtp", "udp", "tcp", "srt", "mms")
_MAX_SHOWN = 80


def is_url(value: object) -> bool:
    """Whether a text or a path is a URL, also where pathlib has taken its second slash."""
    found = _matched(value)
    # With one slash only schemes that are known: C:/video.mp4 and a:/b are paths.
    return found is not None and (found[2] == "//" or found[1].lower() in _SCHEMES)


def url_scheme(value: object) -> str:
    """The scheme of a URL in lower case."""
    found = _matched(value)
    return "" if found is None else found[1].lower()


def is_live_stream(value: object) -> bool:
    """Whether a URL names a stream of a camera or a server, which has no end."""
    return url_scheme(value) in _STREAMS


def shown_url(value: object) -> str:
    """A URL for a message: both slashes, without user, password and query, and short."""
    found = _matched(value)
    if found is None:
        return repr(value)
    host, slash, rest = found[3].partition("/")
    place = host.rpartition("@")[2] + slash + rest
    text = f"{found[1]}://{place}".partition("?")[0].partition("#")[0]
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "..."


def _matched(value: object) -> re.Match[str] | None:
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    return _URL.match(text) if isinstance(text, str) else None
