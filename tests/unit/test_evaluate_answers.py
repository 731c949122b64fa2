"""Data sets put to nano: what is asked, what fails, and what a stop leaves."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.evaluation_sets import (
    annotation,
    object_mask,
    square,
    write_charades,
    write_json,
    write_mevis,
    write_mvbench,
    write_pixhqa,
    write_pixtrqa,
    write_revos,
    write_videorefer_q,
)
from ufvideo_sdk import GenerationConfig, InputError, Region, UFVideo, demo_clip
from ufvideo_sdk.evaluate import (
    AnswerOptions,
    DataSet,
    Prediction,
    Reason,
    Record,
    Span,
    answer_data_set,
    read_data_set,
    score_data_set,
)
from ufvideo_sdk.evaluate.answering.answer_file import AnswerFile
from ufvideo_sdk.evaluate.scoring.prediction import EmptyMask

BY_ITSELF = AnswerOptions(teacher_forced=False)


@pytest.fixture(scope="module")
def nano() -> UFVideo:
    return UFVideo.load()


def with_videos(root: Path) -> Path:
    """The demo's clip in the place of every video of a small set."""
    for path in root.rglob("*.mp4"):
        if path.is_file():
            shutil.copy(demo_clip(), path)
    return root


def test_masks_are_those_of_segment_and_of_an_answer(nano: UFVideo, tmp_path: Path) -> None:
    data_set = read_data_set("mevis-val-u", write_mevis(tmp_path))
    forced = answer_data_set(nano, data_set, tmp_path / "answers.jsonl")
    alone = answer_data_set(nano, data_set, tmp_path / "answers.jsonl", options=BY_ITSELF)
    record = data_set.records[0]
    with nano.open([os.fspath(path) for path in record.frames], fps=3) as session:
        (track,) = session.segment("The Square moving", frames=[0, 1, 2])
        answer = session.ask(record.question, segment_frames=[0, 1, 2])
    assert forced[0].text == "Sure, [SEG]."
    assert forced[0].masks == ({0: track[0], 1: track[1], 2: track[2]},)
    assert alone[0].text == answer.text
    assert len(alone[0].masks) == len(answer.masks)
    # What is read from the file is what was answered.
    again = answer_data_set(nano, data_set, tmp_path / "answers.jsonl")
    assert [vars(each) for each in again] == [vars(each) for each in forced]
    assert len((tmp_path / "answers.jsonl").read_text().splitlines()) == 4
    assert score_data_set(data_set, forced)[0].corrected.n == 2


def test_an_expression_may_be_a_question(nano: UFVideo, tmp_path: Path) -> None:
    root = write_revos(tmp_path)
    path = root / "meta_expressions_valid_.json"
    content = path.read_text().replace("a square", "Which object is the largest?")
    path.write_text(content)
    data_set = read_data_set("revos", root)
    found = answer_data_set(nano, data_set, tmp_path / "answers.jsonl")
    assert [each.failure for each in found] == [None] * 3
    with nano.open(demo_clip()) as session:
        with pytest.raises(InputError, match="got the question"):
            session.segment("Where is the square?")
        (track,) = session.segment("Where is the square?", allow_question=True)
        assert len(track)
        with pytest.raises(InputError, match="allow_question: expected without allow_absent"):
            session.segment("Where is it?", allow_question=True, allow_absent=True)


def test_times_of_a_question_and_of_an_answer(nano: UFVideo, tmp_path: Path) -> None:
    data_set = read_data_set("pixhqa", with_videos(write_pixhqa(tmp_path).parent))
    (found,) = answer_data_set(nano, data_set, tmp_path / "answers.jsonl")
    data_set = read_data_set("charades-sta", with_videos(write_charades(tmp_path / "charades")))
    spans = answer_data_set(nano, data_set, tmp_path / "answers.jsonl")
    with nano.open(demo_clip()) as session:
        times_s = session.clip.timestamps_s
        # Position 20 / 99 of 46 frames is between frames 9 and 10, which are 1 / 8 s apart.
        at = float(times_s[9] + (45 * 20 / 99 - 9) * (times_s[10] - times_s[9]))
        answer = session.ask("What is seen at <time>?", times=[at], segment_frames=[0, 4])
        assert (found.text, len(found.masks)) == (answer.text, len(answer.masks))
        located = session.ask(data_set.records[0].question)
    assert spans[0].text == located.text
    assert located.spans is not None and spans[0].span is not None
    assert spans[0].span.start == located.spans[0].start_s
    assert spans[0].duration_s == pytest.approx(46 / 8)


