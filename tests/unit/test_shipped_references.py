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
