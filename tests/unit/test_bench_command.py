"""`ufvideo bench` as a command: its list, its files, its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.bench_documents import document
from tests.unit.conftest import TIMES_MS
from tests.unit.written_videos import write_video
from ufvideo_sdk.bench import BenchResult
from ufvideo_sdk.bench.figures import FIGURES


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("clip") / "clip.mp4", TIMES_MS)


def ufvideo(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ufvideo_sdk", "bench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_command_names_every_figure() -> None:
    listed = ufvideo("--list")
    assert listed.returncode == 0
    for figure in FIGURES:
        assert f"\n{figure.name} " in f"\n{listed.stdout}"
    told = json.loads(ufvideo("--list", "--json").stdout)
    assert [each["name"] for each in told][: len(FIGURES)] == [figure.name for figure in FIGURES]


def test_the_command_measures_saves_and_draws(tmp_path: Path, clip: Path) -> None:
    saved, page = tmp_path / "a.json", tmp_path / "a.html"
    done = ufvideo(
        *("--source", str(clip), "--processes", "1", "--rounds", "1"),
        *("--max-new-tokens", "4", "--threads", "1", "--save", str(saved), "--plot", str(page)),
    )
    assert done.returncode == 0, done.stderr
    assert "ttft_ms" in done.stdout and "n too small" in done.stdout
    assert BenchResult.load(saved)["ttft_ms"].n == 1
    text = page.read_text()
    assert text.startswith("<!doctype html>") and "<svg" in text
    for outside in ("http:", "https:", "src=", "@import", "url("):
        assert outside not in text


def test_the_command_compares_two_files(tmp_path: Path) -> None:
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    BenchResult(document()).save(a)
    BenchResult(document(seed=1, factors={"tpot_ms": 1.2})).save(b)
    same = ufvideo("--compare", str(a), str(a))
    assert same.returncode == 0 and "no change of 2%" in same.stdout
    slower = ufvideo("--compare", str(a), str(b))
    assert slower.returncode == 8 and "tpot_ms slower (+19" in slower.stdout
    told = json.loads(ufvideo("--compare", str(a), str(b), "--json").stdout)
    assert told["by_providers"][0]["changes"]
    other = BenchResult(document(seed=1))
    other.document["state"]["before"]["power_mode"] = "0 (MAXN)"
    other.save(b)
    refused = ufvideo("--compare", str(a), str(b))
    assert refused.returncode == 2 and "--force" in refused.stderr
    assert ufvideo("--compare", str(a), str(b), "--force").returncode == 0
    assert ufvideo("--compare", str(a), str(b), "--save", str(b)).returncode == 2
