"""Integer weights in the native runtime: what Python's ONNX Runtime computes of the same graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.compare import REORDERED, assert_close
from tests.parity.conftest import GoldenCase, load_case, load_native
from tests.parity.test_whole import ask_case, open_case
from ufvideo_sdk.diagnostics.memory_plan import kv_cache_bytes
from ufvideo_sdk.package.graph_signatures import cache_dtype
from ufvideo_sdk.package.manifest import read_manifest

pytestmark = pytest.mark.torch

onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def native_int4(small_package_int4: Path) -> Any:
    return load_native(small_package_int4)


def run(package: Path, stem: str, feed: dict[str, Any]) -> dict[str, Any]:
    session = onnxruntime.InferenceSession(
        package / f"{stem}.onnx", providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    dtypes = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
    past = {
        value.name: np.zeros((1, 2, 64, 16), dtypes[value.type])
        for value in session.get_inputs()
        if "past" in value.name
    }
    return dict(zip(names, session.run(names, feed | past), strict=True))


def test_language_model(native_int4: Any, small_package_int4: Path) -> None:
    check_language_model(native_int4, small_package_int4)


def test_language_model_with_a_half_cache(package_of_a_gpu: Path) -> None:
    manifest = read_manifest(package_of_a_gpu)
    entry = manifest.stages["language_model"]
    assert entry.precision == "int4" and cache_dtype(entry) == "float16"
    assert kv_cache_bytes(manifest, 10) == 10 * 2 * 2 * 2 * 16 * 2
    check_language_model(load_native(package_of_a_gpu), package_of_a_gpu)


def test_a_half_cache_between_integers_is_saved_and_loaded(
    package_of_a_gpu: Path, tmp_path: Path
) -> None:
    from ufvideo_sdk import UFVideo

    model, case = UFVideo.load(package_of_a_gpu), load_case("temporal")
    session = open_case(model, case)
    answer = session.ask(case.facts["question"], choices=["a ball", "a red square"])
    session.save(tmp_path / "session")
    loaded = model.load_session(tmp_path / "session")
    again = loaded.ask(case.facts["question"], choices=["a ball", "a red square"])
    assert len(answer.token_ids) > 0 and again.token_ids == answer.token_ids
    assert again.stats.num_reused_tokens > 0


def check_language_model(native: Any, package: Path) -> None:
    """The native runtime against ONNX Runtime in Python."""
    embeds = load_case("temporal")["inputs_embeds"][:40]
    output = native.language_model.run(embeds, native.language_model.make_cache())
    feed = {
        "inputs_embeds": embeds[None],
        "seqlens_k": np.array([39], np.int32),
        "total_sequence_length": np.array([40], np.int32),
    }
    expected = run(package, "language_model", feed)
    assert_close(output.hidden_states, expected["hidden_states"][0], REORDERED, where="states")
    assert_close(output.logits, expected["logits"][0, 0], REORDERED, where="logits")


def test_token_embedder(native_int4: Any, small_package_int4: Path) -> None:
    ids = list(range(0, 626, 7))
    expected = run(small_package_int4, "token_embedder", {"token_ids": np.array(ids, np.int64)})
    found = native_int4.token_embedder.embed(ids)
    assert_close(found, expected["embeddings"], REORDERED, where="embeddings")


def test_a_whole_answer(small_package_int4: Path, generated_case: GoldenCase) -> None:
    """Random weights answer otherwise in four bits; that they do, masks and all, is what counts."""
    from ufvideo_sdk import UFVideo

    model = UFVideo.load(small_package_int4)
    answer = ask_case(open_case(model, generated_case), generated_case)
    assert len(answer.token_ids) > 0
    again = ask_case(open_case(model, generated_case), generated_case)
    assert answer.token_ids == again.token_ids
