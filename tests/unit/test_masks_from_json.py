"""Masks read back from JSON: what is refused, and what it may cost."""

from __future__ import annotations

import json
import tracemalloc
import warnings

import numpy as np
import pytest

from ufvideo_sdk.errors import CapacityError, InputError
from ufvideo_sdk.results.answer_json import masks_from_json
from ufvideo_sdk.results.rle import encode_mask


def masks_json(size: object, counts: str = "0", num_frames: int = 1, **changes: object) -> str:
    rle = {"size": size, "counts": counts}
    frame = {"frame_idx": 0, "time_s": 0.5, "score": 1, "rle": rle, **changes}
    return json.dumps({"masks": [{"size": size, "frames": [frame] * num_frames}]})


@pytest.mark.parametrize("side", [10**5, 10**6, 10**10, 10**400])
def test_masks_larger_than_any_picture_are_refused(side: int) -> None:
    with pytest.raises(InputError, match="expected at most 268,435,456 pixels"):
        masks_from_json(masks_json([side, side]))


def test_the_memory_of_masks_is_that_of_their_codes() -> None:
    """The sizes claim 2.7 TB."""
    whole = encode_mask(np.zeros((1 << 14, 1 << 14), np.bool_))
    tracemalloc.start()
    (track,) = masks_from_json(masks_json([1 << 14, 1 << 14], whole, 10_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(track) == 10_000 and track.is_empty
    assert peak < 50e6
    with pytest.raises(InputError, match="expected run lengths that fill 16384 x 16384 pixels"):
        masks_from_json(masks_json([1 << 14, 1 << 14], "0", 2))


def test_memory_that_runs_out_is_a_capacity_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def loads(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("json.loads", loads)
    with pytest.raises(CapacityError, match="expected memory for what the JSON holds"):
        masks_from_json(masks_json([2, 3], "6"))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        masks_json([2, 3], "6", frame_idx=10**30),
        masks_json([2, 3], "6", frame_idx="x"),
        masks_json([2, 3], "6", score="x"),
        masks_json([2, 3], "6", score=float("nan")),
        masks_json([2, 3], "6", frame_idx=1.7),
        masks_json([2, 3], "6", frame_idx=1.0),
        masks_json([2, 3], "6", frame_idx="3"),
        masks_json([2, 3], "6", frame_idx=True),
        masks_json([2, 3], "6", frame_idx=-1),
        masks_json([2, 3], "6", score="0.5"),
        masks_json([2, 3], "6", score=False),
        masks_json([2, 3], "6", score=None),
        masks_json([2, 3], "6", score=1e300),
        masks_json([2, 3], "6", score=10**400),
        masks_json([2, 3], "6", time_s="0"),
        masks_json([2, 3], "6", time_s=None),
        masks_json([2, 3], "6", time_s=float("inf")),
        masks_json([2, 3], "6", time_s=10**400),
        masks_json([2, 3], "6", rle=[]),
        masks_json([2, 3], "6", rle={"size": [2, 3], "counts": 6}),
        masks_json([2.0, 3], "6"),
        masks_json([True, 6], "6"),
        masks_json("23"),
        masks_json([2, 3, 1]),
    ],
    ids=range(25),
)
def test_other_json_is_an_input_error(text: str) -> None:
    with warnings.catch_warnings(), pytest.raises(InputError):
        warnings.simplefilter("error")
        masks_from_json(text)


_NO_LISTS = ['{"masks": {}}', '{"masks": ""}', '{"masks": [{"size": [2, 3], "frames": {}}]}']


@pytest.mark.parametrize(
    "text", [*_NO_LISTS, "", '""', "{}", '{"masks": [{}]}', '{"masks": 3}', "[1]"]
)
def test_refuses_other_json(text: str) -> None:
    with pytest.raises(InputError, match="expected the JSON of an answer"):
        masks_from_json(text)


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
