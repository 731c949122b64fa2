"""The RTSP server of these tests does what it is told."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from tests.unit.written_videos import write_video
from tests.watch.rtsp_server import RtspServer, needs_rtsp_server

_OPTIONS = {"rtsp_transport": "tcp", "flags": "low_delay", "analyzeduration": "500000"}

pytestmark = needs_rtsp_server()


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("clips")
    times_ms = [40 * number for number in range(50)]
    options: dict[str, Any] = {"gop": 10, "b_frames": 0}
    return [
        write_video(folder / "small.mp4", times_ms, **options),
        write_video(folder / "large.mp4", times_ms, height=96, width=128, **options),
    ]


def _opened(url: str) -> Any:
    return av.open(url, options=_OPTIONS, timeout=(5, 3))


def test_timestamps_run_on_over_the_end_of_the_clip(clips: list[Path]) -> None:
    with RtspServer(clips[:1], speed=8) as server, _opened(server.url) as container:
        frames = [frame for frame, _ in zip(container.decode(video=0), range(120), strict=False)]
    times_s = [float(frame.pts * frame.time_base) for frame in frames if frame.pts is not None]
    assert len(times_s) >= 119
    steps_s = [after - before for before, after in pairwise(times_s)]
    assert min(steps_s) > 0.03 and max(steps_s) < 0.05
    assert frames[0].width == 96


def test_a_client_without_the_password_is_refused(clips: list[Path]) -> None:
    with RtspServer(clips[:1], login=("ann", "secret")) as server:
        with pytest.raises(av.error.HTTPUnauthorizedError):
            _opened(server.url.replace("ann:secret@", ""))
        _opened(server.url).close()


def test_it_freezes_and_changes_size(clips: list[Path]) -> None:
    with RtspServer(clips, speed=8) as server, _opened(server.url) as container:
        decoded = container.decode(video=0)
        next(decoded)
        server.freeze()
        pictures = [next(decoded).to_ndarray(format="gray") for _ in range(80)]
        assert (pictures[-1] == pictures[-2]).all()
        server.go()
        server.use(1)
        assert any(next(decoded).width == 128 for _ in range(80))
