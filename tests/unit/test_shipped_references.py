"""Docstrings, comments and messages that ship name only what a reader can find."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What a wheel holds, and the headers that an installed C++ library has.
WHEEL = tuple(
    path
    for folder in ("sdk/ufvideo_sdk", "export/ufvideo_export")
    for suffix in ("*.py", "*.pyi")
    for path in sorted((ROOT / folder).rglob(suffix))
)
HEADERS = tuple(sorted((ROOT / "native" / "include").rglob("*.h")))
SHIPPED = (*WHEEL, *HEADERS)
# Folders of the repository that neither a wheel nor an installed library has.
_NOT_SHIPPED = re.compile(r"\b(benchmarks|tests|training|examples)[./]\w|python -m (?!ufvideo)\w+")
_DOCUMENT = re.compile(r"\b(docs/\w+\.md)\b")


def names(paths: tuple[Path, ...]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("path", SHIPPED, ids=names(SHIPPED))
def test_nothing_points_to_what_is_not_shipped(path: Path) -> None:
    found = _NOT_SHIPPED.search(path.read_text(encoding="utf-8"))
    assert found is None, f"{path}: {found[0]}"


@pytest.mark.parametrize("path", SHIPPED, ids=names(SHIPPED))
def test_documents_exist(path: Path) -> None:
    for document in _DOCUMENT.findall(path.read_text(encoding="utf-8")):
        assert (ROOT / document).is_file(), f"{path}: {document}"


_SOURCES = tuple(
    path
    for folder in ("sdk", "export", "native", "bindings", "training", "benchmarks")
    for suffix in ("*.py", "*.h", "*.cc")
    for path in sorted((ROOT / folder).rglob(suffix))
)


def test_parts_of_the_model_are_described() -> None:
    """A reference is "docs/model.md, part 5", and the page has that part."""
    page = (ROOT / "docs" / "model.md").read_text(encoding="utf-8")
    parts = set(re.findall(r"^## Part (\d+):", page, re.MULTILINE))
    found: set[str] = set()
    for path in _SOURCES:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"model\s+parts?\s+\d", text), f"{path} does not say where"
        for numbers in re.findall(r"docs/model\.md, parts?\s+(\d(?:\s+and\s+\d)?)", text):
            cited = set(re.findall(r"\d", numbers))
            assert cited <= parts, f"{path}: {numbers}"
            found |= cited
    assert len(found) > 6
