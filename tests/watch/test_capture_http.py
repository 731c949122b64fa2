"""Cameras over HTTP: pictures one behind the other, playlists, and recordings."""

from __future__ import annotations

import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import av
import numpy as np

from tests.unit.written_videos import decoded_in_order, numbered_frame, write_video
from tests.watch.captured import HeldPackets, taken_to_end, taken_until
from tests.watch.http_server import FolderServer, MjpegServer
from ufvideo_sdk.watch.sources import CaptureOptions, open_capture

_PICTURES = [numbered_frame(number) for number in range(50)]


def test_pictures_of_a_camera_come_at_the_times_of_their_arrival() -> None:
    held = HeldPackets()
    with (
        MjpegServer(_PICTURES, rate=10) as server,
        closing(open_capture(server.url, CaptureOptions(sample_fps=5), held)) as capture,
    ):
        begin = time.monotonic()
        told = taken_until(capture, lambda told: len(told.frames) >= 12)
        assert abs(told.times_s[-1] - (time.monotonic() - begin)) < 1.0
    assert np.allclose(np.diff(told.times_s)[3:], 0.2, atol=0.15)
    assert held.headers[0].codec == "mjpeg" and all(packet.is_key for packet in held.packets)
    assert not told.gaps and not told.notices


def test_a_camera_of_pictures_that_changes_its_size_begins_a_section() -> None:
    pictures = [*_PICTURES[:10], *(numbered_frame(n, 96, 128) for n in range(40))]
    held = HeldPackets()
    with (
        MjpegServer(pictures, rate=25) as server,
        closing(open_capture(server.url, CaptureOptions(sample_fps=25), held)) as capture,
    ):
        told = taken_until(capture, lambda told: "size" in told.kinds and len(told.frames) > 12)
    assert [(header.section, header.width) for header in held.headers][:2] == [(0, 96), (1, 128)]
    for frame in told.frames:
        assert frame.pixels.shape[1] == held.headers[frame.section].width


def test_a_camera_of_pictures_that_goes_away_comes_back() -> None:
    options = CaptureOptions(sample_fps=10)
    with MjpegServer(_PICTURES, rate=25) as server:
        capture = open_capture(server.url, options)
        told = taken_until(capture, lambda told: len(told.frames) >= 3)
    with closing(capture):
        taken_until(capture, lambda told: "lost" in told.kinds, told=told)
        with MjpegServer(_PICTURES, rate=25, port=server.port):
            begin = time.monotonic()
            taken_until(capture, lambda told: "resumed" in told.kinds, told=told)
            assert time.monotonic() - begin < 3
            taken_until(capture, lambda told: told.times_s[-1] > told.gaps[-1].end_s, told=told)
    assert all(before < after for before, after in pairwise(told.times_s))
    assert {gap.cause for gap in told.gaps} == {"connection lost"}


def test_a_recording_on_a_server_is_played_to_its_end(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4", [40 * number for number in range(100)])
    with (
        FolderServer(tmp_path) as server,
        closing(open_capture(server.url + "/clip.mp4", CaptureOptions(sample_fps=5))) as capture,
    ):
        time.sleep(0.5)
        told = taken_to_end(capture)
        assert "age" not in capture.stats.dropped_by
    decoded = decoded_in_order(clip)
    assert len(told.frames) == 20 and told.ended is not None
    for frame in told.frames:
        assert np.array_equal(frame.pixels, decoded[round(25 * frame.time_s)])


def _segments(folder: Path, height: int = 64) -> list[Path]:
    """Ten seconds of HLS in segments of one second."""
    clip = write_video(
        folder / "clip.mp4",
        [40 * number for number in range(250)],
        height=height,
        width=height * 3 // 2,
        gop=25,
        options={"sc_threshold": "0"},
    )
    options = {"hls_time": "1", "hls_list_size": "0", "hls_segment_filename": f"{folder}/s%d.ts"}
    with (
        av.open(str(clip)) as source,
        av.open(str(folder / "all.m3u8"), "w", format="hls", options=options) as playlist,
    ):
        stream = source.streams.video[0]
        written = playlist.add_stream_from_template(stream, opaque=True)
        for packet in source.demux(stream):
            if packet.size:
                packet.stream = written
                playlist.mux(packet)
    return sorted(folder.glob("s*.ts"), key=lambda path: int(path.stem[1:]))


def test_a_playlist_that_grows_is_taken_on_the_grid_without_a_hole(tmp_path: Path) -> None:
    segments = _segments(tmp_path)
    playlist = tmp_path / "live.m3u8"

    def publish(first: int, last: int) -> None:
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:1"]
        lines += [f"#EXT-X-MEDIA-SEQUENCE:{first}"]
        lines += [f"#EXTINF:1.0,\n{path.name}" for path in segments[first:last]]
        draft = tmp_path / "draft"
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
        draft.replace(playlist)

    publish(0, 4)
    with (
        FolderServer(tmp_path) as server,
        closing(open_capture(server.url + "/live.m3u8", CaptureOptions(sample_fps=5))) as capture,
    ):
        told = taken_until(capture, lambda told: len(told.frames) >= 5)
        for last in range(5, 8):
            publish(last - 4, last)
            end = time.monotonic() + 0.8
            taken_until(capture, lambda _, end=end: time.monotonic() > end, told=told)
        assert "age" not in capture.stats.dropped_by
    assert len(told.frames) > 15
    assert np.allclose(np.diff(told.times_s), 0.2, atol=0.05)
    assert not told.gaps


def test_of_a_playlist_of_qualities_only_the_best_is_fetched(tmp_path: Path) -> None:
    lines = ["#EXTM3U"]
    for name, height in (("low", 64), ("high", 96)):
        (tmp_path / name).mkdir()
        segments = _segments(tmp_path / name, height)
        entries = "".join(f"#EXTINF:1.0,\n{path.name}\n" for path in segments)
        head = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n"
        (tmp_path / name / "list.m3u8").write_text(f"{head}{entries}#EXT-X-ENDLIST\n")
        size = f"RESOLUTION={height * 3 // 2}x{height}"
        lines += [f"#EXT-X-STREAM-INF:BANDWIDTH={height * 1000},{size}", f"{name}/list.m3u8"]
    (tmp_path / "all.m3u8").write_text("\n".join(lines) + "\n")
    with (
        FolderServer(tmp_path) as server,
        closing(open_capture(server.url + "/all.m3u8", CaptureOptions(sample_fps=5))) as capture,
    ):
        told = taken_to_end(capture)
        asked = [path for path in server.asked if path.startswith("/low/s")]
    assert {frame.pixels.shape for frame in told.frames} == {(96, 144, 3)}
    assert len(told.frames) == 50 and len(asked) <= 3
