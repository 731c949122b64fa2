"""Results: what they refuse, and the JSON they become."""

from __future__ import annotations

import copy
import json
import pickle
import tracemalloc
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.compare import EXACT, assert_close
from tests.unit.drawn_answers import drawn_answer, drawn_clip
from ufvideo_sdk.errors import CapacityError, InputError
from ufvideo_sdk.results.answer import AnswerStats
from ufvideo_sdk.results.answer_json import masks_from_json
from ufvideo_sdk.results.masks import MaskTrack
from ufvideo_sdk.results.object_mask import ObjectMask
from ufvideo_sdk.results.rle import encode_mask
from ufvideo_sdk.results.time_span import TimeSpan


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
        "times_s": np.arange(frames) / 4,
        "runs": ("d0",) * frames,  # 20 zeros
        "scores": np.zeros(frames, np.float32),
        "height": 4,
        "width": 5,
        **parts,
    }
    return MaskTrack(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"scores": np.zeros(2)}, "expected scores as float32"),
        ({"scores": [0.5, 0.5]}, r"got \[0.5, 0.5\]"),
        ({"scores": np.full(2, np.nan, np.float32)}, "finite scores"),
        ({"frame_idxs": np.array([0, -1])}, "from 0 on, got -1"),
        ({"frame_idxs": np.arange(3)}, "got 3, 2, 2 and 2"),
        ({"times_s": np.arange(3.0)}, "got 2, 3, 2 and 2"),
        ({"times_s": np.zeros(2, np.float32)}, "expected times_s as float64"),
        ({"times_s": np.array([0, np.inf])}, "finite times_s"),
        ({"runs": ("d0", "c0")}, r"runs\[1\]: expected run lengths that fill 4 x 5 pixels, got 19"),
        ({"runs": None}, "runs: expected a sequence of run-length codes, got NoneType"),
        ({"runs": "d0"}, "runs: expected a sequence of run-length codes, got str 'd0'"),
        ({"runs": ("d0", b"d0")}, r"runs\[1\]: expected characters '0' to 'o', got bytes"),
        ({"height": 0}, "height: expected 1 pixel or more, got int 0"),
        ({"width": 1 << 30}, "expected at most 268,435,456 pixels"),
    ],
)
def test_tracks_check_their_parts(parts: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        _track(**parts)


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (np.zeros((2, 4, 5), np.uint8), "expected masks as bool with 3 dim"),
        (np.zeros((4, 5), np.bool_), r"got bool \[4, 5\]"),
        (np.zeros((2, 0, 5), np.bool_), "height: expected 1 pixel or more"),
        (np.zeros((3, 4, 5), np.bool_), "got 2, 2, 3 and 2"),
    ],
)
def test_tracks_check_dense_masks(masks: NDArray[np.bool_], message: str) -> None:
    with pytest.raises(InputError, match=message):
        MaskTrack.from_masks(np.arange(2), np.zeros(2), masks, np.zeros(2, np.float32))


@pytest.mark.parametrize("size", [(1, 1), (6, 8), (33, 71), (90, 121)])
def test_tracks_hold_what_dense_masks_do_bit_for_bit(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(sum(size))
    masks = rng.random((6, *size)) < rng.random((6, 1, 1))
    masks[0] = False
    masks[1] = True
    idxs, scores = np.arange(6) * 3, np.linspace(0, 1, 6, dtype=np.float32)
    track = MaskTrack.from_masks(idxs, idxs / 25, masks, scores)
    assert_close(track.masks, masks, EXACT, where="masks")
    assert len(track) == 6 and (track.height, track.width) == size
    assert track.num_pixels.tolist() == masks.sum(axis=(1, 2)).tolist()
    for position, (mask, dense) in enumerate(zip(track, masks, strict=True)):
        assert isinstance(mask, ObjectMask)
        assert_close(mask.pixels(), dense, EXACT, where=f"mask {position}")
        assert mask.num_pixels == dense.sum() and mask.is_empty == (not dense.any())
        assert mask.box == _box(dense)
        assert track.boxes[position].tolist() == list(mask.box or (0, 0, 0, 0))
        assert mask.score == float(track.scores[position])
    assert track.boxes.dtype == np.int64 and not track.boxes.flags.writeable
    part = track[2:5]
    assert part.frame_idxs.tolist() == [6, 9, 12] and part.times_s.tolist() == [0.24, 0.36, 0.48]
    assert part.runs == track.runs[2:5]
    assert_close(part.masks, masks[2:5], EXACT, where="part")
    assert track[-1] == list(track)[5]


def _box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    rows, columns = np.nonzero(mask)
    if not rows.size:
        return None
    left, top = int(columns.min()), int(rows.min())
    return left, top, int(columns.max()) + 1, int(rows.max()) + 1


def test_five_minutes_of_1080p_stay_small() -> None:
    """A disc that moves and changes size, on 9,000 frames: a dense track would be 18.7 GB."""
    rows, columns = np.mgrid[:1080, :1920]
    codes = []
    for radius in (180, 240):
        for left in (300, 1500):
            disc = (rows - 540) ** 2 + (columns - left) ** 2 < radius**2
            codes.append(encode_mask(disc))
    count = 9000
    tracemalloc.start()
    # Each a text of its own, as they come from the model.
    runs = tuple((codes[i % 4] + "x")[:-1] for i in range(count))
    times_s = np.arange(count) / 30
    track = MaskTrack(np.arange(count), times_s, runs, np.ones(count, np.float32), 1080, 1920)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 30e6
    assert track.num_pixels.min() > 100_000


def test_dense_masks_that_memory_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*_: object) -> None:
        pytest.fail("memory is taken for masks that do not fit")

    side = 1 << 14
    track = MaskTrack.from_masks(
        np.zeros(1, np.int64),
        np.zeros(1),
        np.zeros((1, side, side), np.bool_),
        np.ones(1, np.float32),
    )
    idxs, scores = np.arange(10_000), np.ones(10_000, np.float32)
    long = MaskTrack(idxs, idxs / 30, track.runs * 10_000, scores, side, side)
    monkeypatch.setattr("ufvideo_sdk._native.decode_masks", decode)
    expected = r"expected memory for bool \[10000, 16384, 16384\], 2,684,354,560,000 bytes, got"
    with pytest.raises(CapacityError, match=expected):
        _ = long.masks
    assert long.is_empty and long[3].num_pixels == 0


