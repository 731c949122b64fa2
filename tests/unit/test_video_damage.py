"""Damaged recordings: whole frames are read exactly, lost ones are said, strict refuses."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.compare import assert_close
from tests.unit.written_videos import decoded_in_order, write_video
from ufvideo_sdk import demo_clip
from ufvideo_sdk.errors import DamagedVideoWarning, InputError
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.open_video import OpenVideo
from ufvideo_sdk.video.opened_file import OpenedFile
from ufvideo_sdk.video.video_container import SourceOptions
from ufvideo_sdk.video.video_damage import DamagedFramesError
from ufvideo_sdk.video.video_file import VideoFile
from ufvideo_sdk.video.video_reading import Reading

EVEN_MS = list(range(0, 60 * 40, 40))
_TS_PACKET_BYTES = 188


def video_packets(raw: bytes) -> list[int]:
    """Offsets of the transport packets that carry the video (0x100)."""
    offsets = range(0, len(raw), _TS_PACKET_BYTES)
    return [at for at in offsets if ((raw[at + 1] & 0x1F) << 8 | raw[at + 2]) == 0x100]


def noisy_video(path: Path) -> Path:
    """60 frames in groups of 12, large enough for several transport packets each."""
    return write_video(path, EVEN_MS, height=240, width=320, options={"crf": "10"})


def assert_whole_frames_are_exact(
    source: VideoFile, whole: list[np.ndarray], start_s: float
) -> None:
    for idx, frame in enumerate(source.frames(range(len(source.timestamps_s)))):
        number = round((source.timestamps_s[idx] - start_s) / 0.04)
        assert np.array_equal(frame, whole[number]), f"frame {idx}, which is {number} of the video"


@pytest.mark.parametrize("share", [0.3, 0.55, 0.8])
def test_lost_transport_packet_loses_its_group_only(tmp_path: Path, share: float) -> None:
    path = noisy_video(tmp_path / "whole.ts")
    raw = path.read_bytes()
    whole = decoded_in_order(path)
    start_s = VideoFile(path).timestamps_s[0]
    offsets = video_packets(raw)
    at = offsets[int(len(offsets) * share)]
    cut = tmp_path / "cut.ts"
    cut.write_bytes(raw[:at] + raw[at + _TS_PACKET_BYTES :])
    with pytest.warns(DamagedVideoWarning, match="damaged"):
        source = VideoFile(cut)
    num_lost = 60 - len(source.timestamps_s)
    assert 1 <= num_lost <= 14
    assert_whole_frames_are_exact(source, whole, start_s)
    # What lies before the damage needs nothing of it.
    clip = Clip(source, end_s=float(start_s + 0.3))
    assert clip.read(clip.frame_idxs).shape[0] == len(clip.frame_idxs) == 8
    with pytest.raises(InputError, match=r"cut\.ts: expected a whole file: .*damaged"):
        VideoFile(cut, SourceOptions(strict=True))


def flipped(path: Path, tmp_path: Path) -> Path:
    """Damage that the container does not show, in the fourth of five groups."""
    raw = bytearray(path.read_bytes())
    start = len(raw) * 66 // 100
    for at in range(start, start + 60):
        raw[at] ^= 0xFF
    other = tmp_path / "flipped.mp4"
    other.write_bytes(raw)
    return other


def test_damage_that_only_decoding_shows_is_skipped_where_work_would_be_lost(
    tmp_path: Path,
) -> None:
    path = noisy_video(tmp_path / "whole.mp4")
    whole = decoded_in_order(path)
    damaged = flipped(path, tmp_path)
    source = VideoFile(damaged)
    assert source.damage == ()  # nothing but decoding shows it
    clip = Clip(source)
    with pytest.raises(DamagedFramesError, match="does not decode whole"):
        clip.read(clip.frame_idxs)
    seen: list[int] = []
    with pytest.warns(DamagedVideoWarning, match="damaged"):
        for idxs, frames in clip.chunks(clip.frame_idxs, 16, skip_damaged=True):
            seen += idxs.tolist()
            assert len(idxs) == len(frames)
            assert all(np.array_equal(f, whole[i]) for i, f in zip(idxs, frames, strict=True))
    assert 45 <= len(seen) < 60 and seen == sorted(seen) and seen[-1] == 59
    assert clip.damage
    # A new look lists the whole frames alone.
    with pytest.warns(DamagedVideoWarning, match="damaged"):
        source.look_closer()
    assert_close(source.timestamps_s, np.array(seen) * 0.04, max_abs=1e-9, max_rel=1.0)
    assert_whole_frames_are_exact(source, whole, 0.0)


class KeptPixels:
    """Keeps what a clip keeps in a native cache, which needs a model."""

    def __init__(self) -> None:
        self._frames: dict[int, np.ndarray] = {}

    def holds(self, idx: int) -> bool:
        return idx in self._frames

    def keep(self, idx: int, frame: np.ndarray) -> None:
        self._frames[idx] = frame.copy()

    def read(self, idx: int, into: np.ndarray) -> bool:
        if idx in self._frames:
            into[:] = self._frames[idx]
        return idx in self._frames


def test_frames_found_damaged_are_left_out_from_the_next_pass_on(tmp_path: Path) -> None:
    damaged = flipped(noisy_video(tmp_path / "whole.mp4"), tmp_path)
    clip = Clip(VideoFile(damaged))
    kept = KeptPixels()
    clip.keep_pixels(kept)  # type: ignore[arg-type]
    with pytest.warns(DamagedVideoWarning, match="damaged"):
        for _ in clip.chunks(clip.frame_idxs, 4, keep=True, skip_damaged=True):
            pass
    lost = sorted(VideoFile(damaged).lost_frames())
    assert lost
    again = [int(i) for idxs, _ in clip.chunks(clip.frame_idxs, 4, skip_damaged=True) for i in idxs]
    assert again == [idx for idx in range(60) if idx not in lost]
    assert list(clip.chunks(lost, skip_damaged=True)) == []
    # What was read before the damage was known is not handed out either.
    for idx in lost:
        with pytest.raises(DamagedFramesError, match=rf"\(frame {idx}\) is damaged or refers"):
            clip.read([idx])
        with pytest.raises(DamagedFramesError, match=rf"\(frame {idx}\) is damaged or refers"):
            next(clip.chunks([idx]))


@pytest.fixture(scope="module")
def repeated_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo clip twice as x264 writes it by default: long groups, B-frames with references."""
    path = tmp_path_factory.mktemp("demo") / "whole.mkv"
    with av.open(str(demo_clip())) as source, av.open(str(path), "w") as target:
        images = [frame.to_image() for frame in source.decode(video=0)] * 2
        stream: Any = target.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = *images[0].size, "yuv420p"
        for image in images:
            target.mux(stream.encode(av.VideoFrame.from_image(image)))
        target.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("at", [6500, 7500, 8500, 9500, 14500])
