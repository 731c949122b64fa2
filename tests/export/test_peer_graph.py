"""The language model's graph against the one onnxruntime-genai builds from the same weights."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.compare import REORDERED, assert_close

pytest.importorskip("torch", reason="needs the export extra")
import onnxruntime

from testing.ufvideo_testing.random_checkpoint import RandomSizes, make_random_checkpoint
from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.checkpoint.tokenizer import read_tokenizer
from ufvideo_export.precision import Quantization
from ufvideo_export.spec import stage_specs
from ufvideo_export.stages import STAGES
from ufvideo_export.torch_model.model import load_language_model
from ufvideo_export.verify import open_graph

pytestmark = pytest.mark.torch

BLOCK_SIZE = 32
LENGTHS = (11, 1, 5)


@pytest.fixture(scope="module", autouse=True)
def _needs_the_peer() -> None:
    if importlib.util.find_spec("onnxruntime_genai") is None:
        pytest.skip("needs onnxruntime-genai, of the dev extra")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    sizes = RandomSizes(hidden_size=128, intermediate_size=256, num_aligner_blocks=1)
    folder = tmp_path_factory.mktemp("peer") / "random"
    return Checkpoint(make_random_checkpoint(folder, sizes, seed=8))


def peer_graph(checkpoint: Checkpoint, precision: str, folder: Path) -> Path:
    """Build the same model with onnxruntime-genai."""
    plain, out = folder / "plain", folder / "built"
    load_language_model(checkpoint).save_pretrained(plain)
    # The builder copies it.
    read_tokenizer(checkpoint.folder, checkpoint.sizes).write(plain / "tokenizer.json")
    options = ["exclude_embeds=true", "include_hidden_states=true", "prune_lm_head=true"]
    options += [f"int4_block_size={BLOCK_SIZE}", "int4_accuracy_level=1", "int4_is_symmetric=true"]
    command = [sys.executable, "-m", "onnxruntime_genai.models.builder", "-i", str(plain)]
    command += ["-o", str(out), "-p", precision, "-e", "cpu", "-c", str(folder / "cache")]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [*command, "--extra_options", *options],
        env=environment,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return out / "model.onnx"


def feed_peer(path: Path, chunks: list[NDArray[np.float32]]) -> list[dict[str, NDArray[Any]]]:
    """Outputs for each chunk, with a cache that grows."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    past = {
        value.name: np.zeros((1, value.shape[1], 0, 32), np.float32)
        for value in session.get_inputs()
        if value.name.startswith("past_key_values")
    }
    outputs, length = [], 0
    for chunk in chunks:
        length += chunk.shape[1]
        feed = {"inputs_embeds": chunk, "attention_mask": np.ones((1, length), np.int64)}
        found = dict(zip(names, session.run(names, feed | past), strict=True))
        past = {name: found[name.replace("past_key_values", "present")] for name in past}
        outputs.append(found)
    return outputs


def feed_ours(
    stage: Any, path: Path, chunks: list[NDArray[np.float32]]
) -> list[dict[str, NDArray[Any]]]:
    """The same with a cache that has room from the start."""
    session = open_graph(stage, path, path.parent)
    names = [tensor.name for tensor in stage.spec.outputs]
    parts = [name for name in session.input_types if name.startswith("past_key_values")]
    cache, outputs, length = stage.empty_cache(1, sum(LENGTHS), parts), [], 0
    for chunk in chunks:
        length += chunk.shape[1]
        feed = {"inputs_embeds": chunk, **stage.lengths(1, length), **cache}
        found = dict(zip(names, session.run(names, feed), strict=True))
        cache = {name: found[name.replace("past_key_values", "present")] for name in parts}
        outputs.append(found | {"length": np.array(length)})
    return outputs


@pytest.mark.parametrize("precision", ["fp32", "int4"])
def test_equals_the_graph_of_onnxruntime_genai(
    checkpoint: Checkpoint, precision: str, tmp_path: Path
) -> None:
    spec = stage_specs(checkpoint, precision)["language_model"]
    quantization = Quantization(BLOCK_SIZE, symmetric=True, accuracy_level=1)
    stage = STAGES["language_model"](checkpoint, spec, precision, quantization)
    path = tmp_path / "language_model.onnx"
    stage.write(path)
    theirs_path = peer_graph(checkpoint, precision, tmp_path)
    random = np.random.default_rng(2)
    chunks = [random.standard_normal((1, n, 128), dtype=np.float32) for n in LENGTHS]
    pairs = zip(feed_ours(stage, path, chunks), feed_peer(theirs_path, chunks), strict=True)
    for ours, theirs in pairs:
        length = int(ours["length"])
        assert_close(ours["logits"], theirs["logits"], REORDERED, where=f"logits at {length}")
        states = ours["hidden_states"], theirs["hidden_states"]
        assert_close(*states, REORDERED, where=f"states at {length}")
        for layer in range(checkpoint.sizes.num_layers):
            for part in ("key", "value"):
                name = f"present.{layer}.{part}"
                held = ours[name][:, :, :length]
                assert_close(held, theirs[name], REORDERED, where=f"{name} at {length}")
