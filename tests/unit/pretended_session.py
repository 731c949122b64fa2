"""The command line in front of a session that only pretends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.unit.drawn_answers import (
    drawn_answer,
    drawn_clip,
    followed,
    located,
    segmented,
    tracked,
)
from ufvideo_sdk.cli import app
from ufvideo_sdk.results.answer import Answer, TextEvent
from ufvideo_sdk.results.locate_result import LocateResult
from ufvideo_sdk.results.segment_result import SegmentResult
from ufvideo_sdk.results.track_result import TrackResult

ASK = ["ask", "clip.mp4", "What?", "--package", "pkg"]
SEGMENT = ["segment", "clip.mp4", "the car", "--package", "pkg"]


class PretendedStream:
    """An answer that comes in three pieces."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __iter__(self) -> Iterator[TextEvent]:
        third = len(self.answer.text) // 3
        for part in (slice(0, third), slice(third, 2 * third), slice(2 * third, None)):
            yield TextEvent(self.answer.text[part], 1)


class PretendedModel:
    """Knows its name and its last token."""

    class manifest:  # noqa: N801
        class model:  # noqa: N801
            name = "pretended"

        class tokens:  # noqa: N801
            end_ids = (9,)


class PretendedSession:
    """Answers everything with one prepared answer, and keeps what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.clip = answer.clip
        self.stats = answer.stats.stages
        self.stage_providers = answer.stats.providers
        self.asked: dict[str, Any] = {}
        self.requests: list[Any] = []

    def stream(self, question: str, **options: Any) -> PretendedStream:
        self.asked = {"question": question, **options}
        return PretendedStream(self.answer)

    def locate(self, event: str, **options: Any) -> LocateResult:
        self.asked = {"event": event, **options}
        return located(self.clip, self.answer.spans, event=event, text=self.answer.text)

    def segment(self, expression: str, *, on_masks: Any, **options: Any) -> SegmentResult:
        self.asked = {"expression": expression, "on_masks": on_masks, **options}
        masks = self.answer.masks
        found = segmented(self.clip, masks, expression=expression, is_absent=not masks)
        for frame in found.by_frame() if on_masks is not None else ():
            pixels = self.clip.read([frame.frame_idx])[0]
            on_masks(segmented(self.clip, expression=expression), frame, pixels)
        return found

    def track(self, target: str, *, on_masks: Any, **options: Any) -> TrackResult:
        self.asked = {"target": target, "on_masks": on_masks, **options}
        masks = [followed(self.clip, number) for number, _ in enumerate(self.answer.masks, 1)]
        found = tracked(self.clip, masks, names=[target] * len(masks))
        for frame in found.by_frame() if on_masks is not None else ():
            pixels = self.clip.read([frame.frame_idx])[0]
            on_masks(tracked(self.clip, names=[target] * len(masks)), frame, pixels)
        return found


def pretend(monkeypatch: pytest.MonkeyPatch) -> PretendedSession:
    """Put a pretended session in the place of every one that a command opens."""
    pretended = PretendedSession(drawn_answer(drawn_clip(), num_objects=2))

    @contextmanager
    def opened(request: Any) -> Iterator[tuple[Any, PretendedSession]]:
        pretended.requests.append(request)
        yield PretendedModel, pretended

    monkeypatch.setattr("ufvideo_sdk.cli.opened.opened", opened)
    return pretended


def run(*arguments: str, env: dict[str, str] | None = None) -> Any:
    """Run a command."""
    return CliRunner().invoke(app, list(arguments), env=env, prog_name="ufvideo")
