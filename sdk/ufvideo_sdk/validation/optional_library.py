"""Libraries that one method needs and no installation must have."""

from __future__ import annotations

import importlib
from types import ModuleType

from ufvideo_sdk.errors import ConfigError


def optional_library(name: str, needed_by: str, install: str) -> ModuleType:
    """Import a library when it is needed.

    Args:
        name: Name of the module.
        needed_by: What needs it, for the message, such as "to_pandas".
        install: The command that installs it.

    Raises:
        ConfigError: When it cannot be imported, naming the command.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigError(
            f"{needed_by}: expected the library {name}, got: {error}; install it with: {install}"
        ) from error
