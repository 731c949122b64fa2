"""Integer weights in the native runtime: what Python's ONNX Runtime computes of the same graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.compare import REORDERED, assert_close
from tests.parity.conftest import GoldenCase, load_case, load_native
from tests.parity.test_whole import ask_case, open_case

onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def native_int4(small_package_int4: Path) -> Any:
    return load_native(small_package_int4)


def run(package: Path, stem: str, feed: dict[str, Any]) -> dict[str, Any]:
    session = onnxruntime.InferenceSession(
        package / f"{stem}.onnx", providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    empty = np.zeros((1, 2, 64, 16), np.float32)
    past = {value.name: empty for value in session.get_inputs() if "past" in value.name}
    return dict(zip(names, session.run(names, feed | past), strict=True))


def test_language_model(native_int4: Any, small_package_int4: Path) -> None:
    embeds = load_case("temporal")["inputs_embeds"][:40]
    output = native_int4.language_model.run(embeds, native_int4.language_model.make_cache())
    feed = {
        "inputs_embeds": embeds[None],
        "seqlens_k": np.array([39], np.int32),
        "total_sequence_length": np.array([40], np.int32),
    }
    expected = run(small_package_int4, "language_model", feed)
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
