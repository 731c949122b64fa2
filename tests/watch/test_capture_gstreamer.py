"""GStreamer pipelines, with Debian's python3-gi."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.unit.written_videos import decoded_in_order
from tests.watch.captured import HeldPackets, Several, taken_to_end, taken_until
from tests.watch.rtsp_server import DEBIAN_PYTHON
from ufvideo_sdk.errors import ConfigError, InputError
from ufvideo_sdk.watch.sources import CaptureOptions, open_capture, shown_source
from ufvideo_sdk.watch.sources.packet_ring import PacketRing

_DEBIAN_GI = Path("/usr/lib/python3/dist-packages/gi")


def _has_gi() -> bool:
    """Whether this Python can import Debian's python3-gi, and it finds GStreamer."""
    check = (
        "import gi, sys; gi.require_version('Gst', '1.0'); from gi.repository import Gst;"
        "Gst.init(None); assert Gst.ElementFactory.find('videotestsrc');"
        "print(sys.version_info[:2])"
    )
    try:
        done = subprocess.run([DEBIAN_PYTHON, "-c", check], capture_output=True, text=True)
    except OSError:
        return False
    return done.stdout.strip() == str(sys.version_info[:2]) and _DEBIAN_GI.is_dir()


needs_gi = pytest.mark.skipif(
    not _has_gi(),
    reason="needs Debian's python3-gi and gstreamer1.0-plugins-base, and the Python that they are"
    " made for",
)


@pytest.fixture
def gi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Debian's gi alone, as an environment with the system's packages has it."""
    (tmp_path / "seen").mkdir()
    (tmp_path / "seen" / "gi").symlink_to(_DEBIAN_GI)
    monkeypatch.syspath_prepend(str(tmp_path / "seen"))
    yield


@needs_gi
@pytest.mark.usefixtures("gi")
@pytest.mark.filterwarnings("ignore::ImportWarning")
def test_frames_of_a_pipeline_are_taken_with_packets(tmp_path: Path) -> None:
    pipeline = "gst:videotestsrc num-buffers=40 pattern=ball"
    pipeline += " ! video/x-raw,width=98,height=64,framerate=20/1"
    held, ring = HeldPackets(), PacketRing(30, 1 << 24)

    options = CaptureOptions(sample_fps=5, max_age_s=10)
    with closing(open_capture(pipeline, options, Several(held, ring))) as capture:
        told = taken_to_end(capture)
        assert capture.name == pipeline
    assert told.ended is not None and told.ended.cause == "end of the stream"
    assert 9 <= len(told.frames) <= 10 and not told.notices
    assert told.frames[0].pixels.shape == (64, 98, 3)
    (part,) = ring.write_clip(tmp_path, "event", 0.0, 5.0)
    shown = decoded_in_order(part.path)
    assert all(np.array_equal(a, b.pixels) for a, b in zip(shown, told.frames, strict=True))
    assert [packet.pts for packet in held.packets] == [frame.pts for frame in told.frames]


@needs_gi
@pytest.mark.usefixtures("gi")
@pytest.mark.filterwarnings("ignore::ImportWarning")
def test_a_pipeline_that_fails_is_told_and_started_again() -> None:
    pipeline = "gst:filesrc location=/none/zoe ! decodebin ! videoconvert ! appsink"
    with closing(open_capture(pipeline, CaptureOptions(retry_s=0.1))) as capture:
        told = taken_until(capture, lambda told: bool(told.notices))
        assert told.kinds == ["lost"] and "No such file" in told.notices[0].text
    wrong = "gst:videotestsrc ! video/x-raw,format=I420 ! appsink"
    with closing(open_capture(wrong)) as capture:
        told = taken_until(capture, lambda told: bool(told.notices))
        assert "put videoconvert" in told.notices[0].text
    slow = "gst:videotestsrc is-live=true ! video/x-raw,framerate=10/1"
    capture = open_capture(slow)
    taken_until(capture, lambda told: len(told.frames) >= 2)
    begin = time.monotonic()
    capture.close()
    assert time.monotonic() - begin < 2


@needs_gi
@pytest.mark.usefixtures("gi")
@pytest.mark.filterwarnings("ignore::ImportWarning")
def test_a_pipeline_that_gstreamer_does_not_know_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"expected a pipeline of GStreamer, got: no element"):
        open_capture("gst:nothing-of-that-name ! appsink")


def test_without_gi_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gi", None)
    with pytest.raises(ConfigError, match=r"needs python3-gi, .*system-site-packages"):
        open_capture("gst:videotestsrc ! appsink")


def test_a_pipeline_is_shown_without_its_credentials() -> None:
    shown = shown_source(
        'gst:rtspsrc location=rtsp://zoe:s3cr3t@c/l user-id=zoe user-pw="s3cr3t" !'
    )
    assert "s3cr3t" not in shown and "zoe" not in shown and "rtsp://c/l" in shown


def test_what_is_no_source_is_refused() -> None:
    with pytest.raises(InputError, match="a URL of rtsp, rtsps, http, https, got ftp://cam/a"):
        open_capture("ftp://zoe:s3cr3t@cam/a")
