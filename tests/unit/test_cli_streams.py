"""The command line where its output ends, its streams are closed, or a signal ends it."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ufvideo_sdk.cli import app
from ufvideo_sdk.cli.exit_codes import BROKEN_PIPE, INCOMPLETE

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "ufvideo_sdk"]
COMMANDS = [["tokens", "What?"], ["--help"]]


def run(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *words]
    return subprocess.run(command, text=True, stderr=subprocess.PIPE, timeout=120, **options)


def test_the_module_is_the_command() -> None:
    result = run("tokens", "What?", "--json", stdout=subprocess.PIPE)
    assert result.returncode == 0 and json.loads(result.stdout)["token_ids"]
    assert "-m ufvideo_sdk" in run("--help", stdout=subprocess.PIPE).stdout


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_an_output_that_is_full_is_capacity(
    tmp_path: Path, words: list[str], unbuffered: str
) -> None:
    """A limit on the size of files stands in for a full disk: it is the same failure of a write."""
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))

    with (tmp_path / "out").open("w") as out:
        result = run(*words, stdout=out, preexec_fn=limit, env=environment)
    assert result.returncode == 6, result.stderr
    assert "error: expected room for the output, got: File too large\n" in result.stderr
    assert "Traceback" not in result.stderr and "Exception ignored" not in result.stderr


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_reader_that_leaves_is_no_error(words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    result = run(*words, stdout=writing)
    os.close(writing)
    assert result.returncode == BROKEN_PIPE == 141
    assert "error" not in result.stderr and "Traceback" not in result.stderr


@pytest.mark.parametrize("closed", [(1,), (0, 1, 2)], ids=str)
@pytest.mark.parametrize(
    "words", [["tokens", "What?"], ["ask", "missing.mp4", "What?"]], ids=" ".join
)
def test_closed_streams(words: list[str], closed: tuple[int, ...]) -> None:
    def close() -> None:
        for number in closed:
            os.close(number)

    result = run(*words, stdout=subprocess.PIPE, preexec_fn=close)
    assert result.returncode == (0 if words[0] == "tokens" else 3), result.stderr
    assert "Traceback" not in result.stderr
    if 1 in closed:
        assert not result.stdout


def test_no_file_gets_the_number_of_a_closed_stream() -> None:
    """Else what a library prints on stdout lands in the video that is being saved."""
    script = (
        "import os, sys\n"
        "from ufvideo_sdk.cli.standard_streams import prepare_streams\n"
        "prepare_streams()\n"
        "sys.exit(os.dup(0))\n"
    )

    def close() -> None:
        os.close(1)
        os.close(2)

    assert subprocess.run([sys.executable, "-c", script], preexec_fn=close).returncode > 2


def test_an_encoding_that_lacks_a_character(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    missing = tmp_path / "\u65e5.mp4"
    result = run("ask", str(missing), "What?", stdout=subprocess.PIPE, env=environment)
    assert result.returncode == 3 and "found nothing there" in result.stderr


def test_codes_are_documented() -> None:
    text = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    for code in (0, 1, 2, 3, 4, 5, 6, 7, INCOMPLETE, 130, BROKEN_PIPE, 143):
        assert f"\n| {code} |" in text
    assert INCOMPLETE == 8
    assert "8 finished" in CliRunner().invoke(app, ["--help"], prog_name="ufvideo").stdout


def test_a_file_that_cannot_be_written_takes_no_other_along(tmp_path: Path) -> None:
    from tests.unit.drawn_answers import drawn_answer
    from ufvideo_sdk import InputError
    from ufvideo_sdk.cli.terminal import saved_after

    (tmp_path / "folder.json").mkdir()
    paths = [tmp_path / "folder.json", tmp_path / "b.json"]
    with pytest.raises(InputError, match="folder"), saved_after(drawn_answer(), paths):
        pass
    assert (tmp_path / "b.json").is_file()


def test_every_file_that_cannot_be_written_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.unit.drawn_answers import drawn_answer
    from ufvideo_sdk import InputError
    from ufvideo_sdk.cli.terminal import saved_after

    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path in paths:
        path.mkdir()
    with pytest.raises(InputError, match=r"a\.json"), saved_after(drawn_answer(), paths):
        pass
    said = capsys.readouterr().err
    assert all(f"could not write {path}: " in said for path in paths)


def test_an_error_of_saving_outranks_one_of_printing(tmp_path: Path) -> None:
    from tests.unit.drawn_answers import drawn_answer
    from ufvideo_sdk import InputError
    from ufvideo_sdk.cli.terminal import saved_after

    (tmp_path / "folder.json").mkdir()
    with (
        pytest.raises(InputError, match="folder"),
        saved_after(drawn_answer(), [tmp_path / "folder.json"]),
    ):
        raise BrokenPipeError
    with pytest.raises(BrokenPipeError), saved_after(drawn_answer(), [tmp_path / "b.json"]):
        raise BrokenPipeError


SAVING = """
import signal, sys, threading
# A test runner that was started by nohup ignores it, and so would its children.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from pathlib import Path
from tests.unit.drawn_answers import drawn_answer
from ufvideo_sdk.cli import terminal
from ufvideo_sdk.cli.terminal import saved_after
import ufvideo_sdk.render.save

def slow(answer, path, *, progress):
    from ufvideo_sdk.atomic_file import replacing
    with replacing(path) as draft:
        draft.write_text("half")
        print("saving", flush=True)
        while True:
            threading.Event().wait(0.05)

ufvideo_sdk.render.save.save_answer = slow
with saved_after(drawn_answer(), [Path(sys.argv[1])]):
    pass
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_no_draft(tmp_path: Path, number: int) -> None:
    command = [sys.executable, "-c", SAVING, str(tmp_path / "a.json")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None and process.stdout.readline() == "saving\n"
        assert len(list(tmp_path.iterdir())) == 1
        process.send_signal(number)
        assert process.wait(30) == -number, "it is the signal that ends it"
    assert not list(tmp_path.iterdir())


def test_whoever_ignores_a_signal_goes_on_ignoring_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from ufvideo_sdk.cli.termination import tidied_on_termination

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with tidied_on_termination():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_first_process_of_a_container_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal that nobody handles does nothing to it."""
    import typer

    from ufvideo_sdk.cli.termination import tidied_on_termination

    real: Callable[[int, int], None] = os.kill
    sent: list[int] = []
    monkeypatch.setattr("os.kill", lambda _, number: sent.append(number))
    with pytest.raises(typer.Exit) as caught, tidied_on_termination():
        real(os.getpid(), signal.SIGTERM)
    assert caught.value.exit_code == 143 and sent == [signal.SIGTERM]