def test_answers_refuse_masks_of_another_clip() -> None:
    answer = drawn_answer()
    with pytest.raises(InputError, match="expected masks of 120 x 160 px"):
        replace(answer, masks=(_track(),))
    outside = replace(answer.masks[0][:1], frame_idxs=np.array([99]))
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
    assert back == answer.masks and hash(back) == hash(answer.masks)


def test_tracks_are_equal_when_all_they_hold_is() -> None:
    track = _track()
    assert track == _track() and hash(track) == hash(_track())
    different = (
        {"frame_idxs": np.array([0, 2])},
        {"times_s": np.array([0, 0.5])},
        {"runs": ("d0", "c01")},
        {"scores": np.array([0, 0.5], np.float32)},
        {"height": 5, "width": 4},
    )
    for parts in different:
        assert track != _track(**parts)
    assert track != _track(3) and track != list(track) and track is not None


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda track: pickle.loads(pickle.dumps(track))]
)
def test_copies_and_pickles_cannot_be_written_either(
    again: Callable[[MaskTrack], MaskTrack],
) -> None:
    track = _track(3)
    made = again(track)
    assert made == track and type(made) is MaskTrack and made[1] == track[1]
    for array in (made.frame_idxs, made.times_s, made.scores, made.num_pixels, made.boxes):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    mask = pickle.loads(pickle.dumps(track[0]))
    assert mask == track[0] and not mask._extent.flags.writeable


def test_tracks_as_dictionaries_have_what_they_were_made_of() -> None:
    assert list(asdict(_track())) == [
        "frame_idxs",
        "times_s",
        "runs",
        "scores",
        "height",
        "width",
    ]
    assert asdict(_track()[0]) == {"runs": "d0", "score": 0.0, "height": 4, "width": 5}


def test_an_index_is_an_integer_or_a_slice() -> None:
    track = _track(3)
    assert track[np.int64(2)] == track[-1] == track[2] and len(track[1:]) == 2
    wrong: list[tuple[Any, str]] = [
        (True, "bool True"),
        (np.True_, "bool"),
        ([0, 1], r"list \[0, 1\]"),
        (1.0, "float 1.0"),
        (np.arange(2), "ndarray"),
        (None, "NoneType"),
    ]
    for index, came in wrong:
        with pytest.raises(TypeError, match=f"expected an integer or a slice as index, got {came}"):
            track[index]
    with pytest.raises(IndexError):
        track[3]


def test_a_score_may_be_any_real_number() -> None:
    for score in (np.float32(0.5), np.float64(0.5), 0.5):
        mask = ObjectMask("d0", score, 4, 5)  # type: ignore[arg-type]
        assert type(mask.score) is float and mask.score == 0.5
    for wrong in (np.float32("nan"), True, "0.5", None, 10**400):
        with pytest.raises(InputError, match="expected a finite score"):
            ObjectMask("d0", wrong, 4, 5)  # type: ignore[arg-type]


def test_an_empty_mask_says_so() -> None:
    masks = np.zeros((3, 6, 8), np.bool_)
    idxs, scores = np.arange(3), np.full(3, 0.9, np.float32)
    empty = MaskTrack.from_masks(idxs, idxs / 3, masks, scores)
    assert empty.is_empty and not empty.boxes.any() and empty[1].box is None
    assert repr(empty) == "MaskTrack(3 frames, 8 x 6 px, empty)"
    masks = masks.copy()
    masks[1, 2:5, 3] = masks[1, 4, 3:8] = True
    track = MaskTrack.from_masks(idxs, idxs / 3, masks, scores)
    assert not track.is_empty
    assert track.boxes.tolist() == [[0, 0, 0, 0], [3, 2, 8, 5], [0, 0, 0, 0]]
    x1, y1, x2, y2 = track.boxes[1]
    assert masks[1, y1:y2, x1:x2].sum() == masks[1].sum()
    assert "empty" not in repr(track)
