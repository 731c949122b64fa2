"""Why an event started, or did not, in sentences; and the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")

from typer.testing import CliRunner

from tests.unit.watched_timeline import Timeline
from ufvideo_sdk.cli import app
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.watch.engine import explain, lines_of
from ufvideo_sdk.watch.engine.facts import Event, Failed

RULES = """
lines: {gate: {points: [[0.2, 0.5], [0.8, 0.5]], inside: below}}
rules:
  door:
    yes_no: Is it open?
    every_s: 1
    confirm: 2 of 3
    cool_down_s: 10
    pre_roll_s: 5
    post_roll_s: 5
  enter: {track: the man, crosses: gate}
"""


@pytest.fixture(scope="module")
def line() -> Timeline:
    """Yes at 1 and 3, no at 4 and 5; then cool-down, a dropped and a failed question, a gap."""
    made = Timeline(RULES)
    for second, answer in enumerate(("no", "yes", "no", "yes", "no", "no", "yes")):
        made.answer("door", float(second), answer)
    made.track("enter", 6.5, o4=(0.5, 0.4))
    made.track("enter", 7.0, o4=(0.5, 0.6))
    made.drop("door", 14.0)
    failed = made.ask("door", 15.0)
    made.take(Failed("door", failed, "cancelled"))
    made.answer("door", 16.0, "yes")
    made.gap(16.0, 20.0)
    made.answer("door", 21.0, "yes")
    made.answer("door", 22.0, "yes")
    made.end(23.0)
    return made


def test_an_event_is_explained(line: Timeline) -> None:
    assert explain(line.log, "1") == [
        'Event 1 of the rule "door": from 1.00 s to 3.00 s.',
        "It started because 2 of the latest 3 answers hold; the last one of them: the answer was"
        ' "yes".',
        "That was known at 3.00 s, 2.00 s after it began.",
        "Its evidence: frames 1, 3.",
        '  1.00 s, frame 1: the answer was "yes"; holds, 1 of 2',
        '  2.00 s, frame 2: the answer was "no"; does not hold, 1 of 3',
        '  3.00 s, frame 3: the answer was "yes"; holds, 2 of 3',
        '  4.00 s, frame 4: the answer was "no"; does not hold, 1 of 3',
        "It ended because only 1 of the latest 3 answers hold; the last one: the answer was"
        ' "no"; that was known at 4.00 s.',
        "Its clip goes from -4.00 s to 8.00 s.",
    ]


def test_a_crossing_is_explained(line: Timeline) -> None:
    said = "\n".join(explain(line.log, "2"))
    assert "It started because object 4 crossed gate in." in said
    assert "Tracked: object 4." in said and "7.00 s, frame 8" in said


def test_an_event_without_an_end_is_explained(line: Timeline) -> None:
    start = next(i for i, fact in enumerate(line.log) if isinstance(fact, Event))
    said = explain(line.log[: start + 1], "1")
    assert said[0].startswith('Event 1 of the rule "door": from 1.00 s on, without an end')
    assert said[-1] == "The log has no end of it."


TIMES = [
    ("0.5", 'no event: at 0.00 s the answer was "no", which does not hold'),
    ("1.5s", "event 1 was under way, which was known at 3.00 s: 2 of the latest 3 answers hold"),
    ("3s", "event 1 was under way: 2 of the latest 3"),
    ("0:05", "no event: event 1 had just ended, its cool-down lasts until 13.00 s"),
    ("15.5", "since then there was no answer 2 times: budget, cancelled"),
    ("16s", 'no event: at 16.00 s the answer was "yes", which holds, but 2 of 3 must, and 1 of 1'),
    ("21.5", "event 3 was under way"),
]


@pytest.mark.parametrize(("what", "words"), TIMES)
def test_a_time_is_explained(line: Timeline, what: str, words: str) -> None:
    said = explain(line.log, what)
    door, enter = (each for each in said if each.startswith("Rule "))
    assert door.startswith('Rule "door": ') and words in door, said
    assert enter.startswith('Rule "enter": ')


def test_a_gap_is_told(line: Timeline) -> None:
    said = explain(line.log, "18s")
    assert said[1] == "There were no frames from 16.00 s: the camera stalled."
    last = "the last crossing was at 7.00 s: object 4 crossed gate in"
    assert said[3] == f'Rule "enter": no event: {last}.'


def test_a_question_that_was_not_answered_yet_is_told() -> None:
    made = Timeline(RULES)
    made.frame(0.0)
    made.frame(1.0)
    assert explain(made.log, "1s") == [
        "At 1.00 s:",
        'Rule "door": no event: its question had no answer yet; it was due at 0.00 s.',
        'Rule "enter": no event: nothing that counts has crossed gate yet.',
    ]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("9", "expected an event of the log, which has events 1 to 3, got 9; 9s is a time"),
        ("99s", "expected a time of the log, 0.00 s to 23.00 s, got 99.00 s"),
        ("-1", "expected the id of an event, such as 3, or a time, such as 90s or 1:30, got '-1'"),
        ("", "got ''"),
    ],
)
def test_what_the_log_has_not_is_refused(line: Timeline, what: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        explain(line.log, what)
    assert message in str(refused.value)


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(each) for each in arguments], prog_name="ufvideo")


def test_the_command_explains(line: Timeline, tmp_path: Path) -> None:
    (tmp_path / "facts.jsonl").write_text(lines_of(line.log), encoding="utf-8")
    done = run("rules", "explain", tmp_path, "1")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines() == explain(line.log, "1")
    done = run("rules", "explain", tmp_path, "4:00:00")
    assert done.exit_code == 3 and "expected a time of the log" in done.stderr
    assert run("rules", "explain", tmp_path / "gone", "1").exit_code == 3


def test_the_command_checks(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES, encoding="utf-8")
    done = run("rules", "check", path)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines() == [
        "OK  door                 yes_no   every 1 s            Is it open?",
        "OK  enter                track    on every frame       the man",
    ]
    report = json.loads(run("rules", "check", path, "--json").stdout)
    assert report == {
        "ok": True,
        "questions": ["door", "enter"],
        "rules": ["door", "enter"],
        "sinks": ["json_lines"],
        "problems": [],
    }
    path.write_text("rules: {a: {yes_no: Is it?, every: 1s}, b: 3}\n", encoding="utf-8")
    done = run("rules", "check", path)
    assert done.exit_code == 8 and done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) == 3 and all(line.startswith("rules.yaml:1:") for line in lines)
    done = run("rules", "check", path, "--json")
    assert done.exit_code == 8
    problem = json.loads(done.stdout)["problems"][1]
    assert list(problem) == ["line", "column", "path", "expected", "got", "fix"]
    assert (problem["line"], problem["column"], problem["fix"]) == (1, 29, "did you mean every_s?")
    assert run("rules", "check", tmp_path / "gone.yaml").exit_code == 3


@pytest.mark.parametrize("name", ["check", "explain"])
def test_every_command_has_an_example(name: str) -> None:
    done = run("rules", name, "--help")
    assert done.exit_code == 0 and f"Example: ufvideo rules {name}" in done.stdout


def test_rules_is_among_the_commands() -> None:
    assert "\n  rules " in run("--help").stdout
    assert run("rules").exit_code == 2
