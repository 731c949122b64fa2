"""`ufvideo segment --track`, and answers whose masks are tracked."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest

from tests.unit.pretended_session import ASK, SEGMENT, PretendedSession, pretend, run
from ufvideo_sdk import masks_from_json


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> PretendedSession:
    return pretend(monkeypatch)


def test_events_are_printed_behind_the_objects(session: PretendedSession) -> None:
    result = run(*SEGMENT, "--track")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].startswith("object 1: 12 frames") and lines[1].startswith("object 2: 12")
    assert lines[2:] == [
        "object 1: born at 10.00 s",
        "object 2: born at 10.00 s",
        "object 1: lost at 11.00 s",
        "object 2: lost at 11.00 s",
    ]
    asked = session.asked
    assert asked["target"] == "the car" and asked["frames"] == "all" and asked["start_s"] is None
    assert asked["allow_absent"] is False and asked["on_masks"] is None


def test_options_are_handed_on(session: PretendedSession) -> None:
    options = ["--track-from", "10.5", "--frames", "0,3,6", "--allow-absent"]
    assert run(*SEGMENT, "--track", *options).exit_code == 0
    asked = session.asked
    assert asked["start_s"] == 10.5 and asked["frames"] == (0, 3, 6) and asked["allow_absent"]
    assert run(*SEGMENT).exit_code == 0 and session.asked["frames"] == "sampled"
    assert run(*ASK, "--frames", "tracked").exit_code == 0
    assert session.asked["segment_frames"] == "tracked"


@pytest.mark.parametrize(
    "options", [["--track-from", "1"], ["--frames", "tracked"], ["--track", "--frames", "tracked"]]
)
def test_usage_errors(session: PretendedSession, options: list[str]) -> None:
    assert run(*SEGMENT, *options).exit_code == 2 and not session.requests


def test_json_and_files(session: PretendedSession, tmp_path: Path) -> None:
    saved = [tmp_path / "car.mp4", tmp_path / "car.json"]
    options = [word for path in saved for word in ("--save", str(path))]
    masks = tmp_path / "masks"
    result = run(*SEGMENT, "--track", "--json", *options, "--save-masks", str(masks))
    assert result.exit_code == 0, result.stderr
    written = json.loads(result.stdout)
    assert [event["kind"] for event in written["masks"][1]["events"]] == ["born", "lost"]
    assert written["absent"] == []
    assert masks_from_json(result.stdout) == masks_from_json(saved[1].read_text())
    with av.open(str(saved[0])) as video:
        assert sum(1 for _ in video.decode(video=0)) == 12
    assert session.asked["on_masks"] is not None, "drawn in the pass that tracks"
    assert len(list(masks.glob("object_?/*.png"))) == 24