def test_regions_and_options(nano: UFVideo, tmp_path: Path) -> None:
    data_set = read_data_set("videorefer-q", write_videorefer_q(tmp_path), multi_frame=True)
    (found,) = answer_data_set(nano, data_set, tmp_path / "answers.jsonl")
    record = data_set.records[0]
    region = Region(np.array([0, 2]), np.stack([square(2), square(4)]))
    with nano.open([os.fspath(path) for path in record.frames], fps=3) as session:
        answer = session.ask(record.question, regions=[region])
    assert found.text == answer.text
    single = read_data_set("videorefer-q", tmp_path)
    assert answer_data_set(nano, single, tmp_path / "answers.jsonl")[0].failure is None
    assert len((tmp_path / "answers.jsonl").read_text().splitlines()) == 2, "another question"


def test_an_object_that_is_not_seen_where_it_is_pointed_at(nano: UFVideo, tmp_path: Path) -> None:
    data_set = read_data_set("videorefer-q", write_videorefer_q(tmp_path))
    empty = {2: object_mask(np.zeros_like(square(2)))}
    record = replace(data_set.records[0], objects=(empty,))
    found = answer_data_set(nano, replace(data_set, records=(record,)), tmp_path / "a.jsonl")
    assert found[0].failure is Reason.ERROR
    assert "object 0: expected a pixel or more on one of the frames [2]" in found[0].failure_text


def test_a_part_of_a_video(nano: UFVideo, tmp_path: Path) -> None:
    data_set = read_data_set("mvbench", with_videos(write_mvbench(tmp_path)))
    seen: list[tuple[int, int]] = []
    found = answer_data_set(
        nano, data_set, tmp_path / "a.jsonl", on_progress=lambda done, of: seen.append((done, of))
    )
    assert len(found) == 20 and seen == [(k, 20) for k in range(21)]
    with nano.open(demo_clip(), start_s=1.0, end_s=2.5) as session:
        assert found[0].text == session.ask(data_set.records[0].question).text
    # Nothing before the start, and a second at least.
    odd = replace(data_set.records[0], bounds_s=(-1.0, -1.0))
    (answer,) = answer_data_set(nano, DataSet("mvbench", (odd,)), tmp_path / "a.jsonl")
    with nano.open(demo_clip(), start_s=0.0, end_s=1.0) as session:
        assert answer.text == session.ask(odd.question).text


def test_what_fails_does_not_end_the_run(nano: UFVideo, tmp_path: Path) -> None:
    """A video that cannot be read, a missing one, masks of another size, a malformed record."""
    root = write_pixtrqa(tmp_path).parent
    with_videos(root)
    path = root / "PixTRQA.json"
    (whole,) = json.loads(path.read_text())
    (root / "broken.mp4").write_bytes(b"no video")
    entries = [
        {**whole, "id": "broken", "video": "broken.mp4"},
        {**whole, "id": "missing", "video": "missing.mp4"},
        {**whole, "id": "malformed", "video": 3},
        {**whole, "id": "far", "frame_idx": [0, 400], "annotation": [annotation((400, square(2)))]},
        whole,
    ]
    write_json(path, entries)
    data_set = read_data_set("pixtrqa", path)
    found = answer_data_set(nano, data_set, tmp_path / "answers.jsonl")
    assert [(each.key, each.failure) for each in found] == [
        ("broken", Reason.UNREADABLE_VIDEO),
        ("far", Reason.ERROR),
        ("0", None),
    ]
    assert "broken.mp4" in found[0].failure_text
    rows = {row.metric: row for row in score_data_set(data_set, found)}
    assert rows["tIoU"].corrected.n == 5
    failures = rows["tIoU"].corrected.failures
    assert {name: failures[name] for name in sorted(failures)} == {
        Reason.ERROR.value: 1,
        Reason.MALFORMED.value: 1,
        Reason.MISSING_VIDEO.value: 1,
        Reason.UNREADABLE_VIDEO.value: 1,
        **({Reason.NO_SPAN.value: 1} if Reason.NO_SPAN.value in failures else {}),
    }
    # An error is tried again, the video that cannot be read only if it changes.
    asked: list[int] = []
    answer_data_set(
        nano, data_set, tmp_path / "answers.jsonl", on_progress=lambda k, n: asked.append(k)
    )
    assert asked == [2, 3]
    shutil.copy(demo_clip(), root / "broken.mp4")
    found = answer_data_set(nano, data_set, tmp_path / "answers.jsonl")
    assert found[0].failure is None


