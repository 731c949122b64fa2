"""Files of rules: what they mean, and every error with its place and its fix."""

from __future__ import annotations

import pickle
import random
from pathlib import Path

import pytest

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")

from ufvideo_sdk.errors import ConfigError, InputError
from ufvideo_sdk.questions import DocumentError, Place, QuestionKind
from ufvideo_sdk.watch import Engine, Rules
from ufvideo_sdk.watch.engine.facts import Ended, Frame
from ufvideo_sdk.watch.rules.rule import (
    AnswerIs,
    Confirmation,
    Crossing,
    NumberIs,
    Presence,
    Schedule,
    Spans,
)

WHOLE = """
zones:
  doorstep: [[0.1, 0.6], [0.4, 0.6], [0.4, 1], [0.1, 1]]
  yard: [0, 0.5, 1, 1]
lines:
  gate: {points: [[0.2, 0.5], [0.8, 0.5]], inside: below}
questions:
  light:
    choice: What colour is the traffic light?
    choices: [red, green, off]
    every_s: 2
rules:
  stop: {question: light, when: red}
  dark: {question: light, when: [off, green]}
  visitor:
    yes_no: Is somebody standing at the door?
    every_s: 5
    confirm: 2 of 3
    for_s: 4
    cool_down_s: 60
    pre_roll_s: 5
    post_roll_s: 10
  crowd: {count: How many are there?, on_change: 0.2, every_s: 1, force_every_s: 60, at_least: 5}
  fall: {locate: a person falls, every_s: 4, merge_gap_s: 2}
  parcel: {segment: the parcel, every_s: 5, in: doorstep, anchor: bottom, at_most: 0}
  loiter: {track: a person, in: yard, dwell_s: 30, lost_s: 2}
  enter: {track: a person, crosses: gate, direction: in, settle_s: 1}
  open: {yes_no: "Is object_1: [<region>] open?", regions: [doorstep], when: no, every_s: 5}
"""


def test_a_whole_file_means_what_it_says() -> None:
    rules = Rules.parse(WHOLE, name="whole.yaml")
    assert [rule.name for rule in rules.rules] == [
        *("stop", "dark", "visitor", "crowd", "fall", "parcel", "loiter", "enter", "open")
    ]
    assert [each.name for each in rules.questions] == ["light", *(r.name for r in rules.rules[2:])]
    by_name = {rule.name: rule for rule in rules.rules}
    light = rules.question("light")
    # `off` is a text in YAML 1.2.
    assert light.question.choices == ("red", "green", "off")
    assert light.schedule == Schedule(2.0)
    assert by_name["dark"].condition == AnswerIs(("off", "green"))
    visitor = by_name["visitor"]
    assert visitor.condition == AnswerIs(("yes",))
    assert visitor.confirmation == Confirmation(2, 3, 4.0)
    assert (visitor.cool_down_s, visitor.pre_roll_s, visitor.post_roll_s) == (60.0, 5.0, 10.0)
    assert rules.question("crowd").schedule == Schedule(1.0, 0.2, 60.0)
    assert by_name["crowd"].condition == NumberIs(5, None)
    assert by_name["fall"].condition == Spans(2.0)
    parcel, loiter = by_name["parcel"].condition, by_name["loiter"].condition
    assert isinstance(parcel, Presence) and isinstance(loiter, Presence)
    assert (parcel.anchor, parcel.number, parcel.zone_name) == (
        "bottom",
        NumberIs(None, 0),
        "doorstep",
    )
    assert (loiter.dwell_s, loiter.lost_s, loiter.number) == (30.0, 2.0, NumberIs(1, None))
    assert rules.question("loiter").schedule is None
    enter = by_name["enter"].condition
    assert isinstance(enter, Crossing) and (enter.direction, enter.settle_s) == ("in", 1.0)
    question = rules.question("open").question
    assert question.kind is QuestionKind.YES_NO and len(question.regions) == 1
    with pytest.raises(KeyError):
        rules.question("no such question")


