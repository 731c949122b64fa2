"""The pages are complete: one for each error, and every public name in the reference."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import ufvideo_sdk
from tests.docs.fenced_blocks import blocks_of, pages
from ufvideo_sdk import errors

ROOT = Path(__file__).parents[2]
ERRORS = ROOT / "docs" / "errors"
CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if isinstance(value, type) and value.__module__ == errors.__name__
}
BASE = "UFVideoError"
# A sound package on a sound machine does not provoke it.
WITHOUT_EXAMPLE = {"InferenceError"}


def page_of(name: str) -> Path:
    snake_case = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return ERRORS / f"{snake_case}.md"


def test_every_error_has_a_page_and_every_page_an_error() -> None:
    expected = {page_of(name) for name in CLASSES if name != BASE} | {ERRORS / "index.md"}
    assert set(ERRORS.glob("*.md")) == expected


@pytest.mark.parametrize("name", sorted(CLASSES.keys() - {BASE}))
def test_error_page_says_what_provokes_it_and_its_fix(name: str) -> None:
    text = page_of(name).read_text(encoding="utf-8")
    assert re.findall(r"^#+ .*", text, re.MULTILINE) == [
        f"# {name}",
        "## What provokes it",
        "## What to do",
    ]
    blocks = blocks_of(page_of(name).relative_to(ROOT).as_posix())
    code = "\n".join(block.code for block in blocks if block.language == "python")
    assert name in WITHOUT_EXAMPLE or name in code or name in str(blocks)
    for block in blocks:
        if block.language == "text":
            assert "..." not in block.code.replace(".../", ""), "only a path may be left out"


@pytest.mark.parametrize("name", sorted(CLASSES.keys() - {BASE}))
def test_error_index_is_errors_py(name: str) -> None:
    """The table repeats the bases; the index of each class is its page."""
    index = (ERRORS / "index.md").read_text(encoding="utf-8")
    assert f"[{name}]({page_of(name).name})" in index
    row = re.search(rf"^\| \[{name}\]\([^)]*\) \|([^|]*)\|", index, re.MULTILINE)
    if row is not None:
        base = next(b.__name__ for b in reversed(CLASSES[name].__bases__))
        assert row[1].strip("` ") == ("" if base == BASE else base)
    else:
        assert issubclass(CLASSES[name], Warning)


def test_every_public_name_is_in_the_reference() -> None:
    pages = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "reference").glob("*.md")
    )
    shown = re.findall(r"^::: ufvideo_sdk\.(\w+)$", pages, re.MULTILINE)
    assert len(shown) == len(set(shown))
    assert set(shown) == set(ufvideo_sdk.__all__) - CLASSES.keys()


@pytest.mark.parametrize("page", pages())
def test_lists_are_lists_on_the_site_too(page: str) -> None:
    """Python-Markdown wants four spaces before a nested item, and an empty line before a list."""
    text = (ROOT / page).read_text(encoding="utf-8")
    before = ""
    for line in re.sub(r"^```.*?^```$", "\n", text, flags=re.MULTILINE | re.DOTALL).splitlines():
        assert not re.match(r" {1,3}([-*]|\d+\.) ", line), line
        begins = re.match(r"([-*]|\d+\.) ", line) and not re.match(r"([-*]|\d+\.) | {2,}", before)
        assert not (begins and before.strip()), line
        before = line


# A figure of the documents, the file of recorded runs, and what stands there.
PIPELINE, PEERS, READING = "latency_pipeline_cpu", "latency_peers_cpu", "reading_cpu"
RECORDED = [
    ("| 1.03 s | 4.64 s, PyTorch | 4.51 |", PIPELINE, "1027.58 .* 4637.06 .* 4.51"),
    ("| 516 MiB | 940 MiB, PyTorch | 1.82 |", PIPELINE, "515.54 .* 940.48 .* 1.82"),
    ("| 17.3 ms | 450 ms, PyTorch | 26.0 |", PIPELINE, "17.33 .* 450.44 .* 25.99"),
    ("| 42.9 ms | 46.4 ms, onnxruntime-genai | 1.08 |", PEERS, "1.081 .* 42.94 ms .* 46.43"),
    ("| 42.9 ms | 115.0 ms, transformers | 2.68 |", PEERS, "transformers .* 114.97"),
    ("| 10.6 ms | 11.4 ms, onnxruntime-genai | 1.07 |", PEERS, "10.63 ms .* 11.36 ms"),
    ("| 953 ms | 1,251 ms, onnxruntime-genai | 1.31 |", PEERS, "1.313 .* 952.91 ms"),
    ("| 3.70 s | 6.67 s, plain reading | 1.81 |", READING, r"ufvideo ask +│ 3.70"),
    ("| 3.70 s | 6.67 s, plain reading | 1.81 |", READING, r"plain reading / ours +│ 1.805"),
]


def recorded_run(file: str) -> str:
    return (ROOT / "benchmarks" / "results" / f"{file}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(("figure", "file", "line"), RECORDED)
def test_figures_are_those_of_recorded_runs(figure: str, file: str, line: str) -> None:
    assert re.search(line, recorded_run(file)), line
    assert figure in (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")


def test_figures_of_the_readme_are_recorded() -> None:
    """Peers are the best of their table, memory is there, and each file's date is said."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    part = text.partition("## What was measured\n")[2].partition("\n## ")[0]
    rows = [line.split("|") for line in part.splitlines() if line.startswith("| ")][2:]
    figures = [f"|{'|'.join(row[2:5])}|" for row in rows]
    assert len(figures) == 7 and set(figures) <= {figure for figure, _, _ in RECORDED}
    assert any("MiB" in figure for figure in figures)
    assert not any("transformers" in figure for figure in figures)
    for file in (PIPELINE, PEERS, READING):
        found = re.search(r"^# 2026-11-(\d+);", recorded_run(file), re.MULTILINE)
        assert found is not None, file
        assert re.search(rf"`{file}\.txt` (is )?of\s{found[1]} November", part), file
