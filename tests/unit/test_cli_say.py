"""No text of a package, a path or a model reaches a terminal as a command to it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")

from ufvideo_sdk import cli
from ufvideo_sdk.cli import app
from ufvideo_sdk.cli.say import plain_text

TINY = Path(__file__).parents[1] / "data" / "tiny" / "package"
# Clears the screen; sets the window's title; the same with a control of eight bits.
ESCAPES = "\x1b[2J\x1b]0;title\x07\x9b31m\x7f"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(TINY, tmp_path / "package"))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["model"]["name"] = f"tiny{ESCAPES}"
    manifest["model"]["architecture"] = ESCAPES
    manifest["provenance"] = {f"torch{ESCAPES}": ESCAPES}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def assert_plain(text: str) -> None:
    assert [c for c in text if not c.isprintable() and c not in "\n\t"] == []


def test_plain_text() -> None:
    assert plain_text("a\tb\né 中") == "a\tb\né 中"
    assert plain_text(ESCAPES) == ("\\u001b[2J\\u001b]0;title\\u0007\\u009b31m\\u007f")
    assert json.loads(plain_text(json.dumps({"a": ESCAPES}, ensure_ascii=False))) == {"a": ESCAPES}


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_what_a_package_is_called(package: Path, options: list[str]) -> None:
    done = CliRunner().invoke(app, ["info", str(package), *options])
    assert done.exit_code == 0, done.output
    assert "tiny" in done.output
    assert_plain(done.output)


def test_what_is_wrong_with_a_package(package: Path) -> None:
    manifest = json.loads((package / "manifest.json").read_text())
    manifest[ESCAPES] = 1
    (package / "manifest.json").write_text(json.dumps(manifest))
    done = CliRunner().invoke(app, ["verify", str(package)])
    assert done.exit_code == 4 and "unknown key" in done.output
    assert_plain(done.output)


def test_where_a_package_is(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["info", str(tmp_path / ESCAPES)])
    assert done.exit_code == 4
    assert_plain(done.output)


def test_commands_print_through_say_alone() -> None:
    folder = Path(str(cli.__file__)).parent
    for path in folder.glob("*.py"):
        if path.name != "say.py":
            assert "typer.echo(" not in path.read_text(encoding="utf-8"), path.name
