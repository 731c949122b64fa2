"""Each error class, provoked through the border."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bindings.conftest import Golden, native_config
from ufvideo_sdk import _native, errors


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"providers": ("tpu",)}, "tpu"),
        ({"providers": ()}, "at least one"),
        ({"providers": ["cpu"]}, "a tuple of names"),
        ({"num_threads": 0}, "num_threads"),
        ({"prefill_chunk_tokens": 0}, "prefill_chunk_tokens"),
    ],
)
def test_runtime_config_error(options: dict[str, Any], text: str) -> None:
    with pytest.raises(errors.ConfigError, match=text):
        native_config(**options)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens"),
        ({"temperature": -1.0}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_k": 0}, "top_k"),
        ({"top_p": 0.0}, "top_p"),
        ({"top_p": 1.5}, "top_p"),
        ({"repetition_penalty": 0.0}, "repetition_penalty"),
    ],
)
def test_generation_config_error(options: dict[str, Any], text: str) -> None:
    with pytest.raises(errors.ConfigError, match=text):
        _native.GenerationConfig(**options)


@pytest.mark.parametrize(
    ("frames", "text"),
    [
        (np.zeros((1, 4, 4, 3), np.float32), "float32"),
        (np.zeros((4, 4, 3), np.uint8), "4 dimensions"),
        (np.zeros((1, 4, 8, 3), np.uint8)[:, :, ::2], "C-contiguous"),
    ],
)
def test_an_array_of_another_kind_is_an_input_error(frames: Any, text: str) -> None:
    with pytest.raises(errors.InputError, match=text):
        _native.resize_bicubic(frames, 2, 2)


def test_a_frame_of_another_size_names_stage_and_shapes(native_model: Any) -> None:
    with pytest.raises(errors.InputError, match=r"vision_encoder: frames: .*\[1, 10, 10, 3\]"):
        native_model.vision_encoder.encode(np.zeros((1, 10, 10, 3), np.uint8))


def test_a_token_outside_the_vocabulary_is_named(native_model: Any) -> None:
    with pytest.raises(errors.InputError, match=r"token_ids\[1\].*626"):
        native_model.token_embedder.embed([0, 626])


@pytest.fixture
def broken(small_package: Path, tmp_path: Path) -> Path:
    """A copy of the package to break."""
    return Path(shutil.copytree(small_package, tmp_path / "package"))


def test_a_truncated_graph_is_a_package_error(broken: Path) -> None:
    graph = broken / "aligner.onnx"
    graph.write_bytes(graph.read_bytes()[:-100])
    with pytest.raises(errors.PackageError, match=r"aligner\.onnx: expected \d+ bytes, got"):
        _native.Model.load(str(broken), native_config())


def test_a_wrong_digest_is_a_package_error(broken: Path) -> None:
    graph = broken / "aligner.onnx"
    content = bytearray(graph.read_bytes())
    content[-1] ^= 1
    graph.write_bytes(bytes(content))
    with pytest.raises(errors.PackageError, match=r"aligner\.onnx: expected sha256"):
        _native.Model.load(str(broken), native_config())


def test_a_broken_graph_with_a_right_digest_is_a_package_error(broken: Path) -> None:
    graph = broken / "aligner.onnx"
    graph.write_bytes(b"\x00" * 64)
    manifest = json.loads((broken / "manifest.json").read_text())
    entry = manifest["stages"]["aligner"]["graph"]
    entry["size_bytes"] = 64
    entry["sha256"] = _native.sha256_file(str(graph))
    (broken / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(
        errors.PackageError, match=r"aligner\.onnx: expected the fields of ModelProto"
    ):
        _native.Model.load(str(broken), native_config())


def test_a_graph_that_is_not_the_manifests_is_a_package_error(broken: Path) -> None:
    manifest = json.loads((broken / "manifest.json").read_text())
    manifest["stages"]["aligner"]["outputs"][0]["name"] = "tokens"
    (broken / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(errors.PackageError, match=r"aligner.*video_tokens"):
        _native.Model.load(str(broken), native_config())


def test_a_link_out_of_the_package_is_a_package_error(broken: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.onnx"
    (broken / "aligner.onnx").rename(outside)
    (broken / "aligner.onnx").symlink_to(outside)
    with pytest.raises(errors.PackageError, match="inside the package"):
        _native.Model.load(str(broken), native_config())


@pytest.mark.parametrize(
    "location", ["../secret.bin", "/etc/hostname", "inside.bin", "tokenizer.json"]
)
def test_a_graph_that_reads_another_file_is_a_package_error(broken: Path, location: str) -> None:
    """ONNX Runtime 1.21 opens whatever a graph points to."""
    onnx = pytest.importorskip("onnx")
    path = broken / "aligner.onnx"
    graph = onnx.load(path)
    tensor = next(t for t in graph.graph.initializer if t.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="offset", value="0")
    tensor.external_data.add(key="location", value=location)
    path.write_bytes(graph.SerializeToString())
    manifest = json.loads((broken / "manifest.json").read_text())
    entry = manifest["stages"]["aligner"]["graph"]
    entry["size_bytes"] = path.stat().st_size
    entry["sha256"] = _native.sha256_file(str(path))
    (broken / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(errors.PackageError, match="weights in the graph itself, it points to"):
        _native.Model.load(str(broken), native_config())


def test_a_future_version_is_a_package_version_error(broken: Path) -> None:
    manifest = json.loads((broken / "manifest.json").read_text())
    manifest["format_version"] = _native.PACKAGE_FORMAT_VERSION + 1
    (broken / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(errors.PackageVersionError, match="format_version"):
        _native.Model.load(str(broken), native_config())


def test_a_missing_library_is_a_device_error(small_package: Path) -> None:
    config = _native.RuntimeConfig(onnxruntime_library="/nowhere/libonnxruntime.so")
    with pytest.raises(errors.DeviceError, match=r"1\.22.*pip install"):
        _native.Model.load(str(small_package), config)


OTHER_LIBRARY = """
import sys
from ufvideo_sdk import _native, errors
config = _native.RuntimeConfig(onnxruntime_library=sys.argv[1])
try:
    _native.Model.load(sys.argv[2], config)
