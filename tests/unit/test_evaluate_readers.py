"""Data sets as their publishers lay them out, read record by record; what is missing is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.evaluation_sets import (
    annotation,
    code,
    square,
    touch,
    write_charades,
    write_davis,
    write_frames,
    write_json,
    write_labels,
    write_mevis,
    write_mvbench,
    write_pixhqa,
    write_pixrqa,
    write_pixtrqa,
    write_released,
    write_revos,
    write_videorefer_d,
    write_videorefer_q,
    write_youtube,
)
from ufvideo_sdk import ConfigError, InputError, demo_clip
from ufvideo_sdk.evaluate import (
    BENCHMARKS,
    DataSet,
    Prediction,
    Reason,
    Record,
    check_videos,
    read_data_set,
    score_data_set,
)


def changed(path: Path, change: Callable[[Any], None]) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    write_json(path, content)


def only(found: DataSet) -> Record:
    (record,) = found.records
    assert record.problem is None, record.problem_text
    return record


def pixels(record: Record, idx: int, number: int = 0) -> np.ndarray:
    mask = record.objects[number][idx]
    assert mask is not None
    return mask.pixels()


def test_mevis_val_u(tmp_path: Path) -> None:
    found = read_data_set("mevis-val-u", write_mevis(tmp_path))
    assert [record.key for record in found.records] == ["clip/0", "clip/1"]
    assert not found.problems and found.has_truth
    first, both = found.records
    assert first.question == "Please segment the the square moving in this image."
    assert first.scored_idxs == (0, 1, 2) and first.video_name == "clip"
    assert [path.name for path in first.frames] == ["00000.jpg", "00001.jpg", "00002.jpg"]
    np.testing.assert_array_equal(pixels(first, 2), square(6))
    assert first.objects[0][1] is None
    np.testing.assert_array_equal(pixels(both, 0), square(2) | square(20))
    # The folder of the split will do, and so will the videos elsewhere.
    (tmp_path / "valid_u" / "JPEGImages").rename(tmp_path / "frames")
    found = read_data_set("mevis-val-u", tmp_path / "valid_u", videos=tmp_path / "frames")
    assert not found.problems


def test_mevis_val_has_no_truth(tmp_path: Path) -> None:
    found = read_data_set("mevis-val", write_mevis(tmp_path, "valid"))
    assert not found.has_truth and not found.problems
    assert found.records[0].objects == () and found.records[0].scored_idxs == (0, 1, 2)
    assert "a server scores" in found.summary()[-1]


def test_revos(tmp_path: Path) -> None:
    found = read_data_set("revos", write_revos(tmp_path))
    assert [record.group for record in found.records] == ["referring", "reasoning", "absent"]
    assert found.records[0].video_name == "UVO/clip"
    assert set(found.records[2].objects[0].values()) == {None}
    np.testing.assert_array_equal(pixels(found.records[1], 1), square(4))


@pytest.mark.parametrize("with_truth", [True, False])
def test_ref_youtube_vos(tmp_path: Path, with_truth: bool) -> None:
    found = read_data_set("ref-youtube-vos", write_youtube(tmp_path, with_truth=with_truth))
    record = only(found)
    assert found.has_truth is with_truth
    assert record.key == "clip/0", "the test set's video is none of the valid set"
    assert record.scored_idxs == ((0, 2) if with_truth else (0, 1, 2))
    if with_truth:
        np.testing.assert_array_equal(pixels(record, 2), square(4))
        assert not record.void[0].pixels().any()


def test_ref_davis17(tmp_path: Path) -> None:
    found = read_data_set("ref-davis17", write_davis(tmp_path))
    assert len(found.records) == 8 and not found.problems
    assert len({record.group for record in found.records}) == 4
    first, second = found.records[:2]
    assert first.key == "dogs-scale/1/Davis17_annot1" and "a dog, caf\u00e9" in first.question
    np.testing.assert_array_equal(pixels(first, 1), square(4))
    np.testing.assert_array_equal(pixels(second, 1), square(20))
    path = tmp_path / "davis_text_annotations" / "Davis17_annot1.txt"
    path.write_text("dogs-scale 1 a dog\n", encoding="utf-8")
    assert "the a dog in" in read_data_set("ref-davis17", tmp_path).records[0].question
    path.write_text("dogs-scale a dog\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"annot1\.txt:1: expected VIDEO OBJECT"):
        read_data_set("ref-davis17", tmp_path)


def test_ref_davis17_in_the_layout_of_youtube(tmp_path: Path) -> None:
    names = write_frames(tmp_path / "valid" / "JPEGImages" / "clip", 1)
    write_labels(tmp_path / "valid" / "Annotations" / "clip" / "00000.png", square(2), square(20))
    expressions = {str(k): {"exp": "a dog", "obj_id": str(1 + k // 4)} for k in range(8)}
    videos = {"clip": {"expressions": expressions, "frames": names}}
    write_json(
        tmp_path / "meta_expressions" / "valid" / "meta_expressions.json", {"videos": videos}
    )
    found = read_data_set("ref-davis17", tmp_path)
    assert len({record.group for record in found.records}) == 4
    assert [record.group for record in found.records[::4]] == ["Davis17_annot1"] * 2
    np.testing.assert_array_equal(pixels(found.records[5], 0), square(20))


def test_charades_sta(tmp_path: Path) -> None:
    found = read_data_set("charades-sta", write_charades(tmp_path))
    first, second = found.records
    assert first.span is not None and not first.span.is_fraction
    assert (first.span.start, first.span.end) == (24.3, 30.4)
    assert first.question == (
        "When is person turn a light on occur in the video? Only give the start and end timestamp."
    )
    assert "the person sits" in second.question and second.video.name == "0A8CF.mp4"
    released = write_json(
        tmp_path / "test.json",
        [{"image_id": "Charades_v1_480/3MSZA.mp4", "caption": " Sits.", "timestamp": [0.25, 1]}],
    )
    record = only(read_data_set("charades-sta", released))
    assert record.span is not None and record.span.is_fraction and record.span.end == 1
    assert "When is sits occur" in record.question


def test_mvbench(tmp_path: Path) -> None:
    found = read_data_set("mvbench", write_mvbench(tmp_path))
    assert len(found.records) == 20 and not found.problems
    record = found.records[0]
    assert (record.key, record.group, record.answer_idx) == (
        "action_sequence/0",
        "Action Sequence",
        1,
    )
    assert record.bounds_s == (1.0, 2.5) and found.records[2].bounds_s is None
    assert record.question == (
        "Question: Where does it go?\nOptions:\n(A) left\n(B) right\n(C) up\n"
        "Answer with the option's letter from the given choices directly and only give the best"
        " option."
    )
    frames = next(each for each in found.records if each.group == "Episodic Reasoning")
    assert len(frames.frames) == 4


def test_equal_options_are_equally_right(tmp_path: Path) -> None:
    root = write_mvbench(tmp_path)
    path = root / "json" / "action_count.json"
    changed(path, lambda entries: entries[0].update(candidates=["right", "up", "right"]))
    found = read_data_set("mvbench", root)
    record = next(each for each in found.records if each.group == "Action Count")
    assert record.problem is None and record.answer_idx == 2
    for letter, percent in (("A", 100), ("B", 0), ("C", 100)):
        rows = score_data_set(DataSet("mvbench", (record,)), [Prediction(record.key, letter)])
        assert rows[0].corrected.percent == percent


@pytest.mark.parametrize("multi_frame", [False, True])
def test_videorefer_bench(tmp_path: Path, multi_frame: bool) -> None:
    found = read_data_set("videorefer-q", write_videorefer_q(tmp_path), multi_frame=multi_frame)
    record = only(found)
    assert found.multi_frame is multi_frame
    assert record.question == (
        "What is <object3>[<region>] not wearing? (A) A helmet (B) A hat. Answer with the option's"
        " letter from the given choices directly."
    )
    assert record.options == ("A helmet", "A hat") and record.answer_idx == 1
    assert record.region_idxs == ((0, 2) if multi_frame else (2,)) and len(record.frames) == 4
    changed(tmp_path / "VideoRefer-Bench-Q.json", lambda entries: entries[0].update(Answer="B"))
    assert only(read_data_set("videorefer-q", tmp_path)).answer_idx == 1
    described = only(
        read_data_set("videorefer-d", write_videorefer_d(tmp_path), multi_frame=multi_frame)
    )
    assert described.reference == "A square moves right."
    assert described.video == tmp_path / "Panda-70M-part" / "clip.mp4"


def test_ufvideo_bench(tmp_path: Path) -> None:
    record = only(read_data_set("pixrqa", write_pixrqa(tmp_path)))
    assert record.region_idxs == (0,) and record.scored_idxs == (4, 8)
    assert record.objects[0][8] is None and record.question.endswith("in every frames?")
    later = [annotation((4, square(4)), (8, square(6))), annotation((0, square(2)), (8, square(9)))]
    changed(tmp_path / "PixRQA.json", lambda entries: entries[0].update(annotation=later))
    record = only(read_data_set("pixrqa", tmp_path / "PixRQA.json"))
    assert record.region_idxs == (4,) and record.scored_idxs == (4, 8), "the first object's first"
    record = only(read_data_set("pixhqa", write_pixhqa(tmp_path).parent))
    assert record.question == "What is seen at <TEMP-020>?" and record.scored_idxs == (0, 4)
    record = only(read_data_set("pixtrqa", write_pixtrqa(tmp_path)))
    assert record.span is not None and record.span.start == pytest.approx(10 / 99)
    with pytest.raises(InputError, match=r"(?s)expected one such file, got none.*PixRQA is a file"):
        (tmp_path / "empty").mkdir()
        read_data_set("pixrqa", tmp_path / "empty")


def test_records_of_the_released_code(tmp_path: Path) -> None:
    path = write_released(tmp_path)
    record = only(read_data_set("mevis-val-u", path))
    assert (record.key, record.scored_idxs) == ("4", (0, 1, 2)) and record.objects[0][1] is None
    write_labels(tmp_path / "JPEGImages" / "clip" / "00000.png", square(2), square(20))

    def with_files(records: Any) -> None:
        del records[0]["segmentations"]
        records[0]["file_names"] = records[0]["video"]

    changed(path, with_files)
    record = only(read_data_set("ref-davis17", path))
    assert record.scored_idxs == (0,)
    # All objects of a palette picture are one there.
    np.testing.assert_array_equal(pixels(record, 0), square(2) | square(20))


def test_uncompressed_codes(tmp_path: Path) -> None:
    path = write_pixrqa(tmp_path)
    # Down the columns: eight zeros, four ones, the rest zeros.
    runs = {"size": [4, 6], "counts": [8, 4, 12]}
    changed(path, lambda all_: all_[0]["annotation"][0]["0"].update(segmentation=runs))
    expected = np.zeros((4, 6), bool)
    expected[:, 2] = True
    np.testing.assert_array_equal(pixels(only(read_data_set("pixrqa", path)), 0), expected)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"caption": None}, "caption: expected a string, got nothing"),
        ({"caption": 3}, "caption: expected a string, got '3'"),
        ({"video": ""}, "video: expected a string"),
        ({"annotation": []}, "annotation: expected one object or more"),
        ({"annotation": [{}]}, "expected one frame or more"),
        ({"annotation": [{"x": {"segmentation": None}}]}, "expected an index from 0 on, got 'x'"),
        ({"annotation": [annotation((0, None), (1, None))]}, "expected a mask on the first"),
        ({"annotation": [{"0": {"segmentation": [[1, 2, 3]]}}]}, "got polygons"),
        ({"annotation": [{"0": {"segmentation": {}}}]}, "size: expected [height, width]"),
        (
            {"annotation": [{"0": {"segmentation": {"size": [2, 2], "counts": "1111"}}}]},
            "annotation[0].0.segmentation:",
        ),
        (
            {"annotation": [{"0": {"segmentation": {"size": [2, 2], "counts": [3]}}}]},
            "counts: expected 4 pixels, got 3",
        ),
    ],
)
def test_a_malformed_record_is_kept_with_its_problem(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    path = write_pixrqa(tmp_path)
    changed(path, lambda records: records.append({**records[0], "id": 1, **change}))
    found = read_data_set("pixrqa", path)
    assert [record.problem for record in found.records] == [None, Reason.MALFORMED]
    assert said in found.problems[0].problem_text
    assert any(said in line for line in found.summary())


def test_a_record_that_is_no_object(tmp_path: Path) -> None:
    path = write_pixrqa(tmp_path)
    changed(path, lambda records: records.append(["no object"]))
    assert read_data_set("pixrqa", path).problems[0].problem is Reason.MALFORMED


def test_an_id_that_comes_again(tmp_path: Path) -> None:
    path = write_pixrqa(tmp_path)
    changed(path, lambda records: records.extend([records[0], records[0]]))
    found = read_data_set("pixrqa", path)
    assert [record.key for record in found.records] == ["0", "0 (2)", "0 (3)"]
    assert [record.id for record in found.records] == ["0"] * 3
    assert [record.problem for record in found.records] == [None] + [Reason.DUPLICATE] * 2


def test_videos_that_are_missing(tmp_path: Path) -> None:
    root = write_charades(tmp_path / "charades")
    (root / "Charades_v1_480" / "3MSZA.mp4").unlink()
    found = read_data_set("charades-sta", root)
    assert [record.problem for record in found.records] == [Reason.MISSING_VIDEO, None]
    assert "3MSZA.mp4: expected this file" in found.problems[0].problem_text
    assert "missing video: 1" in found.summary()
    mevis = write_mevis(tmp_path / "mevis")
    (mevis / "valid_u" / "JPEGImages" / "clip" / "00001.jpg").unlink()
    assert len(read_data_set("mevis-val-u", mevis).problems) == 2
    refer = write_videorefer_q(tmp_path / "refer")
    for path in (refer / "DAVIS" / "JPEGImages" / "480p" / "clip").iterdir():
        path.unlink()
    (problem,) = read_data_set("videorefer-q", refer).problems
    assert "a folder of frames" in problem.problem_text


@pytest.mark.parametrize("name", sorted(BENCHMARKS))
def test_an_empty_folder_is_refused_with_the_layout(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError) as refused:
        read_data_set(name, tmp_path)
    assert BENCHMARKS[name].layout.splitlines()[0] in str(refused.value)
    with pytest.raises(InputError, match="expected a folder or a file, got none"):
        read_data_set(name, tmp_path / "none")


def test_what_is_no_benchmark_or_no_setting_of_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected one of pixrqa, .*, got 'mevis'"):
        read_data_set("mevis", tmp_path)
    with pytest.raises(ConfigError, match="VideoRefer-Bench only"):
        read_data_set("mevis-val-u", write_mevis(tmp_path), multi_frame=True)
    with pytest.raises(InputError, match="videos: expected a folder"):
        read_data_set("mevis-val-u", tmp_path, videos=tmp_path / "none")
    write_json(tmp_path / "empty.json", [])
    with pytest.raises(InputError, match="expected one record or more"):
        read_data_set("revos", tmp_path / "empty.json")
    touch(tmp_path / "broken.json")
    with pytest.raises(InputError, match=r"broken\.json: expected JSON"):
        read_data_set("revos", tmp_path / "broken.json")


def test_frames_of_masks_and_of_the_video_must_be_as_many(tmp_path: Path) -> None:
    root = write_mevis(tmp_path)
    changed(root / "valid_u" / "mask_dict.json", lambda codes: codes["7"].append(code(square(2))))
    found = read_data_set("mevis-val-u", root)
    assert {record.problem for record in found.records} == {Reason.MALFORMED}
    assert "expected 3 frames of the video, got 4" in found.problems[0].problem_text


def test_videos_are_opened_before_a_run(tmp_path: Path) -> None:
    root = write_charades(tmp_path / "charades")
    folder = root / "Charades_v1_480"
    (folder / "3MSZA.mp4").write_bytes(demo_clip().read_bytes())
    (folder / "0A8CF.mp4").write_bytes(b"no video")
    told: list[tuple[int, int]] = []
    found = check_videos(
        read_data_set("charades-sta", root), on_progress=lambda done, of: told.append((done, of))
    )
    assert told == [(0, 2), (1, 2), (2, 2)]
    assert [record.problem for record in found.records] == [None, Reason.UNREADABLE_VIDEO]
    assert "0A8CF.mp4: expected a video" in found.problems[0].problem_text
    mevis = write_mevis(tmp_path / "mevis")
    assert not check_videos(read_data_set("mevis-val-u", mevis)).problems
    (mevis / "valid_u" / "JPEGImages" / "clip" / "00000.jpg").write_bytes(b"no picture")
    assert len(check_videos(read_data_set("mevis-val-u", mevis)).problems) == 2
    (folder / "3MSZA.mp4").unlink()
    found = check_videos(read_data_set("charades-sta", root))
    assert found.records[0].problem is Reason.MISSING_VIDEO
