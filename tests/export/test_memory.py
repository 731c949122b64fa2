"""An export's memory does not grow with the number of layers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ufvideo_sdk.errors import InferenceError

pytest.importorskip("torch", reason="needs the export extra")
from benchmarks.export_memory import peak_anonymous_bytes
from testing.ufvideo_testing.random_checkpoint import RandomSizes, make_random_checkpoint
from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.spec import stage_specs
from ufvideo_export.stages import STAGES

pytestmark = [pytest.mark.torch, pytest.mark.slow]

WIDTH = 640
# Writes and compares the two stages whose size is the language model's.
EXPORT = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[4].split(":")
import torch
torch.set_num_threads(1)
from ufvideo_export.graph import to_onnx
from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.spec import stage_specs
from ufvideo_export.stages import STAGES
from ufvideo_export.verify import verify_stage
to_onnx.INLINE_WEIGHTS_BYTES = 1 << 20
checkpoint, out, precision = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
opened = Checkpoint(checkpoint)
for stem, spec in stage_specs(opened, precision).items():
    if stem in ("token_embedder", "language_model"):
        stage = STAGES[stem](opened, spec, precision if stem == "language_model" else "fp32")
        stage.write(out / f"{stem}.onnx")
        verify_stage(stage, out / f"{stem}.onnx")
"""


def peak(folder: Path, num_layers: int, precision: str) -> int:
    sizes = RandomSizes(
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        num_layers=num_layers,
        num_attention_heads=10,
        num_aligner_blocks=1,
        num_shards=4,
    )
    checkpoint = make_random_checkpoint(folder / f"layers_{num_layers}", sizes, seed=6)
    out = folder / f"out_{num_layers}"
    out.mkdir()
    path = ":".join(part for part in sys.path if part)
    command = [sys.executable, "-c", EXPORT, str(checkpoint), str(out), precision, path]
    return peak_anonymous_bytes(command)


@pytest.mark.parametrize("precision", ["fp32", "int4"])
def test_memory_does_not_grow_with_the_layers(tmp_path: Path, precision: str) -> None:
    one_layer = 4 * WIDTH * (2 * WIDTH + 2 * WIDTH // 5 + 3 * 4 * WIDTH)
    few, many = (peak(tmp_path, num_layers, precision) for num_layers in (2, 12))
    # Ten layers more: not the memory of one.
    assert many - few < one_layer, f"{few} bytes with 2 layers, {many} with 12"


def test_pytorch_lets_go_before_onnx_runtime_opens(tiny_checkpoint: Path, tmp_path: Path) -> None:
    checkpoint = Checkpoint(tiny_checkpoint)
    spec = stage_specs(checkpoint, "fp32")["region_encoder"]
    stage = STAGES["region_encoder"](checkpoint, spec, "fp32")
    stage.write(tmp_path / "region_encoder.onnx")
    assert "module" in vars(stage)

    def opened(_graph: object) -> Any:
        raise InferenceError("module" if "module" in vars(stage) else "nothing")

    pairs = stage.compared(tmp_path, stage.probes(np.random.default_rng(0)), opened)
    with pytest.raises(InferenceError, match="nothing"):
        next(pairs)
