"""Options of execution providers: which there are, and settings that check themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from ufvideo_sdk.errors import ConfigError
from ufvideo_sdk.package.manifest import STAGE_STEMS

PROVIDERS = ("tensorrt", "cuda", "cpu")
"""Execution providers in the order that makes sense where all of them are there."""

_OWN_STREAM = "each session has a stream of its own"
_CACHE_OPTIONS = (
    "trt_engine_cache_enable",
    "trt_engine_cache_path",
    "trt_engine_cache_prefix",
    "trt_timing_cache_enable",
    "trt_timing_cache_path",
    "trt_dump_ep_context_model",
    "trt_ep_context_file_path",
)
_PROFILE_OPTIONS = tuple(f"trt_profile_{which}_shapes" for which in ("min", "opt", "max"))
_OWNED_OPTIONS = {
    "device_id": "set device_id",
    "gpu_mem_limit": "set device_memory_limit_bytes",
    "has_user_compute_stream": _OWN_STREAM,
    "user_compute_stream": _OWN_STREAM,
    "enable_cuda_graph": "set cuda_graphs",
    "trt_cuda_graph_enable": "addresses change from run to run",
    **dict.fromkeys(_CACHE_OPTIONS, "set engine_cache"),
    **dict.fromkeys(_PROFILE_OPTIONS, "the shapes follow from the package"),
}
"""Options that a field of RuntimeConfig stands for, or that need an address."""

Value = TypeVar("Value")


class FixedMapping(Mapping[str, Value], Generic[Value]):
    """A mapping that never changes and can be hashed, as frozen settings must."""

    def __init__(self, items: Mapping[str, Value]) -> None:
        """Copy the items; their values are not copied."""
        self._items = dict(items)

    def __getitem__(self, key: str) -> Value:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return repr(self._items)


def check_providers(field: str, providers: object) -> tuple[str, ...]:
    """An order of providers, each once and "cpu" last.

    Raises:
        ConfigError: Naming the field, the value and what is allowed.
    """
    if not isinstance(providers, tuple) or not providers:
        raise ConfigError(f"{field}: expected a tuple of names, got {providers!r}")
    for provider in providers:
        _check_provider(field, provider)
    if len(set(providers)) != len(providers):
        raise ConfigError(f"{field}: expected each name once, got {providers!r}")
    if "cpu" in providers[:-1]:
        raise ConfigError(
            f"{field}: expected 'cpu' last, got {providers!r}: it runs every node, so that none"
            " would be left"
        )
    return providers


def check_stage_providers(field: str, providers_by_stage: object) -> FixedMapping[tuple[str, ...]]:
    """Orders of providers by stage.

    Raises:
        ConfigError: Naming the field, the value and what is allowed.
    """
    given = _mapping(field, providers_by_stage, "stages and tuples of providers")
    for stage, providers in given.items():
        _check_stage(field, stage)
        check_providers(f"{field}[{stage!r}]", providers)
    return FixedMapping(given)


def check_options(field: str, options_by_provider: object) -> FixedMapping[FixedMapping[str]]:
    """Options by provider, names and values as ONNX Runtime spells them.

    Raises:
        ConfigError: Naming the field, the value and what is allowed.
    """
    given = _mapping(field, options_by_provider, "providers and their options")
    checked = {}
    for provider, options in given.items():
        _check_provider(field, provider)
        here = f"{field}[{provider!r}]"
        named = _mapping(here, options, "option names and values")
        for name, value in named.items():
            if provider == "cpu":
                raise ConfigError(f"{here}: expected none, got {name!r}")
            if name in _OWNED_OPTIONS:
                raise ConfigError(
                    f"{here}: expected options that no field stands for, got {name!r}:"
                    f" {_OWNED_OPTIONS[name]}"
                )
            if not isinstance(value, str):
                raise ConfigError(f"{here}[{name!r}]: expected a text such as '1', got {value!r}")
        checked[provider] = FixedMapping(named)
    return FixedMapping(checked)


def check_stage_options(
    field: str, options_by_stage: object
) -> FixedMapping[FixedMapping[FixedMapping[str]]]:
    """Options by stage and provider.

    Raises:
        ConfigError: Naming the field, the value and what is allowed.
    """
    given = _mapping(field, options_by_stage, "stages and options by provider")
    for stage in given:
        _check_stage(field, stage)
    return FixedMapping(
        {stage: check_options(f"{field}[{stage!r}]", options) for stage, options in given.items()}
    )


def plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """The same as dictionaries and lists, for the native side."""

    def plain_value(value: Any) -> Any:
        if isinstance(value, Mapping):
            return plain(value)
        return list(value) if isinstance(value, tuple) else value

    return {name: plain_value(value) for name, value in options.items()}


def _mapping(field: str, value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise ConfigError(f"{field}: expected a mapping of {what}, got {value!r}")
    return value


def _check_provider(field: str, provider: object) -> None:
    if provider not in PROVIDERS:
        raise ConfigError(f"{field}: expected names among {', '.join(PROVIDERS)}, got {provider!r}")


def _check_stage(field: str, stage: str) -> None:
    if stage not in STAGE_STEMS:
        raise ConfigError(f"{field}: expected stages among {', '.join(STAGE_STEMS)}, got {stage!r}")
