"""Something that is not there: nano says so, and so does what is made of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

from tests.compare import mask_iou
from tests.unit.drawn_answers import drawn_answer, drawn_clip, emptied
from training.demo import SEED
from training.world import make_scene, render
from training.world.scene import COLORS, KINDS
from training.world.sentences import name
from ufvideo_sdk import GenerationConfig, InputError, UFVideo
from ufvideo_sdk.render.draw import caption_band, mask_times_s, object_line
from ufvideo_sdk.results.masks import MaskTrack


@pytest.fixture(scope="module")
def scene() -> Any:
    return make_scene(SEED)


@pytest.fixture(scope="module")
def session(scene: Any) -> Iterator[Any]:
    with UFVideo.load().open(render(scene).frames, timestamps_s=scene.times_s) as session:
        yield session


def test_what_is_not_there_has_no_mask(session: Any, scene: Any) -> None:
    kinds = {thing.kind for thing in scene.things}
    missing = [kind for kind in KINDS if kind not in kinds][:2]
    for color, kind in product(COLORS[:3], missing):
        expression = f"{color} {kind}"
        assert session.segment(expression, allow_absent=True) == [], expression
        assert list(session.segment_stream(expression, allow_absent=True)) == [], expression
        (held,) = session.segment(expression)
        assert held.scores.mean() > 0.5, "a score does not say whether the object is there"
        assert repr(held).endswith("empty)") == held.is_empty


def test_what_is_there_has_the_mask_that_ask_gives(session: Any, scene: Any) -> None:
    for thing in scene.things:
        (track,) = session.segment(name(thing), allow_absent=True)
        (asked,) = session.ask(f"Please segment the {name(thing)} in this image.").masks
        # ONNX Runtime 1.22 rounds otherwise where more of the prompt is cached.
        assert (track.masks ^ asked.masks).mean() < 1e-4
        (held,) = session.segment(name(thing))
        assert mask_iou(track.masks, held.masks) > 0.99
        assert not track.is_empty


def test_what_segment_refuses(session: Any) -> None:
    with pytest.raises(InputError, match="allow_absent=True beside it"):
        session.segment("circle", config=GenerationConfig(max_new_tokens=3))
    stops = GenerationConfig(stop_strings=(".",))
    with pytest.raises(InputError, match="no stop_strings"):
        session.segment("circle", allow_absent=True, config=stops)
    with pytest.raises(InputError, match="expected words"):
        session.segment(" ", allow_absent=True)
    # Cut off before a [SEG], nothing was named.
    assert session.segment("ring", allow_absent=True, config=GenerationConfig(1)) == []


def test_pictures_say_that_a_mask_is_empty() -> None:
    answer = drawn_answer(drawn_clip(), num_objects=1)
    (track,) = answer.masks
    empty = emptied(track)
    same = drawn_answer(drawn_clip(), num_objects=1)
    object.__setattr__(same, "masks", (empty,))
    assert len(mask_times_s(answer)) == len(track.frame_idxs) and mask_times_s(same) == []
    assert object_line("the ring", track).startswith("the ring: 3 frames, score 0.")
    assert object_line("the ring", empty) == "the ring: not found on 3 frames"
    runs = (track.runs[0], empty.runs[1], track.runs[2])
    gone = MaskTrack(track.frame_idxs, track.times_s, runs, track.scores, track.height, track.width)
    score = (track.scores[0] + track.scores[2]) / 2
    assert object_line("the ring", gone) == f"the ring: 2 of 3 frames, score {score:.2f}"
    bands = [caption_band(each, width_px=640, font_px=20) for each in (answer, same)]
    assert bands[0].shape != bands[1].shape or not np.array_equal(*bands)
