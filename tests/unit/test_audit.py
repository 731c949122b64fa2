"""Nothing goes out and nothing is written but what was asked for, on a machine that is no CI."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path

import pytest

from tests.unit.traced import Traced, needs_strace, python, trace
from tests.unit.written_videos import uneven_times_ms, write_video

pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")

ROOT = Path(__file__).parents[2]
EXAMPLE = Path(os.environ.get("UFVIDEO_CPP_EXAMPLE", ROOT / "build" / "example" / "ask_clip"))
UFVIDEO = Path(sys.executable).with_name("ufvideo")

USE = """
import sys
from ufvideo_sdk import GenerationConfig, UFVideo

video, out = sys.argv[1:]
model = UFVideo.load()
with model.open(video) as session:
    answer = session.ask("What happens?", config=GenerationConfig(max_new_tokens=4))
    session.locate("a circle moves")
    session.segment("the circle", frames=[0, 1])
    answer.save(out + "/answer.json")
    session.save(out + "/clip.session")
model.load_session(out + "/clip.session").ask("And then?")
import onnxruntime
"""
EXPORT = """
import sys
from pathlib import Path
from ufvideo_export import export_package

export_package(Path(sys.argv[1]), Path(sys.argv[2]), track=False)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "clip.mp4", uneven_times_ms(8))


def assert_nothing_else(traced: Traced, home: Path, *asked_for: Path) -> None:
    """No socket, and every change within what was asked for."""
    assert traced.sockets == []
    allowed = (*asked_for, Path("/dev/null"), Path("/dev/shm"), Path("/dev/tty"))
    others = {
        path for path in traced.changed if not any(path.is_relative_to(each) for each in allowed)
    }
    assert others == set()
    assert list(home.iterdir()) == []


@needs_strace
def test_the_trace_sees_what_it_looks_for(home: Path, out: Path) -> None:
    source = (
        "import socket, pathlib, threading\n"
        "socket.socket()\n"
        f"path = pathlib.Path({str(out)!r}, 'a')\n"
        "thread = threading.Thread(target=path.write_text, args=['a'])\n"
        "thread.start(); thread.join()\n"
        "pathlib.Path.home().joinpath('b').mkdir()\n"
    )
    traced = trace(python(source), home)
    assert len(traced.sockets) == 1
    assert traced.changed == {out / "a", home / "b"}
    with pytest.raises(AssertionError):
        assert_nothing_else(traced, home, out)


@needs_strace
def test_load_ask_segment_and_save(video: Path, home: Path, out: Path) -> None:
    traced = trace([*python(USE), str(video), str(out)], home)
    assert {out / "answer.json", out / "clip.session"} <= {
        path for path in out.iterdir() if path.is_file()
    }
    assert_nothing_else(traced, home, out)


@needs_strace
@pytest.mark.skipif(not UFVIDEO.exists(), reason="needs the command: pip install .")
@pytest.mark.parametrize("command", ["demo", "doctor", "segment"])
def test_commands(command: str, video: Path, home: Path, out: Path) -> None:
    arguments = {
        "demo": ["--save", str(out / "demo.png")],
        "doctor": [],
        "segment": [str(video), "the circle", "--save", str(out / "masks.json")],
    }[command]
    traced = trace([str(UFVIDEO), command, *arguments], home)
    assert_nothing_else(traced, home, out)


@needs_strace
@pytest.mark.skipif(not EXAMPLE.exists(), reason=f"no {EXAMPLE}: needs `make example`")
def test_a_program_in_cpp(home: Path, out: Path) -> None:
    from PIL import Image

    from ufvideo_sdk.runtime.onnxruntime_library import ENVIRONMENT_VARIABLE, find_library

    frames = out / "frames"
    frames.mkdir()
    for number in range(4):
        Image.new("RGB", (48, 32), (number, 0, 0)).save(frames / f"{number}.ppm")
    tokens = out / "tokens.txt"
    tokens.write_text("11 -201 12\n")
    package = ROOT / "tests" / "data" / "tiny" / "package"
    arguments = [str(package), str(frames), str(tokens), "10"]
    variables = {ENVIRONMENT_VARIABLE: str(find_library())}
    assert_nothing_else(trace([str(EXAMPLE), *arguments], home, **variables), home, out)


@needs_strace
@pytest.mark.torch
def test_export(home: Path, out: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the export extra")
    from testing.ufvideo_testing.random_checkpoint import RandomSizes, make_random_checkpoint

    sizes = RandomSizes(num_layers=1, num_aligner_blocks=1)
    checkpoint = make_random_checkpoint(tmp_path / "tiny", sizes, seed=1)
    arguments = [str(checkpoint), str(out / "package")]
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    traced = trace([*python(EXPORT), *arguments], home, TMPDIR=str(temporary))
    # Libraries of PyTorch's side look whether this machine has IPv6, and ask for the user's name.
    asked = [call for call in traced.sockets if "/var/run/nscd/socket" not in call]
    reached = [call for call in asked if not call.startswith("socket(") and '"::1"' not in call]
    assert reached == []
    assert_nothing_else(dataclasses.replace(traced, sockets=[]), home, out, temporary)
    # What it needed meanwhile it removed again; PyTorch leaves an empty folder.
    assert [path for path in temporary.rglob("*") if path.is_file()] == []
