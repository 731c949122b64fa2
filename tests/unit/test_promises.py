"""What the metadata promises is what CI tests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")
yaml = pytest.importorskip("yaml", reason="needs the dev extra")

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
# Extras that are not for users of packages, or of which the tests need a part only.
NOT_TESTED = {"cuda", "dev", "export", "docs"}


def requirements(lines: list[str]) -> dict[str, Requirement]:
    """The requirements by name."""
    return {canonicalize_name(parsed.name): parsed for parsed in map(Requirement, lines)}


def test_the_oldest_releases_are_the_floors() -> None:
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    promised = requirements(project["dependencies"])
    for name in extras.keys() - NOT_TESTED:
        promised |= requirements([line for line in extras[name] if "ufvideo-sdk" not in line])
    lines = (ROOT / "tests" / "oldest.txt").read_text().splitlines()
    oldest = requirements([line for line in lines if not line.startswith("#")])
    assert promised.keys() <= oldest.keys()
    for name, requirement in promised.items():
        (floor,) = [each for each in requirement.specifier if each.operator == ">="]
        (pinned,) = oldest[name].specifier
        assert pinned.operator == "==" and Version(pinned.version) == Version(floor.version), name


def test_every_python_is_in_the_matrix_and_has_a_wheel() -> None:
    prefix = "Programming Language :: Python :: "
    named = [c.removeprefix(prefix) for c in PROJECT["project"]["classifiers"]]
    pythons = [version for version in named if re.fullmatch(r"3\.\d+", version)]
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    jobs = workflow["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == pythons
    assert PROJECT["project"]["requires-python"] == f">={pythons[0]}"
    (oldest,) = [s["with"]["python-version"] for s in jobs["oldest"]["steps"] if "with" in s]
    assert oldest == pythons[0]
    (build,) = PROJECT["tool"]["cibuildwheel"]["build"]
    digits = f"[{pythons[0].removeprefix('3.1')}-{pythons[-1].removeprefix('3.1')}]"
    assert build == f"cp31{digits}-manylinux_*"


def test_actions_have_versions_and_no_workflow_has_a_secret() -> None:
    for path in (ROOT / ".github" / "workflows").iterdir():
        text = path.read_text()
        assert "secrets." not in text, path.name
        actions = re.findall(r"uses: (\S+)", text)
        assert actions and all(re.fullmatch(r"[\w./-]+@v\d[\d.]*", each) for each in actions), path


def test_hooks_run_the_tools_that_the_dev_extra_allows() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    assert all(hook["language"] == "python" for hook in hooks), "works from a clone alone"
    extra = requirements(PROJECT["project"]["optional-dependencies"]["dev"])
    tools = {"clang-format", "import-linter", "mypy", "ruff"}
    pinned = requirements([line for hook in hooks for line in hook["additional_dependencies"]])
    assert tools <= pinned.keys()
    for name in tools:
        (specifier,) = pinned[name].specifier
        assert extra[name].specifier.contains(specifier.version), name
