"""What saving never destroys, and what it leaves behind."""

from __future__ import annotations

import errno
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.unit.drawn_answers import drawn_answer
from tests.unit.written_videos import numbered_frame
from ufvideo_sdk import CapacityError, InputError
from ufvideo_sdk.atomic_file import check_target, replacing
from ufvideo_sdk.render.save import save_answer
from ufvideo_sdk.results.answer import Answer
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.video_file import open_source


def answer_about(path: Path) -> Answer:
    return drawn_answer(Clip(open_source(path)), spans=(), num_objects=0)


def write(path: Path, text: str = "new") -> None:
    with replacing(path) as draft:
        draft.write_text(text)


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(2):
        Image.fromarray(numbered_frame(number, 20, 30)).save(folder / f"{number}.png")
    return folder


@pytest.mark.parametrize("kind", ["itself", "symbolic", "hard", "relative"])
def test_the_clip_is_never_replaced(
    tmp_path: Path, frames: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    frame = frames / "1.png"
    before = frame.read_bytes()
    path = tmp_path / "other.png"
    if kind == "itself":
        path = frame
    elif kind == "symbolic":
        path.symlink_to(frame)
    elif kind == "hard":
        path.hardlink_to(frame)
    else:
        monkeypatch.chdir(frames)
        path = Path("../frames/1.png")
    for source in (frames, frame):
        answer = answer_about(source)
        # The working folder may be another one by then.
        with pytest.raises(InputError, match=r"expected another file than .*1\.png"):
            answer.save(path)
    assert frame.read_bytes() == before
    assert sorted(p.name for p in frames.iterdir()) == ["0.png", "1.png"]
    assert path.is_symlink() == (kind == "symbolic")


def test_a_video_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    drawn_answer().save(path)
    before = path.read_bytes()
    with pytest.raises(InputError, match="expected another file than"):
        answer_about(path).save(path)
    assert path.read_bytes() == before


def test_a_relative_source_is_known_after_a_change_of_folder(
    frames: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(frames)
    answer = answer_about(Path("1.png"))
    monkeypatch.chdir("/")
    with pytest.raises(InputError, match="expected another file than"):
        answer.save(frames / "1.png")


@pytest.mark.parametrize("by_link", [False, True])
@pytest.mark.parametrize("kind", ["a FIFO", "a socket"])
def test_only_plain_files_are_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, by_link: bool
) -> None:
    path = tmp_path / "x.json"
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        if kind == "a FIFO":
            os.mkfifo(path)
        else:
            listener.bind("x.json")
        before = path.lstat()
        target = tmp_path / "link.json" if by_link else path
        if by_link:
            target.symlink_to(path)
        with pytest.raises(InputError, match=f"expected a plain file or a new name, got {kind}"):
            drawn_answer().save(target)
        assert os.path.samestat(path.lstat(), before)
    assert len(list(tmp_path.iterdir())) == 1 + by_link


@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK])
def test_devices_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: int) -> None:
    """By what the system says of a path; no test goes near a device."""
    device = os.stat_result((kind | 0o666, 1, 1, 1, 0, 0, 0, 0, 0, 0))
    monkeypatch.setattr("ufvideo_sdk.atomic_file.status_of", lambda _: device)
    with pytest.raises(InputError, match="got a device"):
        write(tmp_path / "full")
    assert not list(tmp_path.iterdir())


