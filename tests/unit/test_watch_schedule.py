"""When questions are due: by stream time, on change, and forced."""

from __future__ import annotations

import pytest

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")

from tests.unit.watched_timeline import Timeline
from ufvideo_sdk.errors import InputError, StateError
from ufvideo_sdk.watch.engine.facts import Answered, Asked, Dropped, Due, Failed

# The schedule; frames as (time, change), each asked about at once if the question is due; the
# times at which it is due, with the reason.
FIRST = (0.0, "first")
SCHEDULES = [
    ("every_s: 2", [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0)], [FIRST, (2, "every"), (4, "every")]),
    # Frames need not lie on the interval: it counts from the frame that was asked about.
    (
        "every_s: 2",
        [(0, 0), (1.5, 0), (3, 0), (4.5, 0), (5, 0)],
        [FIRST, (3, "every"), (5, "every")],
    ),
    # 0.1 has no exact float, and three times 0.1 is due all the same.
    ("every_s: 0.3", [(0, 0), (0.1, 0), (0.2, 0), (0.1 + 0.2, 0)], [FIRST, (0.1 + 0.2, "every")]),
    ("on_change: 0.5", [(0, None), (1, 0.4), (2, 0.5), (3, 0.4)], [FIRST, (2, "change")]),
    # The largest change since it was asked counts, not the last one.
    ("on_change: 0.5, every_s: 2", [(0, 0), (1, 0.9), (2, 0.0)], [FIRST, (2, "change")]),
    # A change before it was asked does not count for the next time.
    ("on_change: 0.5", [(0, 0.9), (1, 0.1)], [FIRST]),
    ("on_change: 0.5, force_every_s: 3", [(0, 0), (1, 0), (2, 0), (3, 0)], [FIRST, (3, "forced")]),
    # Not measured is no change.
    ("on_change: 0.5, force_every_s: 2", [(0, None), (1, None), (2, None)], [FIRST, (2, "forced")]),
    ("on_change: 0.5", [(0, 0), (1, 0), (99, 0)], [FIRST]),
]


@pytest.mark.parametrize(("keys", "frames", "due"), SCHEDULES)
def test_when_it_is_due(
    keys: str, frames: list[tuple[float, float | None]], due: list[tuple[float, str]]
) -> None:
    line = Timeline(f"rules: {{door: {{yes_no: Is it open?, {keys}}}}}")
    for time_s, change in frames:
        if line.frame(float(time_s), change):
            line.take(Asked("door", line.num_frames - 1, float(time_s), float(time_s)))
    assert [(each.time_s, each.why) for each in line.log if isinstance(each, Due)] == due


def test_due_questions_come_in_the_order_of_the_file() -> None:
    line = Timeline("""
questions:
  z: {yes_no: Is it open?, every_s: 1}
rules:
  b: {yes_no: Is it red?, every_s: 3}
  a: {text: What?, contains: x, every_s: 1}
  c: {question: z}
  t: {track: the car}
""")
    told = line.frame(0.0)
    assert [each.question for each in told if isinstance(each, Due)] == ["z", "b", "a"]
    assert [each.name for each in line.engine.due] == ["z", "b", "a"]


def test_a_question_stays_due_until_it_is_asked_or_dropped() -> None:
    line = Timeline("rules: {door: {yes_no: Is it open?, every_s: 1}}")
    assert line.frame(0.0) and not line.frame(1.0) and not line.frame(5.0)
    line.take(Asked("door", 2, 5.0, 0.0))
    assert not line.frame(5.5)
    # The interval counts from the frame that it was asked about.
    assert [each.why for each in line.frame(6.0) if isinstance(each, Due)] == ["every"]
    line.take(Dropped("door", 4, 6.0, "budget"))
    assert line.engine.due == () and not line.frame(6.5) and line.frame(7.0)


def test_an_answer_may_come_after_the_next_asking() -> None:
    line = Timeline("rules: {door: {yes_no: Is it open?, every_s: 1}}")
    first, second = line.ask("door", 0.0), line.ask("door", 1.0)
    with pytest.raises(InputError, match="frame_idx 0, as it was asked, got 1"):
        line.engine.take(Answered("door", second, "yes", "yes"))
    line.take(Failed("door", first, "cancelled"))
    line.take(Answered("door", second, "yes", "yes"))
    with pytest.raises(StateError, match="was asked"):
        line.engine.take(Failed("door", second, "cancelled"))
    line.end(2.0)
    assert line.events == [(1.0, 1.0, 1.0, 2.0)]


def test_a_question_that_is_not_due_cannot_be_dropped() -> None:
    line = Timeline("rules: {door: {yes_no: Is it open?, every_s: 1}}")
    line.ask("door", 0.0)
    with pytest.raises(StateError, match="dropped: expected a question that is due, got door"):
        line.engine.take(Dropped("door", 0, 0.0, "budget"))
