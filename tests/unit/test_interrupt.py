"""Ctrl-C, and a cancel while one graph run takes a minute."""

from __future__ import annotations

import ast
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.slow_package import slow_language_model, slow_mask_encoder, slow_vision_encoder
from ufvideo_sdk import CancellationToken, CancelledError, StopReason, UFVideo, interrupts

pytestmark = pytest.mark.filterwarnings("error")

FRAMES = np.random.default_rng(5).integers(0, 256, (20, 60, 80, 3), np.uint8)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("slow")
    return {
        "language_model": slow_language_model(folder),
        "vision_encoder": slow_vision_encoder(folder),
        "mask_encoder": slow_mask_encoder(folder),
    }


@pytest.fixture(scope="module")
def picture_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from PIL import Image

    folder = tmp_path_factory.mktemp("frames")
    for number, frame in enumerate(FRAMES):
        Image.fromarray(frame).save(folder / f"{number:03}.png")
    return folder


def cancelled_after(delay_s: float, call: Callable[[Any], Any]) -> tuple[Any, float]:
    """What a call returns or raises, and how long it went on when its token was cancelled."""
    cancel = CancellationToken()
    cancelled_at = 0.0

    def end() -> None:
        nonlocal cancelled_at
        cancelled_at = time.perf_counter()
        cancel.cancel()

    timer = threading.Timer(delay_s, end)
    timer.start()
    try:
        result = call(cancel)
    except CancelledError as error:
        result = error
    after_s = time.perf_counter() - cancelled_at
    timer.join()
    assert cancelled_at, "it ended before it was cancelled: the package is not slow"
    return result, after_s


def test_a_cancel_ends_one_run_of_the_language_model(packages: dict[str, Path]) -> None:
    session = UFVideo.load(packages["language_model"]).open(FRAMES, fps=4.0)
    for call, is_ended in (
        (
            lambda token: session.ask("Why?", cancel=token),
            lambda answer: answer.stop_reason is StopReason.CANCELLED and not answer.token_ids,
        ),
        (
            lambda token: session.ask_many(["Why?", "When?"], cancel=token),
            lambda answers: [a.stop_reason for a in answers] == [StopReason.CANCELLED] * 2,
        ),
        (lambda token: list(session.stream("Why?", cancel=token)), lambda events: events == []),
        (lambda token: session.locate("it stops", cancel=token), lambda spans: spans == []),
        (lambda token: session.segment("the ball", cancel=token), lambda tracks: tracks == []),
    ):
        result, after_s = cancelled_after(0.5, call)
        assert is_ended(result), result
        assert after_s < 1
    assert (
        session.stats["language_model"].num_calls == 0
        if session.stats.get("language_model")
        else True
    )


def test_a_cancel_ends_one_run_of_the_frame_encoders(packages: dict[str, Path]) -> None:
    model = UFVideo.load(packages["vision_encoder"])
    result, after_s = cancelled_after(0.5, lambda token: model.open(FRAMES, fps=4.0, cancel=token))
    assert isinstance(result, CancelledError) and after_s < 1
    session = UFVideo.load(packages["mask_encoder"]).open(FRAMES, fps=4.0)
    tracks, after_s = cancelled_after(0.5, lambda token: session.segment("it", cancel=token))
    assert tracks == [] and after_s < 1


@pytest.fixture
def raising() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt here, also where the test runner ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted_after(delay_s: float, call: Callable[[], Any]) -> float:
    """How long a call of the main thread goes on after SIGINT, which it must end by raising."""
    sent_at = 0.0

    def send() -> None:
        nonlocal sent_at
        sent_at = time.perf_counter()
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(delay_s, send)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        call()
        time.sleep(1)  # the interrupt is due between two instructions
    timer.join()
    return time.perf_counter() - sent_at


@pytest.mark.usefixtures("raising")
def test_an_interrupt_ends_a_call_of_the_main_thread(packages: dict[str, Path]) -> None:
    model = UFVideo.load(packages["language_model"])
    session = model.open(FRAMES, fps=4.0)
    for call in (
        lambda: session.ask("Why?"),
        lambda: session.ask_many(["Why?", "When?"]),
        lambda: list(session.stream("Why?")),
        lambda: session.locate("it stops"),
    ):
        assert interrupted_after(0.3, call) < 1
    slow = UFVideo.load(packages["vision_encoder"])
    assert interrupted_after(0.3, lambda: slow.open(FRAMES, fps=4.0)) < 1
    assert signal.set_wakeup_fd(-1) in (-1, interrupts._watcher.writer)  # type: ignore[union-attr]
    cancelled, after_s = cancelled_after(0.3, lambda token: session.ask("Why?", cancel=token))
    assert cancelled.stop_reason is StopReason.CANCELLED and after_s < 1


@pytest.mark.usefixtures("raising")
def test_an_interrupt_of_one_call_never_cancels_the_next() -> None:
    for _ in range(300):
        first, second = CancellationToken(), CancellationToken()
        with pytest.raises(KeyboardInterrupt):
            with interrupts.InterruptCancels(first):
                os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
        with interrupts.InterruptCancels(second):
            time.sleep(0.0005)
        assert not second.is_cancelled


def is_cancelled_soon(token: CancellationToken) -> bool:
    deadline = time.perf_counter() + 5
    while not token.is_cancelled and time.perf_counter() < deadline:
        time.sleep(0.005)
    return token.is_cancelled


@pytest.mark.usefixtures("raising")
def test_a_call_inside_a_callback_leaves_the_outer_one_watched() -> None:
    outer, inner = CancellationToken(), CancellationToken()
    with interrupts.InterruptCancels(outer):
        with interrupts.InterruptCancels(inner):
            pass
        writer = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(writer)
        os.write(writer, bytes([signal.SIGINT]))
        assert is_cancelled_soon(outer)
    assert not inner.is_cancelled
    assert signal.set_wakeup_fd(-1) == -1


