"""`Stream.track` on a package that can: equal to a file's track, from frames that come singly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.compare import EXACT, assert_close
from ufvideo_sdk import (
    CancellationToken,
    InputError,
    LiveTrack,
    ObjectTrack,
    PackageError,
    StateError,
    TrackConfig,
    UFVideo,
)

NUM_FRAMES = 30
AS_DECODED = TrackConfig(hide_absent=False)
PLAIN = {"reprompt": None, "tracking": AS_DECODED}


@pytest.fixture(scope="module")
def model(small_package_track: Path) -> UFVideo:
    return UFVideo.load(small_package_track)


@pytest.fixture(scope="module")
def frames() -> Any:
    """A square that wanders over noise, uint8 [30, 64, 96, 3]."""
    frames = np.random.default_rng(3).integers(0, 60, (NUM_FRAMES, 64, 96, 3), np.uint8)
    for i, frame in enumerate(frames):
        frame[20:36, 2 * i : 2 * i + 16] = 220
    return frames


@pytest.fixture
def stream(model: UFVideo) -> Iterator[Any]:
    with model.open_stream(fps=4.0) as stream:
        yield stream


def push(stream: Any, frames: Any, first: int, last: int) -> None:
    for i in range(first, last):
        stream.push(frames[i], i / 4)


def joined(parts: list[ObjectTrack]) -> tuple[list[int], list[str], Any]:
    idxs = [idx for part in parts for idx in part.frame_idxs.tolist()]
    scores = np.concatenate([part.object_scores for part in parts])
    return idxs, [runs for part in parts for runs in part.runs], scores


def test_a_stream_is_tracked_as_a_file_is(model: UFVideo, stream: Any, frames: Any) -> None:
    with model.open(frames, fps=4.0) as session:
        named = session.segment("the square")
        (whole,) = session.track(named, start_s=0.0, **PLAIN)
    push(stream, frames, 0, 2)
    track = stream.track(named, start_s=0.0, **PLAIN)
    assert isinstance(track, LiveTrack)
    parts = [track.read()]
    for first in range(2, NUM_FRAMES, 4):
        push(stream, frames, first, min(first + 4, NUM_FRAMES))
        parts.append(track.read())
    idxs, runs, scores = joined(parts)
    assert idxs == list(range(NUM_FRAMES)) and track.num_skipped == 0
    assert runs == list(whole.runs)
    assert_close(scores, whole.object_scores, EXACT)
    assert [e.to_dict() for e in track.events] == [
        {**e.to_dict(), "track_id": track.id} for e in whole.events if e.kind != "ended"
    ]


def test_tracks_together_are_what_they_are_alone(model: UFVideo, frames: Any) -> None:
    with model.open(frames, fps=4.0) as session:
        named = [session.segment("the square"), session.segment("the dog")]

    def run(which: list[int], start: list[int]) -> list[tuple[list[int], list[str], Any]]:
        with model.open_stream(fps=4.0) as stream:
            tracks: dict[int, LiveTrack] = {}
            parts: dict[int, list[ObjectTrack]] = {each: [] for each in which}
            for i in range(20):
                push(stream, frames, i, i + 1)
                for each in which:
                    if i == start[each]:
                        tracks[each] = stream.track(named[each], **PLAIN)
                for each, track in tracks.items():
                    parts[each].append(track.read())
            return [joined(parts[each]) for each in which]

    together = run([0, 1], [2, 9])
    for each in (0, 1):
        ((idxs, runs, scores),) = run([each], [2, 9])
        assert together[each][:2] == (idxs, runs) and idxs[0] == [2, 9][each]
        assert_close(together[each][2], scores, EXACT)


def test_an_expression_is_named_by_the_window(stream: Any, frames: Any) -> None:
    push(stream, frames, 0, 6)
    segmented = stream.segment("the square")
    track = stream.track("the square", **PLAIN)
    read = track.read()
    assert track.name == read.name == "the square" and read.frame_idxs.tolist() == [5]
    assert read.runs[0] == segmented[0].runs[list(segmented[0].frame_idxs).index(5)]
    assert read.times_s.tolist() == [1.25]


def test_push_runs_neither_language_model_nor_sam_2(stream: Any, frames: Any) -> None:
    push(stream, frames, 0, 4)
    track = stream.track("the square", **PLAIN)
    track.read()
    push(stream, frames, 4, 5)
    track.read()
    before = stream.stats.stages
    push(stream, frames, 5, 8)
    after = stream.stats.stages
    for stem in ("language_model", "mask_encoder", "memory_attention"):
        assert after[stem].num_calls == before[stem].num_calls
    track.read()
    assert stream.stats.stages["memory_attention"].num_items == 4
    assert stream.stats.stages["language_model"].num_calls == before["language_model"].num_calls


def test_memory_is_counted_and_given_back(model: UFVideo, stream: Any, frames: Any) -> None:
    push(stream, frames, 0, 4)
    track = stream.track("the square", **PLAIN)
    track.read()
    assert model.memory_use().track_memory_bytes > 0
    held = stream.stats.memory_bytes
    track.end()
    assert stream.stats.memory_bytes < held and model.memory_use().track_memory_bytes == 0
    track = stream.track("the square", **PLAIN)
    assert track.id == 2
    track.read()
    stream.close()
    assert track.is_ended and model.memory_use().track_memory_bytes == 0
    with pytest.raises(StateError, match="closed"):
        stream.track("the square")


def test_a_question_between_readings_changes_nothing(
    model: UFVideo, stream: Any, frames: Any
) -> None:
    push(stream, frames, 0, 4)
    named = stream.segment("the square")
    track = stream.track(named, **PLAIN)
    parts = [track.read()]
    for first in range(4, 20, 2):
        push(stream, frames, first, first + 2)
        stream.segment("the dog")
        parts.append(track.read())
    idxs, runs, _ = joined(parts)
    with model.open(frames, fps=4.0) as session:
        other = session.segment("the dog")
        assert other.seg_hidden_states.shape == named.seg_hidden_states.shape
    assert idxs == list(range(3, 20))
    with model.open_stream(fps=4.0) as quiet:
        push(quiet, frames, 0, 4)
        alone = quiet.track(named, **PLAIN)
        expected = [alone.read()]
        for first in range(4, 20, 2):
            push(quiet, frames, first, first + 2)
            expected.append(alone.read())
    assert runs == joined(expected)[1]


def test_frames_that_left_the_window_are_counted(stream: Any, frames: Any) -> None:
    push(stream, frames, 0, 4)
    track = stream.track("the square", **PLAIN)
    track.read()
    push(stream, frames, 4, NUM_FRAMES)
    read = track.read()
    assert read.frame_idxs[-1] == NUM_FRAMES - 1
    assert track.num_skipped == int(read.frame_idxs[0]) - 4 > 0


def test_ids_are_shared_with_answers(stream: Any, frames: Any) -> None:
    push(stream, frames, 0, 8)
    first = stream.track("the square", **PLAIN)
    second = stream.track("the dog", **PLAIN)
    assert (first.id, second.id) == (1, 2)


def test_the_default_policy_asks_the_model_again(stream: Any, frames: Any) -> None:
    push(stream, frames, 0, 4)
    wanting = TrackConfig(present_score=1000.0, lost_s=0.5)
    track = stream.track("the square", tracking=wanting)
    track.read()
    calls = stream.stats.stages["language_model"].num_calls
    push(stream, frames, 4, 12)
    track.read()
    assert stream.stats.stages["language_model"].num_calls > calls
    assert all(mask.is_empty for mask in track.read())


def test_a_cancel_leaves_the_rest_for_the_next_reading(stream: Any, frames: Any) -> None:
    push(stream, frames, 0, 6)
    track = stream.track("the square", start_s=0.0, **PLAIN)
    token = CancellationToken()
    token.cancel()
    assert len(track.read(cancel=token)) == 0
    assert track.read().frame_idxs.tolist() == list(range(6))


def test_what_cannot_be_tracked(
    small_package: Path, model: UFVideo, stream: Any, frames: Any
) -> None:
    with pytest.raises(StateError):
        stream.track("the square")
    push(stream, frames, 0, 4)
    for wrong, expected in (
        (["the square", "the dog"], "expected one expression or an answer with one"),
        (3, "expected an expression, an answer"),
        ("", "expression: expected words"),
    ):
        with pytest.raises(InputError, match=expected):
            stream.track(wrong)
    with pytest.raises(InputError, match="start_s"):
        stream.track("the square", start_s=99.0)
    with pytest.raises(InputError, match=r"expected tracking=TrackConfig\(lost_s=1.0\)"):
        stream.track("the square", lost_s=1.0)
    with UFVideo.load(small_package).open_stream(fps=4.0) as plain:
        push(plain, frames, 0, 4)
        with pytest.raises(PackageError, match="ufvideo export --add track"):
            plain.track("the square")
