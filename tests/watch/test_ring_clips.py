"""Clips of events from real packets: their pre-roll is exact wherever key frames lie."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")

from tests.watch.captured import HeldPackets, taken_to_end
from tests.watch.rendered_camera import HEIGHT, RATE, WIDTH, RenderedPictures, rendered
from tests.watch.test_event_files import ANSWERS, Watched, frames_of, red_left
from ufvideo_sdk.render.h264_file import TICKS_PER_S, H264Writer
from ufvideo_sdk.watch.sinks.sink import ClipPart
from ufvideo_sdk.watch.sources import CaptureOptions, open_capture
from ufvideo_sdk.watch.sources.packet_ring import PacketRing

# The clip from 4 to 15 s begins between two key frames, which are 3 s apart.
_KEY_FRAME_EVERY = 30
# The annotated picture is enlarged, and its colours have been encoded twice.
_NEAR = 0.02


class RingPictures(RenderedPictures):
    """Clips are cut from a ring of packets."""

    def __init__(self, ring: PacketRing) -> None:
        super().__init__()
        self._ring = ring

    def write_clip(self, folder: Path, stem: str, start_s: float, end_s: float) -> list[ClipPart]:
        self.num_clips += 1
        return self._ring.write_clip(folder, stem, start_s, end_s)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> HeldPackets:
    """Packets of 22 seconds, with frames that are decoded in another order."""
    path = tmp_path_factory.mktemp("street") / "street.mp4"
    with H264Writer(path, HEIGHT, WIDTH, rate=Fraction(RATE)) as writer:
        writer.codec.gop_size = _KEY_FRAME_EVERY
        writer.codec.options = {**writer.codec.options, "sc_threshold": "0", "bf": "2"}
        for number in range(22 * RATE + 1):
            writer.write_at(rendered(number / RATE), number * TICKS_PER_S // RATE)
    held = HeldPackets()
    with closing(open_capture(path, CaptureOptions(), held)) as capture:
        taken_to_end(capture)
    assert len(held.packets) == 221 and sum(packet.is_key for packet in held.packets) == 8
    return held


def test_an_annotated_clip_begins_with_the_frame_of_its_pre_roll(
    street: HeldPackets, tmp_path: Path
) -> None:
    ring = PacketRing(60.0, 1 << 24)
    ring.begin(street.headers[0])
    for packet in street.packets:
        ring.packet(packet)
    watched = Watched(tmp_path, "clips: {folder: clips, plain: yes}", RingPictures(ring)).run()
    *_, end = watched.close()
    assert [path.name.endswith("-plain.mp4") for path in end.clips] == [False, True]
    for path, num_rows in zip(end.clips, (2 * HEIGHT, HEIGHT), strict=True):
        frames = [(time_s, picture[:num_rows]) for time_s, picture in frames_of(path)]
        assert abs(red_left(frames[0][1]) - 0.04 * 4.0) < _NEAR
        for time_s, picture in frames[::10]:
            assert abs(red_left(picture) - 0.04 * (4.0 + time_s)) < _NEAR
    # Packets may end a few frames later, as they are decoded in another order; what is drawn not.
    assert len(frames_of(end.clips[0])) == 11 * RATE + 1


def test_a_clip_over_a_reconnect_has_a_file_for_each_connection(
    street: HeldPackets, tmp_path: Path
) -> None:
    ring = PacketRing(60.0, 1 << 24)
    ring.begin(street.headers[0])
    for packet in street.packets[:90]:
        ring.packet(packet)
    ring.begin(replace(street.headers[0], section=1))
    for packet in street.packets[120:]:
        ring.packet(replace(packet, section=1))
    watched = Watched(tmp_path, "clips: clips", RingPictures(ring))
    watched.camera.run(22.0, ANSWERS)
    watched.camera.end()
    *_, end = watched.close()
    assert [path.name[-14:] for path in end.clips] == ["-visitor-1.mp4", "-visitor-2.mp4"]
    first, second = (frames_of(path) for path in end.clips)
    assert abs(red_left(first[0][1][: 2 * HEIGHT]) - 0.04 * 4.0) < _NEAR
    assert abs(red_left(second[0][1][: 2 * HEIGHT]) - 0.04 * 12.0) < _NEAR
    assert len(second) == 3 * RATE + 1 and end.problem == ""
