"""Options of execution providers: mappings that never change, and options that are set here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from ufvideo_sdk.errors import ConfigError

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
_ENGINE_OPTIONS = {
    **dict.fromkeys(_CACHE_OPTIONS, "set engine_cache"),
    **dict.fromkeys(_PROFILE_OPTIONS, "the shapes follow from the package"),
}

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


def frozen(value: Any) -> Any:
    """A mapping, and those inside it, as mappings that never change; anything else as it is."""
    if not isinstance(value, Mapping):
        return value
    return FixedMapping({key: frozen(item) for key, item in value.items()})


def check_engine_options(
    options: Mapping[str, Mapping[str, str]],
    stage_options: Mapping[str, Mapping[str, Mapping[str, str]]],
) -> None:
    """Refuse options of TensorRT that this package sets itself.

    Args:
        options: By provider, as the native runtime checked them.
        stage_options: By stage and provider.

    Raises:
        ConfigError: Naming the field, the option and what to do instead.
    """
    fields = {"provider_options": options}
    fields |= {f'stage_provider_options["{stage}"]': each for stage, each in stage_options.items()}
    for field, by_provider in fields.items():
        for name in by_provider.get("tensorrt", {}):
            if name in _ENGINE_OPTIONS:
                raise ConfigError(
                    f'{field}["tensorrt"]: expected options that no field stands for, got'
                    f' "{name}": {_ENGINE_OPTIONS[name]}'
                )
