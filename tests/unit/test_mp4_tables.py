"""MP4 and MOV files are listed by their own tables, which say what reading them through says."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.compare import EXACT, assert_close
from tests.unit.edited_videos import EMPTY, Edit, with_edits
from tests.unit.written_videos import decoded_in_order, numbered_frame, uneven_times_ms, write_video
from ufvideo_sdk.errors import DamagedVideoWarning, UFVideoError
from ufvideo_sdk.video import video_survey
from ufvideo_sdk.video.key_frames import key_test
from ufvideo_sdk.video.mp4_tables import TablesUnusableError, read_sample_table
from ufvideo_sdk.video.open_video import OpenVideo
from ufvideo_sdk.video.opened_file import OpenedFile
from ufvideo_sdk.video.packet_table import PacketRecord, PacketTable, table_of_file
from ufvideo_sdk.video.video_container import SourceOptions
from ufvideo_sdk.video.video_file import VideoFile, open_source
from ufvideo_sdk.video.video_index import seconds

pytestmark = pytest.mark.skipif(
    not hasattr(av.video.stream.VideoStream, "index_entries"),
    reason="this PyAV does not show FFmpeg's index: files are read through",
)
MEDIA = Path(__file__).parent.parent / "data" / "media"
EVEN_MS = list(range(0, 60 * 40, 40))
NEGATIVE = {"movflags": "negative_cts_offsets"}

WRITTEN: dict[str, dict[str, Any]] = {
    "b.mp4": {},
    "b.mov": {},
    "uneven.mov": {"times_ms": uneven_times_ms(60)},
    "negative.mp4": {"container_options": NEGATIVE},
    "negative.mov": {"container_options": NEGATIVE, "times_ms": uneven_times_ms(60)},
    "plain.mp4": {"container_options": {"use_editlist": "0"}, "b_frames": 0},
    "front.mp4": {"container_options": {"movflags": "faststart"}},
    "late.mp4": {"times_ms": [time + 1500 for time in EVEN_MS]},
    "open.mp4": {
        "options": {"x264-params": "open-gop=1:bframes=3:keyint=12:scenecut=0"},
        "b_frames": 3,
    },
    "intra.mp4": {"options": {"x264-params": "intra-refresh=1:keyint=40:bframes=2"}, "gop": 40},
    "vp9.mp4": {"codec": "libvpx-vp9", "times_ms": uneven_times_ms(60)},
    "av1.mp4": {"codec": "libsvtav1", "b_frames": None},
    "mpeg4.mp4": {"codec": "mpeg4"},
    "pictures.mov": {"codec": "mjpeg", "pixels": "yuvj420p", "b_frames": None},
}


def written(folder: Path, name: str) -> Path:
    return write_video(folder / name, **{"times_ms": EVEN_MS, **WRITTEN[name]})


def assert_tables_equal_packets(path: Path, options: SourceOptions | None = None) -> None:
    video = OpenVideo(path, options or SourceOptions(), OpenedFile.of(path))
    with path.open("rb") as file:
        table = table_of_file(file, video)
    read = PacketTable.of_records([PacketRecord.of(each) for each in video.packets() if each.size])
    video.close()
    for name in PacketRecord._fields:
        if name == "is_key":
            # A parser finds keys that the tables do not list.
            assert not (table.is_key & ~read.is_key).any()
            continue
        assert_close(getattr(table, name), getattr(read, name), EXACT, where=name)


def test_the_file_reads_the_same_afterwards(tmp_path: Path) -> None:
    """Its buffer holds the beginning, and packets were looked at beside it."""
    path = written(tmp_path, "front.mp4")
    video = OpenVideo(path, SourceOptions(), OpenedFile.of(path))
    with path.open("rb") as file:
        table_of_file(file, video)
        file.seek(0)
        file.read(16)
        table_of_file(file, video)
        file.seek(0)
        assert file.read() == path.read_bytes()
    video.close()


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_tables_say_what_reading_through_says(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, name)
    assert_tables_equal_packets(path)
    source = VideoFile(path)
    assert source.read_through == ""
    expected = decoded_in_order(path)
    assert len(source.timestamps_s) == len(expected)
    for idx, frame in enumerate(source.frames(range(len(expected)))):
        assert_close(frame, expected[idx], EXACT, where=f"frame {idx}")


@pytest.mark.parametrize(
    "name", ["trim_copy.mp4", "trim_copy2.mov", "sar2.mp4", "matrix_scale2.mp4"]
)
def test_tables_of_other_muxers(name: str) -> None:
    assert_tables_equal_packets(MEDIA / name)
    assert VideoFile(MEDIA / name).read_through == ""


EDITS: dict[str, Sequence[Edit]] = {
    "none": [],
    "all of it": [(2400, 0)],
    "a later start": [(2400, 9000)],
    "not from a key": [(500, 11_500)],
    "a wait at first": [(500, EMPTY), (1200, 4000)],
    "longer than the media": [(90_000, 4800)],
}


@pytest.mark.parametrize("edits", EDITS.values(), ids=EDITS)
@pytest.mark.parametrize("name", ["b.mp4", "negative.mov", "open.mp4"])
def test_an_edit_list_is_obeyed(
    tmp_path: Path, name: str, edits: Sequence[Edit], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = with_edits(written(tmp_path, name), tmp_path / f"edited-{name}", edits)
    assert_tables_equal_packets(path)
    source = VideoFile(path)
    assert (source.read_through, source.damage) == ("", ())
    through = read_through(path, monkeypatch)
    assert_close(source.timestamps_s, through.timestamps_s, EXACT, where="times")
    every = range(len(source.timestamps_s))
    for idx, (frame, same) in enumerate(
        zip(source.frames(every), through.frames(every), strict=True)
    ):
        assert_close(frame, same, EXACT, where=f"frame {idx}")


def read_through(path: Path, monkeypatch: pytest.MonkeyPatch) -> VideoFile:
    def unusable(*_: object) -> PacketTable:
        raise TablesUnusableError("a test reads it through")

    with monkeypatch.context() as patch:
        patch.setattr(video_survey, "table_of_file", unusable)
        return VideoFile(path)


@pytest.mark.parametrize(
    "edits", [[(600, 3000), (700, 16_000)], [(600, 16_000), (700, 1000)], [(600, 6000)] * 2]
)
def test_parts_in_another_order_are_read_as_before(
    tmp_path: Path, edits: Sequence[Edit], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = with_edits(written(tmp_path, "b.mp4"), tmp_path / "edited.mp4", edits)
    source, through = VideoFile(path), read_through(path, monkeypatch)
    assert_close(source.timestamps_s, through.timestamps_s, EXACT, where="times")
    assert source.damage == through.damage == ()


def two_tracks(path: Path) -> Path:
    """A large video, a small one, and sound."""
    with av.open(str(path), "w") as container:
        streams: list[Any] = []
        for height, width in ((64, 96), (48, 64)):
            stream = container.add_stream("libx264", rate=25)
            stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
            streams.append(stream)
        sound: Any = container.add_stream("aac", rate=16000)
        noise = np.random.default_rng(0).normal(0, 0.1, (60, 1, 640)).astype(np.float32)
        for number in range(60):
            for stream in streams:
                drawn = numbered_frame(number, stream.height, stream.width)
                frame = av.VideoFrame.from_ndarray(drawn, "rgb24")
                frame.pts, frame.time_base = number, Fraction(1, 25)
                container.mux(stream.encode(frame))
            heard = av.AudioFrame.from_ndarray(noise[number], "fltp", "mono")
            heard.sample_rate, heard.pts = 16000, number * 640
            container.mux(sound.encode(heard))
        for stream in (*streams, sound):
            container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("stream", [0, 1])
def test_the_track_that_is_asked_for(tmp_path: Path, stream: int) -> None:
    path = two_tracks(tmp_path / "two.mp4")
    options = SourceOptions(stream=stream)
    assert_tables_equal_packets(path, options)
    source = VideoFile(path, options)
    assert source.read_through == "" and source.height == (64, 48)[stream]


def test_other_containers_are_read_through(tmp_path: Path) -> None:
    cases = {
        "a.mkv": ({}, "its container format has no sample tables"),
        "fragments.mp4": ({"movflags": "frag_keyframe"}, "it is fragmented"),
        "empty_moov.mp4": ({"movflags": "frag_keyframe+empty_moov"}, "it is fragmented"),
    }
    for name, (options, why) in cases.items():
        path = write_video(tmp_path / name, EVEN_MS, container_options=options)
        source = VideoFile(path)
        assert source.read_through == why and len(source.timestamps_s) == 60


def test_a_file_that_lacks_samples_is_read_through(tmp_path: Path) -> None:
    path = written(tmp_path, "front.mp4")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.warns(DamagedVideoWarning, match="1 frame|the frame at"):
        source = VideoFile(path)
    assert source.read_through == "it is cut off, or its boxes are damaged"


def test_a_last_group_of_zeros_is_read_through(tmp_path: Path) -> None:
    """As of a download that reserved its place on the disk."""
    path = written(tmp_path, "front.mp4")
    raw = path.read_bytes()
    path.write_bytes(raw[:-60] + bytes(60))
    with pytest.warns(DamagedVideoWarning, match="damaged"):
        source = VideoFile(path)
    assert source.read_through == "its last packets are damaged"


def test_keys_that_are_none_are_not_believed(tmp_path: Path) -> None:
    path = written(tmp_path, "b.mp4")
    raw = path.read_bytes()
    at = raw.index(b"stss")
    number = int.from_bytes(raw[at + 8 : at + 12], "big")
    wrong = struct.pack(f">{number}I", *range(1, number + 1))
    path.write_bytes(raw[: at + 12] + wrong + raw[at + 12 + len(wrong) :])
    source = VideoFile(path)
    assert source.read_through == "samples that its table marks as key frames are not key frames"
    expected = decoded_in_order(path)
    frame = next(source.frames([30]))
    assert_close(frame, expected[30], EXACT, where="frame 30")


def outcome(open_it: Callable[[], VideoFile]) -> tuple[object, ...]:
    """The times and size of a file, or that it is refused."""
    try:
        source = open_it()
    except UFVideoError as error:
        return (type(error).__name__,)
    return (source.timestamps_s.tolist(), source.height, source.width)


@pytest.mark.filterwarnings("ignore::ufvideo_sdk.errors.DamagedVideoWarning")
@pytest.mark.parametrize("seed", range(6))
def test_damaged_tables_say_the_same_or_are_not_used(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few bytes of the movie header are replaced: what is listed is what reading through lists.

    Frames whose damage only decoding shows may be listed beside them.
    """
    chance = random.Random(seed)
    raw = written(tmp_path, "negative.mov" if seed % 2 else "b.mp4").read_bytes()
    first = raw.index(b"moov")
    path = tmp_path / "damaged.mp4"
    num_by_tables = 0
    for _ in range(25):
        content = bytearray(raw)
        for _ in range(chance.choice((1, 1, 2))):
            at = chance.randrange(first, len(content))
            content[at] = chance.choice((0, 1, 128, 255, chance.randrange(256)))
        path.write_bytes(content)
        try:
            source = VideoFile(path)
        except UFVideoError:
            source = None
        through = outcome(lambda: read_through(path, monkeypatch))
        if source is None or source.read_through:
            assert outcome(lambda: VideoFile(path)) == through
            continue
        num_by_tables += 1
        assert len(through) == 3 and through[1:] == (source.height, source.width)
        assert set(through[0]) <= set(source.timestamps_s.tolist())
        assert_tables_equal_packets(path)
    assert num_by_tables > 3


