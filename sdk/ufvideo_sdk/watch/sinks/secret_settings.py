"""Secrets, which only environment variables hold."""

from __future__ import annotations

import os

from ufvideo_sdk.errors import ConfigError


def secret_of(variable: str | None, what: str) -> str | None:
    """Return the value of an environment variable.

    Args:
        variable: Its name; None: nothing is secret.
        what: The key of the file of rules, for the message.

    Raises:
        ConfigError: When it is not set, is empty or has characters that no header can have; the
            value is not part of the message.
    """
    if variable is None:
        return None
    value = os.environ.get(variable, "")
    if not value:
        raise ConfigError(
            f"{what}: expected the environment variable {variable}, got none: set it where the"
            " watch is started"
        )
    if not (value.isascii() and value.isprintable()):
        raise ConfigError(
            f"{what}: expected ASCII characters in the environment variable {variable}, got others"
        )
    return value
