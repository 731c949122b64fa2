"""Two minutes of mutated input; `python -m tests.mutation --seconds 3600` is an hour of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutation import summary
from tests.mutation.kinds import KINDS
from tests.mutation.runs import Extent, run

pytestmark = pytest.mark.slow

SEED = 2026
# Numbers, not times: a slow machine runs the same cases.
NUM_CASES = {"packages": 400, "sessions": 2500, "pictures": 4000, "videos": 500, "answers": 3000}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_mutated_input_is_used_or_refused(name: str, tmp_path: Path) -> None:
    """No crash, no hang, no exception of another library, no more than a gigabyte."""
    extent = Extent(seed=SEED, num_cases=NUM_CASES[name])
    tally = run(KINDS[name], extent, tmp_path / "scratch", tmp_path / "findings")
    print(summary.table([tally]))
    assert not tally.findings, summary.findings([tally], tmp_path / "findings")
    # Where everything is refused at the door, nothing behind it was tried.
    assert tally.outcomes["accepted", ""] > tally.num_cases // 20
