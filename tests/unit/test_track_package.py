"""`Session.track` with the native tracker, on a package that has the stages for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.compare import EXACT, assert_close
from tests.unit.conftest import GOLDEN, SHORT, TIMES_MS
from ufvideo_sdk import (
    CancellationToken,
    ConfigError,
    ObjectTrack,
    PackageError,
    TrackConfig,
    UFVideo,
    _native,
    masks_from_json,
)

TIMES_S = [time_ms / 1000 for time_ms in TIMES_MS]
# The weights are random: what is found is kept whatever the scores say of it.
AS_DECODED = TrackConfig(hide_absent=False)
PLAIN = {"reprompt": None, "tracking": AS_DECODED}


@pytest.fixture(scope="module")
def model(small_package_track: Path) -> UFVideo:
    return UFVideo.load(small_package_track)


@pytest.fixture
def session(model: UFVideo, video: Path) -> Iterator[Any]:
    with model.open(video) as session:
        yield session


def walked(session: Any, states: Any, idxs: list[int]) -> list[tuple[list[str], Any, Any]]:
    """What the native tracker finds on frames in this order, prompted on the first."""
    model = session._model.native
    tracker = _native.Tracker(model, _native.FeatureStore(model))
    for state in states:
        tracker.add(state)
    found = []
    for idx in idxs:
        frame = tracker.step(session.clip.read([idx])[0], idx)
        found.append((list(frame.runs), frame.iou_scores, frame.object_scores))
    return found


def check(track: ObjectTrack, row: int, positions: list[int], expected: list[Any]) -> None:
    for position, (runs, ious, scores) in zip(positions, expected, strict=True):
        assert track.runs[position] == runs[row], f"frame {position}"
        assert_close(track.scores[position : position + 1], ious[row : row + 1], EXACT)
        assert_close(track.object_scores[position : position + 1], scores[row : row + 1], EXACT)


def test_forwards_it_is_the_native_tracker(session: Any) -> None:
    named = session.segment("the ball")
    (track,) = session.track(named, start_s=0.0, **PLAIN)
    assert track.frame_idxs.tolist() == list(range(40)) and track.times_s.tolist() == TIMES_S
    expected = walked(session, named.seg_hidden_states, list(range(40)))
    check(track, 0, list(range(40)), expected)
    assert np.flatnonzero(track.was_prompted).tolist() == [0]
    assert track.runs[0] == session.segment("the ball", frames=[0])[0].runs[0]


def test_from_the_middle_both_ways_begin_with_an_empty_memory(session: Any) -> None:
    named = session.segment("the ball")
    (track,) = session.track(named, start_s=TIMES_S[15], **PLAIN)
    backwards = list(range(15, -1, -1))
    check(track, 0, backwards, walked(session, named.seg_hidden_states, backwards))
    forwards = list(range(15, 40))
    check(track, 0, forwards, walked(session, named.seg_hidden_states, forwards))


def test_objects_together_are_what_they_are_alone(session: Any) -> None:
    names = ["the ball", "the red square", "the dog"]
    together = session.track(names, start_s=TIMES_S[10], **PLAIN)
    for name, track in zip(names, together, strict=True):
        (alone,) = session.track(name, start_s=TIMES_S[10], **PLAIN)
        assert track.runs == alone.runs and track.name == alone.name == name
        assert_close(track.object_scores, alone.object_scores, EXACT)
    assert [track.id for track in together] == [1, 2, 3]


def test_objects_that_begin_apart(session: Any) -> None:
    """By default each begins where it is seen best; the others' beginning changes nothing."""
    names = ["the ball", "the red square"]
    together = session.track(names, **PLAIN)
    for name, track in zip(names, together, strict=True):
        start = int(np.flatnonzero(track.was_prompted)[0])
        (alone,) = session.track(name, start_s=TIMES_S[start], **PLAIN)
        assert track.runs == alone.runs


def test_a_stride_is_a_walk_over_fewer_frames(session: Any) -> None:
    named = session.segment("the ball")
    idxs = list(range(0, 40, 3))
    (track,) = session.track(named, start_s=0.0, frames=idxs, **PLAIN)
    check(track, 0, list(range(len(idxs))), walked(session, named.seg_hidden_states, idxs))


