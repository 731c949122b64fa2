"""What is drawn on pictures of a camera: what was known at their times."""

from __future__ import annotations

from dataclasses import dataclass

from ufvideo_sdk.questions.shapes import Area, Box, Line
from ufvideo_sdk.render.draw import object_colour
from ufvideo_sdk.render.text import MUTED, TEXT, Word, words_of
from ufvideo_sdk.render.timeline import SPAN_COLOUR, seconds
from ufvideo_sdk.watch.engine.facts import Event
from ufvideo_sdk.watch.rules.rule import Crossing, Presence, Rule
from ufvideo_sdk.watch.rules.rules import Rules
from ufvideo_sdk.watch.sinks.event_lines import iso_time
from ufvideo_sdk.watch.sinks.history import PastSeconds

_MAX_QUESTIONS = 6


@dataclass(frozen=True)
class DrawnObject:
    """A box.

    Attributes:
        number: Which colour it has.
        tag: What its plate says.
        box: Left, top, right and bottom in fractions of the picture.
    """

    number: int
    tag: str
    box: Box


@dataclass(frozen=True)
class Drawing:
    """What is drawn on one picture.

    Attributes:
        zones: Names and zones, and whether an event is under way in them.
        lines: The same of lines; the text has the counts too.
        objects: Boxes.
        paragraphs: What is written below the picture.
    """

    zones: tuple[tuple[str, Area, bool], ...]
    lines: tuple[tuple[str, Line, bool], ...]
    objects: tuple[DrawnObject, ...]
    paragraphs: tuple[tuple[Word, ...], ...]


class Overlay:
    """Says what is drawn, for the rules of a camera."""

    def __init__(self, rules: Rules) -> None:
        """Keep the rules.

        Args:
            rules: The rules of the camera.
        """
        self._rules = {rule.name: rule for rule in rules.rules}
        self._questions = {each.name: each.question for each in rules.questions}

    def of_event(
        self, past: PastSeconds, time_s: float, event: Event, started_at: float | None
    ) -> Drawing:
        """What is drawn on a picture of an event's clip.

        Args:
            past: What was known.
            time_s: The time of the picture.
            event: The newest edge of the event.
            started_at: Time of day of its start, seconds since 1970; None: unknown.
        """
        is_on = event.start_s <= time_s and (event.end_s is None or time_s <= event.end_s)
        rule = self._rules[event.rule]
        paragraphs = self._answer_lines(past, rule.question, time_s)
        at = [] if started_at is None else [Word(iso_time(started_at), MUTED)]
        paragraphs.append([_event_word(event, is_on), *at])
        return self._drawing(past, time_s, past.active_rules(time_s), paragraphs)

    def of_stream(self, past: PastSeconds, time_s: float, wall_s: float | None) -> Drawing:
        """What is drawn on a picture of the stream.

        Args:
            past: What was known.
            time_s: The time of the picture.
            wall_s: Its time of day, seconds since 1970; None: unknown.
        """
        events = past.open_events(time_s)
        at = "" if wall_s is None else f"  {iso_time(wall_s)}"
        paragraphs = [[Word(f"{seconds(time_s)}{at}", MUTED)]]
        for name in list(self._questions)[:_MAX_QUESTIONS]:
            lines = self._answer_lines(past, name, time_s, in_one_line=True)
            # Two rules may track the same thing.
            paragraphs += [line for line in lines if line not in paragraphs]
        paragraphs.append([_event_word(event, True) for event in events])
        return self._drawing(past, time_s, {event.rule for event in events}, paragraphs)

    def _drawing(
        self, past: PastSeconds, time_s: float, active: set[str], paragraphs: list[list[Word]]
    ) -> Drawing:
        zones: dict[str, tuple[str, Area, bool]] = {}
        lines: dict[str, tuple[str, Line, bool]] = {}
        for rule in self._rules.values():
            condition, is_active = rule.condition, rule.name in active
            if isinstance(condition, Presence) and condition.zone is not None:
                name = condition.zone_name
                is_active = is_active or (name in zones and zones[name][2])
                zones[name] = (name, condition.zone, is_active)
            elif isinstance(condition, Crossing):
                name = condition.line_name
                is_active = is_active or (name in lines and lines[name][2])
                lines[name] = (_line_text(past, rule, condition, time_s), condition.line, is_active)
        return Drawing(
            tuple(zones.values()),
            tuple(lines.values()),
            tuple(self._objects(past, time_s)),
            tuple(map(tuple, paragraphs)),
        )

    def _objects(self, past: PastSeconds, time_s: float) -> list[DrawnObject]:
        found: list[DrawnObject] = []
        for name, question in self._questions.items():
            for each in past.objects(name, time_s):
                tag = f"{each.id} {question.words}"
                drawn = DrawnObject(each.id, tag, each.box)
                if drawn not in found:
                    found.append(drawn)
        return found

    def _answer_lines(
        self, past: PastSeconds, name: str, time_s: float, *, in_one_line: bool = False
    ) -> list[list[Word]]:
        """A question and its latest answer, or where its objects are."""
        words = [word for line in words_of(self._questions[name].words, MUTED) for word in line]
        answer = past.answer(name, time_s)
        if answer is None:
            numbers = [each.id for each in past.objects(name, time_s)]
            found = [Word(f"{number}", TEXT, object_colour(number)) for number in numbers]
            return [[*words, *found]]
        said = [word for line in words_of(answer.text or "-", TEXT) for word in line]
        when = [Word(f"({seconds(answer.time_s)})", MUTED)]
        return [[*words, *said, *when]] if in_one_line else [words, [*said, *when]]


def _event_word(event: Event, is_on: bool) -> Word:
    end = "" if event.end_s is None else f" to {seconds(event.end_s)}"
    text = f"event {event.id}, {event.rule}, from {seconds(event.start_s)}{end}"
    return Word(text, SPAN_COLOUR if is_on else MUTED, SPAN_COLOUR if is_on else MUTED)


def _line_text(past: PastSeconds, rule: Rule, condition: Crossing, time_s: float) -> str:
    crossed = past.crossings(rule.name, time_s)
    if crossed is None:
        return condition.line_name
    if condition.line.inside is None:
        return f"{condition.line_name}: {crossed.num_in}"
    return f"{condition.line_name}: in {crossed.num_in}, out {crossed.num_out}"
