"""When a tracked object is prompted again, and what a second opinion of language changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.unit.tracker_stand_in import HEIGHT, WIDTH, Seen, TrackerStandIn, state_of
from ufvideo_sdk import CancellationToken, CancelledError, InputError, TrackConfig
from ufvideo_sdk.tracking.prompting import prompting_of
from ufvideo_sdk.tracking.source import SourceFrame
from ufvideo_sdk.tracking.target import Target
from ufvideo_sdk.tracking.tracking_pass import Step, TrackingPass

PIXELS = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
GONE = Seen(None, 0.1, -3.0)
BAD = Seen(0, 0.2, 5.0)


def target(number: int) -> Target:
    return Target(f"object {number}", state_of(number))


def frame(idx: int) -> SourceFrame:
    """Four frames a second."""
    return SourceFrame(idx, idx / 4, PIXELS)


def walked(
    tracker: TrackerStandIn,
    num_frames: int,
    *,
    reprompt: object = "lost",
    verify_s: float | None = None,
    config: TrackConfig | None = None,
    source: Any = None,
    starts: tuple[int, ...] = (0,),
    before: Callable[[int, TrackingPass], object] = lambda idx, tracking: None,
) -> list[list[Step]]:
    """Steps of objects 1, 2, ... that begin on these frames."""
    tracking = TrackingPass(tracker)
    prompting = prompting_of(reprompt, verify_s, config or TrackConfig())
    for number, start in enumerate(starts, start=1):
        tracking.add(100 + number, target(number), start, prompting)
    steps = []
    for idx in range(num_frames):
        before(idx, tracking)
        steps.append(tracking.step(frame(idx), CancellationToken(), source))
    return steps


def kinds(steps: list[list[Step]]) -> list[tuple[str, int]]:
    return [(e.kind.value, e.frame_idx) for found in steps for step in found for e in step.events]


def prompts(tracker: TrackerStandIn) -> int:
    """Prompts of one object behind its first."""
    return sum(call[0] in ("add", "prompt") for call in tracker.calls) - 1


def test_an_object_is_prompted_once_while_memory_sees_it() -> None:
    tracker = TrackerStandIn()
    steps = walked(tracker, 8)
    assert tracker.calls[:2] == [("add", 1, 1), ("step", 0)]
    assert tracker.steps() == list(range(8)) and tracker.looks() == [] and prompts(tracker) == 0
    assert [step.frame.was_prompted for (step,) in steps] == [True] + [False] * 7
    assert kinds(steps) == [("born", 0)]
    assert steps[3][0].track_id == 101 and steps[3][0].frame.runs == Seen(8).runs


def test_objects_begin_each_on_its_own_frame_and_share_the_steps() -> None:
    tracker = TrackerStandIn()
    steps = walked(tracker, 6, starts=(0, 3, 3))
    assert [len(found) for found in steps] == [1, 1, 1, 3, 3, 3]
    assert tracker.steps() == list(range(6))
    assert kinds(steps) == [("born", 0), ("born", 3), ("born", 3)]
    assert [step.frame.was_prompted for step in steps[3]] == [False, True, True]


def test_before_the_first_start_nothing_is_computed() -> None:
    tracker = TrackerStandIn()
    assert walked(tracker, 2, starts=(5,)) == [[], []]
    assert tracker.calls == []


def test_backwards_an_object_begins_when_its_frame_is_reached() -> None:
    tracker = TrackerStandIn()
    tracking = TrackingPass(tracker, is_backwards=True)
    prompting = prompting_of(None, None, TrackConfig())
    tracking.add(1, target(1), 4, prompting)
    tracking.add(2, target(2), 2, prompting)
    found = [tracking.step(frame(idx), CancellationToken()) for idx in (4, 3, 2, 1)]
    assert [[step.track_id for step in steps] for steps in found] == [[1], [1], [1, 2], [1, 2]]


def test_one_is_dropped_while_the_others_go_on() -> None:
    tracker = TrackerStandIn()
    dropped: list[Any] = []

    def before(idx: int, tracking: TrackingPass) -> None:
        if idx == 2:
            dropped.extend(tracking.remove(101))

    steps = walked(tracker, 4, starts=(0, 0), before=before)
    assert [[step.track_id for step in found] for found in steps[1:3]] == [[101, 102], [102]]
    assert [(event.kind, event.frame_idx) for event in dropped] == [("ended", 1)]
    assert ("remove", 1) in tracker.calls


def test_a_lost_object_is_prompted_where_language_sees_it_again() -> None:
    tracker = TrackerStandIn(
        by_memory=lambda number, idx: GONE if idx >= 4 else Seen(8),
        by_language=lambda number, idx: GONE if 4 <= idx < 12 else Seen(40),
    )
    steps = walked(tracker, 14)
    # Lost at 1.5 s (absent since 1.0 s), tried each half second from then on.
    assert kinds(steps) == [("born", 0), ("lost", 4), ("found", 13)]
    assert tracker.looks() == [7, 9, 11, 13]
    changes = [call for call in tracker.calls if call[0] in ("add", "prompt", "remove")]
    assert changes == [("add", 1, 1), ("remove", 1), ("add", 1, 2)], "its memory is of absence"
    (found,) = steps[13]
    assert found.frame.was_prompted and found.frame.runs == Seen(40).runs


@pytest.mark.parametrize("seen", [Seen(40, 0.9, -0.1), Seen(40, 0.49, 5.0)])
def test_a_prompt_that_is_not_trusted_is_not_put_into_memory(seen: Seen) -> None:
    def by_language(number: int, idx: int) -> Seen:
        return seen if idx > 2 else Seen(8)

    def by_memory(number: int, idx: int) -> Seen:
        return GONE if idx > 2 else Seen(8)

    tracker = TrackerStandIn(by_memory, by_language)
    walked(tracker, 20)
    assert tracker.looks() and prompts(tracker) == 0
    lenient = TrackerStandIn(by_memory, by_language)
    walked(lenient, 20, config=TrackConfig(present_score=-1.0, reprompt_iou=0.3))
    assert prompts(lenient) > 0


def test_without_reprompt_a_lost_object_is_left_to_memory() -> None:
    tracker = TrackerStandIn(by_memory=lambda number, idx: GONE if 2 < idx < 9 else Seen(8))
    steps = walked(tracker, 12, reprompt=None)
    assert kinds(steps) == [("born", 0), ("lost", 3), ("found", 9)]
    assert tracker.looks() == []


def test_seconds_prompt_every_so_often_as_well() -> None:
    tracker = TrackerStandIn()
    walked(tracker, 17, reprompt=1.0)
    assert tracker.looks() == [4, 8, 12, 16] and prompts(tracker) == 4
    assert ("remove", 1) not in tracker.calls, "what it remembers is right"
    often = TrackerStandIn()
    walked(often, 5, reprompt=0.25)
    assert often.looks() == [1, 2, 3, 4], "more often than lost objects are tried"


def test_a_drifting_object_is_prompted_again() -> None:
    tracker = TrackerStandIn(by_memory=lambda number, idx: BAD if idx > 1 else Seen(8))
    steps = walked(tracker, 6)
    # Doubtful since frame 2, drift told on frame 4, prompted on the next one.
    assert kinds(steps) == [("born", 0), ("drift", 2)]
    assert tracker.looks() == [5] and steps[5][0].frame.was_prompted


def test_verify_compares_the_mask_with_what_language_names() -> None:
    tracker = TrackerStandIn(
        by_memory=lambda number, idx: Seen(8 if idx < 6 else 60),
        by_language=lambda number, idx: Seen(8),
    )
    steps = walked(tracker, 12, verify_s=1.0)
    assert tracker.looks()[:3] == [4, 8, 9], "every second; then the prompt"
    assert [step.frame.is_refuted for (step,) in steps[:10]] == [
        *[None] * 4, False, *[None] * 3, True, None,
    ]  # fmt: skip
    assert kinds(steps) == [("born", 0), ("drift", 8)]
    assert steps[9][0].frame.was_prompted and steps[9][0].frame.runs == Seen(8).runs


def test_verify_says_nothing_where_language_does_not_see_the_object() -> None:
    tracker = TrackerStandIn(
        by_memory=lambda number, idx: Seen(60),
        by_language=lambda number, idx: Seen(8) if idx == 0 else GONE,
    )
    steps = walked(tracker, 9, verify_s=1.0)
    assert tracker.looks() == [4, 8] and kinds(steps) == [("born", 0)]
    assert all(step.frame.is_refuted is None for (step,) in steps)


def test_half_of_the_pixels_is_enough_by_default() -> None:
    tracker = TrackerStandIn(
        by_memory=lambda number, idx: Seen(10), by_language=lambda number, idx: Seen(8)
    )
    # 6 of 8 columns are shared: IoU 6 / 10.
    assert kinds(walked(tracker, 9, verify_s=1.0)) == [("born", 0)]
    strict = TrackConfig(verify_iou=0.61)
    assert ("drift", 4) in kinds(walked(tracker, 9, verify_s=1.0, config=strict))


class Words:
    """A model that names objects by a script, and keeps when it was asked."""

    def __init__(self, named: Callable[[int], int | None]) -> None:
        self.named = named
        self.asked: list[tuple[str, bool]] = []

    def seg_hidden_state(self, expression: str, *, allow_absent: bool) -> Any:
        self.asked.append((expression, allow_absent))
        number = self.named(len(self.asked))
        return None if number is None else state_of(number)


def test_a_model_is_asked_anew_each_time() -> None:
    tracker = TrackerStandIn(by_memory=lambda number, idx: GONE if idx == 2 else Seen(8))
    words = Words(lambda count: 5)
    tracking = TrackingPass(tracker)
    tracking.add(1, Target("car", state_of(1), "car"), 0, prompting_of(1.0, None, TrackConfig()))
    for idx in range(6):
        tracking.step(frame(idx), CancellationToken(), words)
    assert words.asked == [("car", False)] and ("prompt", 5, 1) in tracker.calls


def test_an_object_without_a_state_begins_when_language_names_and_sees_it() -> None:
    tracker = TrackerStandIn(by_language=lambda number, idx: Seen(8) if idx >= 6 else GONE)
    words = Words(lambda count: None if count < 3 else 4)
    tracking = TrackingPass(tracker)
    tracking.add(
        1, Target("car", None, "car", allow_absent=True), 0, prompting_of(None, None, TrackConfig())
    )
    steps = [tracking.step(frame(idx), CancellationToken(), words) for idx in range(9)]
    # Asked each half second; named from frame 4 on, seen from frame 6 on.
    assert words.asked == [("car", True)] * 4 and tracker.looks() == [4, 6]
    assert [len(found) for found in steps] == [0] * 6 + [1] * 3
    assert kinds(steps) == [("born", 6)]


def test_one_that_was_never_seen_begins_with_an_empty_memory() -> None:
    def language(number: int, idx: int) -> Seen:
        return Seen(8) if idx >= 4 else GONE

    tracker = TrackerStandIn(by_memory=lambda number, idx: GONE, by_language=language)
    walked(tracker, 6)
    adds = [call for call in tracker.calls if call[0] in ("add", "remove", "prompt")]
    assert adds == [("add", 1, 1), ("remove", 1), ("add", 1, 2)]


def test_a_model_that_denies_the_object_refutes_its_mask() -> None:
    tracker = TrackerStandIn()
    tracking = TrackingPass(tracker)
    tracking.add(
        1,
        Target("car", state_of(1), "car", allow_absent=True),
        0,
        prompting_of(None, 1.0, TrackConfig()),
    )
    words = Words(lambda count: None)
    steps = [tracking.step(frame(idx), CancellationToken(), words) for idx in range(6)]
    assert kinds(steps) == [("born", 0), ("drift", 4)] and tracker.looks() == []


def test_a_cancelled_step_is_done_again_by_the_next_call() -> None:
    token = CancellationToken()
    tracker = TrackerStandIn(on_step=lambda idx: token.cancel() if idx == 2 else None)
    tracking = TrackingPass(tracker)
    tracking.add(1, target(1), 2, prompting_of("lost", None, TrackConfig()))
    with pytest.raises(CancelledError):
        tracking.step(frame(2), token)
    (step,) = tracking.step(frame(2), CancellationToken())
    assert step.frame.was_prompted
    assert [call[0] for call in tracker.calls] == ["add", "step"]


def test_a_second_opinion_that_is_cancelled_leaves_the_step() -> None:
    token = CancellationToken()
    tracker = TrackerStandIn()
    tracking = TrackingPass(tracker)
    tracking.add(1, Target("car", state_of(1), "car"), 0, prompting_of(None, 0.25, TrackConfig()))
    tracking.step(frame(0), CancellationToken())
    words = Words(lambda count: token.cancel() or 1)
    (step,) = tracking.step(frame(1), token, words)
    assert step.frame.is_refuted is None and step.frame.runs == Seen(8).runs


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("always", None), "reprompt: expected \"lost\", seconds or None, got 'always'"),
        ((0, None), 'reprompt: expected "lost", seconds above 0 or None, got int 0'),
        ((True, None), "reprompt: expected"),
        (("lost", -1.0), "verify_s: expected seconds above 0 or None, got float -1.0"),
        (("lost", "often"), "verify_s: expected"),
    ],
)
def test_arguments_are_checked(arguments: tuple[Any, Any], expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        prompting_of(*arguments, TrackConfig())
    with pytest.raises(InputError, match="tracking: expected a TrackConfig, got dict"):
        prompting_of("lost", None, {})


def test_a_frame_whose_second_opinion_failed_is_remembered_once() -> None:
    class Source:
        fails = True

        def seg_hidden_state(self, expression: str, *, allow_absent: bool) -> Any:
            if self.fails:
                raise InputError("no memory")
            return state_of(1)

    tracker, source = TrackerStandIn(), Source()
    tracking = TrackingPass(tracker)
    tracking.add(1, Target("car", state_of(1), "car"), 0, prompting_of("lost", 0.25, TrackConfig()))
    tracking.step(frame(0), CancellationToken(), source)
    with pytest.raises(InputError, match="no memory"):
        tracking.step(frame(1), CancellationToken(), source)
    source.fails = False
    (step,) = tracking.step(frame(1), CancellationToken(), source)
    assert tracker.steps() == [0, 1] and step.frame.is_refuted is False
    tracking.step(frame(2), CancellationToken(), source)
    assert tracker.steps() == [0, 1, 2]


def test_prompts_come_on_time_whatever_the_rounding() -> None:
    for begin in range(40):
        tracker = TrackerStandIn()
        tracking = TrackingPass(tracker)
        tracking.add(1, target(1), begin, prompting_of(0.5, None, TrackConfig()))
        for idx in range(begin, begin + 6):
            tracking.step(SourceFrame(idx, idx / 10, PIXELS), CancellationToken())
        assert tracker.looks() == [begin + 5]
