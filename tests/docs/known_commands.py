"""Whether the commands of a Bash block exist: looked up, not run."""

from __future__ import annotations

import importlib.util
import re
import shlex
import sys
from functools import cache
from pathlib import Path
from typing import Any

from typer.main import get_command

from tests.docs.module_arguments import wrong_arguments
from ufvideo_sdk.cli import app

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


def unknown_commands(code: str) -> list[str]:
    """What the commands of a block name that does not exist, one sentence each."""
    found = []
    for line in code.replace("\\\n", " ").splitlines():
        for words in _commands(line):
            found += _unknown(words)
    return found


def _commands(line: str) -> list[list[str]]:
    """The commands of a line, each as words, without variables set for it."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        # A text that goes on in the next line is no command of ours.
        return []
    commands: list[list[str]] = [[]]
    for word in words:
        if set(word) <= set("();<>|&"):
            commands.append([])
        elif commands[-1] or not _ASSIGNMENT.match(word):
            commands[-1].append(word)
    return [words for words in commands if words]


def _unknown(words: list[str]) -> list[str]:
    program, *rest = words
    if program == "make":
        known = make_targets()
        return [f"no target {word}" for word in rest if "=" not in word and word not in known]
    if program == "python" and rest[:1] == ["-m"]:
        return _unknown_module(rest[1], rest[2:])
    if program == "pip" and rest[:1] == ["install"]:
        return [
            f"no extra {extra}"
            for word in rest
            for extras in re.findall(r"^(?:\.|ufvideo-sdk)\[([^\]]+)\]", word)
            for extra in extras.split(",")
            if extra not in extras_of_project()
        ]
    if program == "ufvideo":
        return _unknown_options(rest)
    if program == "bash" and rest and rest[0].endswith(".sh"):
        return [] if (ROOT / rest[0]).is_file() else [f"no script {rest[0]}"]
    return []


def _unknown_options(words: list[str]) -> list[str]:
    if not words or words[0].startswith("-"):
        return []
    # Typer's own classes, which know more than they declare.
    group: Any = get_command(app)
    command = group.get_command(group.make_context("ufvideo", [], resilient_parsing=True), words[0])
    if command is None:
        return [f"no command ufvideo {words[0]}"]
    name = words[0]
    if hasattr(command, "commands") and len(words) > 1 and not words[1].startswith("-"):
        name, words = f"{name} {words[1]}", words[1:]
        command = command.commands.get(words[0])
        if command is None:
            return [f"no command ufvideo {name}"]
    known = {"--help"}
    for parameter in command.params:
        known |= {*parameter.opts, *parameter.secondary_opts}
    options = {word.split("=")[0] for word in words[1:] if word.startswith("--")}
    return [f"ufvideo {name} has no {option}" for option in sorted(options - known)]


def _unknown_module(name: str, words: list[str]) -> list[str]:
    if name.split(".")[0] not in ("benchmarks", "tests", "training", "ufvideo_sdk"):
        # A tool that is installed only where it is used.
        return []
    try:
        found = importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        found = False
    if not found:
        return [f"no module {name}"]
    wrong = wrong_arguments(name, words)
    return [f"{name}: {wrong}"] if wrong else []


@cache
def make_targets() -> frozenset[str]:
    """The targets of the Makefile."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return frozenset(re.findall(r"^([a-z][\w-]*):", text, re.MULTILINE))


@cache
def extras_of_project() -> frozenset[str]:
    """The extras of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return frozenset(project["optional-dependencies"])
