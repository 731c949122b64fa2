"""The benchmark of block sizes multiplies what it says."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the dev extra")
import onnxruntime as ort

from benchmarks.block_size import Product, main


def test_a_product_counts_its_bytes_and_runs() -> None:
    for product in (Product(96, 40, 4, 32, False), Product(64, 40, 8, 64, True)):
        model = product.graph(2)
        held = sum(len(tensor.raw_data) for tensor in model.graph.initializer)
        assert held == 2 * product.num_bytes()
        session = ort.InferenceSession(
            model.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        values = np.ones((3, product.in_features), np.float32)
        first, second = session.run(None, {"A": values})
        assert first.shape == second.shape == (3, 40)


def test_it_prints_every_block_size(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.block_size._WEIGHTS_BYTES", 1)
    sizes = ["--in-features", "256", "--out-features", "32", "--prefill-rows", "4"]
    assert main([*sizes, "--threads", "1", "--rounds", "1"]) == 0
    out = capsys.readouterr().out
    assert all(f" {block} " in out for block in (32, 64, 128, 256)) and "GB/s" in out
