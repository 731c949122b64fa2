"""The Python examples run as they are, and the notebook from its first cell to its last."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import av
import pytest

from training.streams import write_stream
from training.watch_example import SEED, problems_of, read_alerts
from ufvideo_sdk import demo_clip

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples" / "python"
NOTEBOOK = EXAMPLES / "ask_a_clip.ipynb"
# An output of a committed notebook is a figure that nobody computes again.
MOST_BYTES = 20_000


def run(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def lines_of(done: subprocess.CompletedProcess[str]) -> list[dict[str, str]]:
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_questions_to_csv() -> None:
    asked = ["What does the orange circle do?", "What does the purple triangle do?"]
    options = [word for question in asked for word in ("--ask", question)]
    lines = lines_of(run("questions_to_csv.py", demo_clip(), *options))
    assert [line["question"] for line in lines] == asked
    assert lines[1]["answer"] == "The purple triangle moves up."


def test_questions_to_csv_goes_on_behind_a_file_that_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "words.mp4").write_text("no video")
    done = run("questions_to_csv.py", tmp_path / "words.mp4", demo_clip())
    assert done.returncode == 1 and "words.mp4" in done.stderr
    assert demo_clip().name in done.stdout


def test_track(tmp_path: Path) -> None:
    boxes, video = tmp_path / "boxes.csv", tmp_path / "track.mp4"
    wanted = ["the purple triangle", "the red square"]
    done = run("track.py", demo_clip(), *wanted, "--boxes", boxes, "--save", video)
    assert done.returncode == 0, done.stderr
    assert "the purple triangle: born" in done.stdout
    assert "the red square: not found" in done.stderr
    lines = list(csv.DictReader(io.StringIO(boxes.read_text())))
    assert len(lines) > 30 and {line["name"] for line in lines} == {"the purple triangle"}
    with av.open(str(video)) as container:
        assert sum(1 for _ in container.decode(video=0)) > 30
    assert run("track.py", demo_clip(), "the red square").returncode == 1


def test_cut_event(tmp_path: Path) -> None:
    target = tmp_path / "event.mp4"
    done = run("cut_event.py", demo_clip(), "the purple triangle moves up", target)
    assert done.returncode == 0, done.stderr
    with av.open(str(target)) as container:
        num_frames = sum(1 for _ in container.decode(video=0))
    assert f"{num_frames} frames" in done.stdout and 5 < num_frames < 30
    absent = run("cut_event.py", demo_clip(), "the red square moves left", tmp_path / "no.mp4")
    assert absent.returncode == 1 and "not found" in absent.stderr


def test_boxes_to_csv() -> None:
    lines = lines_of(run("boxes_to_csv.py", demo_clip(), "the purple triangle"))
    assert len(lines) == 46
    assert int(lines[-1]["y1"]) < int(lines[0]["y1"]), "it moves up"


def test_stream() -> None:
    question = "What does the purple triangle do?"
    done = run("stream.py", demo_clip(), question, "--fps", 4, "--speed", 4)
    assert done.returncode == 0, done.stderr
    *answers, counts = done.stdout.splitlines()
    assert answers[-1].endswith("The purple triangle moves up.")
    assert counts.startswith("23 frames encoded, 23 skipped")


def test_watch(tmp_path: Path) -> None:
    truth = write_stream(SEED, 30, tmp_path / "street.mp4")
    command = [sys.executable, "-W", "error", str(EXAMPLES / "watch.py"), "street.mp4"]
    done = subprocess.run(
        [*command, str(EXAMPLES / "street.yaml"), "--threads", "1"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "visitor 1 starts" in done.stdout and "crossed gate in" in done.stdout
    alerts = read_alerts(tmp_path / "events.jsonl")
    assert problems_of(alerts, truth) == []
    assert len(list((tmp_path / "snapshots").iterdir())) >= 2
    # What was not told, or is not on the disk, is a problem.
    assert len(problems_of([], truth)) == 2
    assert problems_of([replace(each, clips=()) for each in alerts], truth) != []


def test_notebook_runs_and_brings_no_outputs(tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason="needs nbformat, of the dev extra")
    nbclient = pytest.importorskip("nbclient", reason="needs nbclient, of the dev extra")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    assert NOTEBOOK.stat().st_size < MOST_BYTES
    nbclient.NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()
    shown = json.dumps([cell.get("outputs") for cell in notebook.cells])
    assert "image/png" in shown and "leaves to the bottom" in shown


def test_every_example_is_listed() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for path in EXAMPLES.iterdir():
        assert path.name == "README.md" or f"]({path.name})" in text, path.name
