"""nano with encoders of fixed scales: as near to float as those that quantise as they run."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("torch", reason="needs the export extra")
import onnxruntime

from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.package.write_package import file_entry
from ufvideo_export.precision import Quantization
from ufvideo_export.spec import stage_specs
from ufvideo_export.stages import STAGES
from ufvideo_sdk import UFVideo, demo_clip
from ufvideo_sdk.demo.files import TRUTH_NAME, shipped_file
from ufvideo_sdk.demo.questions import read_questions
from ufvideo_sdk.demo.run import compare
from ufvideo_sdk.package.file_names import MANIFEST_NAME
from ufvideo_sdk.package.manifest import read_manifest
from ufvideo_sdk.package.shipped_package import SHIPPED_NAME, shipped_package
from ufvideo_sdk.video.video_file import open_source

pytestmark = pytest.mark.torch
ROOT = Path(__file__).parents[2]
CHECKPOINT = ROOT / "training" / SHIPPED_NAME / "checkpoint"
ENCODERS = ("vision_encoder", "mask_encoder")
# Measured on the demo's clip: see the table in docs/guides/precision.md.
MAX_TIMES_DYNAMIC = 1.5


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the encoders in fp32."""
    folder = tmp_path_factory.mktemp("plain")
    checkpoint = Checkpoint(CHECKPOINT)
    for stem in ENCODERS:
        spec = stage_specs(checkpoint, "fp32")[stem]
        STAGES[stem](checkpoint, spec, "fp32").write(folder / f"{stem}.onnx")
    return folder


@pytest.fixture(scope="module")
def static(tmp_path_factory: pytest.TempPathFactory, plain: Path) -> Path:
    """The package that ships, its encoders in int8 with scales of drawn frames."""
    package = shutil.copytree(shipped_package(), tmp_path_factory.mktemp("static") / "nano")
    checkpoint = Checkpoint(CHECKPOINT)
    manifest = read_manifest(package)
    stages = dict(manifest.stages)
    for stem in ENCODERS:
        spec = stage_specs(checkpoint, "fp32")[stem]
        path = Path(shutil.copy(plain / f"{stem}.onnx", package))
        stage: Any = STAGES[stem](checkpoint, spec, "int8", Quantization(encoder_int8="qdq"))
        stage.quantize(path)
        entry = file_entry(package, path.name)
        stages[stem] = dataclasses.replace(stages[stem], graph=entry, weights=None)
    written = dataclasses.replace(manifest, stages=stages)
    (package / MANIFEST_NAME).write_text(written.to_json(), encoding="utf-8")
    return package


def clip_frames(side_px: int) -> list[NDArray[np.uint8]]:
    """Frames of the demo's clip as an encoder reads them, uint8 [1, S, S, 3]."""
    source = open_source(demo_clip())
    idxs = list(range(0, len(source.timestamps_s), 12))
    return [
        np.asarray(Image.fromarray(frame).resize((side_px, side_px)), np.uint8)[None]
        for frame in source.frames(idxs)
    ]


def outputs(path: Path, frames: list[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
    """Each output over all frames."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    each: Any = [session.run(None, {"frames": frame}) for frame in frames]
    return [np.concatenate(values) for values in zip(*each, strict=True)]


@pytest.mark.parametrize("stem", ENCODERS)
def test_error_beside_that_of_dynamic_scales(static: Path, plain: Path, stem: str) -> None:
    video = read_manifest(static).video
    frames = clip_frames(video.vision_size_px if stem == "vision_encoder" else video.mask_size_px)
    paths = {"fp32": plain, "dynamic": shipped_package(), "qdq": static}
    found = {name: outputs(folder / f"{stem}.onnx", frames) for name, folder in paths.items()}
    for place, expected in enumerate(found["fp32"]):
        scale = np.square(expected).mean()
        dynamic, qdq = (
            float(np.sqrt(np.square(found[name][place] - expected).mean() / scale))
            for name in ("dynamic", "qdq")
        )
        assert qdq < MAX_TIMES_DYNAMIC * dynamic, (place, qdq, dynamic)


def test_the_demo_is_answered_as_well(static: Path) -> None:
    def right(package: Path) -> list[bool]:
        with UFVideo.load(package).open(demo_clip()) as session:
            return [comparison.is_right for comparison in compare(session)]

    assert len(read_questions(shipped_file(TRUTH_NAME))) == len(right(static))
    assert all(right(static)) and all(right(shipped_package()))
