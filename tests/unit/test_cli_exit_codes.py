"""What a command ends with, and what its help says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from ufvideo_sdk import errors
from ufvideo_sdk.cli import app

ASK = ["ask", "clip.mp4", "What?", "--package", "pkg"]
FAMILIES: list[tuple[BaseException, int]] = [
    (errors.ConfigError("m"), 2),
    (errors.InputError("m"), 3),
    (errors.PackageError("m"), 4),
    (errors.PackageVersionError("m"), 4),
    (errors.DeviceError("m"), 5),
    (errors.CapacityError("m"), 6),
    (MemoryError("m"), 6),
    (errors.InferenceError("m"), 7),
    (errors.StateError("m"), 7),
    (ValueError("m"), 1),
]


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), prog_name="ufvideo")


def _failing(problem: BaseException) -> Callable[..., Any]:
    def opened(request: Any) -> Any:
        raise problem

    return opened


@pytest.mark.parametrize(("problem", "code"), FAMILIES, ids=lambda value: type(value).__name__)
def test_each_family_has_its_code(
    monkeypatch: pytest.MonkeyPatch, problem: BaseException, code: int
) -> None:
    monkeypatch.setattr("ufvideo_sdk.cli.opened.opened", _failing(problem))
    result = run(*ASK)
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr


def test_unexpected_errors_show_where_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ufvideo_sdk.cli.opened.opened", _failing(ValueError("m")))
    monkeypatch.setenv("UFVIDEO_TRACEBACK", "1")
    assert isinstance(run(*ASK).exception, ValueError)


def test_interrupts_have_their_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ufvideo_sdk.cli.opened.opened", _failing(KeyboardInterrupt()))
    result = run(*ASK)
    assert result.exit_code == 130 and result.stderr == "interrupted\n"


COMMANDS = ("demo", "ask", "locate", "segment", "info", "verify", "build", "doctor", "tokens")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert f"Example: ufvideo {name}" in result.stdout


def test_help_lists_commands_and_exit_codes() -> None:
    stdout = run("--help").stdout
    for name in (*COMMANDS, "export"):
        assert f"\n  {name} " in stdout
    assert "130 interrupted" in stdout
