"""Links of the README lead somewhere, here and on the package index."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
absolute_links = runpy.run_path(str(ROOT / "cmake" / "readme_links.py"))["absolute_links"]
URL = "https://example.org/owner/name"


@pytest.mark.parametrize(
    ("link", "absolute"),
    [
        ("[a](docs/cli.md)", f"[a]({URL}/blob/v1/docs/cli.md)"),
        ("[a](docs/cli.md#exit-codes)", f"[a]({URL}/blob/v1/docs/cli.md#exit-codes)"),
        ("![a](docs/assets/demo.webp)", f"![a]({URL}/raw/v1/docs/assets/demo.webp)"),
        ('<img src="./a.png" width="9">', f'<img src="{URL}/raw/v1/a.png" width="9">'),
        ("[a](#install)", "[a](#install)"),
        ("[a](https://arxiv.org/abs/1)", "[a](https://arxiv.org/abs/1)"),
    ],
)
def test_relative_links_become_absolute(link: str, absolute: str) -> None:
    assert absolute_links(f"see {link}.", URL, "v1") == f"see {absolute}."


def test_the_readme_links_to_files_that_exist() -> None:
    text = absolute_links((ROOT / "README.md").read_text(encoding="utf-8"), URL, "v1")
    targets = re.findall(rf"{re.escape(URL)}/(?:raw|blob)/v1/([^)\"#\s]+)", text)
    assert len(targets) > 5
    assert [target for target in targets if not (ROOT / target).exists()] == []
