"""What is to be tracked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.results.result import Result
from ufvideo_sdk.tracking.source import PromptSource
from ufvideo_sdk.validation.arguments import check_instance, described

Trackable = str | Result
"""What names an object: an expression, or a result whose [SEG] tokens do."""


@dataclass(frozen=True, eq=False)
class Target:
    """An object that language names.

    Attributes:
        name: What it is called: the expression, or "object 1" and so on.
        seg_hidden_state: The [SEG] state that names it, float32 [D]; None: not named yet.
        expression: What the model is asked for when it is prompted again; None: nothing, its state
            stays.
        allow_absent: Whether the model may then say that it is not there.
    """

    name: str
    seg_hidden_state: NDArray[np.float32] | None
    expression: str | None = None
    allow_absent: bool = False

    def state_now(self, source: PromptSource | None) -> NDArray[np.float32] | None:
        """The state that names it in the video as it is now, float32 [D]; None if none does.

        Args:
            source: Where the model is asked; None: its state stays, as that of a file's clip does,
                which does not change.
        """
        if self.expression is None or source is None:
            return self.seg_hidden_state
        return source.seg_hidden_state(self.expression, allow_absent=self.allow_absent)


def targets_of(given: object, *, allow_absent: bool) -> list[Target]:
    """What is to be tracked, from the argument of `track`.

    Args:
        given: An expression, a result whose every [SEG] names an object, or a sequence of these.
        allow_absent: Whether the model may say of an expression that it is not there.

    Returns:
        Those of expressions have no state yet.

    Raises:
        InputError: When it is none of these, a result names no object, or there is none.
    """
    check_instance(allow_absent, "allow_absent", bool)
    if isinstance(given, (str, Result)):
        return _targets(given, "track", allow_absent=allow_absent)
    if not isinstance(given, Sequence) or not given:
        raise InputError(
            "track: expected an expression, an answer, or a sequence of one or more, got"
            f" {described(given)}"
        )
    found = []
    for position, each in enumerate(given):
        found += _targets(each, f"track[{position}]", allow_absent=allow_absent)
    return found


def _targets(given: object, where: str, *, allow_absent: bool) -> list[Target]:
    if isinstance(given, str):
        return [Target(given, None, given, allow_absent)]
    if not isinstance(given, Result):
        raise InputError(f"{where}: expected an expression or an answer, got {described(given)}")
    states = given.seg_hidden_states
    if states.size == 0:
        raise InputError(f"{where}: expected an answer with a [SEG], got {given!r}")
    return [Target(given.object_name(idx), state) for idx, state in enumerate(states)]