def test_a_clip_with_a_hole_that_opens_is_read_to_its_end(
    repeated_demo: Path, tmp_path: Path, at: int
) -> None:
    whole = decoded_in_order(repeated_demo)
    raw = bytearray(repeated_demo.read_bytes())
    raw[at : at + 512] = bytes(512)
    path = tmp_path / "hole.mkv"
    path.write_bytes(raw)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedVideoWarning)
        source = VideoFile(path)
        clip = Clip(source)
        seen: list[int] = []
        for idxs, frames in clip.chunks(clip.frame_idxs, 16, skip_damaged=True):
            seen += idxs.tolist()
            for idx, frame in zip(idxs.tolist(), frames, strict=True):
                assert np.array_equal(frame, whole[round(source.timestamps_s[idx] * 8)])
    lost = source.lost_frames()
    assert clip.damage
    assert seen == [idx for idx in clip.frame_idxs.tolist() if idx not in lost]
    assert source.timestamps_s[seen[-1]] == pytest.approx(91 / 8)
    for idx in seen[::5]:
        assert len(clip.read([idx])) == 1


def test_a_first_key_that_does_not_decode_is_lost_with_its_group(
    repeated_demo: Path, tmp_path: Path
) -> None:
    """A stream that begins in the middle of a group is another case: its keys are whole."""
    raw = bytearray(repeated_demo.read_bytes())
    raw[3000:3512] = bytes(512)
    path = tmp_path / "hole.mkv"
    path.write_bytes(raw)
    with pytest.warns(DamagedVideoWarning, match=r"46 frames from 0\.000 s to 5\.625 s"):
        source = VideoFile(path)
    assert len(source.timestamps_s) == 46 and source.timestamps_s[0] == 5.75
    with pytest.raises(InputError, match="expected a whole file"):
        VideoFile(path, SourceOptions(strict=True))


def test_a_frame_that_is_decoded_before_the_lost_one_is_whole(tmp_path: Path) -> None:
    """Shown behind it, but not referring to it: the frame that its neighbours refer to."""
    options = {"x264-params": "b-adapt=0:b-pyramid=normal:scenecut=0"}
    path = write_video(tmp_path / "p.mp4", EVEN_MS, options=options, gop=40, b_frames=3)
    whole = decoded_in_order(path)
    index = VideoFile(path)._index
    # The middle one of three frames between two that are decoded before them.
    lost = next(at for at in range(1, 40) if index.ordinals[at] < index.ordinals[at - 1])
    behind = lost + 2
    assert index.ordinals[behind] == index.ordinals[lost] - 1
    packet_number = int(index.ordinals[lost])
    raw = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packet = [each for each in container.demux(video=0) if each.size][packet_number]
        at, size = int(packet.pos or 0), packet.size
    raw[at : at + size] = bytes(size)
    path.write_bytes(raw)
    video = OpenVideo(path, SourceOptions(), OpenedFile.of(path))
    with Reading(video, index, sees_damage=True) as reading:
        frame = reading.frame(behind)
        assert np.array_equal(frame.to_ndarray(format="rgb24"), whole[behind])
        with pytest.raises(DamagedFramesError):
            reading.frame(behind + 1)
    video.close()


def test_a_refused_frame_is_lost_even_if_no_pass_finds_it_damaged(tmp_path: Path) -> None:
    path = noisy_video(tmp_path / "whole.mp4")
    source = VideoFile(path)
    keys = [*source._index.keys, 60]
    number = keys.index(next(key for key in keys if key > 30))
    refused = keys[number - 1] + 1
    assert source.lost_frames() == frozenset()
    # The rest of its group may refer to it: the next group is read on.
    assert source.lost_frames(refused) == frozenset(range(refused, keys[number]))
    assert source.lost_frames(keys[number]) == frozenset(range(refused, keys[number + 1]))
    with pytest.raises(InputError, match=r"whole\.mp4: expected a whole file: the frame at"):
        VideoFile(path, SourceOptions(strict=True)).lost_frames(refused)


def test_file_of_damaged_frames_alone_is_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "one.mkv", EVEN_MS[:1], height=240, width=320)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(InputError, match=r"one\.mkv: expected (a whole frame|one frame)"):
        VideoFile(path)
