"""When an object that is tracked is prompted by language again."""

from __future__ import annotations

from dataclasses import dataclass

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.runtime.track_config import TrackConfig
from ufvideo_sdk.validation.arguments import as_number, check_instance, described

Reprompt = str | float | None


@dataclass(frozen=True)
class Prompting:
    """How often language is asked, checked.

    Attributes:
        is_for_lost: Whether a lost or drifting object is prompted again.
        every_s: Every how many seconds an object is prompted again besides; None: never.
        verify_s: Every how many seconds the model is asked whether the mask still is what is named;
            None: never.
        config: Thresholds.
    """

    is_for_lost: bool
    every_s: float | None
    verify_s: float | None
    config: TrackConfig


def prompting_of(reprompt: object, verify_s: object, tracking: object) -> Prompting:
    """The arguments of `Session.track` as `Prompting`.

    Args:
        reprompt: "lost", seconds, or None.
        verify_s: Seconds or None.
        tracking: Thresholds.

    Raises:
        InputError: Naming the argument and what is allowed.
    """
    check_instance(tracking, "tracking", TrackConfig)
    assert isinstance(tracking, TrackConfig)
    if isinstance(reprompt, str):
        if reprompt != "lost":
            raise InputError(f'reprompt: expected "lost", seconds or None, got {reprompt!r}')
        every_s = None
    else:
        every_s = _seconds(reprompt, "reprompt", '"lost", seconds above 0 or None')
    verify = _seconds(verify_s, "verify_s", "seconds above 0 or None")
    return Prompting(reprompt is not None, every_s, verify, tracking)


def _seconds(value: object, name: str, allowed: str) -> float | None:
    if value is None:
        return None
    seconds = as_number(value)
    if seconds is None or seconds <= 0:
        raise InputError(f"{name}: expected {allowed}, got {described(value)}")
    return seconds


DEFAULT_PROMPTING = prompting_of("lost", None, TrackConfig())
