"""Frames that a decoder drops without saying so are counted as lost; those dropped rightly not."""

from __future__ import annotations

import re
from pathlib import Path

import av
import pytest

from tests.unit.written_videos import write_video
from ufvideo_sdk.errors import DamagedVideoWarning, InputError
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.video_container import SourceOptions
from ufvideo_sdk.video.video_file import VideoFile

EVEN_MS = list(range(0, 60 * 40, 40))
# Open groups: pictures shown before a key may refer to the group before it.
_OPEN_GROUPS = "log-level=none:keyint=20:bframes=3:open-gop=1:pools=1"
# What begins a unit of filler.
_HEVC_FILLER, _H264_FILLER = b"\x4c\x01", b"\x0c"


def hevc_video(path: Path) -> Path:
    return write_video(path, EVEN_MS, codec="libx265", options={"x265-params": _OPEN_GROUPS})


def packet_places(path: Path) -> list[tuple[int, int]]:
    """Place and size in bytes of every packet."""
    with av.open(str(path)) as container:
        return [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]


def without_picture(path: Path, number: int, filler: bytes = _HEVC_FILLER) -> Path:
    """Put filler, which decoders pass over, in the place of a packet's picture."""
    raw = bytearray(path.read_bytes())
    at, size = packet_places(path)[number]
    raw[at : at + size] = ((size - 4).to_bytes(4, "big") + filler).ljust(size, b"\xff")
    other = path.with_name("damaged.mp4")
    other.write_bytes(raw)
    return other


def named_losses(damage: tuple[str, ...]) -> int:
    """How many frames the sentences name."""
    return sum(
        1 if line.startswith("the frame at") else int(line.split()[0])
        for line in damage
        if re.match(r"the frame at|\d+ (more damaged )?frames", line)
    )


def test_hevc_frames_lost_among_the_first_are_said_and_strict_refuses(tmp_path: Path) -> None:
    damaged = without_picture(hevc_video(tmp_path / "whole.mp4"), 8)
    with pytest.warns(DamagedVideoWarning, match="left out"):
        source = VideoFile(damaged)
    assert source.read_through == "its first frames are not its first packets"
    assert 40 <= len(source.timestamps_s) < 60
    assert named_losses(source.damage) == 60 - len(source.timestamps_s)
    frames = list(source.frames(range(len(source.timestamps_s))))
    assert len(frames) == len(source.timestamps_s)
    with pytest.raises(InputError, match=r"damaged\.mp4: expected a whole file: .*left out"):
        VideoFile(damaged, SourceOptions(strict=True))


def test_hevc_frames_lost_later_are_said_and_strict_refuses_once_they_are_read(
    tmp_path: Path,
) -> None:
    damaged = without_picture(hevc_video(tmp_path / "whole.mp4"), 30)
    source = VideoFile(damaged)
    clip = Clip(source)
    with pytest.warns(DamagedVideoWarning, match="left out"):
        read = [int(i) for idxs, _ in clip.chunks(clip.frame_idxs, skip_damaged=True) for i in idxs]
    assert 40 <= len(read) < 60
    assert named_losses(clip.damage) == len(source.lost_frames()) >= 60 - len(read)
    with pytest.warns(DamagedVideoWarning, match="left out"):
        source.look_closer()
    assert named_losses(source.damage) == 60 - len(source.timestamps_s)
    strict = Clip(VideoFile(damaged, SourceOptions(strict=True)))
    with pytest.raises(InputError, match=r"damaged\.mp4: expected a whole file: .*left out"):
        for _ in strict.chunks(strict.frame_idxs, skip_damaged=True):
            pass


def test_frames_between_named_losses_are_named_too(tmp_path: Path) -> None:
    path = write_video(tmp_path / "whole.mp4", EVEN_MS, gop=20, b_frames=3)
    source = VideoFile(without_picture(path, 20, _H264_FILLER))
    with pytest.warns(DamagedVideoWarning, match="left out"):
        source.look_closer()
    whole_s = source.timestamps_s
    assert whole_s[0] == 0 and whole_s[-1] == pytest.approx(59 * 0.04)
    assert named_losses(source.damage) == 60 - len(whole_s)
    assert not ((whole_s > 0.79) & (whole_s < 1.1)).any()


@pytest.mark.parametrize("key", [1, 2])
def test_leading_pictures_without_their_references_are_no_damage(tmp_path: Path, key: int) -> None:
    """A copy that begins at a key in the middle has pictures that can never be shown."""
    whole, cut = hevc_video(tmp_path / "whole.mp4"), tmp_path / "cut.mp4"
    with av.open(str(whole)) as source, av.open(str(cut), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        num_keys = 0
        for packet in source.demux(video=0):
            num_keys += packet.is_keyframe and packet.size > 0
            if packet.size and num_keys > key:
                packet.stream = stream
                target.mux(packet)
    opened = VideoFile(cut, SourceOptions(strict=True))
    assert opened.damage == ()
    opened.look_closer()
    assert opened.damage == ()
    with av.open(str(cut)) as container:
        assert len(opened.timestamps_s) == sum(1 for _ in container.decode(video=0))