def test_a_line_that_a_stop_cut_off_is_asked_again(nano: UFVideo, tmp_path: Path) -> None:
    data_set = read_data_set("charades-sta", with_videos(write_charades(tmp_path)))
    path = tmp_path / "answers.jsonl"
    whole = answer_data_set(nano, data_set, path)
    content = path.read_bytes()
    path.write_bytes(content[:-20])
    asked: list[int] = []
    again = answer_data_set(nano, data_set, path, on_progress=lambda done, _: asked.append(done))
    assert asked == [1, 2] and path.read_bytes() == content
    assert [vars(each) for each in again] == [vars(each) for each in whole]


def test_an_exception_of_the_caller_ends_the_run_and_loses_nothing(
    nano: UFVideo, tmp_path: Path
) -> None:
    data_set = read_data_set("charades-sta", with_videos(write_charades(tmp_path)))
    path = tmp_path / "answers.jsonl"

    def stop(done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        answer_data_set(nano, data_set, path, on_progress=stop)
    assert len(path.read_text().splitlines()) == 1
    assert len(answer_data_set(nano, data_set, path)) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda line: "no JSON",
        lambda line: "[]",
        lambda line: line.replace('"span_s"', '"span"'),
        lambda line: line.replace('"failure":null', '"failure":"bad luck"'),
        lambda line: line.replace(
            '"masks":[]', '"masks":[{"0":{"size":[2,2],"counts":"1","score":1}}]'
        ),
    ],
)
def test_a_line_that_is_no_answer_is_refused(tmp_path: Path, change: Callable[[str], str]) -> None:
    path = tmp_path / "answers.jsonl"
    AnswerFile(path).add("digest", Prediction("key", "text"))
    path.write_text(change(path.read_text().strip()) + "\n")
    with pytest.raises(InputError, match=r"answers\.jsonl:1: expected an answer"):
        AnswerFile(path)


def test_an_answer_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "answers.jsonl"
    file = AnswerFile(path)
    whole = Prediction(
        "a", "caf\u00e9 [SEG]", ({3: EmptyMask(4, 6)},), Span(1.5, 2.5, is_fraction=False), 7.0
    )
    failed = Prediction("b", failure=Reason.ERROR, failure_text="because")
    file.add("1", whole)
    file.add("2", failed)
    read = AnswerFile(path)
    again = read.get("1")
    assert again is not None and again.span == whole.span and again.text == whole.text
    mask = again.masks[0][3]
    assert mask is not None and mask.pixels().shape == (4, 6) and not mask.pixels().any()
    assert vars(read.get("2")) == vars(failed)
    assert read.get("3") is None
    with pytest.raises(InputError, match="expected a span in seconds"):
        file.add("3", replace(whole, span=Span(0, 1, is_fraction=True)))


def test_other_options_are_another_question(nano: UFVideo, tmp_path: Path) -> None:
    record = Record("0", video=demo_clip(), video_name="demo", question="What is there?")
    data_set = DataSet("mvbench", (record,))
    for tokens in (4, 8):
        options = AnswerOptions(config=GenerationConfig(max_new_tokens=tokens))
        answer_data_set(nano, data_set, tmp_path / "a.jsonl", options=options)
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 2


KILLED = """
import sys, time
from pathlib import Path
from ufvideo_sdk import UFVideo
from ufvideo_sdk.evaluate import answer_data_set, read_data_set

def told(done, total):
    print(done, flush=True)
    time.sleep(0.05)

data_set = read_data_set("charades-sta", Path(sys.argv[1]))
answer_data_set(UFVideo.load(), data_set, Path(sys.argv[2]), on_progress=told)
"""


def test_killed_in_the_middle_no_answer_is_lost_or_doubled(nano: UFVideo, tmp_path: Path) -> None:
    root = with_videos(write_charades(tmp_path / "charades"))
    lines = [f"3MSZA 0.0 5.0##the object does number {k}." for k in range(12)]
    (root / "charades_sta_test.txt").write_text("\n".join(lines))
    data_set = read_data_set("charades-sta", root)
    whole = answer_data_set(nano, data_set, tmp_path / "whole.jsonl")
    path = tmp_path / "killed.jsonl"
    for at_least in (3, 7):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(root), str(path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        while int(process.stdout.readline()) < at_least:
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    num_before = len(path.read_bytes().splitlines())
    assert 7 <= num_before < 12
    found = answer_data_set(nano, data_set, path)
    assert [vars(each) for each in found] == [vars(each) for each in whole]
    keys = [json.loads(line)["key"] for line in path.read_text().splitlines()]
    assert sorted(keys, key=int) == [str(k) for k in range(1, 13)]
