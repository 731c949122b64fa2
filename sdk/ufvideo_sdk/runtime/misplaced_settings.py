"""Settings that are given to a call in place of its configuration."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import ParamSpec, TypeVar

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.runtime.config import GenerationConfig, RuntimeConfig

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

# What other libraries call a setting.
_OTHER_NAMES = {
    "max_tokens": "max_new_tokens",
    "max_length": "max_new_tokens",
    "stop": "stop_strings",
    "threads": "num_threads",
    "provider": "providers",
}
_CONFIGS = {"config": GenerationConfig, "runtime": RuntimeConfig}


def naming_misplaced_settings(call: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Answer a setting among a call's keywords with where it belongs.

    Any other unknown keyword stays the TypeError of Python.

    Args:
        call: Accepts `config` or `runtime`.
    """
    known = inspect.signature(call).parameters

    @functools.wraps(call)
    def checked(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        for name, value in kwargs.items():
            if name not in known:
                _refuse(call.__name__, tuple(known), name, value)
        return call(*args, **kwargs)

    return checked


def _refuse(call: str, known: tuple[str, ...], name: str, value: object) -> None:
    setting = _OTHER_NAMES.get(name, name)
    for keyword, config in _CONFIGS.items():
        if setting not in (each.name for each in fields(config)):
            continue
        made = f"{config.__name__}({setting}={value!r})"
        if keyword in known:
            raise InputError(f"{call}: expected {keyword}={made}, got {name}={value!r}")
        if keyword == "runtime":
            raise InputError(
                f"{call}: expected {name} where the model is loaded,"
                f" UFVideo.load(..., runtime={made})"
            )
        raise InputError(
            f"{call}: expected {name} where a question is asked, ask(..., config={made})"
        )
