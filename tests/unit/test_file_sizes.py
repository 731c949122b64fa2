"""No file has grown so long that nobody reads it whole."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = (
    "benchmarks",
    "bindings",
    "cmake",
    "examples",
    "export",
    "native",
    "sdk",
    "testing",
    "tests",
    "training",
)
SUFFIXES = {".py", ".cc", ".h", ".cmake", ".sh"}
MOST_LINES = 400


def lines_by_file(root: Path) -> dict[str, int]:
    """Number of lines of each source file; a stub, which is generated, is none."""
    files = (path for folder in FOLDERS for path in (root / folder).rglob("*"))
    return {
        path.relative_to(root).as_posix(): path.read_bytes().count(b"\n")
        for path in files
        if path.suffix in SUFFIXES
    }


def test_no_source_file_is_longer_than_400_lines() -> None:
    lines = lines_by_file(ROOT)
    assert len(lines) > 400
    long = {name: count for name, count in lines.items() if count > MOST_LINES}
    assert not long, f"split them: {long}"


def test_a_long_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "sdk").mkdir()
    (tmp_path / "sdk" / "long.py").write_text("pass\n" * 401)
    (tmp_path / "sdk" / "_native.pyi").write_text("...\n" * 900)
    assert lines_by_file(tmp_path) == {"sdk/long.py": 401}
