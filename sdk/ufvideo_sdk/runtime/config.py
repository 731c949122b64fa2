"""How to run here, and how to answer. Neither says anything about the model."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from ufvideo_sdk import _native
from ufvideo_sdk.errors import ConfigError
from ufvideo_sdk.runtime.provider_options import FixedMapping, check_engine_options, frozen
from ufvideo_sdk.validation.arguments import as_integer, as_number
from ufvideo_sdk.validation.finite import shown_number
from ufvideo_sdk.video.video_container import DEFAULT_MAX_FRAME_PIXELS

# What the native runtime has no use for: reading video, and TensorRT's engines, are Python's.
_NOT_NATIVE = ("max_frame_pixels", "engine_cache")
# What ONNX Runtime and others call a provider.
_PROVIDER_NAMES = {
    "CPUExecutionProvider": "cpu",
    "CUDAExecutionProvider": "cuda",
    "TensorrtExecutionProvider": "tensorrt",
    "CPU": "cpu",
    "CUDA": "cuda",
    "gpu": "cuda",
}


def _none() -> FixedMapping[Any]:
    return FixedMapping({})


@dataclass(frozen=True)
class RuntimeConfig:
    """How to run here.

    Attributes:
        providers: Execution providers in order of preference, of "tensorrt", "cuda" and "cpu", the
            last one last: each node of a graph runs on the first one that can run it. Where "cpu"
            is not among them, a graph with a node for which that leaves none is a DeviceError.
        num_threads: Threads inside one operator; None: ONNX Runtime's choice, all physical cores.
        allow_spinning: Idle worker threads spin. Measured on two cores: alone 1 to 4 % faster
            (9 % in int4 decoding), beside a busy neighbour a third slower.
        verify_digests: Compare every file of the package with its SHA-256 while loading.
        memory_budget_bytes: Bound on all that the model's sessions hold together: KV caches,
            features, kept pixels. For KV caches and the features of open clips the caches are
            evicted, pixels first; beyond it CapacityError, and every session goes on. Weights, and
            what a run of a graph holds while it lasts, are not in it. None: the bounds below alone.
        mask_cache_bytes: Bound on the SAM 2 features that the model's sessions together keep for
            later questions.
        region_cache_bytes: Bound on the SigLIP features that the model's sessions together keep of
            frames outside their clips' sampled frames; those of the sampled frames are kept as
            long as the clip is open.
        pixel_cache_bytes: Bound on the pixels that the model's sessions together keep, so that a
            frame is not read twice.
        kv_cache_bytes: Bound on the KV caches of the model's sessions together, the copy that
            growing needs and the batches of `ask_many` included: beyond it CapacityError, and the
            session goes on. None, and without memory_budget_bytes: what is free when a cache grows
            (the machine's memory, and the limits of the control groups this process is in), less an
            eighth of it, at most 256 MiB, for all else.
        max_frame_pixels: Largest frame of a video and largest picture, in pixels, that is decoded.
            A larger one is an InputError, before memory is taken for it.
        prefill_chunk_tokens: Prompt positions that go through the language model at once. What a
            prefill holds beside weights and KV cache grows with these, not with the prompt, and a
            cancel takes effect between two pieces. On a CPU smaller ones are slower in float32,
            larger ones in int4.
        onnxruntime_library: Path of libonnxruntime; None: the environment variable
            UFVIDEO_ONNXRUNTIME_LIBRARY, then the installed wheel.
        allow_fallback: A provider that cannot start is left out, if another one is left, instead
            of a DeviceError; `answer.stats.providers` says so.
        device_id: Which GPU.
        device_memory_limit_bytes: Bound on the memory of this GPU that all stages of this process
            take together, weights and KV caches included; None: no bound. With `cuda_graphs` the
            language model is bounded by itself, by the same number.
        cuda_graphs: The step that decodes a token of one answer is captured as a CUDA graph, one
            for each size of a KV cache, and replayed: less work for the CPU. Runs of the language
            model then wait for each other, and while one is captured everything on the GPU waits.
            Needs "cuda" first for the language model. Not tried on a GPU yet.
        stage_providers: Providers of single stages by stem, in place of `providers`.
        provider_options: Options by provider for all stages, names and values (texts) as ONNX
            Runtime spells them: `{"cuda": {"cudnn_conv_algo_search": "HEURISTIC"}}`. Not those
            that a field here stands for, `device_id` above all.
        stage_provider_options: Options by stage and provider, on top of those for all stages.
        engine_cache: Folder of TensorRT's engines, this user's alone; None: `ufvideo/tensorrt` in
            the user's cache folder (XDG_CACHE_HOME). What is not there yet is built while a model
            loads, which takes minutes, or beforehand by `ufvideo build`.

    Raises:
        ConfigError: Naming the field, the value and what is allowed.
    """

    providers: Sequence[str] = ("cpu",)
    num_threads: int | None = None
    allow_spinning: bool = False
    verify_digests: bool = True
    memory_budget_bytes: int | None = None
    mask_cache_bytes: int = 1 << 30
    region_cache_bytes: int = 1 << 28
    pixel_cache_bytes: int = 1 << 28
    kv_cache_bytes: int | None = None
    max_frame_pixels: int = DEFAULT_MAX_FRAME_PIXELS
    prefill_chunk_tokens: int = 256
    onnxruntime_library: str | os.PathLike[str] | None = None
    allow_fallback: bool = False
    device_id: int = 0
    device_memory_limit_bytes: int | None = None
    cuda_graphs: bool = False
    stage_providers: Mapping[str, Sequence[str]] = field(default_factory=_none)
    provider_options: Mapping[str, Mapping[str, str]] = field(default_factory=_none)
    stage_provider_options: Mapping[str, Mapping[str, Mapping[str, str]]] = field(
        default_factory=_none
    )
    engine_cache: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        """Check every field; those of the native runtime are checked there."""
        _take_numbers(self)
        for name in ("providers", "stage_providers"):
            object.__setattr__(self, name, _as_tuple(getattr(self, name)))
        _check_names("providers", self.providers)
        for each in fields(self):
            # Copies: whoever gave them may change his own.
            object.__setattr__(self, each.name, frozen(getattr(self, each.name)))
        _ = self._native_config
        check_engine_options(self.provider_options, self.stage_provider_options)
        most = 2**31 - 1
        if as_integer(self.max_frame_pixels) is None or not 1 <= self.max_frame_pixels <= most:
            raise ConfigError(
                f"max_frame_pixels: expected an integer from 1 to {most}, got"
                f" {shown_number(self.max_frame_pixels)}"
            )
        if not isinstance(self.engine_cache, (str, os.PathLike, type(None))):
            raise ConfigError(f"engine_cache: expected a path or None, got {self.engine_cache!r}")

    @property
    def all_providers(self) -> frozenset[str]:
        """The providers that any stage asks for."""
        return frozenset(self.providers).union(*self.stage_providers.values())

    def providers_of(self, stem: str) -> tuple[str, ...]:
        """The providers of one stage."""
        return tuple(self._native_config.providers_of(stem))

    def options_of(self, stem: str, provider: str) -> dict[str, str]:
        """The options of one stage with one provider."""
        return self._native_config.options_of(stem, provider)

    def to_native(
        self, library: Path, *, engine_options: Mapping[str, Mapping[str, str]] | None = None
    ) -> _native.RuntimeConfig:
        """The same for the native runtime.

        Args:
            library: libonnxruntime, as it was found.
            engine_options: By stage, options for TensorRT that no setting stands for.
        """
        stage_options = {stem: dict(each) for stem, each in self.stage_provider_options.items()}
        for stem, options in (engine_options or {}).items():
            stage_options.setdefault(stem, {})["tensorrt"] = dict(options)
        settings = self._native_settings()
        settings |= {"onnxruntime_library": library, "stage_provider_options": stage_options}
        return _native.RuntimeConfig(**settings)

    @cached_property
    def _native_config(self) -> _native.RuntimeConfig:
        # No field: whatever compares, prints or replaces fields knows nothing of it.
        return _native.RuntimeConfig(**self._native_settings())

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone: what the native runtime made of them cannot be copied."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def _native_settings(self) -> dict[str, Any]:
        return {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if each.name not in _NOT_NATIVE
        }


@dataclass(frozen=True)
class GenerationConfig:
    """How to answer.

    Attributes:
        max_new_tokens: Most tokens of an answer, the end token included.
        temperature: 0 takes the most likely token (greedy); above 0 samples.
        top_k: Keep only the k most likely tokens when sampling; None: all.
        top_p: Keep the smallest set of tokens whose probability reaches p, 0 < p <= 1; None: all.
        seed: Seed of the sampler; None: a fresh one for each answer.
        repetition_penalty: Above 1 tokens that were there already become less likely: a logit above
            0 is divided by it, one below 0 multiplied, once for each token of prompt and answer.
            That is how transformers defines it; placeholders of video and regions do not count.
        stop_strings: The answer ends before the one that is complete first, and none of its text
            is ever streamed. Its token_ids are those that begin before it.
        min_new_tokens: The model cannot end the answer before so many tokens: until then the end
            token is not chosen. For measurements of a fixed length; refused beside choices and
            formats, which say themselves where an answer ends.

    Raises:
        ConfigError: Naming the field, the value and what is allowed.
    """

    max_new_tokens: int = 2048
    temperature: float = 0.0
    top_k: int | None = None
    top_p: float | None = None
    seed: int | None = None
    repetition_penalty: float = 1.0
    stop_strings: Sequence[str] = ()
    min_new_tokens: int = 0

    def __post_init__(self) -> None:
        """Check every field."""
        _take_numbers(self)
        object.__setattr__(self, "stop_strings", _as_tuple(self.stop_strings))
        self.to_native()
        stops = self.stop_strings
        if not isinstance(stops, tuple) or not all(isinstance(s, str) and s for s in stops):
            remedy = f": give ({stops!r},)" if isinstance(stops, str) and stops else ""
            raise ConfigError(f"stop_strings: expected a tuple of texts, got {stops!r}{remedy}")

    def to_native(self) -> _native.GenerationConfig:
        """The same for the native runtime, which knows no text: stop strings stay here."""
        settings = {each.name: getattr(self, each.name) for each in fields(self)}
        del settings["stop_strings"]
        return _native.GenerationConfig(**settings)


def _as_tuple(value: Any) -> Any:
    """A list as a tuple, which does not change, also as the value of a mapping; others as is."""
    if isinstance(value, Mapping):
        return {key: tuple(item) if isinstance(item, list) else item for key, item in value.items()}
    return tuple(value) if isinstance(value, list) else value


def _check_names(field: str, names: object) -> None:
    """Refuse a text in place of several, and the names that others have for providers.

    Raises:
        ConfigError: Saying what to give.
    """
    if isinstance(names, str):
        raise ConfigError(f"{field}: expected names in a tuple, got {names!r}: give ({names!r},)")
    for name in names if isinstance(names, tuple) else ():
        if name in _PROVIDER_NAMES:
            raise ConfigError(
                f"{field}: expected names such as {_PROVIDER_NAMES[name]!r}, got {name!r}: give"
                f" {_PROVIDER_NAMES[name]!r}"
            )


def _take_numbers(config: RuntimeConfig | GenerationConfig) -> None:
    """Numbers of NumPy and fractions become int and float, which the native runtime takes."""
    for each in fields(config):
        value = getattr(config, each.name)
        number = as_integer(value)
        plain_value = as_number(value) if number is None else number
        # Of Python's own types: np.float64 is a float too.
        if plain_value is not None and type(value) not in (int, float):
            object.__setattr__(config, each.name, plain_value)
