"""Every folder of sources has its line in docs/architecture.md."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)
SOURCES = {".py", ".cc", ".h", ".cmake", ".sh"}
# Each folder in these has a line of its own.
SPLIT = (
    "benchmarks",
    "export/ufvideo_export",
    "native/src",
    "sdk/ufvideo_sdk",
    "tests",
    "training",
)
WHOLE = ("bindings", "cmake", "examples/cpp", "native/include/ufvideo", "testing/ufvideo_testing")


def has_sources(folder: Path) -> bool:
    return any(path.suffix in SOURCES for path in folder.iterdir() if path.is_file())


def test_every_folder_has_a_line() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for name in SPLIT
        for path in (ROOT / name).iterdir()
        if path.is_dir() and has_sources(path)
    }
    assert len(found) > 40
    missing = {*found, *WHOLE} - set(ROW.findall(TEXT))
    assert not missing, f"say in one line what they are for: {sorted(missing)}"


def test_every_line_has_a_folder() -> None:
    rows = [name for name in ROW.findall(TEXT) if "/" in name or (ROOT / name).is_dir()]
    assert len(rows) == len(set(rows)) > 40
    assert [name for name in rows if not (ROOT / name).exists()] == []
