"""The command line on a real package and a real video."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import pytest
from typer.testing import CliRunner

from benchmarks.clips import draw_frames, write_h264
from ufvideo_sdk.cli import app
from ufvideo_sdk.package.manifest import STAGE_STEMS
from ufvideo_sdk.results.answer_json import masks_from_json

NUM_FRAMES = 20


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    write_h264(path, draw_frames(NUM_FRAMES))
    return path


@pytest.fixture
def copied_package(tmp_path: Path, small_package: Path) -> Path:
    return Path(shutil.copytree(small_package, tmp_path / "package"))


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(a) for a in arguments], prog_name="ufvideo")


def test_verify_names_every_file_and_stage(small_package: Path) -> None:
    result = run("verify", small_package)
    assert result.exit_code == 0, result.stderr
    words = [line.split()[:2] for line in result.stdout.splitlines()]
    for stem in STAGE_STEMS:
        assert ["OK", f"{stem}.onnx"] in words and ["OK", stem] in words
    assert ["OK", "tokenizer.json"] in words
    report = json.loads(run("verify", small_package, "--json").stdout)
    assert report["ok"] is True and report["stages"] == list(STAGE_STEMS)


def test_verify_finds_a_changed_byte(copied_package: Path) -> None:
    graph = copied_package / "aligner.onnx"
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)
    result = run("verify", copied_package)
    assert result.exit_code == 4
    assert "aligner.onnx" in result.stderr and "sha256" in result.stderr
    assert result.stdout == ""


def test_verify_reads_the_measured_errors(copied_package: Path) -> None:
    path = copied_package / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["verification"]["mask_decoder"]["max_abs_error"] = 1.0
    path.write_text(json.dumps(manifest))
    result = run("verify", copied_package)
    assert result.exit_code == 4
    assert "verification.mask_decoder.max_abs_error of at most 0.001, got 1" in result.stderr


def test_ask_about_a_video(small_package: Path, video: Path, tmp_path: Path) -> None:
    saved = [tmp_path / name for name in ("a.mp4", "a.png", "a.json")]
    options = [word for path in saved for word in ("--save", path)]
    result = run(
        "ask", video, "segment", "--package", small_package, "--max-new-tokens", 16, *options,
        "--frames", "all", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    content = json.loads(result.stdout)
    assert len(content["token_ids"]) == 16 and content["stop_reason"] == "max_new_tokens"
    assert content["clip"]["num_frames"] == NUM_FRAMES
    assert result.stdout == saved[2].read_text(encoding="utf-8")
    with av.open(str(saved[0])) as container:
        assert sum(1 for _ in container.decode(video=0)) == NUM_FRAMES


def test_segmenting_all_frames_and_saving_them_is_one_pass(
    small_package: Path,
    video: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def read_again(*_: object) -> None:
        pytest.fail("the file is read a second time")

    monkeypatch.setattr("ufvideo_sdk.render.save._write_video", read_again)
    out = tmp_path / "out.mp4"
    options = ["--package", small_package, "--frames", "all", "--save", out, "--json"]
    result = run("segment", video, "the yellow ball", *options)
    assert result.exit_code == 0, result.stderr
    with av.open(str(out)) as container:
        assert sum(1 for _ in container.decode(video=0)) == NUM_FRAMES


def test_segment_a_video(small_package: Path, video: Path) -> None:
    options = ["--package", small_package, "--frames", "0,7", "--json"]
    result = run("segment", video, "the yellow ball", *options)
    assert result.exit_code == 0, result.stderr
    (track,) = masks_from_json(result.stdout)
    assert track.masks.shape == (2, 240, 320) and list(track.frame_idxs) == [0, 7]


def test_locate_in_a_part_of_a_video(small_package: Path, video: Path) -> None:
    options = ["--package", small_package, "--start", "0.2", "--end", "0.5", "--json"]
    result = run("locate", video, "the square falls", *options)
    assert result.exit_code == 0, result.stderr
    content = json.loads(result.stdout)
    assert 0.2 <= content["clip"]["start_s"] <= content["clip"]["end_s"] <= 0.5
    for span in content["spans"]:
        assert 0.2 <= span["start_s"] <= span["end_s"] <= 0.5


def _on_a_terminal(*arguments: object) -> str:
    """What a person sees: stdout and stderr of a process on one pseudo-terminal."""
    ours, theirs = pty.openpty()
    words = [str(argument) for argument in arguments]
    command = [sys.executable, "-c", "from ufvideo_sdk.cli import main; main()", *words]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200"}
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        seen = b""
        try:
            while piece := os.read(ours, 4096):
                seen += piece
        except OSError:
            # Linux reports the closed other end this way.
            pass
        os.close(ours)
    assert process.returncode == 0, seen.decode()
    return seen.decode()


def test_a_terminal_shows_text_and_progress(
    small_package: Path, video: Path, tmp_path: Path
) -> None:
    # With so many tokens the answer does not end within a character.
    options = ["--package", small_package, "--max-new-tokens", 24]
    plain = run("ask", video, "segment", *options).stdout.splitlines()[0]
    seen = _on_a_terminal("ask", video, "segment", *options, "--save", tmp_path / "a.mp4")
    assert seen.count(plain) == 1, "the text comes once, in order, without control codes inside"
    assert "loading the package" in seen and "writing a.mp4" in seen
    assert "24 tokens" in seen and "tokens/s" in seen
