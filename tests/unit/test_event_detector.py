"""What happened to an object, told from its scores."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ufvideo_sdk import ConfigError, InputError, TrackConfig, TrackEvent, TrackEventKind
from ufvideo_sdk.tracking.event_detector import EventDetector, ObjectFrame

# Uneven on purpose: durations are seconds, not frames.
TIMES_S = (0.0, 0.1, 0.2, 0.9, 1.0, 1.1, 1.9, 2.0, 2.1, 3.0)


def frames(
    scores: Sequence[float],
    ious: Sequence[float] | None = None,
    prompted: Sequence[int] = (),
    refuted: dict[int, bool] | None = None,
    times_s: Sequence[float] = TIMES_S,
) -> list[ObjectFrame]:
    ious = [0.9] * len(scores) if ious is None else ious
    return [
        ObjectFrame(
            frame_idx=10 * i,
            time_s=times_s[i],
            runs="",
            iou_score=ious[i],
            object_score=score,
            was_prompted=i in prompted,
            is_refuted=(refuted or {}).get(i),
        )
        for i, score in enumerate(scores)
    ]


def told(
    shown: Sequence[ObjectFrame], config: TrackConfig | None = None
) -> list[tuple[str, float, int]]:
    detector = EventDetector(7, config or TrackConfig())
    events = [event for frame in shown for event in detector.push(frame)] + detector.end()
    assert all(event.track_id == 7 for event in events)
    return [(event.kind.value, event.time_s, event.frame_idx) for event in events]


def test_seen_throughout() -> None:
    assert told(frames([4.0] * 10)) == [("born", 0.0, 0), ("ended", 3.0, 90)]


def test_nothing_is_told_without_a_frame() -> None:
    assert told([]) == []


def test_lost_is_when_it_went_and_found_when_it_came_back() -> None:
    shown = frames([4, 4, -1, -1, -1, 4, 4, 4, 4, 4])
    assert told(shown) == [
        ("born", 0.0, 0),
        ("lost", 0.2, 20),
        ("found", 1.1, 50),
        ("ended", 3.0, 90),
    ]


def test_a_lost_object_is_not_found_by_a_mask_that_does_not_fit() -> None:
    scores, ious = [4, 4, -1, -1, -1, 4, 4, 4, 4, 4], [0.9] * 5 + [0.3] * 3 + [0.9] * 2
    assert told(frames(scores, ious))[1:3] == [("lost", 0.2, 20), ("found", 2.1, 80)]


def test_a_short_gap_is_no_loss_by_seconds_whatever_the_number_of_frames() -> None:
    # Three frames in 0.2 s, then one frame that stands for 0.8 s.
    assert told(frames([4, -1, -1, 4, 4, 4, 4, 4, 4, 4]))[1][0] == "ended"
    shown = frames([4, 4, 4, 4, 4, -1, -1, 4, 4, 4])
    assert told(shown)[1:3] == [("lost", 1.1, 50), ("found", 2.0, 70)]
    assert told(shown, TrackConfig(lost_s=1.0))[1][0] == "ended"


def test_zero_is_absent() -> None:
    assert told(frames([0.0, 0.5], times_s=(0.0, 1.0)))[0] == ("born", 1.0, 10)
    assert told(frames([0.4, 0.6], times_s=(0, 1)), TrackConfig(present_score=0.5))[0][1] == 1.0


def test_never_seen_is_neither_born_nor_lost_but_missing() -> None:
    detector = EventDetector(1, TrackConfig())
    shown = frames([-1.0] * 10)
    assert [event for frame in shown[:3] for event in detector.push(frame)] == []
    assert not detector.is_missing
    assert [event for frame in shown[3:] for event in detector.push(frame)] == []
    assert detector.is_missing and not detector.is_born
    assert [event.kind for event in detector.end()] == [TrackEventKind.ENDED]


def test_born_late_is_born_not_found() -> None:
    assert told(frames([-1, -1, -1, -1, 4]))[0] == ("born", 1.0, 40)


def test_a_low_predicted_iou_for_a_while_is_drift() -> None:
    shown = frames([4] * 10, [0.9, 0.9, 0.4, 0.4, 0.4, 0.9, 0.9, 0.3, 0.3, 0.3])
    assert told(shown) == [
        ("born", 0.0, 0),
        ("drift", 0.2, 20),
        ("drift", 2.0, 70),
        ("ended", 3.0, 90),
    ]
    assert len(told(shown, TrackConfig(drift_iou=0.2))) == 2
    assert len(told(shown, TrackConfig(drift_s=5.0))) == 2


def test_a_mask_is_not_doubtful_while_the_object_is_away() -> None:
    shown = frames([4, 4, 4, -1, -1, -1, 4], [0.9] * 3 + [0.1] * 3 + [0.9])
    assert told(shown, TrackConfig(lost_s=0.2, drift_s=0.0)) == [
        ("born", 0.0, 0),
        ("lost", 0.9, 30),
        ("found", 1.9, 60),
        ("ended", 1.9, 60),
    ]


def test_a_refuted_mask_drifts_until_it_is_prompted_or_confirmed() -> None:
    assert told(frames([4] * 10, refuted={3: True, 5: True}))[1:-1] == [("drift", 0.9, 30)]
    prompted = frames([4] * 10, refuted={3: True, 7: True}, prompted=[5])
    assert told(prompted)[1:-1] == [("drift", 0.9, 30), ("drift", 2.0, 70)]
    confirmed = frames([4] * 10, refuted={3: True, 5: False, 7: True})
    assert told(confirmed)[1:-1] == [("drift", 0.9, 30), ("drift", 2.0, 70)]


def test_backwards_durations_count_too() -> None:
    times_s = tuple(reversed(TIMES_S))
    shown = frames([4, 4, -1, -1, -1, 4, 4, 4, 4, 4], times_s=times_s)
    assert [event[0] for event in told(shown)] == ["born", "lost", "found", "ended"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"lost_s": -1}, "lost_s: expected seconds, 0 or more, got -1"),
        ({"drift_iou": 1.5}, "drift_iou: expected a number from 0 to 1, got 1.5"),
        ({"verify_iou": float("nan")}, "verify_iou: expected a number from 0 to 1"),
        ({"present_score": "0"}, "present_score: expected a finite number"),
        ({"start_margin": 2}, "start_margin: expected a number from 0 to 1, got 2"),
        ({"max_prompted": 0}, "max_prompted: expected an integer of 1 or more, got 0"),
        ({"hide_absent": 1}, "hide_absent: expected True or False, got 1"),
    ],
)
def test_thresholds_are_checked(settings: dict[str, object], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        TrackConfig(**settings)  # type: ignore[arg-type]


def test_an_event_is_plain_data() -> None:
    event = TrackEvent(TrackEventKind.LOST, 1.5, 3, 2)
    assert event.to_dict() == {"kind": "lost", "time_s": 1.5, "frame_idx": 3, "track_id": 2}
    assert TrackEvent(**event.to_dict()) == event and event.kind == "lost"
    assert str(event) == "1.50 s: lost"
    for wrong in ({"kind": "gone"}, {"time_s": float("inf")}, {"frame_idx": -1}, {"track_id": 1.5}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            TrackEvent(**{**event.to_dict(), **wrong})


def test_what_the_model_refuted_outlasts_doubt() -> None:
    ious = [0.9, 0.2, 0.2, 0.9, 0.9]
    shown = frames([4] * 5, ious, refuted={2: True}, times_s=(0.0, 0.1, 0.2, 0.3, 0.4))
    detector = EventDetector(7, TrackConfig())
    kinds = [event.kind.value for frame in shown for event in detector.push(frame)]
    assert kinds == ["born", "drift"] and detector.is_drifting


def test_one_drift_is_told_once() -> None:
    ious = [0.9] + [0.2] * 9
    agreed = told(frames([4] * 10, ious, refuted={6: False}))
    assert [event[0] for event in agreed] == ["born", "drift", "ended"]


def test_a_prompt_begins_doubt_anew() -> None:
    # A mask by language may itself be doubtful, where `reprompt_iou` is below `drift_iou`.
    ious = [0.9] + [0.2] * 9
    shown = frames([4] * 10, ious, prompted=[5])
    assert [event for event in told(shown) if event[0] == "drift"] == [
        ("drift", 0.1, 10),
        ("drift", 1.1, 50),
    ]


def test_durations_do_not_depend_on_when_they_begin() -> None:
    for begin in range(1, 40):
        times_s = [frame / 10 for frame in range(begin, begin + 7)]
        shown = frames([4, -1, -1, -1, -1, -1, -1], times_s=times_s)
        assert [event[0] for event in told(shown)] == ["born", "lost", "ended"], times_s
