"""Results for other libraries: what these read is what the tracks hold."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.compare import EXACT, assert_close
from tests.unit.drawn_answers import (
    drawn_answer,
    drawn_clip,
    drawn_image,
    emptied,
    located,
    segmented,
)
from ufvideo_sdk import ConfigError, InputError, ObjectMask, TimeSpan


def half_empty() -> Any:
    """Two objects on three frames of a clip that begins late; the second is never seen."""
    answer = drawn_answer(drawn_clip(start_s=10.5), num_objects=2)
    first, second = answer.masks
    return replace(answer, masks=(first, emptied(second)))


def test_supervision_reads_the_detections_of_each_frame() -> None:
    supervision = pytest.importorskip("supervision")
    answer = half_empty()
    track, _ = answer.masks
    by_frame = answer.to_supervision()
    assert list(by_frame) == track.frame_idxs.tolist() and len(by_frame) == 3
    for position, (frame_idx, found) in enumerate(by_frame.items()):
        assert isinstance(found, supervision.Detections) and len(found) == 1
        assert frame_idx == track.frame_idxs[position]
        assert_close(found.mask[0], track[position].pixels(), EXACT)
        assert found.xyxy[0].tolist() == track.boxes[position].tolist()
        assert found.confidence[0] == track.scores[position]
        assert found.class_id.tolist() == [0] and found.tracker_id.tolist() == [1]
        assert found["class_name"].tolist() == ["object 1"]
        # Its own arithmetic of areas holds for boxes whose end is exclusive.
        assert found.box_area[0] == found.mask[0].sum(), "the object is a square"
    with pytest.raises(KeyError):
        by_frame[99]
    (frame, *_) = answer.by_frame()
    assert frame.to_supervision() == by_frame[frame.frame_idx]
    assert track.to_supervision()[frame.frame_idx] == by_frame[frame.frame_idx]
    named = segmented(answer.clip, answer.masks[:1], expression="the car").to_supervision()
    assert named[frame.frame_idx]["class_name"].tolist() == ["the car"]


def test_supervision_draws_them() -> None:
    supervision = pytest.importorskip("supervision")
    answer = drawn_answer(num_objects=2)
    frame_idx = int(answer.masks[0].frame_idxs[1])
    found = answer.to_supervision()[frame_idx]
    picture = answer.clip.read([frame_idx])[0]
    drawn = supervision.MaskAnnotator().annotate(picture.copy(), found)
    drawn = supervision.BoxAnnotator().annotate(drawn, found)
    assert (drawn != picture).any(axis=-1)[found.mask.any(axis=0)].mean() > 0.9


def test_a_frame_without_an_object_is_empty_to_supervision() -> None:
    supervision = pytest.importorskip("supervision")
    (_, unseen) = half_empty().masks
    for found in unseen.to_supervision().values():
        assert found == supervision.Detections.empty()
    nothing = drawn_answer(num_objects=0).to_supervision()
    assert len(nothing) == 0 and dict(nothing) == {}


def test_only_the_frame_that_is_looked_up_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("supervision")
    decoded: list[int] = []
    decode = ObjectMask.pixels

    def counted(mask: ObjectMask) -> Any:
        decoded.append(mask.num_pixels)
        return decode(mask)

    monkeypatch.setattr(ObjectMask, "pixels", counted)
    by_frame = drawn_answer(num_objects=2, mask_every=1).to_supervision()
    assert list(by_frame) and decoded == []
    assert len(by_frame[3]) == len(decoded) == 2


def test_supervision_does_not_take_a_track_for_another_librarys_result() -> None:
    """Detections without a word would be worse than an error."""
    supervision = pytest.importorskip("supervision")
    (track,) = drawn_answer().masks
    with pytest.raises(AttributeError):
        supervision.Detections.from_ultralytics(track)


# Its compiled half, of NumPy's older protocol.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_pycocotools_reads_the_masks() -> None:
    coco_module = pytest.importorskip("pycocotools.coco")
    answer = half_empty()
    track, _ = answer.masks
    content = answer.to_coco()
    assert json.loads(json.dumps(content)) == content
    data_set = coco_module.COCO()
    data_set.dataset = content
    data_set.createIndex()
    assert data_set.getImgIds() == track.frame_idxs.tolist()
    assert [each["name"] for each in data_set.loadCats(data_set.getCatIds())] == [
        "object 1",
        "object 2",
    ]
    assert data_set.getAnnIds(catIds=[2]) == [], "a mask without a pixel is no annotation"
    for position, frame_idx in enumerate(track.frame_idxs.tolist()):
        (annotation,) = data_set.loadAnns(data_set.getAnnIds(imgIds=[frame_idx]))
        mask = track[position].pixels()
        assert_close(data_set.annToMask(annotation).astype(bool), mask, EXACT)
        rows, columns = np.nonzero(mask)
        sides = [np.ptp(columns) + 1, np.ptp(rows) + 1]
        assert annotation["bbox"] == [columns.min(), rows.min(), *sides]
        assert annotation["area"] == mask.sum() and annotation["iscrowd"] == 0
        assert annotation["score"] == float(track.scores[position])
        image = data_set.imgs[frame_idx]
        assert (image["height"], image["width"]) == mask.shape
        assert image["time_s"] == track.times_s[position]
        assert image["file_name"] == f"frames/{frame_idx:05d}.jpg"


def test_results_of_coco_can_be_compared_with_themselves(
    capsys: pytest.CaptureFixture[str],
) -> None:
    coco_module = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    answer = drawn_answer(num_objects=2)
    truth = coco_module.COCO()
    truth.dataset = answer.to_coco()
    truth.createIndex()
    scored = evaluation.COCOeval(truth, truth.loadRes(answer.to_coco()["annotations"]), "segm")
    scored.evaluate()
    scored.accumulate()
    scored.summarize()
    assert scored.stats[0] == pytest.approx(1.0)


def test_coco_needs_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    image = drawn_answer(drawn_image(), spans=(), mask_every=1).to_coco()
    assert image["images"][0]["file_name"] == "image" and len(image["annotations"]) == 1
    nothing = located(drawn_clip()).to_coco()
    assert nothing["images"] == nothing["annotations"] == nothing["categories"] == []


def test_pandas_has_a_row_for_each_object_and_frame() -> None:
    pandas = pytest.importorskip("pandas")
    answer = half_empty()
    track, unseen = answer.masks
    table = answer.to_pandas()
    assert isinstance(table, pandas.DataFrame)
    names = ["object", "frame_idx", "time_s", "score", "num_pixels", "x1", "y1", "x2", "y2"]
    assert list(table.columns) == names and len(table) == 6
    first, second = (table[table.object == number] for number in (1, 2))
    for own, name in ((track, first), (unseen, second)):
        assert name.frame_idx.tolist() == own.frame_idxs.tolist()
        assert name.time_s.tolist() == own.times_s.tolist()
        assert name.score.tolist() == own.scores.tolist()
        assert name.num_pixels.tolist() == own.num_pixels.tolist()
        assert name[["x1", "y1", "x2", "y2"]].to_numpy().tolist() == own.boxes.tolist()
    spans = answer.to_pandas("spans")
    assert spans.to_dict("list") == {"start_s": [10.5], "end_s": [11.75]}
    found = located(answer.clip, [TimeSpan(10.5, 11.0)]).to_pandas()
    assert found.to_dict("list") == {"start_s": [10.5], "end_s": [11.0]}
    nothing = segmented(answer.clip).to_pandas()
    assert list(nothing.columns) == names and len(nothing) == 0
    assert nothing.dtypes.tolist() == table.dtypes.tolist()
    with pytest.raises(
        InputError, match='table: expected "masks", "spans" or "events", got str \'frames\''
    ):
        answer.to_pandas("frames")


@pytest.mark.parametrize(
    ("library", "convert"),
    [
        ("supervision", lambda answer: answer.to_supervision()),
        ("supervision", lambda answer: answer.masks[0].to_supervision()),
        ("supervision", lambda answer: next(answer.by_frame()).to_supervision()),
        ("pandas", lambda answer: answer.to_pandas()),
    ],
)
def test_a_missing_library_is_named_with_its_command(
    monkeypatch: pytest.MonkeyPatch, library: str, convert: Any
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    expected = f"expected the library {library}, got: .*; install it with: pip install {library}$"
    with pytest.raises(ConfigError, match=expected) as caught:
        convert(drawn_answer())
    assert isinstance(caught.value.__cause__, ImportError)
