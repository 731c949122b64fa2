"""Events of located spans: windows that overlap, worked out by hand."""

from __future__ import annotations

import pytest

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")

from tests.unit.watched_timeline import Timeline

Span = tuple[float, float]
Window = tuple[Span, list[Span]]
# Keys; windows with the spans that are located in them; events as (start, end, known at its start,
# known at its end).
SPANS: list[tuple[str, list[Window], list[tuple[float, float, float, float]]]] = [
    ("", [((0, 8), []), ((4, 12), [])], []),
    # One event in three windows that overlap; it ends when the window has moved past it.
    (
        "",
        [((0, 8), [(6, 8)]), ((4, 12), [(6, 10)]), ((8, 16), [(8, 11)]), ((13, 21), [])],
        [(6, 11, 8, 21)],
    ),
    # It begins earlier than the first window showed: its end says so.
    ("", [((4, 12), [(7, 9)]), ((5, 13), [(6, 8)]), ((11, 19), [])], [(6, 9, 12, 19)]),
    # Two within a second are one, further apart they are two.
    ("", [((0, 8), [(1, 2), (3, 4)]), ((6, 14), [])], [(1, 4, 8, 14)]),
    ("", [((0, 8), [(1, 2), (3.5, 4)]), ((6, 14), [])], [(1, 2, 8, 8), (3.5, 4, 8, 14)]),
    ("merge_gap_s: 0", [((0, 8), [(1, 2), (2.5, 4)])], [(1, 2, 8, 8), (2.5, 4, 8, 99)]),
    # The first one is named again after the second has started: it is reported once.
    (
        "",
        [((0, 8), [(1, 2)]), ((2, 10), [(6, 7)]), ((2, 11), [(1, 2)]), ((9, 17), [])],
        [(1, 2, 8, 10), (6, 7, 10, 17)],
    ),
    # What is named only after a later one has started is left out.
    ("", [((0, 8), [(5, 6)]), ((1, 9), [(1, 2)])], [(5, 6, 8, 99)]),
    # Once is not enough; two of the latest three answers name it.
    ("confirm: 2 of 3", [((0, 8), [(2, 4)]), ((1, 9), []), ((2, 10), []), ((3, 11), [(3, 4)])], []),
    ("confirm: 2 of 3", [((0, 8), [(2, 4)]), ((1, 9), []), ((2, 10), [(2, 5)])], [(2, 5, 10, 99)]),
    # Two answers name two different things.
    ("confirm: 2 of 3", [((0, 8), [(2, 3)]), ((1, 9), [(7, 9)])], []),
    # Long enough only as the union of two spans.
    ("for_s: 3", [((0, 8), [(6, 8)]), ((2, 10), [(7, 10)])], [(6, 10, 10, 99)]),
    # The second lies in the cool-down of the first, the third does not.
    (
        "cool_down_s: 10",
        [((0, 8), [(1, 2)]), ((4, 12), [(9, 10)]), ((12, 20), [(13, 14)])],
        [(1, 2, 8, 12), (13, 14, 20, 99)],
    ),
    ("cool_down_s: 10", [((0, 8), [(1, 2)]), ((1, 9), [(7, 8)])], [(1, 2, 8, 99)]),
]


@pytest.mark.parametrize(
    ("keys", "first", "second"),
    [
        # The floats 0.2 + 0.1 and 2.2 + 1.1 lie just above 0.3 and 3.3.
        ("merge_gap_s: 0, cool_down_s: 0.1", (0.1, 0.2), (0.3, 0.4)),
        ("cool_down_s: 1.1", (1.1, 2.2), (3.3, 4.0)),
    ],
)
def test_an_event_at_the_end_of_a_cool_down_has_an_end(
    keys: str, first: Span, second: Span
) -> None:
    line = Timeline(f"rules: {{fall: {{locate: a person falls, every_s: 0.5, {keys}}}}}")
    line.locate("fall", (0, 8), first, second)
    line.locate("fall", (0, 9), second)
    line.end(99.0)
    found = [pytest.approx(event) for event in [(*first, 8.0, 8.0), (*second, 8.0, 99.0)]]
    assert line.events == found and len(line.edges) == 4
    starts = [edge[4] for edge in line.edges]
    assert starts[2] == starts[3], "its end says when it started as its start does"


@pytest.mark.parametrize(("keys", "windows", "events"), SPANS)
def test_spans_make_events(
    keys: str, windows: list[Window], events: list[tuple[float, float, float, float]]
) -> None:
    rule = ", ".join(filter(None, ("locate: a person falls, every_s: 0.5", keys)))
    line = Timeline(f"rules: {{fall: {{{rule}}}}}")
    for window, spans in windows:
        line.locate("fall", window, *spans)
    line.end(99.0)
    assert line.events == events


def test_a_gap_ends_a_span_and_its_echo_is_not_reported_again() -> None:
    line = Timeline("rules: {fall: {locate: a person falls, every_s: 0.5}}")
    line.locate("fall", (0, 8), (6, 8))
    line.gap(8.0, 20.0)
    line.locate("fall", (2, 20), (6, 8))
    line.locate("fall", (4, 22), (6, 21))
    line.end(23.0)
    # The last one goes on beyond what was reported: the part behind it is new.
    assert line.events == [(6.0, 8.0, 8.0, 20.0), (8.0, 21.0, 22.0, 23.0)]
