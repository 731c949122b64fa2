"""What a built wheel must answer: nano in text, in time and in pixels. Needs no PyTorch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ufvideo_sdk import UFVideo, __version__, demo_clip
from ufvideo_sdk.demo.run import compare


def test_nano_is_right_about_the_clip_that_ships() -> None:
    with UFVideo.load().open(demo_clip()) as session:
        comparisons = list(compare(session))
    told = {each.question: (each.answer, each.overlap) for each in comparisons}
    assert [each.is_right for each in comparisons] == [True] * 5, told
    assert any(each.spans for each in comparisons) and any(each.masks for each in comparisons)


def test_the_command_says_the_same_and_writes_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ufvideo_sdk", "demo", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["model"] == "nano" and report["num_right"] == len(report["questions"]) == 5
    assert done.stderr == "" and list(tmp_path.iterdir()) == []


def test_the_version_is_printed() -> None:
    command = [sys.executable, "-m", "ufvideo_sdk", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"ufvideo {__version__}\n"), done.stderr
