"""Every command and every piece of code in the documents works as printed."""

from __future__ import annotations

import doctest
import itertools
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.docs import sandbox
from tests.docs.fenced_blocks import Block, blocks_of, inline_code, pages, parse
from tests.docs.known_commands import unknown_commands
from tests.docs.not_run import NOT_RUN, NUM_NOT_RUN, SAME

ROOT = Path(__file__).parents[2]
BLOCKS = [block for page in pages() for block in blocks_of(page)]
SHELL = ("bash", "console")
LANGUAGES = {"bash", "python", "text", "json", "yaml", "cmake", "cpp"}
# Names that a piece of C++ stands among.
PRELUDE = """
#include <ufvideo/error.h>
#include <ufvideo/model.h>
#include <ufvideo/session.h>
#include <ufvideo/tracker.h>
#include <ufvideo/video_stream.h>
#include <iostream>
#include <thread>
void wait_for_the_user();
extern std::shared_ptr<const ufvideo::Model> model;
extern const ufvideo::Tensor seg_hidden_state;
extern const std::int64_t num_frames;
ufvideo::Tensor frame(std::int64_t idx);
void piece(ufvideo::Session& session, const ufvideo::Prompt& prompt,
           const ufvideo::GenerationConfig& config) {
"""


def is_run(block: Block) -> bool:
    return block.language in ("bash", "python") and block.key not in NOT_RUN


def expected_outputs(page: str) -> dict[Block, Block]:
    """The text that stands directly behind a block that is run."""
    blocks = blocks_of(page)
    return {
        before: block
        for before, block in itertools.pairwise(blocks)
        if block.language == "text" and block.follows and is_run(before)
    }


def marked(page: str) -> object:
    """A page that exports needs the export extra."""
    code = "\n".join(block.code for block in blocks_of(page) if is_run(block))
    return pytest.param(page, marks=[pytest.mark.torch] if "ufvideo export" in code else [])


RUN_PAGES = [page for page in pages() if any(map(is_run, blocks_of(page)))]


@pytest.mark.slow
@pytest.mark.parametrize("page", [marked(page) for page in RUN_PAGES])
def test_page_works_as_printed(page: str, tmp_path: Path) -> None:
    blocks = blocks_of(page)
    saved = [block for block in blocks if sandbox.named_file(block) is not None]
    to_run = [block for block in blocks if is_run(block) or block in saved]
    outputs = expected_outputs(page)
    ran = sandbox.run(to_run, sandbox.prepare(tmp_path, to_run))
    for each in ran:
        assert each.error is None, f"{each.block}:\n{each.error}"
        if each.block in outputs:
            check_output(each, outputs[each.block])
    assert len(ran) == len(to_run) - len(saved)


def check_output(ran: sandbox.Ran, expected: Block) -> None:
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    is_equal = doctest.OutputChecker().check_output(expected.code, ran.output, options)
    assert is_equal, f"{ran.block} prints\n{ran.output}\n{expected} says\n{expected.code}"


def test_every_block_is_run_or_has_a_reason() -> None:
    """A text is the output of the block before it; everything else is run or in the table."""
    outputs = {block for page in pages() for block in expected_outputs(page).values()}
    without = [
        str(block)
        for block in BLOCKS
        if not is_run(block)
        and block not in outputs
        and sandbox.named_file(block) is None
        and block.language != "cpp"
        and block.key not in NOT_RUN
    ]
    assert not without, "run them, or say why not in tests/docs/not_run.py"
    gone = NOT_RUN.keys() - {block.key for block in BLOCKS}
    assert not gone, f"blocks that are in tests/docs/not_run.py only: {sorted(gone)}"


def test_a_block_that_is_run_elsewhere_is_the_same() -> None:
    run_code = {block.code for block in BLOCKS if is_run(block)}
    for block in BLOCKS:
        assert NOT_RUN.get(block.key) != SAME or block.code in run_code, str(block)


def test_the_reasons_are_counted() -> None:
    """One more block that is not run is a change of this number, which a review sees."""
    counts = Counter(NOT_RUN[block.key] for block in BLOCKS if block.key in NOT_RUN)
    assert sum(counts.values()) == NUM_NOT_RUN, dict(counts)


def test_every_block_has_a_known_language() -> None:
    other = {str(block): block.language for block in BLOCKS if block.language not in LANGUAGES}
    assert not other


@pytest.mark.parametrize("page", pages())
def test_commands_exist(page: str) -> None:
    for block in blocks_of(page):
        if block.language == "bash":
            checked = subprocess.run(
                ["bash", "-n"], input=block.code, capture_output=True, text=True, check=False
            )
            assert checked.returncode == 0, f"{block}: {checked.stderr}"
            assert not unknown_commands(block.code), str(block)
        elif block.language == "python":
            compile(block.code, str(block), "exec")
    for code in inline_code(page):
        program = code.removeprefix(".venv/bin/").split()[0]
        if program in ("make", "python", "pip", "ufvideo"):
            assert not unknown_commands(code.removeprefix(".venv/bin/")), f"{page}: {code}"


CPP_PIECES = [b for b in BLOCKS if b.language == "cpp" and sandbox.named_file(b) is None]


@pytest.mark.parametrize("block", CPP_PIECES, ids=str)
def test_cpp_compiles(block: Block, tmp_path: Path) -> None:
    source = tmp_path / "piece.cc"
    source.write_text(f"{PRELUDE}{block.code}}}\n", encoding="utf-8")
    include = f"-I{ROOT / 'native' / 'include'}"
    command = ["c++", "-std=c++17", "-fsyntax-only", include, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{block}:\n{done.stderr}"


def test_a_new_block_without_a_reason_is_found() -> None:
    (block,) = parse("README.md", "```toml\nnew = 1\n```\n")
    assert not is_run(block) and block.key not in NOT_RUN and block.language not in LANGUAGES


@pytest.mark.parametrize(
    ("code", "unknown"),
    [
        ("make no-such-target", "no target no-such-target"),
        ("python -m benchmarks.nothing", "no module benchmarks.nothing"),
        (
            "python -m benchmarks.full_size",
            "benchmarks.full_size: the following arguments are required: folder",
        ),
        (
            "python -m benchmarks.resize --round 3 4",
            "benchmarks.resize: unrecognized arguments: 4",
        ),
        ("ufvideo ask a.mp4 b --no-such-option 3", "ufvideo ask has no --no-such-option"),
        ("ufvideo rules dance", "no command ufvideo rules dance"),
        ("ufvideo rules check a.yaml --force", "ufvideo rules check has no --force"),
        ("ufvideo dance", "no command ufvideo dance"),
        ('pip install ".[cpu,gold]"', "no extra gold"),
        ("A=1 bash cmake/gone.sh", "no script cmake/gone.sh"),
    ],
)
def test_a_command_that_does_not_exist_is_found(code: str, unknown: str) -> None:
    assert unknown_commands(code) == [unknown]


def test_an_error_and_a_wrong_output_are_found(tmp_path: Path) -> None:
    text = "```python\nprint(1)\n```\n\n```text\n2\n```\n\n```bash\nfalse\n```\n"
    says, expected, fails = parse("page.md", text)
    right, failed = sandbox.run([says, fails], tmp_path)
    with pytest.raises(AssertionError, match="prints"):
        check_output(right, expected)
    assert failed.error is not None