except errors.DeviceError as error:
    print(error)
"""


def test_another_library_is_a_device_error(small_package: Path) -> None:
    """In a process of its own, which has not opened ONNX Runtime yet."""
    ran = subprocess.run(
        [sys.executable, "-c", OTHER_LIBRARY, _native.__file__, str(small_package)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "is another library" in ran.stdout
    assert "pip install" in ran.stdout


def test_a_second_library_is_a_config_error(native_model: Any, tmp_path: Path) -> None:
    from ufvideo_sdk.runtime.onnxruntime_library import find_library

    copy = tmp_path / "libonnxruntime.so.copy"
    shutil.copy(find_library(), copy)
    with pytest.raises(errors.ConfigError, match="one ONNX Runtime"):
        _native.open_onnxruntime(str(copy))


def test_a_prompt_longer_than_the_context_is_a_capacity_error(
    session: Any, segmenting: Golden
) -> None:
    token_ids = segmenting.prompt.token_ids + [0] * 4096
    with pytest.raises(errors.CapacityError, match="4096 positions"):
        session.generate(_native.Prompt(token_ids=token_ids), _native.GenerationConfig())
    generation = session.generate(segmenting.prompt, _native.GenerationConfig(max_new_tokens=24))
    assert generation.token_ids == segmenting.generated_ids


def test_a_session_without_a_clip_is_a_state_error(native_model: Any, segmenting: Golden) -> None:
    with pytest.raises(errors.StateError, match="open clip"):
        _native.Session(native_model).generate(segmenting.prompt, _native.GenerationConfig())


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda ids: [i for i in ids if i != -201], "one video placeholder"),
        (lambda ids: [*ids, -201], "one video placeholder"),
        (lambda ids: [*ids, -200], "-200 too"),
        (lambda ids: [*ids, 524], "each of 1 region marks, got 0"),
    ],
)
def test_placeholders_that_do_not_fit_are_input_errors(
    session: Any, segmenting: Golden, change: Any, text: str
) -> None:
    prompt = _native.Prompt(token_ids=change(segmenting.prompt.token_ids))
    with pytest.raises(errors.InputError, match=text):
        session.generate(prompt, _native.GenerationConfig())


def test_a_clip_of_another_length_is_an_input_error(native_model: Any) -> None:
    for num_frames in (1, 9):
        frames, idxs = np.zeros((num_frames, 8, 8, 3), np.uint8), list(range(num_frames))
        clip = _native.Clip(frames=frames, frame_idxs=idxs)
        message = rf"expected 2 to 8 .*num_frames.*got {num_frames}"
        with pytest.raises(errors.InputError, match=message):
            _native.Session(native_model).open_clip(clip)


def with_not_a_number(package: Path, out: Path, stem: str, name: str, index: Any) -> Path:
    """A copy of a package in which one part of a stage's weights is NaN."""
    onnx = pytest.importorskip("onnx")
    shutil.copytree(package, out)
    path = out / f"{stem}.onnx"
    graph = onnx.load(path)
    tensor = next(each for each in graph.graph.initializer if each.name == name)
    values = onnx.numpy_helper.to_array(tensor).copy()
    values[index] = np.nan
    tensor.CopyFrom(onnx.numpy_helper.from_array(values, name))
    onnx.save(graph, path)
    manifest = json.loads((out / "manifest.json").read_text())
    entry = manifest["stages"][stem]["graph"]
    entry["size_bytes"] = path.stat().st_size
    entry["sha256"] = _native.sha256_file(str(path))
    (out / "manifest.json").write_text(json.dumps(manifest))
    return out