def test_descriptors_above_1023_are_watched() -> None:
    held: list[int] = []
    try:
        while not held or held[-1] < 1024:
            held.append(os.open(os.devnull, os.O_RDONLY))
        watcher = interrupts._Watcher()
    except OSError as error:
        pytest.skip(f"needs more descriptors: {error}")
    finally:
        for descriptor in held:
            os.close(descriptor)
    token = CancellationToken()
    watcher.watch_for(token)
    os.write(watcher.writer, bytes([signal.SIGINT]))
    assert watcher.writer > 1023 and is_cancelled_soon(token)


@pytest.mark.usefixtures("raising")
def test_a_wakeup_descriptor_set_meanwhile_is_kept() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        with interrupts.InterruptCancels(CancellationToken()):
            signal.set_wakeup_fd(writer)
        assert signal.set_wakeup_fd(-1) == writer
    finally:
        signal.set_wakeup_fd(-1)
        os.close(reader)
        os.close(writer)


@pytest.mark.usefixtures("raising")
def test_an_interrupt_is_left_to_a_handler_or_loop_of_the_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token = CancellationToken()
    seen: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: seen.append(number))
    try:
        with interrupts.InterruptCancels(token):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [signal.SIGINT] and not token.is_cancelled
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    try:
        with interrupts.InterruptCancels(token):
            assert signal.set_wakeup_fd(writer) == writer
    finally:
        signal.set_wakeup_fd(-1)
        os.close(reader)
        os.close(writer)
    assert not token.is_cancelled


@pytest.mark.usefixtures("raising")
def test_a_call_goes_on_without_a_free_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left() -> None:
        raise OSError("no free descriptors")

    monkeypatch.setattr(interrupts, "_watcher", None)
    monkeypatch.setattr(os, "pipe", none_left)
    with interrupts.InterruptCancels(CancellationToken()):
        pass
    assert signal.set_wakeup_fd(-1) == -1


class Command:
    """A process on a pseudo-terminal of its own."""

    def __init__(self, *arguments: object) -> None:
        self._ours, theirs = pty.openpty()
        words = [str(argument) for argument in arguments]
        command = [sys.executable, "-c", "from ufvideo_sdk.cli import main; main()", *words]
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200"}
        self.process = subprocess.Popen(
            command,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            # A process started in the background may have been told to ignore interrupts.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        os.close(theirs)
        self.seen = b""

    def wait_for(self, text: bytes, timeout_s: float) -> float:
        """Seconds until the text appeared."""
        begin = time.perf_counter()
        while text not in self.seen:
            left_s = timeout_s - (time.perf_counter() - begin)
            assert left_s > 0, f"no {text!r} within {timeout_s} s: {self.seen.decode()}"
            if select.select([self._ours], [], [], left_s)[0]:
                self.seen += os.read(self._ours, 4096)
        return time.perf_counter() - begin

    def end(self) -> int:
        """The exit status; the process is killed if it goes on."""
        try:
            return self.process.wait(10)
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self._ours)


@pytest.mark.parametrize(
    ("stem", "arguments", "label"),
    [
        ("vision_encoder", ["ask", "Why?"], b"looking at the video: 0 %"),
        ("language_model", ["ask", "Why?"], b"thinking: 0 %"),
        ("language_model", ["locate", "it stops"], b"looking for the event: 0 %"),
        ("language_model", ["segment", "the ball"], b"segmenting: 0 %"),
        ("mask_encoder", ["segment", "the ball"], b"segmenting: 0 %"),
    ],
    ids=["open", "ask", "locate", "segment", "masks"],
)
def test_an_interrupt_ends_every_command_within_a_second(
    packages: dict[str, Path],
    picture_folder: Path,
    stem: str,
    arguments: list[str],
    label: bytes,
) -> None:
    name, words = arguments
    command = Command(name, picture_folder, words, "--package", packages[stem])
    try:
        command.wait_for(label, 30)
        time.sleep(1)
        command.process.send_signal(signal.SIGINT)
        assert command.wait_for(b"interrupted", 20) < 1
    finally:
        status = command.end()
    assert status == 130


def test_no_command_waits_for_the_native_runtime_in_the_main_thread() -> None:
    """Each call that may take long is inside `interruptible`, so that Ctrl-C is answered."""
    folder = Path(__file__).parents[2] / "sdk" / "ufvideo_sdk" / "cli"
    # `build` lets an interrupt end the process itself.
    slow = {"UFVideo.load", "model.open", "Package.open", "session.stream", "session.ask"}
    slow |= {"session.locate", "session.segment", "session.ask_many", "model.load_session"}
    slow |= {"session.track"}
    found: set[str] = set()
    for path in sorted(folder.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inside = {
            id(node)
            for outer in ast.walk(tree)
            if isinstance(outer, (ast.Lambda, ast.FunctionDef)) and _is_handed_on(tree, outer)
            for node in ast.walk(outer)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (name := ast.unparse(node.func)) in slow:
                found.add(name)
                assert id(node) in inside, f"{path.name}:{node.lineno}: {name}"
    assert found >= {
        "UFVideo.load",
        "model.open",
        "session.stream",
        "session.segment",
        "session.track",
    }


def _is_handed_on(tree: Any, function: Any) -> bool:
    """Whether a lambda, or a function by its name, is an argument of `interruptible`."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("interruptible"):
            for argument in call.args:
                if argument is function:
                    return True
                if isinstance(argument, ast.Name) and argument.id == getattr(function, "name", ""):
                    return True
    return False
