"""Commands that other packages bring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from typer.testing import CliRunner

from ufvideo_sdk.cli import app
from ufvideo_sdk.errors import PackageError


@dataclass
class PretendedEntryPoint:
    """What importlib.metadata gives for a plug-in."""

    name: str
    function: Callable[..., None] | None

    def load(self) -> Callable[..., None]:
        if self.function is None:
            raise ImportError("No module named 'ufvideo_export'")
        return self.function


def run(monkeypatch: pytest.MonkeyPatch, points: list[PretendedEntryPoint], *args: str) -> Any:
    monkeypatch.setattr("ufvideo_sdk.cli.command_group.entry_points", lambda group: points)
    return CliRunner().invoke(app, list(args), prog_name="ufvideo")


def test_a_plug_in_gets_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def export(source: str, force: bool = False) -> None:
        """Write a package."""
        seen.append((source, force))

    points = [PretendedEntryPoint("export", export)]
    result = run(monkeypatch, points, "export", "here", "--force")
    assert result.exit_code == 0, result.stderr
    assert seen == [("here", True)]
    assert "Write a package." in run(monkeypatch, points, "--help").stdout


def test_its_errors_have_exit_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    def export() -> None:
        raise PackageError("expected one thing, got another")

    result = run(monkeypatch, [PretendedEntryPoint("export", export)], "export")
    assert result.exit_code == 4
    assert result.stderr == "error: expected one thing, got another\n"


def _needs_torch() -> None:
    raise ModuleNotFoundError("No module named 'torch'", name="torch")


@pytest.mark.parametrize(
    "points",
    [[], [PretendedEntryPoint("export", None)], [PretendedEntryPoint("export", _needs_torch)]],
    ids=["no entry point", "does not load", "does not run"],
)
def test_a_missing_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, points: list[PretendedEntryPoint]
) -> None:
    options = [] if points and points[0].function else ["checkpoint", "out", "--force"]
    result = run(monkeypatch, points, "export", *options)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
    assert "pip install 'ufvideo-sdk[cpu,export]'" in result.stderr


def test_unknown_commands_are_usage_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, [], "exprot")
    assert result.exit_code == 2
    assert "exprot" in result.stderr
