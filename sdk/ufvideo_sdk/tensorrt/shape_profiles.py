"""Shape profiles of TensorRT engines: between which input shapes an engine is built to run.

An engine is built when its graph is opened only if every input with a symbol in its shape has a
profile, and is taken from the cache only if the profile names those inputs and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ufvideo_sdk import _native
from ufvideo_sdk.package.manifest import Manifest, StageEntry

Shape = tuple[int, ...]


@dataclass(frozen=True)
class InputProfile:
    """Shapes of one input.

    Attributes:
        name: The input.
        min_shape: The smallest.
        opt_shape: The one to be fast at.
        max_shape: The largest.
    """

    name: str
    min_shape: Shape
    opt_shape: Shape
    max_shape: Shape


def stage_profiles(manifest: Manifest) -> dict[str, tuple[InputProfile, ...]]:
    """Profiles of the inputs that have a symbol in their shape, by stage, in the manifest's order.

    Stages that TensorRT does not run have none.
    """
    native = manifest.to_native()
    return {
        stem: _input_profiles(stage, _native.symbol_ranges(native, stem))
        for stem, stage in manifest.stages.items()
    }


def _input_profiles(
    stage: StageEntry, symbol_ranges: list[_native.SymbolRange]
) -> tuple[InputProfile, ...]:
    ranges = {sizes.symbol: sizes for sizes in symbol_ranges}

    def shape(symbolic: tuple[int | str, ...], size: Callable[[_native.SymbolRange], int]) -> Shape:
        return tuple(size(ranges[n]) if isinstance(n, str) else n for n in symbolic)

    return tuple(
        InputProfile(
            tensor.name,
            shape(tensor.shape, lambda sizes: sizes.min),
            shape(tensor.shape, lambda sizes: sizes.typical),
            shape(tensor.shape, lambda sizes: sizes.max),
        )
        for tensor in stage.inputs
        if ranges and any(isinstance(size, str) for size in tensor.shape)
    )


def profile_options(profiles: tuple[InputProfile, ...]) -> Mapping[str, str]:
    """The profiles as options of ONNX Runtime's TensorRT provider: `name:1x2x3,name:4`."""
    return {
        f"trt_profile_{which}_shapes": ",".join(
            f"{profile.name}:{'x'.join(map(str, getattr(profile, f'{which}_shape')))}"
            for profile in profiles
        )
        for which in ("min", "opt", "max")
    }
