"""The version stands in pyproject.toml, and everything says that one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import ufvideo_sdk
from ufvideo_sdk import _native

ROOT = Path(__file__).parents[2]
VERSION = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
CHECK = ROOT / "cmake" / "check_release.py"
NEW, OLD = "## [0.3.0] - 2027-01-31", "## [0.2.0] - 2026-12-01\n\n- Old."


def test_python_and_the_native_library_say_it() -> None:
    assert VERSION is not None
    assert ufvideo_sdk.__version__ == _native.version() == VERSION[1]


def test_the_command_prints_it_without_the_native_module() -> None:
    code = "import sys; sys.modules['ufvideo_sdk._native'] = None\n"
    code += "sys.argv = ['ufvideo', '--version']\nfrom ufvideo_sdk.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"ufvideo {ufvideo_sdk.__version__}\n")


def test_cmake_does_not_say_it_again() -> None:
    assert VERSION is not None
    for name in ("CMakeLists.txt", "cmake/InstallLibrary.cmake", "cmake/ufvideoConfig.cmake.in"):
        assert VERSION[1] not in (ROOT / name).read_text(), name


def test_the_installed_library_says_it() -> None:
    (found, *_) = [*(ROOT / "build" / "prefix").rglob("ufvideoConfigVersion.cmake"), None]
    if found is None:
        pytest.skip("no installed library: needs `make example`")
    assert VERSION is not None
    assert f'set(PACKAGE_VERSION "{VERSION[1]}")' in found.read_text()


@pytest.mark.parametrize(
    ("tag", "section", "says"),
    [
        ("v0.3.0", f"{NEW}\n\n- New.\n\n{OLD}", "- New."),
        ("v0.2.0", f"{NEW}\n\n- New.", "expected the tag v0.3.0"),
        ("v0.3.0", "## [Unreleased]\n\n- New.", "expected a section '## [0.3.0] - YYYY-MM-DD'"),
        ("v0.3.0", f"{NEW}\n\n{OLD}", "section"),
    ],
    ids=["right", "another tag", "no section", "an empty section"],
)  # fmt: skip
def test_a_release_is_checked(tmp_path: Path, tag: str, section: str, says: str) -> None:
    (tmp_path / "cmake").mkdir()
    (tmp_path / "cmake" / CHECK.name).write_text(CHECK.read_text())
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "0.3.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n{section}\n")
    command = [sys.executable, str(tmp_path / "cmake" / CHECK.name), tag, "--notes"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    right = says.startswith("-")
    assert done.returncode == (0 if right else 1)
    assert says in (done.stdout if right else done.stderr)
    assert not right or done.stdout == "- New.\n"
