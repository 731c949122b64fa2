"""Tracks with an id, presence and events: plain data like other masks."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.unit.drawn_answers import drawn_clip, followed, tracked
from ufvideo_sdk import (
    InputError,
    MaskTrack,
    ObjectTrack,
    StopReason,
    masks_from_json,
)
from ufvideo_sdk.results.rle import encode_mask, mask_iou


@pytest.fixture
def clip() -> Any:
    return drawn_clip()


@pytest.fixture
def track(clip: Any) -> ObjectTrack:
    return followed(clip, 3)


def test_it_is_a_mask_track(track: ObjectTrack) -> None:
    assert isinstance(track, MaskTrack) and len(track) == 12
    assert track.is_present.tolist() == (track.object_scores > 0).tolist()
    assert repr(track) == "ObjectTrack(3, 'the square', 12 frames, born 10.00 s, lost 11.00 s)"
    for array in (track.object_scores, track.was_prompted):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_equality_sees_all_of_it(track: ObjectTrack) -> None:
    assert track == replace(track) and hash(track) == hash(replace(track))
    others = (
        {"id": 4},
        {"name": "another"},
        {"object_scores": -track.object_scores},
        {"was_prompted": ~track.was_prompted},
        {"events": track.events[:1]},
        {"scores": track.scores[::-1].copy()},
    )
    assert all(track != replace(track, **other) for other in others)
    plain = MaskTrack(*track._parts)
    assert track != plain and plain != track


def test_slices_keep_what_happened_on_their_frames(track: ObjectTrack) -> None:
    part = track[4:8]
    assert isinstance(part, ObjectTrack) and len(part) == 4 and part.id == 3
    assert [event.kind for event in part.events] == ["lost"]
    assert part.object_scores.tolist() == track.object_scores[4:8].tolist()
    assert track[5].runs == track.runs[5]


def test_copies_and_pickles(track: ObjectTrack) -> None:
    for same in (copy.copy(track), copy.deepcopy(track), pickle.loads(pickle.dumps(track))):
        assert same == track and isinstance(same, ObjectTrack)
        assert not same.object_scores.flags.writeable


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", -1),
        ("id", True),
        ("name", 3),
        ("object_scores", np.zeros(12, np.float64)),
        ("object_scores", np.zeros(11, np.float32)),
        ("object_scores", np.full(12, np.nan, np.float32)),
        ("was_prompted", np.zeros(12, np.int8)),
        ("events", ["born"]),
        ("events", "born"),
    ],
)
def test_fields_are_checked(track: ObjectTrack, field: str, value: Any) -> None:
    with pytest.raises(InputError, match=field):
        replace(track, **{field: value})


def test_json_and_back(clip: Any, track: ObjectTrack) -> None:
    found = tracked(clip, [track, followed(clip, 9, lane=0.1)])
    text = found.to_json()
    assert masks_from_json(text) == found.masks
    written = json.loads(text)
    assert written["is_absent"] is False and written["absent"] == []
    first = written["masks"][0]
    assert list(first) == ["id", "name", "events", "frames", "size"]
    assert list(first["frames"][0]) == [
        "frame_idx", "time_s", "score", "rle", "object_score", "was_prompted",
    ]  # fmt: skip
    assert first["events"][0] == {"kind": "born", "time_s": 10.0, "frame_idx": 0, "track_id": 3}
    for key, value in (("id", -1), ("name", 1), ("events", 3), ("events", [{"kind": "gone"}])):
        wrong = copy.deepcopy(written)
        wrong["masks"][0][key] = value
        with pytest.raises(InputError):
            masks_from_json(json.dumps(wrong))
    for key, value in (("was_prompted", 1), ("object_score", "high")):
        wrong = copy.deepcopy(written)
        wrong["masks"][0]["frames"][0][key] = value
        with pytest.raises(InputError, match=key):
            masks_from_json(json.dumps(wrong))


def test_tables(clip: Any, track: ObjectTrack) -> None:
    pytest.importorskip("pandas", reason="pip install pandas")
    found = tracked(clip, [track, followed(clip, 9)])
    masks = found.to_pandas()
    assert masks["track_id"].tolist() == [3] * 12 + [9] * 12
    assert masks["object_score"].dtype == np.float32 and masks["was_prompted"].sum() == 2
    events = found.to_pandas("events")
    assert list(events) == ["track_id", "kind", "time_s", "frame_idx"]
    assert events["kind"].tolist() == ["born", "born", "lost", "lost"]
    assert events["track_id"].tolist() == [3, 9, 3, 9]
    with pytest.raises(InputError, match='expected "masks", "spans" or "events"'):
        found.to_pandas("tracks")


def test_ids_go_to_other_libraries(clip: Any, track: ObjectTrack) -> None:
    found = tracked(clip, [track, followed(clip, 9)])
    assert {each["track_id"] for each in found.to_coco()["annotations"]} == {3, 9}
    pytest.importorskip("supervision", reason="pip install supervision")
    assert found.to_supervision()[0].tracker_id.tolist() == [3, 9]


def test_a_result_is_a_sequence_that_says_why_it_is_empty(clip: Any, track: ObjectTrack) -> None:
    found = tracked(clip, [track])
    assert found == [track] == list(found) and found[0] is track and found[:1] == (track,)
    assert [event.kind for event in found.events] == ["born", "lost"]
    assert repr(found) == "TrackResult('the square', 1 mask on 12 frames, 2 events)"
    absent = tracked(clip, absent=["the square"])
    assert absent.is_absent and repr(absent) == "TrackResult('the square', not found)"
    cancelled = tracked(clip, [track], stop_reason=StopReason.CANCELLED)
    assert cancelled.caption == "cancelled" and not cancelled.is_absent


def test_iou_of_codes_is_that_of_pixels() -> None:
    draw = np.random.default_rng(5)
    for height, width in ((1, 1), (7, 5), (40, 31)):
        for _ in range(20):
            masks = [draw.random((height, width)) < draw.random() for _ in range(2)]
            union = np.count_nonzero(masks[0] | masks[1])
            expected = np.count_nonzero(masks[0] & masks[1]) / union if union else 1.0
            assert mask_iou(*(encode_mask(mask) for mask in masks)) == expected
    empty, full = (encode_mask(np.full((200, 300), value)) for value in (False, True))
    assert mask_iou(empty, empty) == 1.0 == mask_iou(full, full) and mask_iou(empty, full) == 0.0
