"""Keep credentials out of every text: the one place where that is done."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

from ufvideo_sdk.validation.urls import is_url, url_scheme

HIDDEN = "***"

# The user info of an address: everything to the last @ before a blank or a quote. A password may
# hold a slash or another @ that nobody escaped.
_USER = re.compile(r"(:/{1,2})([^\s'\"<>]*)@")
# A value whose key names a credential, wherever it stands: cameras have them in queries and paths.
_NAMED = re.compile(
    r"(?i)\b((?:[a-z]+[_-])?(?:user(?:name)?|usr|login|account|pass(?:word|wd|phrase)?|pwd|psw|token"
    r"|secret|key|apikey|auth|authorization|sig(?:nature)?|credential|session|sid|code|jwt|bearer)"
    r"(?:[_-][a-z]+)?\s*[=:]\s*['\"]?)([^\s&;,'\"<>/]+)"
)
_QUERY = re.compile(r"(?<=\?)[^\s'\"<>#]+(?=[\s'\"<>#]|$)")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}:/{1,2}[^\s'\"<>]+")
_HEADER = re.compile(r"(?i)\b(authorization\s*:\s*)[^\r\n]+")
_MAX_SHOWN = 200
# A shorter one stands in too many words.
_MIN_SECRET = 3


def redact(text: str) -> str:
    """Return a text without the credentials of any address in it.

    User info, whole queries, and values whose key names a credential are hidden.

    Args:
        text: Any text, such as an error of FFmpeg.
    """
    text = _ADDRESS.sub(lambda found: _redacted_address(found[0]), text)
    text = _HEADER.sub(rf"\g<1>{HIDDEN}", text)
    return _NAMED.sub(rf"\g<1>{HIDDEN}", text)


def shown_source(source: str) -> str:
    """The name of a source for messages and files: an address without its credentials.

    Args:
        source: A path or an address.
    """
    may_hold_one = "://" in source or is_url(source) or source.startswith("gst:")
    text = redact(source) if may_hold_one else source
    text = text.replace(f"{HIDDEN}@", "").replace(f"?{HIDDEN}", "")
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "..."


class Redactor:
    """Redacts texts about one source: its own credentials are hidden however they are written."""

    def __init__(self, source: str) -> None:
        """Find the credentials of a source.

        Args:
            source: A path or an address.
        """
        self._secrets = _secrets_of(source)

    def __call__(self, text: object) -> str:
        """Return a text, or the words of an error, without credentials."""
        redacted = redact(str(text))
        for secret in self._secrets:
            redacted = redacted.replace(secret, HIDDEN)
        return redacted

    def __repr__(self) -> str:
        """Not what it hides."""
        return f"Redactor({len(self._secrets)} hidden)"


def _redacted_address(address: str) -> str:
    return _QUERY.sub(HIDDEN, _USER.sub(rf"\g<1>{HIDDEN}@", address))


def _secrets_of(source: str) -> tuple[str, ...]:
    """Texts that must not be seen, longest first; both as they stand and unescaped."""
    if not url_scheme(source) and not source.startswith("gst:"):
        return ()
    found: set[str] = set()
    user = _USER.search(source)
    if user is not None:
        name, _, password = user[2].partition(":")
        found |= {user[2], password or name}
    try:
        query = urlsplit(source).query
    except ValueError:
        query = ""
    found |= {value for _, value in parse_qsl(query)}
    found |= {value for _, value in _NAMED.findall(source)}
    found |= {unquote(secret) for secret in found}
    return tuple(sorted((s for s in found if len(s) >= _MIN_SECRET), key=len, reverse=True))
