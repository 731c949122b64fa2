"""TensorRT's engines of a package: what they are built of, and how a model gets them."""

from __future__ import annotations

import logging
import shlex
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ufvideo_sdk import _native
from ufvideo_sdk.errors import ConfigError, DeviceError, UFVideoError
from ufvideo_sdk.package.file_names import MANIFEST_NAME
from ufvideo_sdk.package.manifest import Manifest
from ufvideo_sdk.runtime.config import RuntimeConfig
from ufvideo_sdk.runtime.nvidia_device import nvidia_device, tensorrt_version
from ufvideo_sdk.tensorrt.engine_cache import EngineCache, default_folder
from ufvideo_sdk.tensorrt.engine_metadata import EngineKey, folder_state
from ufvideo_sdk.tensorrt.shape_profiles import InputProfile, profile_options, stage_profiles
from ufvideo_sdk.tensorrt.stage_support import TensorRtStage, tensorrt_stages
from ufvideo_sdk.tensorrt.timing_cache import TimingCache, TimingKey

_TENSORRT = "tensorrt"
_TIMING = "timing"
_LOGGER = logging.getLogger("ufvideo_sdk")

Options = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class EngineProgress:
    """How far the building of engines is; one comes before each engine and one behind the last.

    Attributes:
        stem: The stage whose engine is built now; None: all are there.
        num_built: Engines built before.
        num_engines: Engines to build in all.
    """

    stem: str | None
    num_built: int
    num_engines: int


EngineCallback = Callable[[EngineProgress], object]


def limited_to_tensorrt_stages(runtime: RuntimeConfig, manifest: Manifest) -> RuntimeConfig:
    """The configuration with TensorRT left out of the providers of stages that it does not take.

    Raises:
        ConfigError: When a stage that it does not take is given to it by name, or to nothing else.
    """
    stage_providers = dict(runtime.stage_providers)
    for stage in tensorrt_stages(manifest):
        providers = runtime.providers_of(stage.stem)
        if stage.is_taken or _TENSORRT not in providers:
            continue
        others = tuple(name for name in providers if name != _TENSORRT)
        if stage.stem in runtime.stage_providers or not others:
            field = f"stage_providers[{stage.stem!r}]" if others else "providers"
            raise ConfigError(
                f"{field}: expected another one than 'tensorrt' for {stage.stem}, got"
                f" {providers!r}: {stage.reason}"
            )
        stage_providers[stage.stem] = others
    return replace(runtime, stage_providers=stage_providers)


def stages_left_out(runtime: RuntimeConfig, manifest: Manifest) -> dict[str, str]:
    """Stages whose providers name TensorRT although it does not take them, and why not."""
    return {
        stage.stem: stage.reason
        for stage in tensorrt_stages(manifest)
        if stage.reason is not None and _TENSORRT in runtime.providers_of(stage.stem)
    }


