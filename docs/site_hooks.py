"""What the site needs beside mkdocs.yml: pages of files outside docs, and links that reach them.

The files link to each other as they lie in the repository, so that the links work there. Here a
link to a file that is a page becomes a link to the page, and a link to any other file its text.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
OUTSIDE = {
    "changes.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "model_card.md": "training/nano/README.md",
    "security.md": "SECURITY.md",
}
_RESULTS = "benchmarks/results"
_LINK = re.compile(r"(?<!!)\[([^\]\n]+)\]\(([^)\s]+)\)")
_ELSEWHERE = re.compile(r"[a-z]+:|#")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of files outside docs, and one for each file of recorded results."""
    for page, path in OUTSIDE.items():
        text = (ROOT / path).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    for recorded in sorted((ROOT / _RESULTS).glob("*.txt")):
        lines = recorded.read_text(encoding="utf-8")
        text = f"# `{recorded.name}`\n\n```text\n{lines}\n```\n"
        files.append(File.generated(config, _result_page(recorded.name), content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links at pages.

    Raises:
        PluginError: When a link names a file that the repository lacks.
    """
    uri = page.file.src_uri
    source = posixpath.dirname(OUTSIDE.get(uri, f"docs/{uri}"))

    def pointed(link: re.Match[str]) -> str:
        words, target = link.groups()
        if _ELSEWHERE.match(target):
            return link[0]
        path, hash_mark, anchor = target.partition("#")
        file = posixpath.normpath(posixpath.join(source, path))
        if not (ROOT / file).exists() and file not in map("docs/{}".format, OUTSIDE):
            raise PluginError(f"{uri}: expected a file of the repository, got {target}")
        reached = _page_of(file)
        if reached is None:
            return words
        relative = posixpath.relpath(reached, posixpath.dirname(uri) or ".")
        return f"[{words}]({relative}{hash_mark}{anchor})"

    return _LINK.sub(pointed, markdown)


def _page_of(file: str) -> str | None:
    """The page of a file of the repository, from docs; None if it has none."""
    for page, path in OUTSIDE.items():
        if file == path:
            return page
    if posixpath.dirname(file) == _RESULTS and file.endswith(".txt"):
        return _result_page(posixpath.basename(file))
    in_docs = file.removeprefix("docs/")
    return in_docs if in_docs != file and file.endswith(".md") else None


def _result_page(name: str) -> str:
    return f"results/{name.removesuffix('.txt')}.md"
