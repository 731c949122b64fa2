"""Files that are open or in memory are read as the same file is by its path."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import tempfile
import threading
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.compare import EXACT, assert_close
from tests.unit.written_videos import numbered_frame, write_video
from ufvideo_sdk.errors import DamagedVideoWarning, InputError
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.file_object import FileObject, file_of
from ufvideo_sdk.video.video_container import SourceOptions
from ufvideo_sdk.video.video_file import VideoFile, open_source

MEDIA = Path(__file__).parent.parent / "data" / "media"
TIMES_MS = list(range(0, 40 * 40, 40))


class Shared:
    """A file that can seek and read, and no more; as an upload's."""

    def __init__(self, content: bytes) -> None:
        self._file = io.BytesIO(content)
        self.most_bytes = 0

    def read(self, num_bytes: int = -1) -> bytes:
        self.most_bytes = max(self.most_bytes, num_bytes)
        return self._file.read(num_bytes)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def assert_same(found: Any, expected: Any, where: str) -> None:
    """The same frames at the same times, read in order and by jumping."""
    assert (found.height, found.width) == (expected.height, expected.width)
    assert found.is_image == expected.is_image
    assert_close(found.timestamps_s, expected.timestamps_s, EXACT, where=f"times of {where}")
    all_idxs = range(len(expected.timestamps_s))
    for idxs in (list(all_idxs), list(all_idxs)[1::7] or [0]):
        pixels = [np.stack(list(source.frames(idxs))) for source in (found, expected)]
        assert_close(*pixels, EXACT, where=f"{where}, frames {idxs}")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("files") / "clip.mp4", TIMES_MS)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".ts", ".avi"])
@pytest.mark.parametrize("kind", [io.BytesIO, Shared])
def test_videos(tmp_path: Path, suffix: str, kind: type) -> None:
    codec = "libvpx-vp9" if suffix == ".webm" else "libx264"
    path = write_video(tmp_path / f"v{suffix}", TIMES_MS, codec=codec)
    found, expected = open_source(kind(path.read_bytes())), open_source(path)
    assert isinstance(found, VideoFile) and isinstance(expected, VideoFile)
    assert found.read_through == expected.read_through
    assert found.files == () and found.name == f"<{kind.__name__}>"
    assert_same(found, expected, suffix)


def test_a_bare_stream_needs_a_rate(tmp_path: Path) -> None:
    raw = write_video(tmp_path / "v.h264", TIMES_MS).read_bytes()
    assert_same(open_source(io.BytesIO(raw), fps=25), open_source(tmp_path / "v.h264", fps=25), "")
    with pytest.raises(InputError, match="give its rate, fps="):
        open_source(io.BytesIO(raw))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "animated WEBP", "animated PNG"])
def test_pictures(tmp_path: Path, form: str) -> None:
    pictures = [Image.fromarray(numbered_frame(number)) for number in range(4)]
    options: dict[str, Any] = {}
    if form.startswith("animated"):
        options = {"save_all": True, "append_images": pictures[1:], "duration": 100}
    path = tmp_path / "p"
    pictures[0].save(path, format=form.split()[-1], **options)
    for file in (io.BytesIO(path.read_bytes()), Shared(path.read_bytes())):
        found, expected = open_source(file), open_source(path)  # type: ignore[arg-type]
        assert type(found) is type(expected)
        assert_same(found, expected, form)
        assert_same(found, expected, f"{form}, again")


@pytest.mark.parametrize("name", ["h264_tail.ts"])
def test_damage_is_found_and_named(name: str) -> None:
    with pytest.warns(DamagedVideoWarning, match=name):
        expected: Any = open_source(MEDIA / name)
    file = io.BytesIO((MEDIA / name).read_bytes())
    file.name = name  # type: ignore[misc]
    with pytest.warns(DamagedVideoWarning, match=name):
        found: Any = open_source(file)
    assert found.damage == expected.damage and found.damage
    assert_same(found, expected, name)
    assert found.lost_frames() == expected.lost_frames()
    with pytest.raises(InputError, match=f"{name}: expected a whole file"):
        open_source(file, options=SourceOptions(strict=True))


def test_the_content_of_bytes_io_is_not_copied(path: Path) -> None:
    raw = path.read_bytes()
    file = FileObject(io.BytesIO(raw))
    assert file._content is raw


