"""The documents build as a site without a warning, and its pages load nothing from elsewhere."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import FunctionType

import pytest

import ufvideo_sdk
import ufvideo_sdk.bench
import ufvideo_sdk.evaluate

ROOT = Path(__file__).parents[2]
# What a browser fetches by itself, tag by tag.
LOADED = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "img": ("src", "srcset"),
    "input": ("src",),
    "link": ("href",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "video": ("src", "poster"),
}
# Names of a page, which a browser does not fetch.
NOT_LOADED_LINKS = {"canonical", "prev", "next", "alternate"}
ELSEWHERE = re.compile(r"(?:https?:)?//")
IN_STYLE = re.compile(r"url\(\s*['\"]?((?:https?:)?//[^)]*)|@import\s+['\"]?((?:https?:)?//\S+)")
# What the theme's own script fetches from elsewhere, and only for these.
FETCHING_CLASSES = {"mermaid", "md-source"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("mkdocs") is None, reason="needs mkdocs: pip install '.[docs]'"
    ),
]


class Loads(HTMLParser):
    """What a page makes a browser fetch from another host."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        is_name = tag == "link" and NOT_LOADED_LINKS & set(values.get("rel", "").split())
        for name in () if is_name else LOADED.get(tag, ()):
            if ELSEWHERE.match(values.get(name, "")):
                self.found.append(f"<{tag} {name}={values[name]}>")
        if FETCHING_CLASSES & set(values.get("class", "").split()):
            self.found.append(f"<{tag} class={values['class']}>")
        self.found += loads_of_style(values.get("style", ""))


def loads_of_style(text: str) -> list[str]:
    return [found[1] or found[2] for found in IN_STYLE.finditer(text)]


def loads_of_page(text: str) -> list[str]:
    parser = Loads()
    parser.feed(text)
    return parser.found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        str(out),
    ]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not loads_of_page(text), page
        assert "Content-Security-Policy" in text, page
    for style in sorted(site.rglob("*.css")):
        assert not loads_of_style(style.read_text(encoding="utf-8")), style


def test_every_document_is_a_page(site: Path) -> None:
    for path in sorted((ROOT / "docs").rglob("*.md")):
        page = path.relative_to(ROOT / "docs").with_suffix(".html")
        assert (site / page).is_file(), page
    for name in ("security", "contributing", "changes", "model_card", "results/reading_cpu"):
        assert (site / f"{name}.html").is_file(), name


def test_the_reference_has_docstrings(site: Path) -> None:
    text = (site / "reference" / "session.html").read_text(encoding="utf-8")
    assert "Open a clip and encode it" in text and "allow_absent" in text


def documented_members(name: str) -> set[str]:
    """Methods and properties of a class, inherited ones too; `Attributes:` says its fields."""
    value = getattr(ufvideo_sdk, name)
    if not isinstance(value, type) or issubclass(value, BaseException):
        return set()
    ours = [base for base in value.__mro__ if base.__module__.startswith("ufvideo_sdk")]
    members = {m: v for base in reversed(ours) for m, v in vars(base).items()}
    kinds = (FunctionType, property, classmethod, staticmethod)
    return {m for m, v in members.items() if isinstance(v, kinds) and v.__doc__ and m[0] != "_"}


def test_the_reference_has_every_member_of_every_class(site: Path) -> None:
    pages = [page.read_text(encoding="utf-8") for page in (site / "reference").glob("*.html")]
    anchors = set(re.findall(r'id="(ufvideo_sdk\.[\w.]+)"', "\n".join(pages)))
    expected = {f"ufvideo_sdk.{c}.{m}" for c in ufvideo_sdk.__all__ for m in documented_members(c)}
    results = ("Answer", "LocateResult", "SegmentResult")
    assert expected >= {f"ufvideo_sdk.{c}.{m}" for c in results for m in ("plot", "to_coco")}
    assert not expected - anchors


def test_the_reference_links_what_it_calls_public(site: Path) -> None:
    text = (site / "reference" / "index.html").read_text(encoding="utf-8")
    assert 'href="package.html"' in text
    for module, no_entry in ((ufvideo_sdk.bench, {"FIGURES"}), (ufvideo_sdk.evaluate, set())):
        name = module.__name__.rpartition(".")[2]
        assert f'href="{name}.html"' in text
        shown = (site / "reference" / f"{name}.html").read_text(encoding="utf-8")
        anchors = set(re.findall(rf'id="ufvideo_sdk\.{name}\.(\w+)"', shown))
        assert set(module.__all__) - no_entry <= anchors


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://cdn.example/a.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/css">',
        '<link rel="preconnect" href="https://fonts.example">',
        '<img src="http://pictures.example/a.png">',
        '<p style="background: url(https://pictures.example/a.png)">',
        '<pre class="mermaid">graph</pre>',
    ],
)
def test_a_load_from_elsewhere_is_found(text: str) -> None:
    assert len(loads_of_page(text)) == 1


def test_links_that_a_reader_follows_are_no_loads() -> None:
    assert not loads_of_page('<a href="https://arxiv.org">x</a>')
    assert not loads_of_page('<link rel="canonical" href="https://site.example">')
    assert loads_of_style("@import 'https://fonts.example/css';")
    assert not loads_of_style("a { background: url(a.png) }")
