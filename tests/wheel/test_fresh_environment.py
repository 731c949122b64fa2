"""The wheel that `make setup` built, in a fresh environment without a compiler."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WHEELS = sorted((ROOT / "build" / "wheel").glob("*.whl"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(len(WHEELS) != 1, reason="no wheel in build/wheel: needs `make setup`"),
]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel and what its extra `cpu` names."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "--only-binary=:all:"]
    subprocess.run([*install, f"{WHEELS[0]}[cpu]"], check=True)
    return folder


def run(environment: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the environment where no other command is found, a compiler least of all."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "UFVIDEO"))}
    variables["PATH"] = str(environment / "bin")
    return subprocess.run(
        [str(environment / "bin" / command[0]), *command[1:]],
        capture_output=True,
        text=True,
        check=False,
        env=variables,
        cwd=environment,
    )


def test_the_demo_is_right(environment: Path) -> None:
    done = run(environment, "ufvideo", "demo", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["num_right"] == 5
    assert Path(report["clip"]).is_relative_to(environment)


def test_pip_finds_nothing_amiss(environment: Path) -> None:
    done = run(environment, "python", "-m", "pip", "check")
    assert done.returncode == 0, done.stdout


def test_the_extra_for_gpus_can_be_installed_too(environment: Path) -> None:
    """Pip reads the metadata of all that `cuda` needs, and finds releases that agree."""
    install = ("python", "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet")
    done = run(environment, *install, "--only-binary=:all:", f"{WHEELS[0]}[cuda]")
    assert done.returncode == 0, done.stderr


def test_doctor_finds_nothing_broken(environment: Path) -> None:
    done = run(environment, "ufvideo", "doctor")
    assert done.returncode == 0, done.stdout
