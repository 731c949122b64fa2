"""`ufvideo watch` as a process, with every file that it can write of events."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import av
import pytest

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")

from ufvideo_sdk import demo_clip

RULES = """
sinks:
  clips: {folder: clips, plain: yes}
  snapshots: {folder: shots, max_frames: 1}
  prometheus: 0
rules:
  moves:
    text: What does the purple triangle do?
    matches: .
    every_s: 2
    pre_roll_s: 1
    post_roll_s: 1
"""


def num_frames(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_files_are_written_and_then_named(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    command = [sys.executable, "-m", "ufvideo_sdk", "watch", f"front={demo_clip()}"]
    options = ["--rules", "rules.yaml", "--save", "out.mp4", "--fps", "4", "--window", "4"]
    done = subprocess.run(
        [*command, *options, "--threads", "1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["edge"] for line in lines if "edge" in line] == ["start", "end"]
    assert {line["camera"] for line in lines} == {"front"}
    files = [line["files"] for line in lines if "files" in line]
    named = [Path(name) for each in files for names in each.values() for name in names]
    found = [*(tmp_path / "clips").iterdir(), *(tmp_path / "shots").iterdir()]
    assert sorted(named) == sorted(found) and len(found) >= 3
    event = next(line for line in lines if line.get("edge") == "end")
    clips = [path for path in named if path.suffix == ".mp4"]
    # From a second before the event to the end of the clip, 8 frames a second.
    with av.open(str(demo_clip())) as container:
        times_s = [float(frame.time) for frame in container.decode(video=0)]
    shown = [time_s for time_s in times_s if time_s >= event["clip_start_s"] - 1e-3]
    assert [num_frames(path) for path in clips] == [len(shown), len(shown)]
    assert "front: moves: event 1 ended" in done.stderr
    # Every frame that was looked at, or a count of those for which there was no time.
    assert num_frames(tmp_path / "out.mp4") > 0