def test_what_is_done_with_bytes_io_later_changes_nothing(path: Path) -> None:
    with io.BytesIO(path.read_bytes()) as file:
        source = open_source(file)
        file.truncate(100)
        file.seek(0)
        file.write(b"nothing of the kind")
    assert_same(source, open_source(path), "closed")


def test_of_other_files_no_more_is_in_memory_than_is_read(path: Path) -> None:
    file = Shared(path.read_bytes())
    source = open_source(file)  # type: ignore[arg-type]
    np.stack(list(source.frames([0, 39])))
    assert 0 < file.most_bytes <= 1 << 16


def test_an_open_file_is_read_by_its_path(path: Path) -> None:
    with path.open("rb") as file:
        file.read(100)
        assert file_of(file) == path
        source = open_source(file)
        assert file.tell() == 100
    # Closed by now.
    assert_same(source, open_source(path), "open file")
    assert source.files == (path.absolute(),) and source.name == "clip.mp4"
    with path.open("rb", buffering=0) as file:
        assert file_of(file) == path


def test_temporary_files(path: Path) -> None:
    with tempfile.NamedTemporaryFile(suffix=".mp4") as named:
        named.write(path.read_bytes())
        # Not flushed, and at its end.
        assert file_of(named) == Path(named.name)
        assert_same(open_source(named), open_source(path), "a named temporary file")
    with tempfile.TemporaryFile() as unnamed, tempfile.SpooledTemporaryFile(1 << 20) as spooled:
        for file in (unnamed, spooled):
            file.write(path.read_bytes())
            assert_same(open_source(file), open_source(path), repr(file))


def test_a_file_that_was_replaced_is_not_read_by_its_path(path: Path, tmp_path: Path) -> None:
    moved = tmp_path / "a.mp4"
    moved.write_bytes(path.read_bytes())
    with moved.open("rb") as file:
        moved.unlink()
        moved.write_bytes(b"another one")
        assert_same(open_source(file), open_source(path), "a file that was replaced")


def test_files_inside_of_others(path: Path, tmp_path: Path) -> None:
    with gzip.open(tmp_path / "v.mp4.gz", "wb") as packed:
        packed.write(path.read_bytes())
    with gzip.open(tmp_path / "v.mp4.gz") as file:
        # It has the name and descriptor of the packed file.
        assert_same(open_source(file), open_source(path), "gzip")  # type: ignore[arg-type]
    with zipfile.ZipFile(tmp_path / "v.zip", "w") as archive:
        archive.write(path, "inside/clip.mp4")
    with zipfile.ZipFile(tmp_path / "v.zip") as archive, archive.open("inside/clip.mp4") as member:
        source = open_source(member)  # type: ignore[arg-type]
        assert source.name == "clip.mp4"
        assert_same(source, open_source(path), "zip")


def test_readers_of_one_file_do_not_disturb_each_other(path: Path) -> None:
    source = open_source(Shared(path.read_bytes()))  # type: ignore[arg-type]
    expected = np.stack(list(open_source(path).frames(range(40))))
    # Two at once in this thread, and four in threads of their own.
    pairs = zip(source.frames(range(40)), source.frames(range(40)), strict=True)
    for number, (first, second) in enumerate(pairs):
        assert_close(np.stack([first, second]), expected[[number, number]], EXACT, where="pair")
    found: list[np.ndarray] = []

    def read() -> None:
        found.append(np.stack(list(source.frames(range(40)))))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in found:
        assert_close(each, expected, EXACT, where="a thread")
    assert len(found) == 4


def test_a_clip_reads_ahead(path: Path) -> None:
    clip = Clip(open_source(io.BytesIO(path.read_bytes())))
    with_threads = []
    for _ in clip.chunks(clip.frame_idxs, 8):
        names = [thread.name for thread in threading.enumerate()]
        with_threads.append("ufvideo-read-ahead" in names)
    assert any(with_threads)


class Piped(io.RawIOBase):
    def readable(self) -> bool:
        return True


