"""What the benchmark of false alarms says of measurements that a folder holds."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.bench_alarms import analyse, run_spread, sees_slower
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


def test_runs_that_differ_besides_their_processes() -> None:
    levels = np.exp(np.random.default_rng(3).normal(0, 0.05, 60))
    names = ("ttft_ms", "tpot_ms", "e2el_ms")
    runs = [
        BenchResult(document(seed=seed, spread=0.02, factors=dict.fromkeys(names, float(level))))
        for seed, level in enumerate(levels)
    ]
    assert run_spread(runs) == pytest.approx(0.05, rel=0.25)
    assert run_spread([BenchResult(document(seed=seed)) for seed in range(60)]) < 0.01


def test_slower_tokens_are_seen_in_pairs_that_are_filled_up() -> None:
    a, b, c, d = (BenchResult(document(seed=seed)) for seed in range(4))
    before = copy.deepcopy([each.document for each in (a, b, c, d)])
    assert sees_slower([(a, b), (c, d)], 14)
    assert [each.document for each in (a, b, c, d)] == before


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
