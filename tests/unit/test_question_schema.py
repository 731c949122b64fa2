"""Questions from plain mappings, shapes, and numbers in words."""

from __future__ import annotations

import pytest

from ufvideo_sdk.questions import Area, DocumentError, Line, Question, QuestionKind
from ufvideo_sdk.questions.answer_count import read_count
from ufvideo_sdk.questions.shapes import box_area

SQUARE = box_area((0.25, 0.25, 0.75, 0.75))
# The letter L.
ELL = Area(((0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0)))


def test_a_mapping_is_a_question() -> None:
    assert Question.from_mapping({"yes_no": " Is it red? "}) == Question(
        QuestionKind.YES_NO, "Is it red?", ("yes", "no")
    )
    question = Question.from_mapping(
        {"choice": "What is [<region>]?", "choices": ("a", "b"), "regions": [[0, 0, 0.5, 0.5]]}
    )
    assert question.choices == ("a", "b") and question.regions == (box_area((0, 0, 0.5, 0.5)),)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"yesno": "a"}, "the question: expected one of the keys yes_no"),
        ({"count": "a", "every_s": 1}, "the question: every_s: expected one of the keys"),
        ({"count": object()}, "the mapping: count: expected a text, a number, a list"),
        ({1: "a"}, "the mapping: expected keys that are texts, got int 1"),
        (
            {"choice": "a", "choices": ["b", 1]},
            r"choices\[1\]: expected a text, got 1",
        ),
    ],
)
def test_what_is_none_is_refused(mapping: dict[str, object], message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        Question.from_mapping(mapping)


@pytest.mark.parametrize(
    ("area", "point", "is_inside"),
    [
        (SQUARE, (0.5, 0.5), True),
        (SQUARE, (0.25, 0.5), True),
        (SQUARE, (0.75, 0.75), True),
        (SQUARE, (0.76, 0.5), False),
        (SQUARE, (0.5, 0.24), False),
        (ELL, (0.75, 0.25), False),
        (ELL, (0.25, 0.25), True),
        (ELL, (0.75, 0.75), True),
        (ELL, (0.75, 0.5), True),
        (ELL, (0.5, 1.0), True),
    ],
)
def test_points_in_areas(area: Area, point: tuple[float, float], is_inside: bool) -> None:
    assert area.contains(point) is is_inside
    turned = Area(tuple(reversed(area.points)))
    assert turned.contains(point) is is_inside and turned.size == pytest.approx(area.size)


@pytest.mark.parametrize(
    ("ends", "inside", "point"),
    [
        (((0.2, 0.5), (0.8, 0.5)), "below", (0.5, 0.6)),
        (((0.8, 0.5), (0.2, 0.5)), "below", (0.5, 0.6)),
        (((0.2, 0.5), (0.8, 0.5)), "above", (0.5, 0.4)),
        (((0.5, 0.2), (0.5, 0.8)), "left", (0.4, 0.5)),
        (((0.5, 0.8), (0.5, 0.2)), "left", (0.4, 0.5)),
        (((0.5, 0.2), (0.5, 0.8)), "right", (0.6, 0.5)),
        (((0.0, 0.0), (1.0, 1.0)), "below", (0.4, 0.6)),
        (((0.0, 0.0), (1.0, 1.0)), "right", (0.6, 0.4)),
    ],
)
def test_the_inside_of_a_line_is_where_it_says(
    ends: tuple[tuple[float, float], tuple[float, float]],
    inside: str,
    point: tuple[float, float],
) -> None:
    line = Line(*ends, inside)
    assert line.has_side(inside) and line.side(point) == 1
    assert line.side((1 - point[0], 1 - point[1])) == -1
    assert line.side(ends[0]) == 0
    assert line.is_crossed(point, (1 - point[0], 1 - point[1]))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("There are three cars.", 3),
        ("Three. I count 3 cars.", 3),
        ("12", 12),
        ("none", 0),
        ("There are no cars.", 0),
        ("No, there are two.", 2),
        ("twenty", 20),
        ("two or three", None),
        ("2.5", None),
        ("1,000", None),
        ("many", None),
        ("", None),
        ("12345678", None),
        ("someone", None),
        ("٣", None),
    ],
)
def test_numbers_in_answers(text: str, number: int | None) -> None:
    assert read_count(text) == number
