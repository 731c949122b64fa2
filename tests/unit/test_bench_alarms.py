"""What the benchmark of false alarms says of measurements that a folder holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.bench_alarms import analyse
from tests.unit.bench_documents import document
from ufvideo_sdk import InputError
from ufvideo_sdk.bench import BenchResult


def save_pair(out: Path, kind: str, a: dict[str, Any], b: dict[str, Any]) -> None:
    BenchResult(a).save(out / f"{kind}-00-a.json")
    BenchResult(b).save(out / f"{kind}-00-b.json")


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """One pair of each kind, in which all promises hold."""
    save_pair(tmp_path, "same", document(), document(seed=1))
    slower = document(seed=3, factors={"tpot_ms": 1.1}, pair="p")
    save_pair(tmp_path, "slower", document(seed=2, pair="p"), slower)
    other = document(seed=5, pair="q")
    for each in other["results"][0]["processes"]:
        each["answers"]["segment"] = "b" * 64
    save_pair(tmp_path, "other", document(seed=4, pair="q"), other)
    return tmp_path


def test_promises_that_hold(kept: Path) -> None:
    assert analyse(kept)


@pytest.mark.parametrize("kind", ["slower", "other"])
def test_a_change_that_is_not_seen_breaks_a_promise(kept: Path, kind: str) -> None:
    save_pair(kept, kind, document(seed=2, pair="p"), document(seed=3, pair="p"))
    assert not analyse(kept)


@pytest.mark.parametrize("kind", ["same", "slower", "other"])
def test_a_folder_without_measurements_proves_nothing(kept: Path, kind: str) -> None:
    for path in kept.glob(f"{kind}-*.json"):
        path.unlink()
    with pytest.raises(InputError, match=f"{kind}-\\*-a.json, found none"):
        analyse(kept)


def test_pairs_that_are_all_refused_prove_nothing(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = document(seed=1)
    moved["state"]["before"]["power_mode"] = "0 (MAXN)"
    save_pair(kept, "same", document(), moved)
    assert not analyse(kept)
    assert "1 refused, since the machine's state differed" in capsys.readouterr().out
