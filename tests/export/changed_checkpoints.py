"""Changes to a copied checkpoint, and the refusal that they must meet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from ufvideo_export import export_package
from ufvideo_sdk.errors import InputError


def add(checkpoint: Path, folder: str = ".", **tensors: Any) -> None:
    path = checkpoint / folder / "model.safetensors"
    save_file(load_file(path) | tensors, path)


def edit_config(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def refused(checkpoint: Path, *words: str, **options: Any) -> None:
    out = checkpoint.parents[1] / "package"
    with pytest.raises(InputError) as caught:
        export_package(checkpoint, out, **options)
    for word in words:
        assert word in str(caught.value), str(caught.value)
    assert not out.exists()
