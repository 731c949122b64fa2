"""The examples of docs/bench.md do what it says."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.bench_documents import document
from ufvideo_sdk.bench import BenchResult
from ufvideo_sdk.bench.figures import figure_of
from ufvideo_sdk.bench.result import SCHEMA_VERSION

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "bench.md").read_text(encoding="utf-8")


def test_the_script_prints_and_saves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = ROOT / "examples" / "python" / "latency.py"
    code = [line for line in path.read_text().splitlines() if line.strip()]
    assert len(code) <= 20
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(path)])
    runpy.run_path(str(path), run_name="__main__")
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed] == ["ttft_ms", "tpot_ms", "e2el_ms"]
    assert BenchResult.load("latency.json")["ttft_ms"].n == 10


@pytest.mark.skipif(shutil.which("jq") is None, reason="needs jq: apt install jq")
def test_the_gate_reads_the_json(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    BenchResult(document()).save(file)
    gate = ROOT / "examples" / "shell" / "latency_gate.sh"

    def status(limit: str) -> int:
        return subprocess.run([str(gate), str(file), limit], capture_output=True).returncode

    assert (status("6"), status("4")) == (0, 1)
    BenchResult(document(num_processes=1)).save(file)
    assert status("6") == 2, "n too small"
    without = document()
    for each in without["results"][0]["processes"]:
        del each["samples"]["tpot_ms"]
    BenchResult(without).save(file)
    assert status("6") == 2, "not measured"


def test_the_figures_that_the_document_names_are_measured() -> None:
    figures = TEXT.split("## Figures")[1].split("## The machine")[0]
    rows = "\n".join(line for line in figures.splitlines() if line.startswith("|"))
    names = re.findall(r"`([a-z_0-9]+_(?:ms|bytes|per_s))`", rows)
    assert len(names) > 12
    for name in names:
        assert figure_of(name).name == name


def test_the_document_names_the_version() -> None:
    assert f"schema-v{SCHEMA_VERSION}.json" in TEXT
    assert f"It is version {SCHEMA_VERSION}," in TEXT
