"""A stream's window gives what a session on its frames gives, in every precision and size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bindings.test_frame_neighbours import FIXTURES, PACKAGES
from tests.unit.streamed_frames import HEIGHT, WIDTH, opened, push, same
from ufvideo_sdk import GenerationConfig, Region, UFVideo
from ufvideo_sdk.package.shipped_package import shipped_package

TINY = Path(__file__).parents[1] / "data" / "tiny" / "package"
SHORT = GenerationConfig(max_new_tokens=8)
QUESTION = "What does the red square do?"


@pytest.fixture(scope="module", params=[*PACKAGES, pytest.param("tiny", id="tiny")])
def model(request: pytest.FixtureRequest) -> Iterator[Any]:
    name = request.param
    folder = {"int8": shipped_package(), "tiny": TINY}.get(name)
    yield UFVideo.load(folder or request.getfixturevalue(FIXTURES[name]))


@pytest.mark.parametrize("options", [{}, {"prefixes": 2}, {"frames": 4, "drop_pairs": 2}], ids=str)
def test_a_window_is_a_session_on_its_frames(model: Any, options: dict[str, Any]) -> None:
    most = options.get("frames", model.manifest.video.num_frames)
    with model.open_stream(**options) as stream:
        push(stream, range(2))
        for first in range(2, 2 * most + 7):
            if first % 4 == 1:
                # Warm and cold, behind drops and without.
                stream.ask(QUESTION, config=SHORT)
            push(stream, [first])
        window = stream.window
        session = opened(model, window)
        for asked in (QUESTION, "Why?"):
            same(stream.ask(asked, config=SHORT), session.ask(asked, config=SHORT))
        same(stream.locate("the ball moves"), session.locate("the ball moves"))
        same(stream.segment("the red square"), session.segment("the red square"))
        idx = int(window.frame_idxs[1])
        box = {"box_xywh": (5, 5, 30, 30), "height": HEIGHT, "width": WIDTH}
        ours = Region.from_box(idx, **box)
        theirs = Region.from_box(1, **box)
        same(
            stream.ask("What is <region>?", regions=[ours], config=SHORT),
            session.ask("What is <region>?", regions=[theirs], config=SHORT),
        )
        frozen = stream.freeze()
        same(frozen.ask(QUESTION, config=SHORT), session.ask(QUESTION, config=SHORT))
        if len(window) == model.manifest.video.num_frames:
            uniform = opened(model, window, "uniform")
            same(stream.segment("the red square"), uniform.segment("the red square"))
            same(stream.locate("the ball moves"), uniform.locate("the ball moves"))
