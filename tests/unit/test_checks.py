"""The hooks before a commit run what `make check` runs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = re.compile(r"\.venv/bin/(python )?(\S+)( check| format)?")
HOOK = re.compile(r"entry: (?:env \S+ )?(\S+)( check| format)?")
# These need the module that is built.
WITHOUT_HOOK = {"-m", "bindings/write_stubs.py"}


def programs(text: str) -> set[str]:
    """Such as "ruff check", for each line that runs a program of the environment."""
    return {
        f"{found[2]}{found[3] or ''}"
        for found in map(PROGRAM.search, text.splitlines())
        if found is not None
    }


def hooks(text: str) -> set[str]:
    """The same for each hook of pre-commit, which has an environment of its own."""
    return {f"{name}{command}" for name, command in HOOK.findall(text)}


def test_every_check_but_the_tests_is_a_hook() -> None:
    if shutil.which("make") is None:
        pytest.skip("needs make")
    # As if everything were set up: what is printed are the checks alone.
    command = ["make", "--dry-run", "check", "--assume-old=setup", "VENV=.venv"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    checks = done.stdout[done.stdout.index(".venv/bin/ruff check") :]
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert programs(checks) - hooks(text) == WITHOUT_HOOK
    assert "pytest -q" in checks and "not slow" in checks and "--without-export" in checks


def test_no_program_is_overlooked() -> None:
    text = ".venv/bin/ruff format .\nenv A=b .venv/bin/lint-imports\n.venv/bin/python a.py --check"
    assert programs(text) == {"ruff format", "lint-imports", "a.py"}
    assert hooks("entry: env A=b lint-imports\nentry: ruff check --fix") == {
        "lint-imports",
        "ruff check",
    }
