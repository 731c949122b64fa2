"""The interpreter ends while a daemon thread is inside the native runtime."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys, threading, time
import numpy as np
from ufvideo_sdk import GenerationConfig, UFVideo

model = UFVideo.load()
frames = np.random.default_rng(0).integers(0, 256, (40, 90, 120, 3), np.uint8)
session = model.open(frames, fps=8.0)
config = GenerationConfig(max_new_tokens=200)
calls = {
    "ask": lambda: session.ask("What happens?", config=config),
    # The thread is in Python, called by native code, for most of the time.
    "on_text": lambda: session.ask(
        "What happens?", config=config, on_text=lambda _: sum(range(30_000)) and None
    ),
    "on_progress": lambda: session.segment(
        "it", frames="all", on_progress=lambda *_: time.sleep(0.001)
    ),
    "stream": lambda: list(session.stream("What happens?", config=config)),
    "segment": lambda: session.segment("the red circle", frames="all"),
    "open": lambda: model.open(frames, fps=8.0),
    "load": lambda: UFVideo.load(),
}
started = threading.Event()

def work():
    started.set()
    while True:
        calls[sys.argv[1]]()

threading.Thread(target=work, daemon=True).start()
started.wait()
time.sleep(float(sys.argv[2]))
print("done", flush=True)
sys.exit(3)
"""


@pytest.mark.parametrize(
    "call", ["ask", "on_text", "on_progress", "stream", "segment", "open", "load"]
)
def test_the_process_ends_with_its_own_status(call: str) -> None:
    # Where the thread is then differs from run to run.
    for delay_s in (0.05, 0.13):
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM, call, str(delay_s)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ended.returncode, ended.stdout, ended.stderr) == (3, "done\n", "")


def test_no_binding_takes_the_gil_in_another_way() -> None:
    """pybind11's guards end the process instead; see bindings/gil.h."""
    folder = Path(__file__).parents[2] / "bindings"
    others = [
        path.name
        for path in sorted(folder.glob("*"))
        if path.stem != "gil" and "gil_scoped" in path.read_text(encoding="utf-8")
    ]
    assert others == []
