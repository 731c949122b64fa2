"""The one family of exceptions. Messages say what was expected, what came, and where."""

from __future__ import annotations

from typing import Any


class UFVideoError(Exception):
    """Base of everything this library raises on purpose.

    Attributes:
        answer: The `Answer` without masks if making its masks failed, otherwise None.
        answers: All answers of `ask_many` if making masks failed there; answers from the failed one
            on have no masks. Otherwise empty.
    """

    # Results lie above errors: naming their class here would close a circle.
    answer: Any = None
    answers: tuple[Any, ...] = ()


class ConfigError(UFVideoError, ValueError):
    """A setting has a value that is not allowed."""


class InputError(UFVideoError, ValueError):
    """A video, a question, a region or an array cannot be used as it is."""


class PackageError(UFVideoError):
    """A package is broken, such as a file or a digest, or cannot be had from where it lies."""


class PackageVersionError(PackageError):
    """A package has a format version that this runtime does not read."""


class DeviceError(UFVideoError, RuntimeError):
    """ONNX Runtime or one of its execution providers is missing or too old."""


class CapacityError(UFVideoError, RuntimeError):
    """Memory, disk space or the model's context is exhausted."""


class InferenceError(UFVideoError, RuntimeError):
    """A graph failed while running, or gave numbers that are not finite."""


class StateError(UFVideoError, RuntimeError):
    """An object is used at the wrong time or from a second thread."""


class CancelledError(StateError):
    """A call that was cancelled before it had anything to return, such as opening a clip."""


class DamagedVideoWarning(UserWarning):
    """Frames of a video are damaged and left out; `strict=True` refuses the video instead."""
