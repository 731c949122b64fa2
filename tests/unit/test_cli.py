"""What commands print, save and refuse."""

from __future__ import annotations

import errno
import importlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.unit.drawn_answers import (
    drawn_image,
    emptied,
)
from tests.unit.pretended_session import ASK, SEGMENT, PretendedSession, pretend, run
from ufvideo_sdk import errors

# Its package has the function under the module's name.
ASK_MODULE = importlib.import_module("ufvideo_sdk.cli.ask")


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> PretendedSession:
    return pretend(monkeypatch)


def test_ask_prints_text_times_and_objects(session: PretendedSession) -> None:
    result = run(*ASK)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        session.answer.text,
        "time: 10.50 - 11.75 s",
        "object 1: 3 frames, 4.7 % of the picture, score 0.75",
        "object 2: 3 frames, 4.7 % of the picture, score 0.75",
    ]
    assert result.stderr == ""
    assert session.asked["segment_frames"] == "sampled"


def test_json_is_all_there_is_on_stdout(session: PretendedSession, tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    result = run(*ASK, "--json", "--save", str(path), "--save", str(tmp_path / "a.png"))
    assert result.exit_code == 0, result.stderr
    assert result.stdout == session.answer.to_json() == path.read_text(encoding="utf-8")
    assert result.stderr.splitlines() == [f"wrote {path}", f"wrote {tmp_path / 'a.png'}"]
    assert (tmp_path / "a.png").is_file()


def test_ask_hands_its_options_on(session: PretendedSession) -> None:
    sampling = ["--temperature", "0.5", "--top-k", "4", "--top-p", "0.9", "--seed", "3"]
    sampling += ["--repetition-penalty", "1.25", "--stop", ".", "--stop", "and"]
    span = ["--start", "1", "--end", "2.5"]
    machine = ["--threads", "2", "--provider", "cpu"]
    result = run(*ASK, "--frames", "0,3,6", "--max-new-tokens", "9", *sampling, *span, *machine)
    assert result.exit_code == 0, result.stderr
    request = session.requests[0]
    assert (request.source, request.start_s, request.end_s) == ("clip.mp4", 1.0, 2.5)
    assert request.runtime == {"num_threads": 2, "providers": ("cpu",)}
    assert session.asked["segment_frames"] == (0, 3, 6)
    config = session.asked["config"]
    assert (config.max_new_tokens, config.temperature) == (9, 0.5)
    assert (config.top_k, config.top_p, config.seed) == (4, 0.9, 3)
    assert (config.repetition_penalty, config.stop_strings) == (1.25, (".", "and"))
    assert session.asked["choices"] is None


@pytest.mark.parametrize("command", ["ask", "locate", "segment"])
def test_how_to_read_the_source_is_handed_on(session: PretendedSession, command: str) -> None:
    arguments = [command, "clip.h264", "the ball", "--package", "pkg"]
    assert run(*arguments).exit_code == 0
    assert run(*arguments, "--fps", "12.5", "--stream", "1", "--strict").exit_code == 0
    hows = [(each.fps, each.stream, each.strict) for each in session.requests]
    assert hows == [(None, None, False), (12.5, 1, True)]


def test_ask_hands_choices_on_in_order(session: PretendedSession) -> None:
    assert run(*ASK, "--choice", "(B)", "--choice", "(A)").exit_code == 0
    assert session.asked["choices"] == ["(B)", "(A)"]
    assert session.asked["choice_case"] == "model"
    assert run(*ASK, "--choice", "(B)", "--choice-case", "exact").exit_code == 0
    assert session.asked["choice_case"] == "exact"


def test_of_choices_the_callers_own_text_is_printed(session: PretendedSession) -> None:
    session.answer = replace(
        session.answer, text="Yes", choice="yes", choice_probabilities={"yes": 0.9, "no": 0.1}
    )
    result = run(*ASK, "--choice", "yes", "--choice", "no")
    assert result.stdout.splitlines()[0] == "yes"


@pytest.mark.parametrize("command", ["locate", "segment"])
def test_what_is_not_there_is_not_found(
    session: PretendedSession, command: str, tmp_path: Path
) -> None:
    session.answer = replace(session.answer, spans=(), masks=())
    paths = [tmp_path / "a.json", tmp_path / "a.png", tmp_path / "a.mp4"]
    saves = [word for path in paths for word in ("--save", str(path))]
    result = run(command, "clip.mp4", "a car", "--package", "pkg", "--allow-absent", *saves)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "not found\n"
    assert session.asked["allow_absent"] is True
    assert json.loads(paths[0].read_text(encoding="utf-8"))["is_absent"] is True
    assert all(path.is_file() for path in paths)


def test_an_empty_mask_is_not_found(session: PretendedSession) -> None:
    first, second = session.answer.masks
    empty = emptied(first)
    session.answer = replace(session.answer, masks=(empty, second))
    lines = run(*SEGMENT).stdout.splitlines()
    assert lines[0] == "object 1: not found on 3 frames"
    assert lines[1].startswith("object 2: 3 frames, 4.7 % of the picture")
    assert run(*ASK).stdout.splitlines()[2] == "object 1: not found on 3 frames"
    session.answer = replace(session.answer, masks=(empty,))
    assert json.loads(run(*SEGMENT, "--json").stdout)["is_absent"] is False


def test_package_comes_from_the_environment(session: PretendedSession) -> None:
    assert run("ask", "clip.mp4", "What?").exit_code == 0
    assert run("ask", "clip.mp4", "What?", env={"UFVIDEO_PACKAGE": "pkg"}).exit_code == 0
    assert [request.package for request in session.requests] == [None, "pkg"]


def test_regions_are_boxes_and_masks(session: PretendedSession, tmp_path: Path) -> None:
    mask = np.zeros((120, 160), np.uint8)
    mask[3:9, 5:7] = 1
    Image.fromarray(mask).save(tmp_path / "mask.png")
    box, both = "0:10,20,30,40", f"3:1,2,3,4;5:{tmp_path / 'mask.png'}"
    result = run(*ASK, "--region", box, "--region", both)
    assert result.exit_code == 0, result.stderr
    first, second = session.asked["regions"]
    assert list(first.frame_idxs) == [0] and list(second.frame_idxs) == [3, 5]
    assert first.masks[0].sum() == 30 * 40 and first.masks[0][20:60, 10:40].all()
    assert second.masks[0].sum() == 12 and np.array_equal(second.masks[1], mask > 0)


@pytest.mark.parametrize("text", ["", "x", "0", ":1,2,3,4", "a:1,2,3,4", "0:", "0:1,2,3,4;"])
def test_regions_of_another_form_are_usage_errors(session: PretendedSession, text: str) -> None:
    result = run(*ASK, "--region", text)
    assert result.exit_code == 2
    assert "FRAME:x,y,w,h or FRAME:mask.png" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.png", "expected a mask image"),
        ("text.png", "expected a mask image"),
        ("small.png", "expected a mask of 120 x 160 pixels"),
        ("colour.png", "expected a mask of one channel, got RGB"),
    ],
)
def test_masks_that_do_not_fit(
    session: PretendedSession, tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "text.png").write_text("no image")
    Image.new("L", (4, 4)).save(tmp_path / "small.png")
    Image.new("RGB", (160, 120)).save(tmp_path / "colour.png")
    result = run(*ASK, "--region", f"0:{tmp_path / name}")
    assert result.exit_code == 3
    assert message in result.stderr


