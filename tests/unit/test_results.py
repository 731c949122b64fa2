"""Results: what they refuse, and the JSON they become."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.drawn_answers import drawn_answer, drawn_clip
from ufvideo_sdk.errors import CapacityError, InputError
from ufvideo_sdk.results.answer import AnswerStats, MaskTrack, TimeSpan
from ufvideo_sdk.results.answer_json import masks_from_json


def test_spans_check_their_order() -> None:
    assert TimeSpan(1.0, 1.0).is_moment
    assert str(TimeSpan(1.0, 2.5)) == "1.00 - 2.50 s"
    with pytest.raises(InputError, match=r"start <= end, got 2\.0 s to 1\.0 s"):
        TimeSpan(2.0, 1.0)
    with pytest.raises(InputError, match="finite"):
        TimeSpan(float("nan"), 1.0)


def _track(frames: int = 2, **parts: object) -> MaskTrack:
    fields = {
        "frame_idxs": np.arange(frames),
        "masks": np.zeros((frames, 4, 5), np.bool_),
        "scores": np.zeros(frames, np.float32),
        **parts,
    }
    return MaskTrack(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"masks": np.zeros((2, 4, 5), np.uint8)}, "expected masks as bool with 3 dim"),
        ({"masks": np.zeros((4, 5), np.bool_)}, r"got bool \[4, 5\]"),
        ({"scores": np.zeros(2)}, "expected scores as float32"),
        ({"scores": [0.5, 0.5]}, r"got \[0.5, 0.5\]"),
        ({"scores": np.full(2, np.nan, np.float32)}, "finite scores"),
        ({"frame_idxs": np.array([0, -1])}, "from 0 on, got -1"),
        ({"frame_idxs": np.arange(3)}, "got 3, 2 and 2"),
    ],
)
def test_tracks_check_their_arrays(parts: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        _track(**parts)


def test_answers_refuse_masks_of_another_clip() -> None:
    answer = drawn_answer()
    with pytest.raises(InputError, match="expected masks of 120 x 160 px"):
        replace(answer, masks=(_track(),))
    outside = MaskTrack(np.array([99]), np.zeros((1, 120, 160), np.bool_), np.ones(1, np.float32))
    with pytest.raises(InputError, match=r"0 to 11, got frame 99 in masks\[0\]"):
        replace(answer, masks=(outside,))


def test_speed_counts_the_tokens_after_the_first() -> None:
    stats = AnswerStats({}, 1, 0, 11, 5.0, 500.0)
    assert stats.tokens_per_s == 20.0
    assert replace(stats, num_generated_tokens=1).tokens_per_s is None


def test_json_holds_everything() -> None:
    clip = drawn_clip(start_s=10.5)
    answer = drawn_answer(clip, num_objects=2, text='quoted "é" [SEG][SEG]')
    content = json.loads(answer.to_json())
    assert list(content) == [
        "question",
        "text",
        "choice",
        "choice_probabilities",
        "token_ids",
        "stop_reason",
        "spans",
        "masks",
        "stats",
        "clip",
    ]
    assert content["text"] == answer.text
    assert content["token_ids"] == [5, 6, 7]
    assert content["stop_reason"] == "end"
    assert content["spans"] == [{"start_s": 10.5, "end_s": 11.75}]
    first = content["masks"][0]["frames"][0]
    assert first["frame_idx"] == clip.frame_idxs[0] > 0
    assert first["time_s"] == clip.timestamps_s[0]
    assert first["score"] == 0.9
    assert first["rle"]["size"] == [120, 160]
    assert content["stats"]["stages"] == {
        "vision_encoder": {"num_calls": 1, "num_items": 8, "total_ms": 12.5}
    }
    assert content["clip"]["num_frames"] == len(clip.frame_idxs)
    assert content["clip"]["end_s"] == clip.timestamps_s[-1]
    assert answer.to_json() == answer.to_json()


def test_masks_come_back_equal(tmp_path: Path) -> None:
    answer = drawn_answer(num_objects=3)
    answer.save(tmp_path / "answer.json")
    text = (tmp_path / "answer.json").read_text(encoding="utf-8")
    assert text == answer.to_json()
    back = masks_from_json(text)
    assert len(back) == 3
    for track, expected in zip(back, answer.masks, strict=True):
        assert np.array_equal(track.masks, expected.masks)
        assert np.array_equal(track.frame_idxs, expected.frame_idxs)
        assert np.array_equal(track.scores, expected.scores)


def masks_json(size: object, counts: str = "0", num_frames: int = 1, **changes: object) -> str:
    rle = {"size": size, "counts": counts}
    frame = {"frame_idx": 0, "score": 1, "rle": rle, **changes}
    return json.dumps({"masks": [{"size": size, "frames": [frame] * num_frames}]})


@pytest.mark.parametrize("side", [10**5, 10**6, 10**10, 10**400])
def test_masks_larger_than_any_picture_are_refused(side: int) -> None:
    with pytest.raises(InputError, match="expected at most 268,435,456 pixels"):
        masks_from_json(masks_json([side, side]))


def test_masks_that_memory_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    def zeros(*_: object) -> None:
        pytest.fail("memory is taken for what is not there")

    monkeypatch.setattr("numpy.zeros", zeros)
    with pytest.raises(CapacityError, match=r"expected masks that fit .* of 16384 x 16384 px"):
        masks_from_json(masks_json([1 << 14, 1 << 14], "0", 10_000))
    # The sizes fit, the codes do not.
    with pytest.raises(InputError, match="expected run lengths that fill 16384 x 16384 pixels"):
        masks_from_json(masks_json([1 << 14, 1 << 14], "0", 2))


def test_memory_that_runs_out_is_a_capacity_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def zeros(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("numpy.zeros", zeros)
    with pytest.raises(CapacityError, match="expected memory for the masks"):
        masks_from_json(masks_json([2, 3], "6"))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        masks_json([2, 3], "6", frame_idx=10**30),
        masks_json([2, 3], "6", frame_idx="x"),
        masks_json([2, 3], "6", score="x"),
        masks_json([2, 3], "6", score=float("nan")),
        masks_json([2, 3], "6", rle=[]),
        masks_json([2, 3], "6", rle={"size": [2, 3], "counts": 6}),
        masks_json([2.0, 3], "6"),
        masks_json([True, 6], "6"),
        masks_json("23"),
        masks_json([2, 3, 1]),
    ],
    ids=range(11),
)
def test_other_json_is_an_input_error(text: str) -> None:
    with pytest.raises(InputError):
        masks_from_json(text)


@pytest.mark.parametrize("text", ["", "{}", '{"masks": [{}]}', '{"masks": 3}', "[1]"])
def test_refuses_other_json(text: str) -> None:
    with pytest.raises(InputError, match="expected the JSON of an answer"):
        masks_from_json(text)


def test_an_empty_mask_says_so() -> None:
    masks = np.zeros((3, 6, 8), np.bool_)
    idxs, scores = np.arange(3), np.full(3, 0.9, np.float32)
    empty = MaskTrack(idxs, masks, scores)
    assert empty.is_empty and empty.boxes() == (None, None, None)
    assert repr(empty) == "MaskTrack(3 frames, 6 x 8 px, empty)"
    masks = masks.copy()
    masks[1, 2:5, 3] = masks[1, 4, 3:8] = True
    track = MaskTrack(idxs, masks, scores)
    assert not track.is_empty and track.boxes() == (None, (3, 2, 5, 3), None)
    assert "empty" not in repr(track)


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ("\ud800", r'px, got "\\ud800" at frame 0'),
        ("\x1b[2J", r'got "\\u001b\[2J" at'),
        ([3, 2], "got 3 x 2 at"),
        ("x" * 5000, r"got .{80} at frame 0$"),
    ],
)
def test_a_size_that_differs_can_be_printed(size: object, shown: str) -> None:
    text = masks_json([2, 3], "6", rle={"size": size, "counts": "6"})
    with pytest.raises(InputError, match=shown):
        masks_from_json(text)
