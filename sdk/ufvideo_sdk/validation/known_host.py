"""URLs that a program may post to: those of hosts that were named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.?)+|\[[0-9a-f:.]+\]")
_PORTS = {"http": 80, "https": 443}
_MAX_URL = 2000


def host_problem(text: str, *, has_port: bool = True) -> str:
    """Say what is wrong with the name of a host.

    Args:
        text: Such as "alerts.example", "alerts.example:8443" or "[::1]:8080".
        has_port: Whether a port may follow.

    Returns:
        What it is instead, without the text itself; "" if nothing is wrong.
    """
    host, port = text.lower(), ""
    if has_port and not host.endswith("]"):
        before, colon, after = host.rpartition(":")
        if colon:
            host, port = before, after
            if not (port.isdecimal() and port.isascii() and 0 < int(port) < 65536):
                return "one with another port than 1 to 65535"
    if "/" in host or "@" in host:
        return "a URL"
    return "" if _HOST.fullmatch(host) and len(host) < 254 else "another text"


def url_problem(url: str, allowed: Sequence[str] | None) -> tuple[str, str, str] | None:
    """Say why a URL may not be posted to.

    Args:
        url: The URL.
        allowed: Hosts in lower case, with a port or without: then any port will do; None: any host.

    Returns:
        What was expected, what came, and what to do, without the URL itself, which may hold a
        secret; None if nothing is wrong.
    """
    expected = "a URL that begins with https:// or http://"
    if not (url.isascii() and url.isprintable() and " " not in url and len(url) <= _MAX_URL):
        return expected, "another text", ""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return expected, "one that cannot be read", ""
    if parts.scheme not in _PORTS or not host:
        return expected, "another text", ""
    if parts.username is not None or parts.password is not None:
        return (
            "a URL without a user and a password",
            "one with them",
            "put the whole URL into an environment variable, and its name into url_env; or a"
            " token into one, and its name into token_env",
        )
    if parts.fragment:
        return "a URL without a fragment", "one with #", ""
    names = {host_of(parts), f"{host_of(parts)}:{port_of(parts)}"}
    if allowed is not None and names.isdisjoint(allowed):
        shown = host_of(parts) if port is None else f"{host_of(parts)}:{port}"
        return "a host of allow_hosts", shown, f"add {shown} to allow_hosts"
    return None


def host_of(parts: SplitResult) -> str:
    """Return the host of a URL in lower case, an address of version 6 in brackets."""
    host = parts.hostname or ""
    return f"[{host}]" if ":" in host else host


def port_of(parts: SplitResult) -> int:
    """Return the port of an http or https URL."""
    return parts.port or _PORTS[parts.scheme]