def test_a_video_is_opened_twice_and_not_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once to look at its tables, once by FFmpeg, until its frames are encoded."""
    path = write_video(tmp_path / "a.mp4", list(range(0, 400 * 40, 40)), gop=40)
    assert num_opens(path, monkeypatch, lambda: read_some(path)) == (1, 1)
    other = write_video(tmp_path / "a.mkv", EVEN_MS)
    assert num_opens(other, monkeypatch, lambda: read_some(other)) == (1, 2)


def test_opening_does_not_read_the_pictures(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    noise = np.random.default_rng(0).integers(0, 256, (9, 240, 320, 3), np.uint8)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 240, 320, "yuv420p"
        for number in range(100):
            frame = av.VideoFrame.from_ndarray(noise[number % len(noise)], "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    open_source(path)
    before = bytes_read()
    open_source(path)
    assert bytes_read() - before < path.stat().st_size / 3


def bytes_read() -> int:
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return int(lines[0].removeprefix("rchar: "))


def read_some(path: Path) -> None:
    from ufvideo_sdk.video.clip import Clip

    source = open_source(path, keep_open=True)
    clip = Clip(source)
    for _ in clip.chunks(clip.sampled_idxs(16), 4):
        pass
    source.release()  # type: ignore[attr-defined]


def num_opens(
    path: Path, monkeypatch: pytest.MonkeyPatch, work: Callable[[], None]
) -> tuple[int, int]:
    """How often Python and FFmpeg open a file."""
    import io
    import os

    opened: list[str] = []
    open_there, open_av, open_io = os.open, av.open, io.open

    def by(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(file: Any, *rest: Any, **options: Any) -> Any:
            if path.name in str(file):
                opened.append(name)
            return function(file, *rest, **options)

        return counted

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", by("python", open_there))
        patch.setattr(io, "open", by("python", open_io))
        patch.setattr(av, "open", by("ffmpeg", open_av))
        work()
    return opened.count("python"), opened.count("ffmpeg")


def test_seconds_are_rounded_once() -> None:
    chance = np.random.default_rng(0)
    for base in (Fraction(1, 12_800), Fraction(1001, 30_000), Fraction(1, 3), Fraction(7, 1)):
        for largest in (10_000, 1 << 40, 1 << 52, 1 << 60):
            stamps = chance.integers(-largest, largest, 200)
            exact = np.array([float(stamp * base) for stamp in stamps.tolist()])
            assert_close(seconds(stamps, base), exact, EXACT, where=f"{base}, {largest}")


@pytest.mark.parametrize("name", ["vp9.mp4", "av1.mp4", "mpeg4.mp4"])
def test_keys_are_told_by_their_first_bytes(tmp_path: Path, name: str) -> None:
    with av.open(str(written(tmp_path, name))) as container:
        is_key = key_test(container.streams.video[0].codec_context.name, None)
        packets = [each for each in container.demux(video=0) if each.size]
    assert is_key is not None
    heads = [bytes(each)[:4096] for each in packets]
    assert [is_key(head) for head in heads] == [each.is_keyframe for each in packets]
    chance = random.Random(0)
    for head in heads:
        is_key(head[: chance.randrange(6)])
        is_key(chance.randbytes(chance.randrange(40)))


@pytest.mark.filterwarnings("ignore::ufvideo_sdk.errors.DamagedVideoWarning")
@pytest.mark.parametrize(
    ("box", "offset", "message"),
    [
        (b"stts", 12, "decoding times of more or fewer samples"),
        (b"stts", 8, "a table of .* rows"),
        (b"ctts", 12, "composition times of more or fewer samples"),
        (b"ctts", 16, "composition times out of range"),
        (b"stsc", 12, "runs of chunks out of order"),
        (b"stsc", 20, "several descriptions"),
        (b"stsz", 12, "samples"),
        (b"stsz", 16, "samples lie beyond its end"),
        (b"stco", 12, "samples lie beyond its end"),
        (b"elst", 8, "edits in"),
        (b"stbl", -4, "a box b'stbl'"),
    ],
)
def test_tables_that_do_not_fit_are_refused(
    tmp_path: Path, box: bytes, offset: int, message: str
) -> None:
    path = written(tmp_path, "b.mp4")
    content = bytearray(path.read_bytes())
    at = content.index(box) + offset
    content[at : at + 4] = (0x7FFF_FFF0).to_bytes(4, "big")
    path.write_bytes(content)
    with path.open("rb") as file, pytest.raises(TablesUnusableError, match=message):
        read_sample_table(file, 1)
    with suppress(UFVideoError):
        assert VideoFile(path).read_through != ""