def test_what_appears_meanwhile_is_not_replaced_either(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with pytest.raises(InputError, match="got a FIFO"), replacing(path) as draft:
        draft.write_text("new")
        os.mkfifo(path)
    assert path.is_fifo() and len(list(tmp_path.iterdir())) == 1


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target, link, loop = tmp_path / "there" / "file", tmp_path / "link", tmp_path / "loop"
    link.symlink_to("there/file")
    write(link, "first")
    write(link, "second")
    assert link.is_symlink() and target.read_text() == "second"
    assert [p.name for p in target.parent.iterdir()] == ["file"]
    loop.symlink_to("loop")
    with pytest.raises(InputError, match="loop"):
        write(loop)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_the_mode_is_kept(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "x"
    path.touch()
    path.chmod(mode)
    with replacing(path) as draft:
        draft.write_text("new")
        assert stat.S_IMODE(draft.stat().st_mode) == 0o600, "nobody else reads what is not there"
    assert stat.S_IMODE(path.stat().st_mode) == mode
    answer = drawn_answer()
    answer.save(tmp_path / "a.json")
    (tmp_path / "a.json").chmod(mode)
    answer.save(tmp_path / "a.json")
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == mode


def test_a_group_that_cannot_be_kept_is_not_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    path.touch()
    path.chmod(0o674)
    real = os.fstat

    def other(descriptor: int) -> os.stat_result:
        status = real(descriptor)
        return os.stat_result((*status[:4], status.st_uid + 1, status.st_gid + 1, *status[6:10]))

    def forbidden(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.fstat", other)
    monkeypatch.setattr("os.fchown", forbidden)
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_the_umask_decides_and_is_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def touched(_: int) -> int:
        pytest.fail("the umask is one for all threads: whoever sets it changes their files")

    before = os.umask(0o027)
    try:
        with monkeypatch.context() as patch:
            patch.setattr("os.umask", touched)
            write(tmp_path / "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640


def test_read_only_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    path.write_text("older")
    # Root may write everything: the answer of the system is pretended.
    monkeypatch.setattr("os.access", lambda name, _: Path(name) != path)
    with pytest.raises(InputError, match="expected a file that can be written, got a read-only"):
        write(path)
    assert path.read_text() == "older"


def test_a_name_as_long_as_the_system_takes(tmp_path: Path) -> None:
    write(tmp_path / ("x" * 255))
    with pytest.raises(InputError, match="File name too long"):
        write(tmp_path / ("x" * 256))


@pytest.mark.parametrize("path", ["a\0b.json", "x" * 5000 + ".json", "\ud800.json", "", b"x.json"])
def test_paths_that_no_file_has(path: object) -> None:
    with pytest.raises(InputError) as caught:
        drawn_answer().save(path)  # type: ignore[arg-type]
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_room_is_a_capacity_error(tmp_path: Path, number: int) -> None:
    with pytest.raises(CapacityError, match="expected room for"), replacing(tmp_path / "x"):
        raise OSError(number, "no room")
    assert not list(tmp_path.iterdir())


KILLED = """
import os, signal, sys
from pathlib import Path
from ufvideo_sdk.atomic_file import replacing
with replacing(Path(sys.argv[1])) as draft:
    draft.write_text("half")
    print("written", flush=True)
    sys.stdin.read()
"""


def test_drafts_of_killed_saves_are_removed_by_the_next(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path / "x")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as alive:  # type: ignore[call-overload]
        assert alive.stdout.readline() == "written\n"
        with subprocess.Popen(command, **pipes) as killed:  # type: ignore[call-overload]
            assert killed.stdout.readline() == "written\n"
            assert len(list(tmp_path.glob(".ufvideo-*.draft"))) == 2
            killed.send_signal(signal.SIGKILL)
        other = tmp_path / ".ufvideo-0123456789abcdef.draft"
        other.symlink_to("elsewhere")
        write(tmp_path / "y")
        left = set(tmp_path.glob(".ufvideo-*.draft")) - {other}
        assert len(left) == 1, "the draft of a save that goes on stays"
        alive.communicate("")
    assert alive.returncode == 0 and (tmp_path / "x").read_text() == "half"
    assert sorted(p.name for p in tmp_path.iterdir()) == [other.name, "x", "y"]


def test_a_draft_that_was_taken_for_a_left_one_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process removes it between its creation and its lock."""
    import fcntl

    real, num_calls = fcntl.flock, 0

    def flock(descriptor: int, how: int) -> None:
        nonlocal num_calls
        num_calls += 1
        if num_calls == 1:
            (draft,) = tmp_path.glob(".ufvideo-*.draft")
            draft.unlink()
        real(descriptor, how)

    monkeypatch.setattr("fcntl.flock", flock)
    write(tmp_path / "x")
    assert num_calls == 2 and (tmp_path / "x").read_text() == "new"


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", flock)
    write(tmp_path / "x")
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(path)
    answer = answer_about(path)
    assert answer.clip.name == "caf\ufffd.png"
    saved = tmp_path / os.fsdecode(b"\xe9.json")
    save_answer(answer, saved)
    assert '"name": "caf\ufffd.png"' in saved.read_bytes().decode("utf-8")
    answer.save(tmp_path / "a.png")
    assert check_target(saved) == saved
