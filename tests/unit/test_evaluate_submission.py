"""Zip files for servers: a picture for each frame, none left out."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.unit.evaluation_sets import object_mask, square, write_mevis, write_revos, write_youtube
from ufvideo_sdk import InputError
from ufvideo_sdk.evaluate import Prediction, Reason, read_data_set, write_submission


def test_mevis_val(tmp_path: Path) -> None:
    data_set = read_data_set("mevis-val", write_mevis(tmp_path, "valid"))
    masks = ({0: object_mask(square(2)), 1: object_mask(square(4)), 2: object_mask(square(6))},)
    path = tmp_path / "mevis.zip"
    failed = write_submission(data_set, [Prediction("clip/0", masks=masks)], path)
    assert failed == {Reason.NO_ANSWER.value: 1}
    with zipfile.ZipFile(path) as file:
        assert sorted(file.namelist()) == [
            f"clip/{expression}/{frame:05d}.png" for expression in (0, 1) for frame in range(3)
        ]
        right = np.asarray(Image.open(io.BytesIO(file.read("clip/0/00001.png"))))
        empty = np.asarray(Image.open(io.BytesIO(file.read("clip/1/00001.png"))))
    np.testing.assert_array_equal(right, square(4) * np.uint8(255))
    assert empty.shape == (24, 32) and not empty.any()
    assert not list(tmp_path.glob(".*.part"))


def test_ref_youtube_vos(tmp_path: Path) -> None:
    data_set = read_data_set("ref-youtube-vos", write_youtube(tmp_path, with_truth=False))
    path = tmp_path / "youtube.zip"
    frames = {0: object_mask(square(2))}
    assert write_submission(data_set, [Prediction("clip/0", masks=(frames,))], path) == {
        Reason.MISSING_FRAME.value: 1
    }
    assert write_submission(data_set, [Prediction("clip/0")], path) == {Reason.NUM_MASKS.value: 1}
    with zipfile.ZipFile(path) as file:
        assert sorted(file.namelist())[0] == "Annotations/clip/0/00000.png"
        assert len(file.namelist()) == 3


def test_what_no_server_takes_is_refused(tmp_path: Path) -> None:
    revos = read_data_set("revos", write_revos(tmp_path / "revos"))
    with pytest.raises(InputError, match="that a server scores, mevis-val or ref-youtube-vos"):
        write_submission(revos, [], tmp_path / "a.zip")
    data_set = read_data_set("mevis-val", write_mevis(tmp_path / "mevis", "valid"))
    wrong = Prediction("clip/0", masks=({0: object_mask(square(2)[:12])},))
    with pytest.raises(InputError, match=r"a mask of \[24, 32\] as 00000\.jpg, got \[12, 32\]"):
        write_submission(data_set, [wrong], tmp_path / "a.zip")
    with pytest.raises(InputError, match="can be written"):
        write_submission(data_set, [], tmp_path / "none" / "a.zip")
    data_set.records[0].frames[0].unlink()
    with pytest.raises(InputError, match="expected a picture"):
        write_submission(data_set, [], tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()