def closed() -> Any:
    file = io.BytesIO(b"x")
    file.close()
    return file


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (closed(), "<BytesIO>: expected an open file, got a closed one"),
        (io.StringIO("x"), r'<StringIO>: expected a binary file, .* open\(path, "rb"\)'),
        (Piped(), r"<Piped>: expected a file that can seek.*io\.BytesIO\(file\.read\(\)\)"),
        (io.BytesIO(), "<BytesIO>: expected a video file, found an empty file"),
        (io.BytesIO(b"nothing of the kind"), "<BytesIO>: expected a video file, FFmpeg"),
        (io.BytesIO(b"PK\3\4" + bytes(99)), "<BytesIO>: .* found a zip archive: unpack it"),
        (io.BytesIO(b"#EXTM3U\nfile:///etc/passwd\n"), "<BytesIO>: .* found a playlist"),
    ],
)
def test_files_that_are_refused(file: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_source(file)


def test_text_files_are_refused(path: Path) -> None:
    with path.open(encoding="latin-1") as file, pytest.raises(InputError, match="opened as text"):
        open_source(file)  # type: ignore[arg-type]


def test_a_file_that_is_closed_or_changed_meanwhile_is_refused(path: Path) -> None:
    file = Shared(path.read_bytes())
    file.closed = False  # type: ignore[attr-defined]
    source = open_source(file)  # type: ignore[arg-type]
    file.closed = True  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="it was closed: keep it open"):
        next(source.frames([0]))
    file.closed = False  # type: ignore[attr-defined]
    file._file = io.BytesIO(path.read_bytes() + b"x")
    with pytest.raises(InputError, match=r"the file has .* now: open it again"):
        next(source.frames([0]))


def test_a_file_that_fails_says_so(path: Path) -> None:
    file = Shared(path.read_bytes())
    source = open_source(file)  # type: ignore[arg-type]

    def failing(num_bytes: int = -1) -> bytes:
        raise OSError("the disk is on fire")

    file.read = failing  # type: ignore[method-assign]
    with pytest.raises(InputError, match="the disk is on fire"):
        next(source.frames([0]))


class Upload(Shared):
    """As that of a web framework."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.file = Shared(content)

    async def read(self, num_bytes: int = -1) -> bytes:  # type: ignore[override]
        return b""


def test_an_asynchronous_file_is_refused(path: Path) -> None:
    upload: Any = Upload(path.read_bytes())
    with pytest.raises(InputError, match=r"asynchronous: give the file inside.* upload\.file"):
        open_source(upload)
    assert_same(open_source(upload.file), open_source(path), "upload")


@pytest.mark.parametrize("result", ["text", None, b"x" * (1 << 20), ZeroDivisionError("oops")])
def test_files_that_return_something_else(path: Path, result: object) -> None:
    file = Shared(path.read_bytes())
    source = open_source(file)  # type: ignore[arg-type]

    def read(num_bytes: int = -1) -> Any:
        if isinstance(result, Exception):
            raise result
        return result

    file.read = read  # type: ignore[method-assign]
    with pytest.raises(InputError, match="<Shared>: expected"):
        next(source.frames([0]))


def test_no_other_file_is_opened(tmp_path: Path) -> None:
    """A movie may name a file with its samples: FFmpeg opens none for a file object."""
    secret = tmp_path / "secret.mp4"
    write_video(secret, TIMES_MS)
    playlist = f"ffconcat version 1.0\nfile '{secret}'\n".encode()
    with pytest.raises(InputError, match="a playlist"):
        open_source(io.BytesIO(playlist))


def test_a_pipe_is_refused() -> None:
    with (
        subprocess.Popen([sys.executable, "-c", "print('x')"], stdout=subprocess.PIPE) as process,
        pytest.raises(InputError, match="expected a file that can seek"),
    ):
        open_source(process.stdout)  # type: ignore[arg-type]


def test_answers_and_sessions(tmp_path: Path, path: Path) -> None:
    pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")
    from ufvideo_sdk import UFVideo
    from ufvideo_sdk.results.answer import Answer

    nano = UFVideo.load()
    file = io.BytesIO(path.read_bytes())
    file.name = "street.mp4"  # type: ignore[misc]
    with nano.open(file) as session, nano.open(path) as by_path:
        answer: Answer = session.ask("What is there?")
        assert answer.clip.name == "street.mp4"
        expected = by_path.segment("the red ball", frames=[0, 3, 7])[0]
        found = session.segment("the red ball", frames=[0, 3, 7])[0]
        assert found.runs == expected.runs
        answer.save(tmp_path / "answer.mp4")
        by_path.ask("What is there?").save(tmp_path / "expected.mp4")
        session.save(tmp_path / "s.session")
    assert (tmp_path / "answer.mp4").stat().st_size > 1000
    with nano.load_session(tmp_path / "s.session", video=io.BytesIO(path.read_bytes())) as again:
        assert again.clip.name == "<BytesIO>"
        assert again.ask("What is there?").text == answer.text
        assert again.segment("the red ball", frames=[0, 3, 7])[0].runs == expected.runs