RULE = "rules: {a: {%s}}"
ASK = "yes_no: Is it?, every_s: 1"
# A text, and the one line that the error has.
REFUSED = [
    # YAML.
    ("", "r:1:1: expected a mapping, got an empty document"),
    ("- a", "r:1:1: expected a mapping with the key rules, got a list"),
    ("zones: {}", "r:1:1: expected a mapping with the key rules, got a mapping without it: such as"
     " rules: {door: {yes_no: Is the door open?, every_s: 5}}"),
    ("rules: {}", "r:1:8: rules: expected one or more rules, got none"),
    ("rules: [a]", "r:1:8: rules: expected a mapping of names, got a list: give each one a name:"
     " `name: ...`, without a dash"),
    ("rules:\n  a: {}\n  a: {}", "r:3:3: rules.a: expected each key once, got it again (it first"
     " stands in line 2): keep one of them"),
    ("rules: &x\n  a: *x", "r:1:8: rules: expected values that are written out, got the anchor &x:"
     " copy the value"),
    ("rules: *x", "r:1:8: expected YAML, got found undefined alias 'x': write the value out; if the"
     ' * belongs to a text, put the text in quotes ("...")'),
    ("rules: !x {a: 1}", "r:1:8: rules: expected a value without a tag, got the tag !x"),
    ("%YAML 1.1\n---\nrules: {}", "r:1:1: expected YAML 1.2, got %YAML 1.1: leave the line out"),
    ("%YAML 1.3\n---\nrules: {}", "r:1:1: expected YAML 1.2, got %YAML 1.3: leave the line out"),
    ('rules: "\\U00110000"', 'r: expected characters of Unicode, got an escape beyond'
     ' "\\U0010FFFF": write the character itself'),
    ('rules: "\\UFFFFFFFF"', "r: expected characters of Unicode, got an escape beyond"),
    ("rules:\n\ta: 1", "r:2:1: expected YAML, got found character '\\t' that cannot start any"
     " token: indent with spaces, not with tabs"),
    ("rules:\n  a:\n    yes_no: Is object_1: [x]?", "r:3:24: expected YAML, got mapping values are"
     ' not allowed here: if a ": " belongs to a text, put the text in quotes ("...")'),
    ("rules: {}\n---\nrules: {}", "r:2:1: expected YAML, got found another document: keep one"
     " document, without a line ---"),
    ("rules: \x01", "r:1:8: expected YAML, got a control character: remove it"),
    ("rules: " + "[" * 600 + "]" * 600, "r: expected YAML, got values nested too deeply"),
    ("rules: {1: {" + ASK + ", every_s: 2}}", "r:1:41: rules.1.every_s: expected each key once, got"
     " it again (it first stands in line 1): keep one of them"),
    # Keys and values.
    (RULE % f"{ASK}, evry_s: 1", "did you mean every_s?"),
    (RULE % f"{ASK}, cooldown: 1", "did you mean cool_down_s?"),
    (RULE % f"{ASK}, at_least: 1", "r:1:41: rules.a.at_least: expected no such key here, got it:"
     " at_least belongs to a count, a segment or a track"),
    ("rulez: {}\nrules: {a: {" + ASK + "}}", "r:1:1: rulez: expected one of the keys zones, lines,"
     " questions, rules, sinks, got an unknown key: did you mean rules?"),
    ("rules: {a/b: {" + ASK + "}}", "r:1:9: rules.a/b: expected a name of up to 64 letters, digits,"
     ' spaces, _ and -, got "a/b"'),
    (RULE % "yes_no: Is it?", "r:1:12: rules.a: expected every_s or on_change, got a question"
     " without them: say when it is asked, such as every_s: 5"),
    (RULE % "yes_no: Is it?, every_s: 10s", 'r:1:38: rules.a.every_s: expected seconds as a number,'
     ' 0.1 or more, got "10s": write 10'),
    (RULE % "yes_no: Is it?, every_s: 1:30", 'got "1:30": write 90'),
    (RULE % "yes_no: Is it?, every_s: 0", "0.1 or more, got 0"),
    (RULE % "yes_no: Is it?, every_s: .nan", 'got ".nan"'),
    (RULE % "yes_no: Is it?, every_s: ", "r:1:37: rules.a.every_s: expected a value, got nothing:"
     " write one, or leave the key out"),
    (RULE % f"{ASK}, when: true", "r:1:47: rules.a.when: expected yes or no, got true: write yes"),
    (RULE % f"{ASK}, when: maybe", 'expected yes or no, got "maybe"'),
    (RULE % f"{ASK}, confirm: 2", "expected answers that must hold, such as 2 of 3, got 2: write 2"
     " of 2"),
    (RULE % f"{ASK}, confirm: 3 of 2", 'the first not above the second, got "3 of 2"'),
    (RULE % f"{ASK}, pre_roll_s: 7200", "expected at most 3600 seconds, got 7200"),
    (RULE % f"{ASK}, force_every_s: 9", "expected force_every_s beside on_change, got 9: write"
     " every_s, or add on_change"),
    (RULE % f"{ASK}, on_change: 2", "expected a number from 0.0001 to 1, got 2"),
    (RULE % "on_change: 0.1, yes_no: Is it?, every_s: 9, force_every_s: 2", "expected force_every_s"
     " of every_s or more, 9, got 2"),
    # Questions.
    (RULE % "ask: What?", "expected one of the keys yes_no, choice, count, text, locate, segment or"
     " track, got none: write yes_no in place of ask"),
    (RULE % "yes_no: a, count: b", "got 2: yes_no or count"),
    (RULE % "yes_no: '  ', every_s: 1", "expected a text, got a blank one"),
    (RULE % "yes_no: 5, every_s: 1", 'r:1:21: rules.a.yes_no: expected a text, got 5: write "5"'),
    (RULE % "choice: What?, when: a, every_s: 1", "expected the key choices with a choice, got a"
     " mapping without it: such as choices: [red, green]"),
    (RULE % "choice: What?, choices: [a, b], every_s: 1", "expected the key when with a choice"),
    (RULE % "choice: What?, choices: [a], when: a, every_s: 1", "two or more texts, got one"),
    (RULE % "choice: What?, choices: [a, A], when: a, every_s: 1", "in more than letter case"),
    (RULE % "choice: What?, choices: [red, blue], when: bleu, every_s: 1", 'expected of the choices'
     ' red or blue, got "bleu": did you mean blue?'),
    (RULE % "choice: What?, choices: [a, b], when: [a, b], every_s: 1", "it would always hold"),
    (RULE % "count: How many?, every_s: 1", "expected at_least or at_most with a count"),
    (RULE % "count: How many?, every_s: 1, at_least: 0", "expected 1 or more, got 0: it would"),
    (RULE % "count: How many?, every_s: 1, at_least: 3, at_most: 2", "of at_least or more, 3"),
    (RULE % "count: How many?, every_s: 1, at_least: 1.5", "expected an integer from 0 to"),
    (RULE % "text: What?, every_s: 1", "expected one of contains and matches, got neither"),
    (RULE % "text: What?, every_s: 1, contains: a, matches: b", "contains and matches, got both"),
    (RULE % 'text: What?, every_s: 1, matches: "("', "expected a regular expression of Python"),
    (RULE % "locate: When does he fall?, every_s: 1", 'expected what happens, such as a car stops,'
     ' got "When does he fall?"'),
    (RULE % "track: Where is it?", "expected the name of an object, such as the red car"),
    (RULE % "track: it, every_s: 1", "expected no schedule beside track, got 1"),
    (RULE % 'yes_no: "Is [<region>] it?", every_s: 1', "expected a region for each <region> of the"
     " words, 1, got 0"),
    (RULE % "yes_no: Is it <time>?, every_s: 1", "expected a question without <time>"),
    # Zones and lines.
    ("zones: {z: [10, 20, 300, 400]}\n" + RULE % ASK, "r:1:12: zones.z: expected fractions of the"
     " picture from 0 to 1, got [10, 20, 300, 400]: divide pixels by the picture's"
     " width or height"),
    ("zones: {z: [0.5, 0, 0.2, 1]}\n" + RULE % ASK, "right must exceed left, and bottom"),
    ("zones: {z: [[0, 0], [1, 1], [1, 0], [0, 1]]}\n" + RULE % ASK, "edges 1 and 3 that cross"),
    ("zones: {z: [[0, 0], [1, 1]]}\n" + RULE % ASK, "expected 3 to 64 corners, got 2"),
    ("zones: {z: [[0, 0], [0.5, 0.5], [1, 1]]}\n" + RULE % ASK, "an area of more than a pixel"),
    ("zones: {z: [[0, 0, 0], [1, 1], [1, 0]]}\n" + RULE % ASK, "expected a point [x, y], got 3"),
    ("lines: {l: {points: [[0, 0.5], [1, 0.5]], inside: left}}\n" + RULE % ASK, "r:1:51:"
     " lines.l.inside: expected a side that the line has, got left of a horizontal line: write"
     " above or below"),
    ("lines: {l: {points: [[0, 0]]}}\n" + RULE % ASK, "expected two points, got 1 points"),
    ("lines: {l: {}}\n" + RULE % ASK, "got a mapping without points"),
    (RULE % "track: it, in: yard", 'expected the name of a zone, got "yard": name it under zones'),
    ("zones: {yard: [0, 0, 1, 1]}\n" + RULE % "track: it, in: yrd", "did you mean yard?"),
    ("lines: {g: {points: [[0, 0], [1, 1]]}}\n" + RULE % "track: it, crosses: g, direction: in",
     'expected any, as the line has no inside, got "in": add inside: above, below, left or right to'
     " the line g"),
    ("lines: {g: {points: [[0, 0], [1, 1]]}}\n" + RULE % "track: it, crosses: g, dwell_s: 1",
     "dwell_s belongs to a track without crosses"),
    # Questions by name.
    ("questions: {q: {" + ASK + "}}\nrules: {a: {" + ASK + "}}", "r:1:13: questions.q: expected a"
     " rule that uses it, got none: add a rule with question: q, or leave the question out"),
    ("questions: {a: {" + ASK + "}}\nrules: {a: {" + ASK + "}}", "expected another name than the"
     " question a, got a question in both: write question: a in the rule, or rename one"),
    ("questions: {q: {" + ASK + "}}\nrules: {a: {question: p}}", "the name of a question"),
    ("questions: {q: {" + ASK + "}}\nrules: {a: {question: q, every_s: 1}}", "expected a question"
     " by name, got every_s too"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_does_not_hold_is_refused_in_one_line(text: str, words: str) -> None:
    with pytest.raises(DocumentError) as refused:
        Rules.parse(text, name="r")
    lines = str(refused.value).splitlines()
    assert len(lines) == 1 and words in lines[0], lines
    assert "expected" in lines[0] and ", got " in lines[0]
    if words.startswith("r:"):
        assert lines[0] == words or lines[0].startswith(words)


def test_all_that_is_wrong_is_told_at_once_in_the_order_of_the_text() -> None:
    text = "rules:\n  a: {yes_no: x, every: 1}\n  b: {count: y, every_s: 1:30, at_least: 1}\n"
    text += "zones:\n  z: [0, 0, 2, 2]\n"
    with pytest.raises(DocumentError) as refused:
        Rules.parse(text, name="r.yaml")
    problems = refused.value.problems
    assert [each.place for each in problems] == [
        Place(2, 6),
        Place(2, 18),
        Place(3, 26),
        Place(5, 6),
    ]
    again = pickle.loads(pickle.dumps(refused.value))
    assert str(again) == str(refused.value) and again.problems == problems


def test_a_thing_that_is_wrong_is_not_wrong_again_where_it_is_named() -> None:
    text = "zones: {z: [0, 0, 2, 2]}\nlines: {l: {points: [[0, 0]]}}\n"
    text += "rules: {a: {track: it, in: z}, b: {track: it, crosses: l, direction: in}}"
    with pytest.raises(DocumentError) as refused:
        Rules.parse(text)
    assert [each.path for each in refused.value.problems] == ["zones.z", "lines.l.points"]


def test_traps_of_yaml_1_1_are_read_as_they_are_meant() -> None:
    text = "rules: {on: {choice: What?, choices: [on, off, 22:30, 0x1F], when: off, every_s: 010}}"
    rules = Rules.parse(text)
    assert rules.rules[0].name == "on"
    assert rules.questions[0].question.choices == ("on", "off", "22:30", "0x1F")
    assert rules.questions[0].schedule == Schedule(10.0)


def test_a_file_is_read_and_a_mark_of_its_encoding_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("\ufeff" + RULE % ASK, encoding="utf-8")
    rules = Rules.load(path)
    assert rules.name == "rules.yaml" and rules.questions[0].question.words == "Is it?"
    assert Rules.parse(rules.text).rules == rules.rules
    path.write_bytes(b"rules:\n  \xff: 1\n")
    with pytest.raises(DocumentError, match=r"^rules.yaml:2:1: expected UTF-8, got the byte 0xff"):
        Rules.load(path)
    with pytest.raises(InputError, match="expected a file of rules, got: No such file"):
        Rules.load(tmp_path / "gone.yaml")
    with pytest.raises(InputError, match="found a folder"):
        Rules.load(tmp_path)
    with pytest.raises(InputError, match="expected YAML as a str, got bytes"):
        Rules.parse(b"rules: {}")  # type: ignore[arg-type]
    with pytest.raises(DocumentError, match="at most 1,048,576 characters"):
        Rules.parse("#" * (1 << 20) + "\n")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ruamel.yaml", None)
    with pytest.raises(ConfigError, match=r"pip install 'ufvideo-sdk\[cpu,watch\]'"):
        Rules.parse(RULE % ASK)


@pytest.mark.parametrize("seed", range(6))
def test_files_changed_at_random_hold_or_are_refused(seed: int) -> None:
    """Never another error; and what holds is followed to the end of a stream."""
    chance = random.Random(seed)
    pieces = [*WHOLE.split(), *"{}[]:,-#&*!|>%@\"'\n\t ~0", "\n  ", ": ", "1e9", "-1", "null"]
    num_refused = 0
    for _ in range(60):
        text = WHOLE
        for _ in range(chance.randint(1, 3)):
            start = chance.randrange(len(text))
            end = start + chance.choice((0, 1, 1, 5, 30))
            text = text[:start] + chance.choice(pieces) + text[end:]
        try:
            rules = Rules.parse(text)
        except DocumentError as error:
            num_refused += 1
            assert error.problems and all(each.expected and each.got for each in error.problems)
            continue
        engine = Engine(rules)
        assert engine.take(Frame(0, 0.0)) and not engine.take(Ended(1.0, "the stream ended"))
    assert num_refused > 10