@pytest.mark.parametrize("num_done", [5, 25])
def test_a_cancel_midway_keeps_what_is_done(session: Any, num_done: int) -> None:
    (whole,) = session.track("the ball", start_s=TIMES_S[10], **PLAIN)
    token = CancellationToken()
    frames: list[int] = []

    def on_progress(done: int, total: int) -> None:
        # Prompts come first; frames are those of both passes.
        if total == 41 and done == num_done:
            token.cancel()
        frames.append(done)

    found = session.track(
        "the ball", start_s=TIMES_S[10], cancel=token, on_progress=on_progress, **PLAIN
    )
    assert found.is_cancelled
    (track,) = found
    first = max(11 - num_done, 0)
    last = 10 if num_done <= 11 else num_done - 2
    assert track.frame_idxs.tolist() == list(range(first, last + 1))
    assert track.runs == whole.runs[first : last + 1]
    (again,) = session.track("the ball", start_s=TIMES_S[10], **PLAIN)
    assert again.runs == whole.runs


def test_masks_come_frame_by_frame_in_order(session: Any) -> None:
    seen: list[Any] = []
    found = session.track(
        ["the ball", "the dog"],
        start_s=TIMES_S[20],
        on_masks=lambda result, masks, pixels: seen.append(masks),
        **PLAIN,
    )
    assert seen == list(found.by_frame())


def test_the_default_policy_runs_on_a_real_tracker(session: Any) -> None:
    found = session.track(["the ball", "the dog"], verify_s=0.5)
    kinds = {event.kind.value for event in found.events}
    assert kinds <= {"born", "lost", "found", "drift", "ended"} and "ended" in kinds
    times = [event.time_s for event in found.events]
    assert times == sorted(times) and set(times) <= set(TIMES_S)
    assert masks_from_json(found.to_json()) == tuple(found)
    hidden = [mask.is_empty for track in found for mask in track]
    there = [bool(each) for track in found for each in track.is_present]
    assert all(is_empty for is_empty, is_there in zip(hidden, there, strict=True) if not is_there)


def test_prompting_every_so_often_adds_prompted_frames(session: Any) -> None:
    trusting = TrackConfig(present_score=-1000.0, reprompt_iou=0.0, hide_absent=False)
    (track,) = session.track("the ball", start_s=0.0, reprompt=0.5, tracking=trusting)
    prompted_s = track.times_s[track.was_prompted]
    assert len(prompted_s) >= 5 and (np.diff(prompted_s) >= 0.5 - 1e-9).all()


def test_what_it_costs_is_in_the_statistics(session: Any, model: UFVideo) -> None:
    found = session.track("the ball", start_s=0.0, **PLAIN)
    stages = found.stats.stages
    assert stages["mask_encoder"].num_items == 40
    assert stages["mask_decoder"].num_items == 1
    assert stages["memory_encoder"].num_items == 40
    assert stages["memory_attention"].num_items == stages["track_decoder"].num_items == 39
    assert session.stats["memory_attention"].num_items == 39
    session.track("the ball", start_s=0.0, frames=[0, 1, 2], **PLAIN)
    assert session.stats["memory_attention"].num_items == 41
    assert model.memory_use().track_memory_bytes == 0, "freed with the call"


def test_masks_of_an_answer(model: UFVideo) -> None:
    with np.load(GOLDEN / "segment_generated_0.npz") as arrays:
        frames = arrays["frames"]
    with model.open(frames, fps=4.0) as session:
        plain = session.ask("segment", config=SHORT)
        answer = session.ask("segment", segment_frames="tracked", config=SHORT)
        assert answer.text == plain.text and len(answer.masks) == 1
        (track,) = answer.masks
        assert isinstance(track, ObjectTrack) and len(track) == len(frames)
        (same,) = session.track(answer)
        assert same.runs == track.runs and same.events != () and same.id != track.id


def test_bounds_of_the_package(session: Any) -> None:
    with pytest.raises(ConfigError, match="num_memories"):
        session.track("the ball", num_memories=65)
    with pytest.raises(ConfigError, match="memory"):
        session.track("the ball", memory="elephant")
    (few,) = session.track("the ball", start_s=0.0, num_memories=1, **PLAIN)
    (many,) = session.track("the ball", start_s=0.0, **PLAIN)
    assert few.runs[:2] == many.runs[:2] and few.runs != many.runs


def test_a_package_without_the_stages_says_so_before_it_answers(
    small_package: Path, video: Path
) -> None:
    with UFVideo.load(small_package).open(video) as session:
        before = session.stats
        for call in (
            lambda: session.track("the ball"),
            lambda: session.ask("Segment the ball.", segment_frames="tracked"),
            lambda: session.stream("Segment the ball.", segment_frames="tracked"),
        ):
            with pytest.raises(PackageError, match="ufvideo export --add track CHECKPOINT PACKAGE"):
                call()
        assert session.stats == before
        assert session.segment("the ball")
