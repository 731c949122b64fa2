"""The next frames are read in another thread while the caller works on those before."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.written_videos import write_video
from ufvideo_sdk import CancellationToken, CancelledError, InputError
from ufvideo_sdk.cancellation import check_cancelled
from ufvideo_sdk.video import clip as clip_module
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.read_ahead import ReadAhead

WAIT_S = 10


def readers() -> int:
    return sum(each.name == "ufvideo-read-ahead" for each in threading.enumerate())


def until(condition: object) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.001)


def test_items_come_in_order_and_the_thread_ends() -> None:
    ahead = ReadAhead(iter(range(100)), None, 3)
    assert list(ahead) == list(range(100))
    ahead.close()
    assert readers() == 0


def test_no_more_is_made_than_there_is_room_for() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    ahead = ReadAhead(items(), None, 3)
    until(lambda: len(made) == 3)
    time.sleep(0.05)
    assert made == [0, 1, 2]
    assert next(ahead) == 0
    until(lambda: len(made) == 4)
    ahead.close()
    assert len(made) == 4


def test_an_error_comes_in_its_place() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise InputError("the third")

    ahead = ReadAhead(items(), None, 5)
    assert [next(ahead), next(ahead)] == [1, 2]
    with pytest.raises(InputError, match="the third"):
        next(ahead)
    with pytest.raises(StopIteration):
        next(ahead)
    ahead.close()


class Held:
    """What an iterator works with."""


@pytest.mark.parametrize("is_raised", [False, True])
def test_a_closed_reader_holds_nothing_of_its_iterator(is_raised: bool) -> None:
    held: list[weakref.ref[Held]] = []

    def items() -> Iterator[int]:
        own = Held()
        held.append(weakref.ref(own))
        yield 1
        raise InputError("the second")

    gc.disable()
    try:
        ahead = ReadAhead(items(), None, 5)
        assert next(ahead) == 1
        if is_raised:
            with suppress(InputError):
                next(ahead)
        ahead.close()
        assert held[0]() is None
    finally:
        gc.enable()


def test_an_error_of_closing_comes_at_the_end() -> None:
    class Unclosable(Iterator[int]):
        def __init__(self) -> None:
            self.items = iter([1, 2])

        def __next__(self) -> int:
            return next(self.items)

        def close(self) -> None:
            raise InputError("the closing")

    ahead = ReadAhead(Unclosable(), None, 5)
    assert [next(ahead), next(ahead)] == [1, 2]
    with pytest.raises(InputError, match="the closing"):
        next(ahead)
    ahead.close()
    assert readers() == 0


def test_a_cancelled_call_ends_while_an_item_is_made() -> None:
    def items() -> Iterator[int]:
        yield 1
        while True:
            check_cancelled()
            time.sleep(0.001)

    cancel = CancellationToken()
    ahead = ReadAhead(items(), cancel, 2)
    assert next(ahead) == 1
    threading.Timer(0.05, cancel.cancel).start()
    with pytest.raises(CancelledError):
        next(ahead)
    ahead.close()
    assert readers() == 0


def test_closing_ends_an_item_under_way_and_the_iterator() -> None:
    ended = threading.Event()

    def items() -> Iterator[int]:
        try:
            yield 1
            while True:
                check_cancelled()
                time.sleep(0.001)
        finally:
            ended.set()

    cancel = CancellationToken()
    ahead = ReadAhead(items(), cancel, 2)
    assert next(ahead) == 1
    ahead.close()
    assert ended.is_set() and readers() == 0
    assert not cancel.is_cancelled


class Numbered:
    """Frames that hold their index, and the thread that read them."""

    name, height, width, is_image = "numbered", 4, 6, False
    files = (Path("numbered"),)

    def __init__(self, num_frames: int = 30) -> None:
        self.timestamps_s = np.arange(num_frames) / 10
        self.threads: list[str] = []

    def frames(self, frame_idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        for idx in frame_idxs:
            self.threads.append(threading.current_thread().name)
            if idx == 25:
                raise InputError("frame 25")
            yield np.full((4, 6, 3), idx, np.uint8)


def test_chunks_are_read_beside_the_work_on_them() -> None:
    source = Numbered()
    clip = Clip(source)
    seen: list[int] = []
    for idxs, frames in clip.chunks(range(20), 4):
        assert idxs.tolist() == frames[:, 0, 0, 0].tolist()
        seen += idxs.tolist()
        until(lambda: len(source.threads) > len(seen) or len(seen) == 20)  # noqa: B023
    assert seen == list(range(20))
    assert set(source.threads) == {"ufvideo-read-ahead"} and readers() == 0


def test_one_chunk_needs_no_thread() -> None:
    source = Numbered()
    list(Clip(source).chunks(range(4), 4))
    assert set(source.threads) == {threading.current_thread().name}


def test_an_error_of_a_frame_comes_behind_the_chunks_before() -> None:
    done: list[int] = []
    with pytest.raises(InputError, match="frame 25"):
        for idxs, _ in Clip(Numbered()).chunks(range(30), 4):
            done += idxs.tolist()
    assert done == list(range(24)) and readers() == 0


def test_leaving_the_loop_ends_the_thread() -> None:
    for _ in Clip(Numbered()).chunks(range(20), 4):
        break
    assert readers() == 0


def test_the_bytes_read_ahead_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_module, "AHEAD_BYTES", 2 * 4 * 6 * 3)
    source = Numbered()
    chunks = Clip(source).chunks(range(20), 4)
    next(chunks)
    until(lambda: len(source.threads) == 6)
    time.sleep(0.05)
    assert len(source.threads) == 6
    chunks.close()  # type: ignore[attr-defined]


def test_a_program_ends_with_its_own_status_while_frames_are_read(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", list(range(0, 300 * 40, 40)), height=240, width=320)
    program = (
        "import sys\n"
        "from ufvideo_sdk.video.clip import Clip\n"
        "from ufvideo_sdk.video.video_file import open_source\n"
        "chunks = Clip(open_source(sys.argv[1])).chunks(range(300), 8)\n"
        "next(chunks)\n"
        "sys.exit(3)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (3, b"")
