"""Facts as lines: read back as they were written, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")

from tests.unit.watched_timeline import Timeline
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.watch.engine import fact_of, line_of, lines_of, load_facts, read_facts, replayed
from ufvideo_sdk.watch.engine.facts import (
    Answered,
    Asked,
    Crossed,
    Dropped,
    Due,
    Ended,
    Event,
    Fact,
    Failed,
    FoundObject,
    FoundSpan,
    Frame,
    Gap,
    Judged,
    Opened,
    Tracked,
)

FACTS: list[tuple[Fact, str]] = [
    (
        Opened(1, "door", "rules.yaml", "rules: {}\n"),
        '{"fact":"opened","version":1,"camera":"door","rules_name":"rules.yaml",'
        '"rules":"rules: {}\\n"}',
    ),
    (
        Frame(3, 0.1 + 0.2),
        '{"fact":"frame","frame_idx":3,"time_s":0.30000000000000004,"change":null}',
    ),
    (Frame(3, 5, 1), '{"fact":"frame","frame_idx":3,"time_s":5.0,"change":1.0}'),
    (Frame(0, -0.0), '{"fact":"frame","frame_idx":0,"time_s":0.0,"change":null}'),
    (
        Asked("q", 3, 1.0, 0.5),
        '{"fact":"asked","question":"q","frame_idx":3,"time_s":1.0,"window_start_s":0.5}',
    ),
    (
        Dropped("q", 3, 1.0, "budget"),
        '{"fact":"dropped","question":"q","frame_idx":3,"time_s":1.0,"cause":"budget"}',
    ),
    (
        Failed("q", 3, "cancelled"),
        '{"fact":"failed","question":"q","frame_idx":3,"cause":"cancelled"}',
    ),
    (
        Answered("q", 3, "ja \u2713", "yes", (FoundSpan(1.0, 2.0),)),
        '{"fact":"answered","question":"q","frame_idx":3,"text":"ja \u2713","choice":"yes",'
        '"spans":[{"start_s":1.0,"end_s":2.0}],"objects":[]}',
    ),
    (
        Tracked("q", 3, 1.0, (FoundObject(1, 0, 0.25, 0.5, 1),)),
        '{"fact":"tracked","question":"q","frame_idx":3,"time_s":1.0,'
        '"objects":[{"id":1,"left":0.0,"top":0.25,"right":0.5,"bottom":1.0}]}',
    ),
    (Gap(1.0, 2.0, "stalled"), '{"fact":"gap","start_s":1.0,"end_s":2.0,"cause":"stalled"}'),
    (Ended(2.0, "end"), '{"fact":"ended","time_s":2.0,"cause":"end"}'),
    (
        Due("q", 3, 1.0, "first"),
        '{"fact":"due","question":"q","frame_idx":3,"time_s":1.0,"why":"first"}',
    ),
    (
        Judged("r", 3, 1.0, True, "yes", 1, 2, "on"),
        '{"fact":"judged","rule":"r","frame_idx":3,"time_s":1.0,"holds":true,"found":"yes",'
        '"num_holding":1,"num_answers":2,"state":"on"}',
    ),
    (
        Crossed("r", "gate", 1, "in", 3, 1.0, 2, 0),
        '{"fact":"crossed","rule":"r","line":"gate","object_id":1,"direction":"in","frame_idx":3,'
        '"time_s":1.0,"num_in":2,"num_out":0}',
    ),
    (
        Event("start", 1, "r", 2.0, 1.0, None, 0.0, None, "why", (1, 2), ()),
        '{"fact":"event","edge":"start","id":1,"rule":"r","known_s":2.0,"start_s":1.0,'
        '"end_s":null,"clip_start_s":0.0,"clip_end_s":null,"reason":"why","frame_idxs":[1,2],'
        '"object_ids":[]}',
    ),
]


@pytest.mark.parametrize(("fact", "line"), FACTS, ids=lambda value: type(value).__name__)
def test_a_fact_is_a_line_and_the_line_is_the_fact(fact: Fact, line: str) -> None:
    assert line_of(fact) == line + "\n"
    assert fact_of(line + "\n") == fact


FRAME = '{"fact":"frame","frame_idx":3,"time_s":5.0,"change":null}\n'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{}\n", "fact: expected one of opened, frame"),
        ('{"fact":"flame"}\n', 'got "flame"'),
        ("[]\n", "expected an object, got a list"),
        ("nonsense\n", "expected JSON"),
        (FRAME.replace('"change":null', '"change":null,"x":1'), "x: unknown key"),
        (FRAME.replace(',"change":null', ""), "change: expected this key"),
        (FRAME.replace("3", "-3"), "frame: frame_idx: expected an integer from 0"),
        (FRAME.replace("3", "true"), "frame: frame_idx: expected an integer"),
        (FRAME.replace("5.0", '"5"'), "frame: time_s: expected a number"),
        (FRAME.replace("5.0", "NaN"), "NaN is no JSON number"),
        (FRAME.replace("5.0", "1e99"), "frame: time_s: expected a number"),
        (FRAME.replace("null", "2.0"), "frame: change: expected a number from 0 to 1"),
        (FRAME.replace("5.0", "5"), "a line as it is written"),
        (FRAME.replace(":", ": "), "a line as it is written"),
        (FRAME.replace('"time_s":5.0', '"time_s":5.0,"time_s":5.0'), "expected once"),
        (
            '{"fact":"tracked","question":"q","frame_idx":1,"time_s":1.0,"objects":[{"id":1}]}\n',
            r"objects\[0\].left: expected this key",
        ),
        (
            '{"fact":"answered","question":"q","frame_idx":1,"text":"","choice":null,'
            '"spans":[{"start_s":2.0,"end_s":1.0}],"objects":[]}\n',
            "end_s: expected start_s or later",
        ),
    ],
)
def test_another_line_is_refused(line: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fact_of(line)


def recorded() -> Timeline:
    line = Timeline("rules: {door: {yes_no: Is it open?, every_s: 1}}")
    for second, answer in enumerate(("no", "yes", "no")):
        line.answer("door", float(second), answer)
    line.end(3.0)
    return line


def test_a_log_is_read_back_and_told_again_byte_for_byte(tmp_path: Path) -> None:
    line = recorded()
    (tmp_path / "facts.jsonl").write_text(lines_of(line.log), encoding="utf-8")
    facts = load_facts(tmp_path)
    assert facts == line.log
    for _ in range(10):
        assert lines_of(replayed(facts)) == (tmp_path / "facts.jsonl").read_text(encoding="utf-8")
    assert [json.loads(each)["fact"] for each in lines_of(facts).splitlines()][:3] == [
        "opened",
        "frame",
        "due",
    ]


def test_other_rules_make_other_events_of_the_same_answers() -> None:
    from ufvideo_sdk.watch import Rules

    other = Rules.parse("rules: {door: {yes_no: Is it open?, every_s: 1, when: no}}")
    edges = [fact.edge for fact in replayed(recorded().log, other) if isinstance(fact, Event)]
    assert edges == ["start", "end", "start", "end"]


def test_a_log_that_is_none_is_refused_with_its_line(tmp_path: Path) -> None:
    text = lines_of(recorded().log)
    path = tmp_path / "facts.jsonl"
    first, second = text.splitlines(keepends=True)[:2]
    for content, message in (
        ("", "expected a log of facts, got an empty file"),
        (second, "line 1: expected the fact opened, got frame"),
        (first + first, "line 2: expected the fact opened in line 1 only"),
        (first + second[:-1], "line 2: expected a whole line, got one that is cut off"),
        (first + "{}\n", "line 2: fact: expected one of"),
        (first + "\n", "line 2: expected JSON"),
        (
            first.replace('"version":1', '"version":2'),
            "line 1: opened: version: expected an integer",
        ),
    ):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(InputError, match=message):
            list(read_facts(path))
    path.write_bytes(b'{"fact":"\xff"}\n')
    with pytest.raises(InputError, match="line 1: expected UTF-8"):
        list(read_facts(path))
    with pytest.raises(InputError, match="expected the folder of a recording, found nothing"):
        load_facts(tmp_path / "gone")
    with pytest.raises(InputError, match=r"expected one facts.jsonl in it, found 2; .*: 1, 2"):
        for name in ("1", "2"):
            (tmp_path / "all" / name).mkdir(parents=True)
            (tmp_path / "all" / name / "facts.jsonl").write_text(text, encoding="utf-8")
        load_facts(tmp_path / "all")
    with pytest.raises(InputError, match="expected the fact Opened first, got Frame"):
        list(replayed([Frame(0, 0.0)]))


@pytest.mark.parametrize(
    ("answered", "said"),
    [
        (Answered("a", 0, "Yes, it\n is.", "yes"), "yes"),
        (Answered("a", 0, "Yes, it\n is."), "Yes, it is."),
        (Answered("a", 0, " "), "-"),
        (Answered("a", 0, "<0>", spans=(FoundSpan(1.0, 2.5),)), "1.0 s to 2.5 s"),
        # The words of a model that segments are a template, with its own tokens.
        (Answered("a", 0, "Sure, [SEG].", objects=(FoundObject(1, 0, 0, 1, 1),)), "1 object"),
    ],
)
def test_an_answer_is_said_in_one_line(answered: Answered, said: str) -> None:
    assert answered.said == said
