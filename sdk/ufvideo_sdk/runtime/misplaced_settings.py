"""Settings that are given to a call in place of its configuration, or to the wrong call."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import ParamSpec, TypeVar

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.runtime.config import GenerationConfig, RuntimeConfig
from ufvideo_sdk.runtime.track_config import TrackConfig

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

# What other libraries call a setting.
_OTHER_NAMES = {
    "max_tokens": "max_new_tokens",
    "max_length": "max_new_tokens",
    "min_tokens": "min_new_tokens",
    "min_length": "min_new_tokens",
    "stop": "stop_strings",
    "threads": "num_threads",
    "provider": "providers",
}
_MAX_SHOWN = 120
_CONFIGS: Mapping[str, type] = {
    "config": GenerationConfig,
    "runtime": RuntimeConfig,
    "tracking": TrackConfig,
}


def naming_misplaced_settings(call: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Answer a setting or a configuration among a call's keywords with where it belongs.

    Any other unknown keyword stays the TypeError of Python.

    Args:
        call: Accepts `config`, `runtime` or `tracking`.
    """
    known = inspect.signature(call).parameters

    @functools.wraps(call)
    def checked(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        for name, value in kwargs.items():
            if name not in known:
                _refuse_config(call.__name__, tuple(known), name, value)
                _refuse(call.__name__, tuple(known), name, value)
        return call(*args, **kwargs)

    return checked


def _refuse_config(call: str, known: tuple[str, ...], name: str, value: object) -> None:
    """Refuse a whole configuration that belongs to another call, or has another name here."""
    keyword = next((each for each, kind in _CONFIGS.items() if isinstance(value, kind)), None)
    if keyword is None and name in _CONFIGS:
        # Not told by its type: where the model is loaded, "config" is what else "runtime" is.
        keyword = "runtime" if "runtime" in known else name
    if keyword is None:
        return
    got = f"got {name}={_short(value)}"
    if keyword in known:
        raise InputError(f"{call}: expected {keyword}={_CONFIGS[keyword].__name__}(...), {got}")
    raise InputError(f"{call}: {_elsewhere(_CONFIGS[keyword].__name__, keyword, '...')}, {got}")


def _refuse(call: str, known: tuple[str, ...], name: str, value: object) -> None:
    setting = _OTHER_NAMES.get(name, name)
    for keyword, config in _CONFIGS.items():
        if setting not in (each.name for each in fields(config)):
            continue
        setting = f"{setting}={value!r}"
        if keyword in known:
            made = f"{config.__name__}({setting})"
            raise InputError(f"{call}: expected {keyword}={made}, got {name}={value!r}")
        raise InputError(f"{call}: {_elsewhere(name, keyword, setting)}")


def _elsewhere(what: str, keyword: str, settings: str) -> str:
    """Where a configuration is taken."""
    made = f"{_CONFIGS[keyword].__name__}({settings})"
    if keyword == "runtime":
        return f"expected {what} where the model is loaded, UFVideo.load(..., runtime={made})"
    if keyword == "tracking":
        return f"expected {what} where an object is tracked, track(..., tracking={made})"
    return f"expected {what} where a question is asked, ask(..., config={made})"


def _short(value: object) -> str:
    """The value, or the name of a configuration's class, whose settings do not matter here."""
    is_config = isinstance(value, tuple(_CONFIGS.values()))
    return f"{type(value).__name__}(...)" if is_config else repr(value)[:_MAX_SHOWN]
