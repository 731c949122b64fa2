"""Which files are opened and by whose choice: names, formats, streams without times, limits."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.compare import EXACT, assert_close
from tests.unit.written_videos import decoded_in_order, numbered_frame, write_video
from ufvideo_sdk.errors import CapacityError, InputError
from ufvideo_sdk.video import open_video
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.frame_picture import PictureMaker, Turn
from ufvideo_sdk.video.images import ImageFile
from ufvideo_sdk.video.source_kind import SourceKind, source_kind
from ufvideo_sdk.video.video_container import SourceOptions, opened
from ufvideo_sdk.video.video_file import VideoFile, open_source

EVEN_MS = list(range(0, 20 * 40, 40))
PLAYLISTS = {
    "concat": "ffconcat version 1.0\nfile whole.mp4\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nwhole.mp4\n#EXT-X-ENDLIST\n",
    "dash": (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"'
        ' profiles="urn:mpeg:dash:profile:isoff-live:2011"><Period><AdaptationSet'
        ' contentType="video"><Representation id="0" bandwidth="9"><BaseURL>whole.mp4</BaseURL>'
        "</Representation></AdaptationSet></Period></MPD>"
    ),
}


@pytest.mark.parametrize("name", ["12:30:05.mp4", "http:127.0.0.1:9?x.mp4", "tcp:1", "a%03d.mp4"])
def test_relative_name_is_no_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write_video(tmp_path / "plain.mp4", EVEN_MS).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    source = open_source(name)
    assert (source.name, len(source.timestamps_s)) == (name, 20)


def test_name_that_is_no_utf_8_is_opened_and_shown_as_valid_text(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mp4"))
    write_video(tmp_path / "plain.mp4", EVEN_MS).rename(path)
    source = open_source(path)
    assert source.name == "caf\ufffd.mp4"
    assert json.loads(json.dumps(source.name).encode()) == source.name
    assert len(list(source.frames([0, 19]))) == 2


@pytest.mark.parametrize("kind", sorted(PLAYLISTS))
def test_playlist_opens_no_other_file(tmp_path: Path, kind: str) -> None:
    write_video(tmp_path / "whole.mp4", EVEN_MS)
    path = tmp_path / "x.mp4"
    path.write_text(PLAYLISTS[kind])
    with pytest.raises(InputError, match=r"x\.mp4: expected a video file, found a playlist"):
        open_source(path)


def test_formats_beyond_the_list_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    # FFmpeg knows this as a film of subtitles.
    path.write_bytes(b"1\n00:00:01,000 --> 00:00:02,000\nHello\n")
    with pytest.raises(
        InputError, match=r"x\.mp4: expected a video in a format that is read \(mov"
    ):
        open_source(path)


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [("v.mxf", "mpeg2video", "yuv420p"), ("v.vob", "mpeg2video", "yuv420p"),
     ("v.y4m", "wrapped_avframe", "yuv420p"), ("v.nut", "libx264", "yuv420p"),
     ("v.mkv", "ffv1", "yuv420p")],
)  # fmt: skip
@pytest.mark.parametrize("renamed", [None, "upload", "v.png", "v.dat"])
def test_content_decides_whatever_the_name(
    tmp_path: Path, name: str, codec: str, pixels: str, renamed: str | None
) -> None:
    if renamed not in (None, "upload") and name != "v.nut":
        pytest.skip("one format stands for all")
    path = tmp_path / name
    # MPEG-2 knows fixed rates only.
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, pixels
        for number in range(20):
            frame = av.VideoFrame.from_ndarray(numbered_frame(number), "rgb24")
            frame = frame.reformat(format=pixels)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    expected = decoded_in_order(path)
    if renamed:
        path = path.rename(tmp_path / renamed)
    source = open_source(path)
    assert len(source.timestamps_s) == len(expected) == 20
    assert_close(np.diff(source.timestamps_s), np.full(19, 0.04), max_abs=1e-9, max_rel=1.0)
    for idx in (0, 11, 19):
        assert_close(next(iter(source.frames([idx]))), expected[idx], EXACT, where=f"frame {idx}")


def test_pictures_are_known_by_their_content(tmp_path: Path) -> None:
    from PIL import Image

    picture = Image.fromarray(numbered_frame(3))
    for kind in ("PNG", "JPEG", "BMP", "TIFF", "WEBP"):
        path = tmp_path / f"{kind}-without-suffix"
        picture.save(path, format=kind)
        with path.open("rb") as file:
            assert source_kind(path, file) is SourceKind.PICTURE
        assert isinstance(open_source(path), ImageFile)
    others = [Image.fromarray(numbered_frame(n)) for n in (9, 20, 31)]
    for kind in ("PNG", "WEBP"):
        path = tmp_path / f"moving-{kind}"
        picture.save(
            path, format=kind, save_all=True, append_images=others, duration=[40, 100, 20, 60]
        )
        with path.open("rb") as file:
            assert source_kind(path, file) is SourceKind.ANIMATION
        source = open_source(path)
        expected = np.array([0.0, 0.04, 0.14, 0.16])
        assert_close(source.timestamps_s, expected, max_abs=1e-9, max_rel=1.0, where=kind)
        assert np.abs(next(iter(source.frames([2]))).astype(int) - numbered_frame(20)).mean() < 4


def bare_stream(path: Path) -> Path:
    with av.open(str(path), "w", format="h264") as container:
        stream = container.add_stream("libx264", rate=25, options={"x264-params": "bframes=2"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(20):
            frame = av.VideoFrame.from_ndarray(numbered_frame(number), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    "fps", [10, 10.0, Fraction(30000, 1001), np.float32(10), np.int64(10), np.float64(12.5)]
)
def test_bare_stream_has_the_rate_that_is_given(tmp_path: Path, fps: float) -> None:
    path = bare_stream(tmp_path / "camera.h264")
    source = open_source(path, fps=fps)
    times = np.arange(20) / float(fps)
    assert_close(source.timestamps_s, times, max_abs=1e-12, max_rel=1.0)
    expected = decoded_in_order(path)
    for idx in (19, 3, 0):
        assert_close(next(iter(source.frames([idx]))), expected[idx], EXACT, where=f"frame {idx}")


def test_bare_stream_needs_a_rate(tmp_path: Path) -> None:
    path = bare_stream(tmp_path / "camera.h264")
    with pytest.raises(InputError, match=r"camera\.h264: expected a video with times, .*fps="):
        open_source(path)
    times = np.arange(20) ** 2 / 10
    assert_close(open_source(path, timestamps_s=times).timestamps_s, times, EXACT, where="times")
    with pytest.raises(InputError, match="expected 20 timestamps_s"):
        open_source(path, timestamps_s=times[:19])


@pytest.mark.parametrize("fps", [True, "10", 0, -1, float("nan"), 10**400, np.bool_(True), 1j])
def test_rates_that_are_none(tmp_path: Path, fps: float) -> None:
    with pytest.raises(InputError, match="fps: expected a finite number above 0"):
        open_source(np.zeros((2, 4, 4, 3), np.uint8), fps=fps)


@pytest.mark.parametrize("number", [Fraction(1, 10), np.float32(0.1), np.float64(0.1)])
def test_bounds_may_be_any_real_number(number: float) -> None:
    source = open_source(np.zeros((9, 4, 4, 3), np.uint8), fps=np.int64(10))
    clip = Clip(source, start_s=number, end_s=Fraction(1, 2))
    assert len(clip.frame_idxs) == (4 if isinstance(number, np.float32) else 5)
    assert clip.fraction_of(Fraction(3, 10)) == clip.fraction_of(0.3)


def test_frame_size_is_bounded_before_decoding(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", EVEN_MS[:3])
    assert open_source(path, options=SourceOptions(max_frame_pixels=64 * 96)).height == 64
    small = SourceOptions(max_frame_pixels=64 * 96 - 1)
    with pytest.raises(InputError, match=r"at most 6143 pixels .*, got 64 x 96 px"):
        open_source(path, options=small)
    from PIL import Image

    Image.fromarray(numbered_frame(0)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png: .*at most 6143 pixels .*, got 64 x 96 px"):
        open_source(tmp_path / "a.png", options=small)
    (tmp_path / "folder").mkdir()
    Image.fromarray(numbered_frame(0)).save(tmp_path / "folder" / "a.png")
    with pytest.raises(InputError, match="at most 6143 pixels"):
        open_source(tmp_path / "folder", options=small)


def test_the_size_within_the_first_group_is_known_without_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = VideoFile(write_video(tmp_path / "v.mp4", EVEN_MS, gop=12))
    opens: list[Path] = []

    def counted(path: Path, max_frame_pixels: int) -> Any:
        opens.append(path)
        return opened(path, max_frame_pixels)

    monkeypatch.setattr(open_video, "opened", counted)
    next_key = source._index.keys[1]
    assert source.frame_size(next_key - 1) == (64, 96) and opens == []
    assert source.frame_size(next_key) == (64, 96) and len(opens) == 1


def test_stream_that_grows_beyond_the_bound_is_refused(tmp_path: Path) -> None:
    """The header says 64 x 96, the stream goes on with more."""
    path = tmp_path / "grows.ts"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for first, height, width in ((0, 64, 96), (10, 640, 960)):
            encoder = av.CodecContext.create("libx264", "w")
            encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
            encoder.time_base, encoder.max_b_frames = Fraction(1, 25), 0
            for number in [*range(first, first + 10), None]:
                picture = None
                if number is not None:
                    picture = av.VideoFrame.from_ndarray(
                        numbered_frame(number, height, width), "rgb24"
                    )
                    picture.pts, picture.time_base = number, Fraction(1, 25)
                for packet in encoder.encode(picture):
                    packet.stream = stream
                    container.mux(packet)
    with pytest.raises(InputError, match="expected frames of at most 10000 pixels"):
        Clip(open_source(path, options=SourceOptions(max_frame_pixels=10_000)))


def test_lack_of_threads_is_no_foreign_error(tmp_path: Path) -> None:
    class NoThreads:
        def reformat(self, frame: object, **_: object) -> None:
            raise av.error.BlockingIOError(11, "Resource temporarily unavailable", "")

    path = write_video(tmp_path / "a.mp4", EVEN_MS[:3])
    maker = PictureMaker(path, Turn())
    maker._reformatter = NoThreads()  # type: ignore[assignment]
    with opened(path) as container:
        frame = next(container.decode(video=0))
        with pytest.raises(CapacityError, match=r"a\.mp4: expected memory and threads"):
            maker.picture(frame)


def test_what_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="expected a file, found a FIFO"):
        open_source(pipe)
    for name in ("x" * 5000, "nul\0.mp4"):
        with pytest.raises(InputError, match=r"expected a (path|file)|File name too long"):
            open_source(name)


def test_cover_picture_is_no_video(tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(numbered_frame(0)).save(tmp_path / "cover.jpg")
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=16000)
        cover = container.add_stream("mjpeg", rate=25)
        cover.width, cover.height, cover.pix_fmt = 96, 64, "yuvj420p"
        cover.disposition = 0x400
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        silence.sample_rate = 16000
        picture = av.VideoFrame.from_ndarray(numbered_frame(0), "rgb24")
        for stream, frame in ((cover, picture), (sound, silence)):
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                container.mux(packet)
    with pytest.raises(InputError, match=r"song\.mp4: expected a video stream, found none"):
        VideoFile(path)


@pytest.mark.parametrize(("name", "begin"), [("a", b"GIF89a"), ("a.gif", b"")])
def test_a_gif_of_gigabytes_is_not_searched(tmp_path: Path, name: str, begin: bytes) -> None:
    """A sparse file: FFmpeg would read 20 GB of zeros for a picture that never comes."""
    path = tmp_path / name
    path.write_bytes(begin)
    os.truncate(path, 20_000_000_000)
    with pytest.raises(InputError, match="a GIF of at most 1024 MiB, found 19073 MiB"):
        open_source(path)


def test_stream_that_begins_in_the_middle_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyAV raises an IndexError then."""
    path = write_video(tmp_path / "a.ts", EVEN_MS)

    class Later:
        def __init__(self, container: Any) -> None:
            self._container = container

        def __getattr__(self, name: str) -> Any:
            return getattr(self._container, name)

        def demux(self, stream: Any) -> Iterator[Any]:
            yield from itertools.islice(self._container.demux(stream), 5)
            raise IndexError("list index out of range")

    monkeypatch.setattr(open_video, "opened", lambda *given: Later(opened(*given)))
    with pytest.raises(InputError, match=r"a\.ts: expected the streams that it begins with"):
        open_source(path)