LAYER_NORM = "sam.mask_decoder.transformer.layers.0.layer_norm1.weight"
BAD_ID = 77
"""A word whose embedding is NaN in the package below."""


@pytest.fixture
def with_a_bad_word(small_package: Path, tmp_path: Path) -> Any:
    package = with_not_a_number(
        small_package, tmp_path / "bad", "token_embedder", "embedding", BAD_ID
    )
    return _native.Model.load(str(package), native_config())


@pytest.mark.parametrize("chunk", [512, 7])
def test_a_session_goes_on_after_numbers_that_are_not_finite(
    with_a_bad_word: Any, segmenting: Golden, chunk: int
) -> None:
    """It is as it was before: what it answers then is what a fresh one answers."""
    from tests.bindings.conftest import open_session

    prompt = segmenting.prompt
    bad = _native.Prompt(token_ids=[*prompt.token_ids[:-2], BAD_ID, *prompt.token_ids[-2:]])
    config = _native.GenerationConfig(max_new_tokens=8)
    fresh = open_session(with_a_bad_word, segmenting).generate(prompt, config)
    session = open_session(with_a_bad_word, segmenting)
    for _ in range(2):
        with pytest.raises(errors.InferenceError, match="logits: expected finite numbers, got"):
            session.generate(bad, config)
        again = session.generate(prompt, config)
        assert again.token_ids == fresh.token_ids
    with pytest.raises(errors.InferenceError, match="finite"):
        session.teacher_force(bad, len(bad.token_ids) - 1)
    with pytest.raises(errors.InferenceError, match="finite"):
        session.generate_many([prompt, bad], config)
    assert session.generate(prompt, config).token_ids == fresh.token_ids
    np.testing.assert_array_equal(
        session.teacher_force(prompt, len(prompt.token_ids) - 1).seg_hidden_states,
        open_session(with_a_bad_word, segmenting)
        .teacher_force(prompt, len(prompt.token_ids) - 1)
        .seg_hidden_states,
    )


def test_masks_that_are_not_finite_are_inference_errors(
    small_package: Path, tmp_path: Path, segmenting: Golden
) -> None:
    from tests.bindings.conftest import open_session

    package = with_not_a_number(small_package, tmp_path / "bad", "mask_decoder", LAYER_NORM, ...)
    session = open_session(_native.Model.load(str(package), native_config()), segmenting)
    with pytest.raises(errors.InferenceError, match=r"mask_decoder: .*finite"):
        session.segment(np.ones((1, 64), np.float32), segmenting.frames[:1], [0])
