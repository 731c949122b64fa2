"""What tests of watching share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.written_videos import write_video
from tests.watch.rtsp_server import RtspServer


@pytest.fixture(scope="session")
def nano() -> Any:
    pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")
    from ufvideo_sdk import RuntimeConfig, UFVideo

    return UFVideo.load(runtime=RuntimeConfig(num_threads=1))


@pytest.fixture(scope="session")
def camera_clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four seconds at 25 frames/s, in two sizes, with a key frame each 0.4 s."""
    folder = tmp_path_factory.mktemp("clips")
    times_ms = [40 * number for number in range(100)]
    options: dict[str, Any] = {"gop": 10, "b_frames": 0}
    return [
        write_video(folder / "small.mp4", times_ms, **options),
        write_video(folder / "large.mp4", times_ms, height=96, width=128, **options),
    ]


@pytest.fixture
def rtsp_camera(camera_clips: list[Path]) -> Iterator[RtspServer]:
    with RtspServer(camera_clips) as running:
        yield running
