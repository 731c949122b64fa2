"""Frames that nobody asked for or refers to are not decoded, and the pixels are the same."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.compare import EXACT, assert_close
from tests.unit.written_videos import decoded_in_order, write_video
from ufvideo_sdk.video.nal_units import NalUnits, StreamChangedError
from ufvideo_sdk.video.open_video import OpenVideo
from ufvideo_sdk.video.opened_file import OpenedFile
from ufvideo_sdk.video.video_container import SourceOptions
from ufvideo_sdk.video.video_damage import DamagedFramesError
from ufvideo_sdk.video.video_file import VideoFile
from ufvideo_sdk.video.video_reading import Reading

TIMES_MS = list(range(0, 120 * 40, 40))
PYRAMID = {"x264-params": "bframes=5:b-pyramid=normal:b-adapt=0:keyint=40:scenecut=0:ref=4"}
FIELDS = {"flags": "+ilme+ildct", "x264-params": "interlaced=1:bframes=3"}
HEVC = "log-level=0:keyint=40:bframes=4"
SPARSE = {"steps": range(0, 120, 7), "one": [61], "pairs": [3, 4, 41, 43, 78, 79], "last": [119]}


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Positions of the packets that the decoder was given."""
    given: list[int] = []
    decode = Reading._decode

    def counted(self: Reading, packet: Any) -> Any:
        if packet is not None and packet.size:
            given.append(packet.pts)
        return decode(self, packet)

    monkeypatch.setattr(Reading, "_decode", counted)
    return given


@pytest.mark.parametrize("idxs", SPARSE.values(), ids=SPARSE)
@pytest.mark.parametrize("name", ["p.mp4", "p.mkv", "p.mov", "h.mp4", "h.mkv"])
def test_the_pixels_are_those_of_decoding_everything(
    tmp_path: Path, name: str, idxs: range, decoded: list[int]
) -> None:
    codec, options = ("libx264", PYRAMID) if name[0] == "p" else ("libx265", {"x265-params": HEVC})
    path = write_video(tmp_path / name, TIMES_MS, codec=codec, options=options, gop=40, b_frames=5)
    expected = decoded_in_order(path)
    source = VideoFile(path)
    decoded.clear()
    for idx, frame in zip(idxs, source.frames(idxs), strict=True):
        assert_close(frame, expected[idx], EXACT, where=f"frame {idx}")
    # From a key to each frame, about half of them serve no other one.
    last = {idx // 40: idx for idx in idxs}
    assert len(decoded) < 0.75 * sum(idx % 40 + 5 for idx in last.values())


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        # Packets are lost on the way; only decoding shows it.
        ("transport.ts", "libx264", PYRAMID),
        # A packet need not be a frame.
        ("fields.mp4", "libx264", FIELDS),
        # A frame of a higher layer may refer to those that are not referred to in their own.
        ("layers.mp4", "libx265", {"x265-params": f"{HEVC}:temporal-layers=3"}),
    ],
)  # fmt: skip
def test_nothing_is_skipped_if_that_may_change_pixels(
    tmp_path: Path, name: str, codec: str, options: dict[str, str], decoded: list[int]
) -> None:
    path = write_video(tmp_path / name, TIMES_MS, codec=codec, options=options, gop=40, b_frames=3)
    expected = decoded_in_order(path)
    source = VideoFile(path)
    decoded.clear()
    assert_close(next(source.frames([30])), expected[30], EXACT, where="frame 30")
    assert set(range(min(decoded), 31)) <= set(decoded)


def test_damage_in_a_frame_that_is_skipped_does_no_harm(tmp_path: Path) -> None:
    options = {**PYRAMID, "crf": "4"}
    path = write_video(
        tmp_path / "p.mp4", TIMES_MS, options=options, gop=40, b_frames=5, height=240, width=320
    )
    expected = decoded_in_order(path)
    video = OpenVideo(path, SourceOptions(), OpenedFile.of(path))
    packets = [each for each in video.packets() if each.size]
    skipped = [each for each in packets if video.units and video.units.is_unreferenced(each)]
    assert 40 < len(skipped) < 100
    raw = bytearray(path.read_bytes())
    num_damaged = 0
    for each in skipped:
        first = len(next(video.units.split(each))) if video.units else 0
        # Not of the frames that are decoded while the file is opened.
        if first > 40 and each.pos > len(raw) // 4:
            raw[each.pos + 24 : each.pos + 4 + first] = bytes(first - 20)
            num_damaged += 1
    assert num_damaged > 3
    path.write_bytes(raw)
    video.close()
    source = VideoFile(path)
    with pytest.raises(DamagedFramesError):
        list(source.frames(range(120)))
    wanted = [n for n in range(120) if n % 40 == 39]
    for idx, frame in zip(wanted, source.frames(wanted), strict=True):
        assert_close(frame, expected[idx], EXACT, where=f"frame {idx}")


def units_of(path: Path) -> tuple[NalUnits, list[bytes], list[bool]]:
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        units = NalUnits.of_stream(context.name, context.extradata)
        assert units is not None
        packets = [each for each in container.demux(video=0) if each.size]
        return units, [bytes(each) for each in packets], [each.is_keyframe for each in packets]


@pytest.mark.parametrize("name", ["a.mp4", "a.ts", "a.mkv"])
@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_keys_are_those_of_ffmpegs_parser(tmp_path: Path, codec: str, name: str) -> None:
    options = {"x265-params": HEVC} if codec == "libx265" else PYRAMID
    path = write_video(tmp_path / name, TIMES_MS, codec=codec, options=options, gop=40)
    units, packets, keys = units_of(path)
    assert [units.is_key(each[:4096]) for each in packets] == keys and sum(keys) == 3


def test_recovery_points_are_keys(tmp_path: Path) -> None:
    options = {"x264-params": "intra-refresh=1:keyint=40:bframes=2"}
    units, packets, keys = units_of(
        write_video(tmp_path / "a.mkv", TIMES_MS, options=options, gop=40)
    )
    assert [units.is_key(each) for each in packets] == keys and sum(keys) > 2


def test_damaged_units_raise_only_stream_changed(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", TIMES_MS[:30], options=PYRAMID)
    units, packets, _ = units_of(path)
    chance = np.random.default_rng(0)
    for packet in packets:
        for _ in range(20):
            content = bytearray(packet[: chance.integers(0, len(packet) + 1)])
            for _ in range(3):
                if content:
                    content[chance.integers(len(content))] = chance.integers(256)
            units.is_key(bytes(content))
            with suppress(StreamChangedError):
                units.is_unreferenced(bytes(content))
    assert not units.is_key(b"") and not units.is_unreferenced(bytes(9))
    assert NalUnits.of_stream("h264", b"\1\x64") is None
    assert NalUnits.of_stream("hevc", b"\1") is None
    assert NalUnits.of_stream("vp9", b"\1") is None


def test_another_parameter_set_ends_the_skipping(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", TIMES_MS[:30], options=PYRAMID)
    units, packets, _ = units_of(path)
    other = b"\x67" + bytes(9)
    with pytest.raises(StreamChangedError):
        units.is_unreferenced(len(other).to_bytes(4, "big") + other + packets[3])