class Engines:
    """The engines of a package on this machine, as a configuration wants them."""

    def __init__(
        self, package: Path, manifest: Manifest, runtime: RuntimeConfig, library: Path
    ) -> None:
        """Find out what the engines are built of; TensorRT has to be able to start.

        Args:
            package: The package's folder.
            manifest: Its manifest.
            runtime: As `limited_to_tensorrt_stages` gives it.
            library: libonnxruntime.

        Raises:
            DeviceError: When the device or TensorRT's version cannot be found out.
            ConfigError: When the folder of engines cannot be made, or is not this user's alone.
        """
        self.package = package
        self.runtime = runtime
        self.library = library
        self.stages = tuple(
            stage
            for stage in tensorrt_stages(manifest)
            if stage.is_taken and _TENSORRT in runtime.providers_of(stage.stem)
        )
        profiles = stage_profiles(manifest)
        self.options: Options = {
            stage.stem: _stage_options(stage, profiles[stage.stem], runtime)
            for stage in self.stages
        }
        device = nvidia_device(runtime.device_id)
        onnxruntime = _native.open_onnxruntime(str(library))
        self.key = EngineKey(
            manifest_sha256=_native.sha256_file(str(package / MANIFEST_NAME)),
            onnxruntime=onnxruntime.version,
            tensorrt=tensorrt_version(Path(onnxruntime.library)),
            device=device.name,
            compute_capability=device.compute_capability,
            stages=self.options,
        )
        folder = default_folder() if runtime.engine_cache is None else Path(runtime.engine_cache)
        default = {
            stage.stem: _stage_options(stage, profiles[stage.stem], RuntimeConfig())
            for stage in tensorrt_stages(manifest)
            if stage.is_taken
        }
        self.cache = EngineCache(folder, self._command(default, folder))
        self.timings = TimingCache(folder, TimingKey.of_engines(self.key))
        self.build_seconds: dict[str, float] = {}
        self.num_nodes: dict[str, dict[str, int]] = {}

    def _command(self, default: Options, folder: Path) -> str:
        """What builds these engines again; `ufvideo build` knows default options alone."""
        if self.options != default:
            return f"rm -r {shlex.quote(str(folder / self.key.digest))}, then load the model again"
        words = ["ufvideo", "build", str(self.package), "--force"]
        if self.runtime.device_id:
            words += ["--device", str(self.runtime.device_id)]
        if self.runtime.engine_cache is not None:
            words += ["--engine-cache", str(folder)]
        if self.runtime.onnxruntime_library is not None:
            words += ["--onnxruntime-library", str(self.library)]
        return shlex.join(words)

    def build(self, on_engine: EngineCallback | None = None, *, replace: bool = False) -> Path:
        """Build what is not there yet; minutes. Gives the folder of the engines.

        Args:
            on_engine: Called before each engine, and when all are there.
            replace: Build them in any case.

        Raises:
            PackageError: When the package or an entry of the cache is damaged.
            DeviceError: When TensorRT gives not one engine for each stage, or does not take it
                from the cache.
            CapacityError: When memory or disk runs out.
        """
        return self.cache.build(
            self.key, lambda draft: self._write(draft, on_engine), replace=replace
        )

    def clean(self) -> dict[str, int]:
        """Remove all other engines and timings from the folder; as `EngineCache.clean`."""
        return self.cache.clean(self.key, self.timings.path)

    def native_config(self, folder: Path, *, timing: bool = False) -> _native.RuntimeConfig:
        """The configuration that takes engines from a folder, and builds into it what it lacks."""
        return self.runtime.to_native(
            self.library,
            engine_options={
                stem: {**options, **_cache_options(folder, stem, timing)}
                for stem, options in self.options.items()
            },
        )

    @contextmanager
    def opened(self, on_engine: EngineCallback | None = None) -> Iterator[_native.RuntimeConfig]:
        """The configuration to open a model with, its engines checked and, if need be, built.

        Nobody replaces them before the block ends; nor may it have written any itself.

        Raises:
            PackageError: When an engine is not what was built, before anything is loaded.
            DeviceError: When TensorRT did not take the engines that are there. Others as `build`.
        """
        while True:
            with self.cache.in_use(self.key):
                folder = self.cache.find(self.key)
                if folder is not None:
                    before = folder_state(folder)
                    yield self.native_config(folder)
                    self._require_untouched(folder, before)
                    return
            _LOGGER.warning(
                "building TensorRT engines of %s, which takes minutes; `ufvideo build %s` does it"
                " ahead of time",
                ", ".join(self.options),
                self.package,
            )
            self.build(on_engine)

    def _write(self, draft: Path, on_engine: EngineCallback | None) -> None:
        say = on_engine if on_engine is not None else _log
        # Engines come of the graphs' bytes, so these are compared whatever the configuration says.
        package = _native.Package.open(str(self.package), True)
        timing = draft / _TIMING
        timing.mkdir(mode=0o700)
        self.timings.copy_into(timing)
        for number, stem in enumerate(self.options):
            say(EngineProgress(stem, number, len(self.options)))
            (draft / stem).mkdir(mode=0o700)
            begin = time.perf_counter()
            self.num_nodes[stem] = self._build_stage(package, stem, draft)
            self.build_seconds[stem] = time.perf_counter() - begin
            self._check_engine(draft / stem, stem)
            # A full disk cuts an engine short without a word, and a name may not be found again.
            before = folder_state(draft)
            _native.open_stage(package, stem, self.native_config(draft))
            self._require_untouched(draft, before)
            # After each: a build that is interrupted later still helps the next one.
            self.timings.keep(timing)
        shutil.rmtree(timing)
        say(EngineProgress(None, len(self.options), len(self.options)))

    def _build_stage(self, package: _native.Package, stem: str, draft: Path) -> dict[str, int]:
        """Build the engine of a stage. Gives how many nodes each provider got."""
        try:
            ran_on = _native.open_stage(package, stem, self.native_config(draft, timing=True))
        except UFVideoError:
            # Perhaps because of them: a full disk cuts what TensorRT writes without a word.
            self.timings.drop(f"the engine of {stem} could not be built with it")
            raise
        return dict(ran_on.num_nodes)

    def _check_engine(self, folder: Path, stem: str) -> None:
        engines = sorted(folder.glob("*.engine"))
        if len(engines) != 1:
            nodes = [f"{count} to {name}" for name, count in self.num_nodes[stem].items()]
            raise DeviceError(
                f"{stem}: expected TensorRT to take the graph as one engine, it made"
                f" {len(engines)} (nodes went {', '.join(nodes) or 'nowhere'}); run this stage on"
                f" another provider:"
                f" RuntimeConfig(stage_providers={{{stem!r}: ('cuda', 'cpu')}})"
            )

    def _require_untouched(self, folder: Path, before: Mapping[str, tuple[int, int]]) -> None:
        after = folder_state(folder)
        changed = sorted(
            name for name in after.keys() | before.keys() if after.get(name) != before.get(name)
        )
        if changed:
            raise DeviceError(
                f"{folder}: expected TensorRT to take the engines that are there, it wrote"
                f" {', '.join(changed)} anew"
            )


