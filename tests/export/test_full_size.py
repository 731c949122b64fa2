"""The full-size checkpoint has every tensor of the released one; random weights in shards."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the export extra")
from safetensors.torch import load_file  # noqa: E402

from testing.ufvideo_testing.full_size import FULL_SIZE  # noqa: E402
from testing.ufvideo_testing.random_checkpoint import checkpoint_shapes  # noqa: E402
from testing.ufvideo_testing.random_weights import random_tensor, write_random_weights  # noqa: E402
from tests.released_tensors import released_tensors  # noqa: E402
from ufvideo_export.checkpoint.tensor_files import TensorFiles  # noqa: E402

pytestmark = pytest.mark.torch


def test_every_tensor_of_the_released_model() -> None:
    checkpoint, siglip = checkpoint_shapes(FULL_SIZE)
    assert checkpoint == released_tensors("checkpoint")
    assert siglip == released_tensors("siglip")


SHAPES = {"a.weight": (40, 10), "b.bias": (7,), "c.weight": (100, 10), "d.weight": (40, 10)}


def test_shards_are_of_one_size(tmp_path: Path) -> None:
    random = torch.Generator().manual_seed(0)
    write_random_weights(tmp_path, SHAPES, 2, torch.float16, random)
    shards = [load_file(path) for path in sorted(tmp_path.glob("*.safetensors"))]
    assert [sorted(shard) for shard in shards] == [["a.weight", "b.bias", "c.weight"], ["d.weight"]]
    files = TensorFiles(tmp_path)
    assert {name: files.shape(name) for name in files.names()} == SHAPES
    assert files.read("d.weight").equal(shards[1]["d.weight"])
    assert files.read_rows("c.weight", 3, 5).equal(shards[0]["c.weight"][3:5])


def test_large_tensors_come_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = random_tensor("x.weight", (64, 16), torch.Generator().manual_seed(0), torch.float32)
    monkeypatch.setattr("testing.ufvideo_testing.random_weights._CHUNK_VALUES", 256)
    pieces = random_tensor("x.weight", (64, 16), torch.Generator().manual_seed(0), torch.float32)
    # The generator goes on where it was: pieces of whole vectors give the same values.
    assert pieces.equal(whole)
    assert abs(float(whole.std()) * 4 - 1) < 0.1


def test_an_open_checkpoint_keeps_no_file_mapped(tmp_path: Path) -> None:
    random = torch.Generator().manual_seed(0)
    write_random_weights(tmp_path, SHAPES, 1, torch.float16, random)
    files = TensorFiles(tmp_path)
    kept = files.read("b.bias").clone()
    files.read_rows("c.weight", 0, 50)
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("needs Linux: /proc/self/maps")
    assert str(tmp_path) not in maps.read_text(encoding="utf-8")
    assert kept.shape == (7,)