@pytest.mark.parametrize("text", ["", "some", "1,", "1.5", "-1", "1;2"])
def test_frames_of_another_form_are_usage_errors(session: PretendedSession, text: str) -> None:
    assert run(*ASK, "--frames", text).exit_code == 2
    assert not session.requests


def test_a_wrong_output_file_is_refused_before_the_work(session: PretendedSession) -> None:
    result = run(*ASK, "--save", "answer.avi")
    assert result.exit_code == 3
    assert "answer.avi" in result.stderr and not session.requests


@pytest.mark.parametrize("command", ["ask", "locate", "segment"])
def test_a_file_that_is_saved_twice_is_a_usage_error(
    session: PretendedSession, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.json").symlink_to("a.json")
    for same in ("a.json", "./a.json", str(tmp_path / "a.json"), "link.json"):
        saves = ["--save", "a.json", "--save", "a.png", "--save", same]
        result = run(command, "clip.mp4", "What?", "--package", "pkg", *saves)
        assert result.exit_code == 2 and "expected files that differ, got" in result.stderr
        assert not session.requests and not (tmp_path / "a.json").exists()


@pytest.mark.parametrize("command", ["ask", "locate", "segment"])
def test_what_a_command_reads_is_refused_before_the_work(
    session: PretendedSession, tmp_path: Path, command: str
) -> None:
    source, mask = tmp_path / "clip.mp4", tmp_path / "mask.png"
    package = tmp_path / "pkg"
    package.mkdir()
    for path in (source, mask, package / "manifest.json"):
        path.write_text("as it was")
    (tmp_path / "link.json").symlink_to(package / "manifest.json")
    options = ["--package", str(package)]
    paths = [source, package / "manifest.json", tmp_path / "link.json"]
    if command == "ask":
        options += ["--region", f"0:{mask}"]
        paths.append(mask)
    for path in paths:
        result = run(command, str(source), "What?", *options, "--save", str(path))
        assert result.exit_code == 3 and "expected another file than" in result.stderr
        assert path.read_text() == "as it was" and not session.requests


def test_files_are_saved_where_printing_fails(
    session: PretendedSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(ASK_MODULE, "_print", leave)
    result = run(*ASK, "--save", str(tmp_path / "a.json"))
    assert result.exit_code == 141, result.stderr
    assert (tmp_path / "a.json").is_file()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_an_output_without_room_is_capacity(
    session: PretendedSession, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(number, "no room")

    monkeypatch.setattr(ASK_MODULE, "print_json", full)
    result = run(*ASK, "--json")
    assert result.exit_code == 6
    assert result.stderr == "error: expected room for the output, got: no room\n"


@pytest.mark.parametrize("command", ["ask", "locate", "segment"])
def test_an_image_has_no_video(
    monkeypatch: pytest.MonkeyPatch, session: PretendedSession, tmp_path: Path, command: str
) -> None:
    monkeypatch.setattr(session, "clip", drawn_image())
    path = tmp_path / "answer.mp4"
    result = run(command, "picture.png", "What?", "--package", "pkg", "--save", str(path))
    assert result.exit_code == 3
    assert session.asked == {}


def test_locate_prints_spans(session: PretendedSession) -> None:
    result = run("locate", "clip.mp4", "a car stops", "--package", "pkg")
    assert result.stdout == "10.50 - 11.75 s\n"
    assert session.asked["event"] == "a car stops"
    assert session.asked["allow_absent"] is False
    run("locate", "clip.mp4", "a car stops", "--package", "pkg", "--allow-absent")
    assert session.asked["allow_absent"] is True
    result = run("locate", "clip.mp4", "a car stops", "--package", "pkg", "--json")
    content = json.loads(result.stdout)
    assert content["question"] == "a car stops" and content["masks"] == []
    assert content["spans"] == [{"start_s": 10.5, "end_s": 11.75}]
    assert content["is_absent"] is False and content["stop_reason"] == "end"


def test_segment_saves_masks(session: PretendedSession, tmp_path: Path) -> None:
    options = ["--package", "pkg", "--frames", "all", "--save", str(tmp_path / "car.mp4")]
    result = run("segment", "clip.mp4", "the red car", *options)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("object 1: 3 frames")
    assert session.asked["frames"] == "all"
    assert (tmp_path / "car.mp4").stat().st_size > 1000
    assert f"wrote {tmp_path / 'car.mp4'}" in result.stderr


def test_a_question_hands_its_masks_to_the_video_of_all_frames(
    session: PretendedSession, tmp_path: Path
) -> None:
    save = ["--save", str(tmp_path / "car.mp4")]
    assert run(*ASK, *save).exit_code == 0
    assert session.asked["on_masks"] is None
    assert run(*ASK, *save, "--frames", "all").exit_code == 0
    assert session.asked["on_masks"] is not None
    assert run(*ASK, "--save", str(tmp_path / "car.png"), "--frames", "all").exit_code == 0
    assert session.asked["on_masks"] is None


def test_a_video_that_cannot_be_written_costs_no_answer(
    session: PretendedSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise errors.CapacityError("the disk is full")

    monkeypatch.setattr("ufvideo_sdk.render.h264_file.H264File.write", fail)
    saves = ["--save", str(tmp_path / "car.mp4"), "--save", str(tmp_path / "car.json")]
    result = run(
        "segment", "clip.mp4", "the red car", "--package", "pkg", "--frames", "all", *saves
    )
    assert result.exit_code == 6 and "the disk is full" in result.stderr
    assert result.stdout.startswith("object 1: 3 frames")
    assert [path.name for path in tmp_path.iterdir()] == ["car.json"]


@pytest.mark.parametrize("command", [ASK, SEGMENT])
def test_an_error_of_segmenting_is_no_problem_of_the_video(
    session: PretendedSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise errors.InputError("expression: expected text, got ''")

    monkeypatch.setattr(session, "stream", refuse)
    monkeypatch.setattr(session, "segment", refuse)
    result = run(*command, "--frames", "all", "--save", str(tmp_path / "car.mp4"))
    assert result.exit_code == 3
    assert result.stderr == "error: expression: expected text, got ''\n"
    assert list(tmp_path.iterdir()) == []