def require_tensorrt(library: Path, device_id: int) -> None:
    """Do nothing where TensorRT can start.

    Raises:
        DeviceError: Naming what is missing and the command that mends it.
    """
    problem = _native.find_provider_problem(str(library), _TENSORRT, device_id)
    if problem is not None:
        raise DeviceError(
            f'providers: expected "{_TENSORRT}" to start, but {problem.what}; {problem.mend}'
        )


@contextmanager
def native_runtime(
    package: Path,
    manifest: Manifest,
    runtime: RuntimeConfig,
    library: Path,
    on_engine: EngineCallback | None = None,
) -> Iterator[_native.RuntimeConfig]:
    """The native configuration to open a package with, engines of TensorRT included.

    Where TensorRT cannot start, opening the package says so or takes the next provider.

    Raises:
        ConfigError: When TensorRT is given a stage that it does not take. Others as
            `Engines.opened`.
    """
    if _TENSORRT not in runtime.all_providers:
        yield runtime.to_native(library)
        return
    limited = limited_to_tensorrt_stages(runtime, manifest)
    engines = None
    if _native.find_provider_problem(str(library), _TENSORRT, runtime.device_id) is None:
        engines = Engines(package, manifest, limited, library)
    if engines is None or not engines.options:
        yield limited.to_native(library)
        return
    with engines.opened(on_engine) as config:
        yield config


def _log(progress: EngineProgress) -> None:
    if progress.stem is not None:
        _LOGGER.info(
            "building the TensorRT engine of %s (%d of %d)",
            progress.stem,
            progress.num_built + 1,
            progress.num_engines,
        )


def _stage_options(
    stage: TensorRtStage, profiles: tuple[InputProfile, ...], runtime: RuntimeConfig
) -> dict[str, str]:
    options = {"trt_fp16_enable": "1" if stage.fp16 else "0"}
    if stage.fp16:
        options["trt_layer_norm_fp32_fallback"] = "1"
    if stage.int8:
        options["trt_int8_enable"] = "1"
    return {**options, **profile_options(profiles), **runtime.options_of(stage.stem, _TENSORRT)}


def _cache_options(folder: Path, stem: str, timing: bool) -> dict[str, str]:
    options = {"trt_engine_cache_enable": "1", "trt_engine_cache_path": str(folder / stem)}
    if timing:
        options["trt_timing_cache_enable"] = "1"
        options["trt_timing_cache_path"] = str(folder / _TIMING)
    return options
