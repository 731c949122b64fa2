"""`ufvideo watch` and `ufvideo replay` as processes: signals, a full disk, what is printed."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")

from ufvideo_sdk import demo_clip
from ufvideo_sdk.watch.recording.folders import the_recording

RULES = """
rules:
  what: {text: What does the purple triangle do?, matches: ., every_s: 0.5}
"""
# Of a process, on a machine that does much else.
_LIMIT_S = 180
BASE = [sys.executable, "-m", "ufvideo_sdk"]


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo clip again and again, for half a minute of stream time."""
    import av

    path = tmp_path_factory.mktemp("long") / "long.mkv"
    with av.open(str(demo_clip())) as source:
        frames = [frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)]
    with av.open(str(path), "w") as target:
        stream: Any = target.add_stream("libx264", rate=8, options={"g": "8"})
        stream.width, stream.height, stream.pix_fmt = 256, 144, "yuv420p"
        for pixels in frames * 5:
            target.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        target.mux(stream.encode(None))
    return path


def watching(
    clip: Path, rules: Path, folder: Path, *more: str, prepare: Callable[[], None] | None = None
) -> subprocess.Popen[str]:
    """A process that watches a file in real time."""
    command = [*BASE, "watch", str(clip), "--rules", str(rules), "--record", str(folder)]

    def begin() -> None:
        # Also where the test runner ignores SIGINT.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if prepare is not None:
            prepare()

    return subprocess.Popen(
        [*command, "--fps", "8", "--window", "4", "--threads", "1", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=begin,
    )


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*BASE, *map(str, arguments), "--threads", "1"]
    return subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=False)


def facts_of(folder: Path) -> list[dict[str, Any]]:
    text = (the_recording(folder) / "facts.jsonl").read_text(encoding="utf-8")
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_watch_cleanly(
    long_clip: Path, rules: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with watching(long_clip, rules, tmp_path / "out", "--real-time") as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert (first["camera"], first["edge"], first["rule"]) == ("camera", "start", "what")
        process.send_signal(number)
        rest, errors = process.communicate(timeout=_LIMIT_S)
        assert process.returncode == 0, errors
        assert json.loads(rest)["edge"] == "end"
    ended = [each for each in facts_of(tmp_path / "out") if each["fact"] == "ended"]
    assert [each["cause"] for each in ended] == ["stopped"]
    if number is signal.SIGTERM:
        return
    events = the_recording(tmp_path / "out") / "events.jsonl"
    again = run("replay", tmp_path / "out", "--expect", events)
    assert again.returncode == 0, again.stderr
    assert again.stdout == events.read_text(encoding="utf-8")
    assert "times as fast as real time" in again.stderr and "as expected: 2 lines" in again.stderr


def test_a_killed_watch_is_replayed_to_its_last_whole_line(
    long_clip: Path, rules: Path, tmp_path: Path
) -> None:
    with watching(long_clip, rules, tmp_path / "out", "--real-time") as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(1.0)
        process.kill()
        process.communicate(timeout=_LIMIT_S)
    log = the_recording(tmp_path / "out") / "facts.jsonl"
    whole = log.read_bytes().rpartition(b"\n")[0] + b"\n"
    assert whole.count(b'"fact":"frame"') >= 4
    again = run("replay", tmp_path / "out", "--out", tmp_path / "again")
    assert again.returncode == 0, again.stderr
    assert "the recording breaks off at" in again.stderr
    assert (tmp_path / "again" / "facts.jsonl").read_bytes().startswith(whole)


def _small_files() -> None:
    """Files may hold so many bytes: what a full disk is to an ordinary user."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))


def test_a_full_disk_ends_the_recording_and_not_the_watch(
    long_clip: Path, rules: Path, tmp_path: Path
) -> None:
    with watching(long_clip, rules, tmp_path / "out", prepare=_small_files) as process:
        printed, errors = process.communicate(timeout=_LIMIT_S)
    assert process.returncode == 8, errors
    assert "the recording has ended" in errors and "expected room" in errors
    # The stream went on to its end.
    lines = [json.loads(line) for line in printed.splitlines()]
    assert [line["edge"] for line in lines if "edge" in line] == ["start", "end"]
    assert [line["notice"] for line in lines if "notice" in line] == ["disk"]
    assert "end of the file" in printed
    facts = facts_of(tmp_path / "out")
    assert facts[-1]["fact"] != "ended"
    again = run("replay", tmp_path / "out")
    assert again.returncode == 0, again.stderr
    assert "have other pixels" not in again.stderr


def test_a_replay_that_differs_has_exit_code_8(
    rules: Path, tmp_path: Path, long_clip: Path
) -> None:
    rules.write_text(f"sinks: {{json_lines: events.jsonl}}\n{RULES}", encoding="utf-8")
    watched = run("watch", demo_clip(), "--rules", rules, "--state", tmp_path / "out")
    assert watched.returncode == 0, watched.stderr
    assert watched.stdout == ""
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "events.jsonl",
        "recordings",
    ]
    other = tmp_path / "other.jsonl"
    other.write_text('{"fact":"event"}\n', encoding="utf-8")
    again = run("replay", tmp_path / "out" / "recordings", "--expect", other)
    assert again.returncode == 8
    assert 'line 1: expected {"fact":"event"}' in again.stderr
    assert 'line 1: got      {"fact":"event","edge":"start"' in again.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--keep-size", "much", "--record", "x"], 2, "expected a size such as 500MB"),
        (["--keep-size", "1GB"], 2, "expected --record or --state with it"),
        (["--budget", "2", "--fps", "1"], 2, "expected a part of the machine"),
        (["name=other.mp4"], 2, "expected a name for every source"),
        ([], 3, "missing.mp4"),
    ],
)
def test_options_that_do_not_hold(
    rules: Path, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    found = run("watch", tmp_path / "missing.mp4", "--rules", rules, *arguments)
    assert found.returncode == code, found.stderr
    assert message in " ".join(found.stderr.replace("│", " ").split())


def test_a_camera_may_have_a_name_of_two_words(rules: Path, tmp_path: Path) -> None:
    found = run("watch", f"front door={demo_clip()}", "--rules", rules, "--window", "4")
    assert found.returncode == 0, found.stderr
    assert {json.loads(line)["camera"] for line in found.stdout.splitlines()} == {"front door"}
