"""A stream whose frames move on while it is read."""

from __future__ import annotations

from typing import Any

from tests.unit.conftest import SHORT
from tests.unit.streamed_frames import opened, push, same

QUESTION = "What color is the ball?"


class PushedMeanwhile:
    """A native stream into which another thread pushes right after its window was read."""

    def __init__(self, stream: Any) -> None:
        self._live = stream._live
        self._stream = stream
        self._is_due = True

    def window(self) -> Any:
        window = self._live.window()
        if self._is_due:
            self._is_due = False
            push(self._stream, range(20, 60))
        return window

    def __getattr__(self, name: str) -> Any:
        return getattr(self._live, name)


def test_a_window_that_leaves_while_it_is_read(model: Any) -> None:
    with model.open_stream() as stream:
        push(stream, range(20))
        stream._live = PushedMeanwhile(stream)
        frozen = stream.freeze()
        window = stream.window
    assert window.frame_idxs[-1] == 59
    same(frozen.ask(QUESTION, config=SHORT), opened(model, window).ask(QUESTION, config=SHORT))
