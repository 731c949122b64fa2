"""A loaded model, and sessions about a real file and about a case with a [SEG]."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.written_videos import uneven_times_ms, write_video
from ufvideo_sdk import GenerationConfig

TIMES_MS = uneven_times_ms(40)
SHORT = GenerationConfig(max_new_tokens=12)
GOLDEN = Path(__file__).parents[1] / "data" / "small" / "golden"


@pytest.fixture(scope="session")
def model(small_package: Path) -> Any:
    pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")
    from ufvideo_sdk import UFVideo

    return UFVideo.load(small_package)


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 frames of 64 x 96 px at uneven times."""
    return write_video(tmp_path_factory.mktemp("video") / "uneven.mp4", TIMES_MS)


@pytest.fixture
def session(model: Any, video: Path) -> Any:
    with model.open(video) as session:
        yield session


@pytest.fixture(scope="module")
def segmenting(model: Any) -> Any:
    """A session whose answer to "segment" holds one [SEG]."""
    with np.load(GOLDEN / "segment_generated_0.npz") as arrays:
        return model.open(arrays["frames"], fps=4.0)
