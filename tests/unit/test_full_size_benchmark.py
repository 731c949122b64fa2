"""How the full-size benchmark watches a process tree, and what it makes of what it sees."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("rich")
from benchmarks.full_size.__main__ import estimate_figures, memory_figure, parse
from benchmarks.full_size.watched import Watched, folder_bytes, watch
from ufvideo_sdk.bench.process_memory import process_tree

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="needs /proc, which only Linux has"
)
MIB = 1 << 20
HOLD = "import time; held = bytearray(b'x' * (200 << 20)); time.sleep(0.5)"
CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLD!r}])"


def test_memory_of_a_grandchild_counts(tmp_path: Path) -> None:
    found = watch(["-c", CHILD], tmp_path)
    assert found.anonymous_bytes > 200 * MIB
    assert found.resident_bytes > found.anonymous_bytes
    assert found.core_s > 0 and found.took_s > 0.5


def test_lines_come_as_they_are_printed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(1000))
    lines: list[str] = []
    found = watch(["-c", "print('one'); print('two')"], tmp_path, on_line=lines.append)
    assert found.lines == lines == ["one", "two"]
    assert found.disk_bytes == 1000 and not found.stopped


def test_a_command_is_killed_at_its_line(tmp_path: Path) -> None:
    code = "import time; print('first: 1', flush=True); print('then', flush=True); time.sleep(60)"
    begin = time.perf_counter()
    found = watch(["-c", code], tmp_path, stop_at="first")
    assert found.stopped and time.perf_counter() - begin < 50


def test_what_a_failed_command_wrote_is_said(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        watch(["-c", "raise SystemExit('no such thing')"], tmp_path)
    assert "no such thing" in caught.value.stderr


def test_a_tree_is_a_process_and_all_below_it() -> None:
    process = subprocess.Popen([sys.executable, "-c", CHILD])
    seen: set[int] = set()
    while process.poll() is None:
        seen |= set(process_tree(process.pid))
        time.sleep(0.02)
    assert len(seen) >= 2 and process.pid in seen
    assert process_tree(process.pid) == [process.pid]


def test_files_of_a_folder_are_added_up(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "one").write_bytes(bytes(10))
    (tmp_path / "two").write_bytes(bytes(5))
    (tmp_path / "gone").symlink_to("nowhere")
    assert folder_bytes(tmp_path) == 15 + len("nowhere")


def test_floors() -> None:
    small, large = Watched(resident_bytes=5 << 30), Watched(resident_bytes=7 << 30)
    assert memory_figure("fp16", small).holds and not memory_figure("fp16", large).holds
    estimate = {"disk_bytes": 2e9, "memory_bytes": 4 << 30, "core_s": 100.0}
    disk, memory, _ = estimate_figures("fp16", estimate, large, 3e9)
    assert not disk.holds and disk.value == 1.5
    # Only disk is promised: time and memory are guesses.
    assert memory.holds and memory.value == 1.75


def test_command_line() -> None:
    options = parse(["folder"])
    assert options.precision == ["fp16", "int4"] and not options.keep and not options.compare
    assert parse(["folder", "--precision", "int4", "--keep"]).precision == ["int4"]
    with pytest.raises(SystemExit):
        parse(["folder", "--precision", "int3"])
