"""Masks as folders of PNG files, which appear whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.compare import EXACT, assert_close
from tests.unit.drawn_answers import drawn_answer, drawn_clip, drawn_image, emptied, segmented
from ufvideo_sdk import Answer, CapacityError, InputError, MaskTrack, StopReason
from ufvideo_sdk.atomic_file import new_folder
from ufvideo_sdk.render.mask_files import colour_table
from ufvideo_sdk.results.coco import video_name


def read(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        return np.array(picture)


def names_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_for_each_object_and_frame(tmp_path: Path) -> None:
    answer = drawn_answer(num_objects=2)
    first, second = answer.masks
    answer = replace(answer, masks=(first, emptied(second)))
    answer.save_masks(tmp_path / "masks")
    assert names_in(tmp_path) == [
        f"masks/object_{number}/{idx:05d}.png" for number in (1, 2) for idx in (0, 4, 8)
    ]
    for number, track in enumerate(answer.masks, start=1):
        for position, idx in enumerate(track.frame_idxs.tolist()):
            path = tmp_path / "masks" / f"object_{number}" / f"{idx:05d}.png"
            with Image.open(path) as picture:
                assert picture.mode == "L"
            assert set(np.unique(read(path))) <= {0, 255}
            assert_close(read(path) == 255, track[position].pixels(), EXACT)


def test_the_folders_of_youtube_vos(tmp_path: Path) -> None:
    clip = drawn_clip()
    first, second = drawn_answer(clip, num_objects=2).masks
    # The second object is seen on the first frame alone.
    masks = second.masks.copy()
    masks[1:] = False
    second = MaskTrack.from_masks(second.frame_idxs, second.times_s, masks, second.scores)
    found = segmented(clip, [first, second], expression="the ball")
    found.save_masks(str(tmp_path / "out"), layout="youtube-vos")
    pictures = [f"out/Annotations/frames/{idx:05d}.png" for idx in (0, 4, 8)]
    assert names_in(tmp_path) == [*pictures, "out/meta.json"]
    for position, name in enumerate(pictures):
        with Image.open(tmp_path / name) as picture:
            assert picture.mode == "P"
            assert picture.getpalette()[:9] == [0, 0, 0, 128, 0, 0, 0, 128, 0]
        labels = read(tmp_path / name)
        assert_close(labels == 1, first[position].pixels(), EXACT)
        assert_close(labels == 2, second[position].pixels(), EXACT)
    assert json.loads((tmp_path / "out" / "meta.json").read_text(encoding="utf-8")) == {
        "videos": {
            "frames": {
                "objects": {
                    "1": {"category": "the ball", "frames": ["00000", "00004", "00008"]},
                    "2": {"category": "the ball", "frames": ["00000"]},
                }
            }
        }
    }


def overlapping(*scores: float) -> Answer:
    """An answer about a picture whose objects all hold its left half."""
    clip = drawn_image()
    masks = np.zeros((1, clip.height, clip.width), np.bool_)
    masks[0, :, : clip.width // 2] = True
    tracks = tuple(
        MaskTrack.from_masks(clip.frame_idxs, clip.timestamps_s, masks, np.array([score], "f4"))
        for score in scores
    )
    return replace(drawn_answer(clip, num_objects=0, spans=()), masks=tracks)


@pytest.mark.parametrize(("scores", "label"), [((0.2, 0.9, 0.5), 2), ((0.5, 0.5), 1), ((0.1,), 1)])
def test_a_pixel_belongs_to_the_best_score(
    tmp_path: Path, scores: tuple[float, ...], label: int
) -> None:
    overlapping(*scores).save_masks(tmp_path / "out", "youtube-vos")
    labels = read(tmp_path / "out" / "Annotations" / "image" / "00000.png")
    assert labels[:, :80].tolist() == [[label] * 80] * 120 and not labels[:, 80:].any()


def test_the_colours_are_those_of_pascal_voc() -> None:
    table = colour_table()
    known = {0: (0, 0, 0), 1: (128, 0, 0), 2: (0, 128, 0), 3: (128, 128, 0), 4: (0, 0, 128)}
    known |= {8: (64, 0, 0), 15: (192, 128, 128)}
    assert {label: tuple(table[label].tolist()) for label in known} == known
    assert table.shape == (256, 3) and len({tuple(row) for row in table.tolist()}) == 256
    assert tuple(table[255].tolist()) == (224, 224, 192)


@pytest.mark.parametrize(
    ("name", "folder"),
    [("ball.mp4", "ball"), ("a.b.mkv", "a.b"), ("..", "video"), ("a/b.mp4", "a_b"), ("x", "x")],
)
def test_a_video_has_the_folder_of_its_name(name: str, folder: str) -> None:
    assert video_name(name) == folder


def test_what_is_refused(tmp_path: Path) -> None:
    answer = drawn_answer()
    (tmp_path / "file").write_text("as it was")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("as it was")
    wrong: list[tuple[Any, Any, str]] = [
        ("file", "png", "expected a new or an empty folder, got a plain file"),
        ("full", "png", "got one that holds files: .*full; name another folder"),
        ("full", "youtube-vos", "got one that holds files"),
        ("file/out", "png", "expected a folder that exists"),
        ("missing/out", "png", "expected a folder that exists, got .*missing"),
        ("out", "davis", 'layout: expected "png" or "youtube-vos", got str \'davis\''),
        ("out", None, "layout: expected .* got NoneType"),
        (3, "png", "folder: expected a path"),
    ]
    for name, layout, message in wrong:
        folder = tmp_path / name if isinstance(name, str) else name
        with pytest.raises(InputError, match=message):
            answer.save_masks(folder, layout)
    with pytest.raises(InputError, match=r"expected a result with masks, got Answer\("):
        replace(answer, masks=()).save_masks(tmp_path / "out")
    many = overlapping(*[0.5] * 256)
    with pytest.raises(InputError, match=r"at most 255 objects in a picture, got 256; layout="):
        many.save_masks(tmp_path / "out", "youtube-vos")
    assert names_in(tmp_path) == ["file", "full/mine.txt"]
    assert {path.read_text() for path in tmp_path.rglob("*.txt")} == {"as it was"}


def test_an_empty_folder_takes_them_and_keeps_its_mode(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir(mode=0o750)
    (tmp_path / "link").symlink_to(empty)
    drawn_answer().save_masks(tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and len(names_in(empty)) == 3
    assert empty.stat().st_mode & 0o777 == 0o750
    with pytest.raises(InputError, match="holds files"):
        drawn_answer().save_masks(empty)


def test_the_working_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(InputError, match="expected another folder than the working folder"):
        drawn_answer().save_masks(".")
    drawn_answer().save_masks("masks")
    assert len(names_in(tmp_path / "here" / "masks")) == 3


@pytest.mark.parametrize("layout", ["png", "youtube-vos"])
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), CapacityError),
        (OSError(errno.EIO, "Input/output error"), InputError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_failure_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    layout: str,
    error: BaseException,
    kind: type[BaseException],
) -> None:
    save, saved = Image.Image.save, []

    def fail(picture: Image.Image, *arguments: Any, **options: Any) -> None:
        if len(saved) == 2:
            raise error
        saved.append(save(picture, *arguments, **options))

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(kind):
        drawn_answer().save_masks(tmp_path / "out", layout)
    assert len(saved) == 2 and list(tmp_path.iterdir()) == []


def test_what_appears_meanwhile_is_never_replaced(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with pytest.raises(InputError, match="holds files"), new_folder(target) as draft:
        (draft / "ours").write_text("ours")
        target.mkdir()
        (target / "theirs").write_text("theirs")
    assert names_in(tmp_path) == ["out/theirs"]


def test_drafts_of_killed_processes_are_removed_and_no_others(tmp_path: Path) -> None:
    left, locked, near = (
        tmp_path / name
        for name in (
            ".ufvideo-0123456789abcdef.draft",
            ".ufvideo-1123456789abcdef.draft",
            "x.draft",
        )
    )
    for folder in (left, locked, near):
        (folder / "Annotations").mkdir(parents=True)
        (folder / "Annotations" / "00000.png").touch()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").touch()
    (left / "link").symlink_to(outside)
    descriptor = os.open(locked, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        drawn_answer().save_masks(tmp_path / "out")
    finally:
        os.close(descriptor)
    assert not left.exists() and locked.is_dir() and near.is_dir()
    assert (outside / "mine").is_file(), "a link in a draft is removed, not what it names"


def test_masks_are_decoded_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        pytest.fail("all masks were decoded at once")

    monkeypatch.setattr(MaskTrack, "masks", property(fail))
    answer = drawn_answer(num_objects=2)
    for layout in ("png", "youtube-vos"):
        answer.save_masks(tmp_path / layout, layout)
    assert answer.stop_reason is StopReason.END
