"""Arrays and tensors as frames: taken without a copy, or refused with what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from ufvideo_sdk.errors import InputError

# Kinds of memory that the CPU reads, as DLPack numbers them: its own, and CUDA's pinned memory.
_HOST_DEVICES = (1, 3)
_DEVICE_NAMES = {2: "cuda", 4: "opencl", 7: "vulkan", 8: "metal", 10: "rocm"}


class ArrayLike(Protocol):
    """What NumPy, PyTorch, TensorFlow, JAX, HDF5 and Zarr call an array or a tensor."""

    @property
    def shape(self) -> Any:
        """Sizes."""

    @property
    def dtype(self) -> Any:
        """Kind of its numbers."""

    def __getitem__(self, index: Any, /) -> Any:
        """A part of it."""


def is_array_like(value: object) -> bool:
    """Whether a value has the shape and dtype of an array."""
    return hasattr(value, "shape") and hasattr(value, "dtype") and hasattr(value, "__getitem__")


def as_frames_array(value: Any, where: str, *, is_one: bool = False) -> Any:
    """Check one frame or several; tensors in the CPU's memory become arrays that share it.

    Args:
        value: RGB or BGR, uint8 [T, H, W, 3] or [H, W, 3], on the CPU.
        where: What it is, for messages, such as "frames[3]".
        is_one: Whether only [H, W, 3] will do.

    Returns:
        A NumPy array; or the value, if it has no memory to share, such as a dataset in a file: a
        part of it becomes an array when it is read.

    Raises:
        InputError: When device, dtype or shape are others, saying how to convert it.
    """
    shape = tuple(int(size) for size in value.shape)
    dtype = _dtype_name(value)
    _check_on_host(value, where)
    if dtype != "uint8":
        raise InputError(f"{_expected(where, dtype, shape, is_one)}: {_uint8_advice(value, dtype)}")
    if shape[-1:] != (3,) or len(shape) not in ((3,) if is_one else (3, 4)):
        advice = _shape_advice(value, shape, is_one)
        raise InputError(_expected(where, dtype, shape, is_one) + (f": {advice}" if advice else ""))
    if 0 in shape:
        raise InputError(f"{where}: expected frames with pixels, got {list(shape)}")
    return _shared(value)


def _shared(value: Any) -> Any:
    if isinstance(value, np.ndarray) or not hasattr(value, "__dlpack__"):
        return value
    try:
        return np.from_dlpack(value)
    except (BufferError, RuntimeError, TypeError, ValueError):
        # Older libraries hand out no memory in this way, but arrays.
        return np.asarray(value)


def _check_on_host(value: Any, where: str) -> None:
    ask = getattr(value, "__dlpack_device__", None)
    if ask is None or isinstance(value, np.ndarray):
        return
    try:
        kind, number = ask()
    except Exception:
        # PyTorch knows devices that DLPack does not.
        device = str(getattr(value, "device", "cpu"))
        kind = 1 if device == "cpu" else 0
    else:
        device = f"{_DEVICE_NAMES.get(int(kind), f'device {int(kind)}')}:{number}"
    if int(kind) not in _HOST_DEVICES:
        raise InputError(
            f"{where}: expected frames in the CPU's memory, got a {type(value).__name__} on"
            f" {getattr(value, 'device', device)}: copy it there first, with .cpu() in PyTorch"
        )


def _dtype_name(value: Any) -> str:
    """A dtype as NumPy calls it, such as "uint8"."""
    name = getattr(value.dtype, "name", None)
    return name if isinstance(name, str) else str(value.dtype).removeprefix("torch.")


def _expected(where: str, dtype: str, shape: Sequence[int], is_one: bool) -> str:
    wanted = "a frame uint8 [H, W, 3]"
    if not is_one:
        wanted = "frames uint8 [T, H, W, 3] or an image uint8 [H, W, 3]"
    return f"{where}: expected {wanted}, got {dtype} {list(shape)}"


def _uint8_advice(value: Any, dtype: str) -> str:
    to_uint8 = "to(torch.uint8)" if _is_torch(value) else "astype(numpy.uint8)"
    if "float" in dtype:
        return (
            f"pixels are 0 to 255; of frames from 0 to 1, (frames * 255).round().{to_uint8};"
            " normalised ones must be put back first"
        )
    if dtype == "object":
        return "an array of objects, as frames of several sizes make: give them one size"
    if dtype == "uint16":
        return f"of 16 bits a channel, (frames >> 8).{to_uint8}; of 10 bits, >> 2"
    return f"frames.{to_uint8}, if its numbers are from 0 to 255"


def _shape_advice(value: Any, shape: tuple[int, ...], is_one: bool) -> str:
    """What to do with an array of another shape; empty if that cannot be told."""
    axes = len(shape)
    if axes in (3, 4) and shape[-3] == 3:
        order = (1, 2, 0) if axes == 3 else (0, 2, 3, 1)
        verb = "permute" if _is_torch(value) else "transpose"
        return f"channels come last, frames.{verb}{order}"
    if axes == 4 and shape[0] == 3:
        verb = "permute" if _is_torch(value) else "transpose"
        return f"channels come last, frames.{verb}(1, 2, 3, 0)"
    if axes in (3, 4) and shape[-1] == 4:
        return "a fourth channel, such as transparency, is left out with frames[..., :3]"
    if axes in (3, 4) and shape[-1] == 1:
        return _grey_advice(value, "frames")
    if axes == 5:
        return "of a batch each clip is opened by itself, frames[0]"
    if axes == 4 and is_one:
        return "it is several frames: give it alone, or list(frames)"
    return _grey_advice(value, "frames[..., None]") if axes in (2, 3) else ""


def _grey_advice(value: Any, grey: str) -> str:
    if _is_torch(value):
        sizes = ", ".join(["-1"] * (len(value.shape) - ("None" not in grey))) + ", 3"
        return f"grey becomes RGB with {grey}.expand({sizes})"
    return f"grey becomes RGB with numpy.repeat({grey}, 3, axis=-1)"


def _is_torch(value: object) -> bool:
    return type(value).__module__.partition(".")[0] == "torch"
