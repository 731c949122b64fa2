"""The hooks before a commit and `make check` run the same programs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = re.compile(r"\.venv/bin/(python )?(\S+)( check| format)?")


def programs(text: str) -> set[str]:
    """Such as "ruff check", for each line that runs a program of the environment."""
    return {
        f"{found[2]}{found[3] or ''}"
        for found in map(PROGRAM.search, text.splitlines())
        if found is not None
    }


def test_hooks_are_the_checks_without_the_tests() -> None:
    if shutil.which("make") is None:
        pytest.skip("needs make")
    # As if everything were set up: what is printed are the checks alone.
    command = ["make", "--dry-run", "check", "--assume-old=setup", "VENV=.venv"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    checks = done.stdout[done.stdout.index(".venv/bin/ruff check") :]
    assert {name for name in programs(checks) if name != "-m"} == programs(
        "\n".join(
            line
            for line in (ROOT / ".pre-commit-config.yaml").read_text().splitlines()
            if "entry:" in line
        )
    )
    assert "pytest -q" in checks and "not slow" in checks and "--without-export" in checks


def test_no_program_is_overlooked() -> None:
    text = ".venv/bin/ruff format .\nenv A=b .venv/bin/lint-imports\n.venv/bin/python a.py --check"
    assert programs(text) == {"ruff format", "lint-imports", "a.py"}
