"""The fenced blocks of the documents."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
KEY_LENGTH = 48
_FENCE = re.compile(r"^(?P<indent> *)(?P<marks>`{3,}|~{3,})(?P<info>[^`\n]*)$")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        page: The page's path in the repository.
        line: Number of the line with the opening fence.
        language: What stands behind the opening fence; empty if nothing does.
        code: What stands between the fences.
        follows: Whether nothing but empty lines separate it from the block before.
    """

    page: str
    line: int
    language: str
    code: str
    follows: bool

    @property
    def key(self) -> tuple[str, str]:
        """What a table names it by: the page, and how its first line begins, without a comment."""
        first = next((line for line in self.code.splitlines() if line.strip()), "")
        words = " ".join(re.split(r"\s#\s", first)[0].split())
        return self.page, words[:KEY_LENGTH]

    def __str__(self) -> str:
        """Where it stands, as editors read it."""
        return f"{self.page}:{self.line}"


def pages() -> list[str]:
    """Every document of the repository that readers are sent to."""
    found = {*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("examples/**/*.md")}
    found |= {ROOT / "training/nano/README.md", ROOT / "tests/mutation/README.md"}
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def inline_code(page: str) -> list[str]:
    """The code between single backticks, outside blocks."""
    text = (ROOT / page).read_text(encoding="utf-8")
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return [" ".join(code.split()) for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", outside)]


def blocks_of(page: str) -> list[Block]:
    """The blocks of a page, in order.

    Raises:
        ValueError: If a block is not closed, or is indented.
    """
    text = (ROOT / page).read_text(encoding="utf-8")
    return parse(page, text)


def parse(page: str, text: str) -> list[Block]:
    """The blocks of a text."""
    blocks: list[Block] = []
    opened: tuple[int, re.Match[str]] | None = None
    code: list[str] = []
    follows = False
    for number, line in enumerate(text.splitlines(), start=1):
        fence = _FENCE.match(line)
        if opened is None and fence is not None:
            if fence["indent"]:
                raise ValueError(f"{page}:{number}: expected a fence in the first column")
            opened, code = (number, fence), []
        elif opened is not None and line.rstrip() == opened[1]["marks"]:
            begin, fence = opened
            language = fence["info"].strip()
            blocks.append(Block(page, begin, language, "\n".join(code) + "\n", follows))
            opened, follows = None, True
        elif opened is not None:
            code.append(line)
        elif line.strip():
            follows = False
    if opened is not None:
        raise ValueError(f"{page}:{opened[0]}: expected a closing fence")
    return blocks
