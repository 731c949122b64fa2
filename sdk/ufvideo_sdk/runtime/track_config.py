"""When a tracked object counts as lost, found or drifting, and when language is asked again."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ufvideo_sdk.errors import ConfigError
from ufvideo_sdk.validation.arguments import as_integer, as_number
from ufvideo_sdk.validation.finite import shown_number

# SAM 2's own gate: its object score is a logit, trained with 0 between absent and present.
PRESENT_SCORE = 0.0
# Shorter gaps are mostly single frames on which a present object scores badly; people notice an
# object that is gone for half a second.
LOST_S = 0.5
# SAMURAI (arXiv 2411.11922) keeps a memory only above a predicted IoU of 0.5: below it more of the
# mask is wrong than right.
DRIFT_IOU = 0.5
DRIFT_S = 0.5
# Two masks of one object agree in more than half of their pixels: the bound that detection and
# tracking benchmarks match objects by.
VERIFY_IOU = 0.5
# Predicted IoUs are right to about a tenth: frames nearer to each other are not told apart by them.
# Nano's tracks are 1.6 points of IoU better from the first of these frames than from the best one.
START_MARGIN = 0.1
# In a stream every try asks the language model, which takes a good part of a second.
RETRY_S = 0.5
# What a stream's memory of prompted frames is bounded by. SAM 2 keeps all of them.
MAX_PROMPTED = 4


@dataclass(frozen=True)
class TrackConfig:
    """When a tracked object counts as lost, found or drifting, and how it is prompted again.

    Attributes:
        present_score: The object is there on frames whose `object_scores` are above this logit.
        hide_absent: Whether masks are empty on frames where the object is not there. SAM 2 decodes
            a mask there too, of whatever is likest.
        lost_s: An object that is not there for so many seconds is lost.
        drift_iou: A mask whose predicted IoU is below this is doubtful: a lost object is not found
            by it, and one that has only such masks drifts.
        drift_s: An object whose masks are doubtful for so many seconds drifts.
        verify_iou: With `verify_s`: an object drifts if its mask and the one that the model names
            on the same frame have an IoU below this.
        reprompt_iou: A prompt by language is used only if the mask that it gives has at least this
            predicted IoU, and the object is there by `present_score`.
        retry_s: How often a lost or drifting object is looked for again, in seconds of the source.
            When it is found, its memory begins anew.
        start_margin: An object without a `start_s` starts on the first frame whose predicted IoU is
            at most so much below the best frame's.
        max_prompted: Most prompted frames that an object is remembered by: the latest ones. This is
            the one approximation of SAM 2's memory, and exact until an object has been prompted
            more often.

    Raises:
        ConfigError: Naming the field, the value and what is allowed.
    """

    present_score: float = PRESENT_SCORE
    hide_absent: bool = True
    lost_s: float = LOST_S
    drift_iou: float = DRIFT_IOU
    drift_s: float = DRIFT_S
    verify_iou: float = VERIFY_IOU
    reprompt_iou: float = DRIFT_IOU
    retry_s: float = RETRY_S
    start_margin: float = START_MARGIN
    max_prompted: int = MAX_PROMPTED

    def __post_init__(self) -> None:
        """Check every field."""
        if not isinstance(self.hide_absent, bool):
            raise ConfigError(
                f"hide_absent: expected True or False, got {shown_number(self.hide_absent)}"
            )
        number = as_integer(self.max_prompted)
        if number is None or number < 1:
            raise ConfigError(
                "max_prompted: expected an integer of 1 or more, got"
                f" {shown_number(self.max_prompted)}"
            )
        object.__setattr__(self, "max_prompted", number)
        for each in fields(self):
            if each.name not in ("hide_absent", "max_prompted"):
                object.__setattr__(self, each.name, self._checked(each.name))

    def _checked(self, name: str) -> float:
        value = getattr(self, name)
        number = as_number(value)
        if name == "present_score":
            allowed, fits = "a finite number", number is not None
        elif name.endswith("_iou") or name == "start_margin":
            allowed, fits = "a number from 0 to 1", number is not None and 0 <= number <= 1
        else:
            allowed, fits = "seconds, 0 or more", number is not None and number >= 0
        if not fits or number is None:
            raise ConfigError(f"{name}: expected {allowed}, got {shown_number(value)}")
        return number
