"""Checkpoints and packages of other sizes, each made once."""

from __future__ import annotations

import dataclasses
import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ufvideo_sdk.runtime.onnxruntime_library import INSTALL_EXPORT

Golden = Callable[[str], dict[str, NDArray[Any]]]


@pytest.fixture(autouse=True)
def _needs_torch() -> None:
    if importlib.util.find_spec("torch") is None:
        pytest.skip(f"needs the export extra: {INSTALL_EXPORT}")


@pytest.fixture(scope="session")
def small_package(exported_package: Path) -> Path:
    """Exported here: the exporter is what is tested."""
    return exported_package


@pytest.fixture(scope="session")
def golden(golden_dir: Path) -> Golden:
    """Reads a golden case by name."""

    def read(name: str) -> dict[str, NDArray[Any]]:
        with np.load(golden_dir / f"{name}.npz") as arrays:
            return dict(arrays)

    return read


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest random checkpoint; copy it before changing anything."""
    from testing.ufvideo_testing.random_checkpoint import RandomSizes, make_random_checkpoint

    sizes = RandomSizes(num_layers=1, num_aligner_blocks=1)
    return make_random_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny", sizes, seed=1)


@pytest.fixture(scope="session")
def odd_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything unusual at once.

    An odd patch grid, an odd frame count, tied embeddings, one KV head, shards in bfloat16, SigLIP
    inside, the padded aligner, other SAM 2 sizes whose windows do not divide the maps.
    """
    from testing.ufvideo_testing.random_checkpoint import RandomSizes, make_random_checkpoint
    from ufvideo_export.checkpoint.config import Sam2Sizes, SiglipSizes
    from ufvideo_export.torch_model.mask_model import Sam2Widths

    sizes = RandomSizes(
        hidden_size=96,
        num_attention_heads=3,
        num_key_value_heads=1,
        vocab_size=801,
        tie_word_embeddings=True,
        num_frames=5,
        mm_projector_type="stc_connector",
        num_aligner_blocks=1,
        siglip=SiglipSizes(
            hidden_size=36,
            intermediate_size=40,
            num_layers=2,
            num_attention_heads=3,
            image_size_px=37,
            patch_size_px=7,
            layer_norm_eps=1e-6,
            hidden_act="gelu_pytorch_tanh",
        ),
        siglip_inside=True,
        sam2=dataclasses.replace(
            Sam2Sizes(),
            image_size_px=96,
            embed_dim=12,
            num_heads=2,
            stages=(1, 2, 2, 1),
            global_att_blocks=(2, 4),
            window_spec=(6, 4, 4, 2),
            window_pos_embed_bkg_spatial_size=(4, 3),
            mask_decoder_mlp_dim=40,
            memory_attention_layers=2,
            memory_attention_feedforward=24,
        ),
        sam2_widths=Sam2Widths(hidden_size=128, memory_width=32, num_memories=5),
        num_shards=3,
        dtype="bfloat16",
    )
    return make_random_checkpoint(tmp_path_factory.mktemp("odd") / "odd", sizes, seed=3)


@pytest.fixture(scope="session")
def odd_package(tmp_path_factory: pytest.TempPathFactory, odd_checkpoint: Path) -> Path:
    """The odd checkpoint in fp32, with its weights in files of their own."""
    import ufvideo_export.graph.to_onnx as to_onnx
    from ufvideo_export import export_package

    out = tmp_path_factory.mktemp("odd_package") / "odd"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(to_onnx, "INLINE_WEIGHTS_BYTES", 4096)
        export_package(odd_checkpoint, out, track=False)
    return out


@pytest.fixture(scope="session")
def odd_package_track(
    tmp_path_factory: pytest.TempPathFactory, odd_checkpoint: Path, odd_package: Path
) -> Path:
    """The same with the stages that track."""
    import ufvideo_export.graph.to_onnx as to_onnx
    from ufvideo_export import add_track

    copy = Path(shutil.copytree(odd_package, tmp_path_factory.mktemp("odd_track") / "odd"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(to_onnx, "INLINE_WEIGHTS_BYTES", 4096)
        add_track(odd_checkpoint, copy)
    return copy


@pytest.fixture(scope="session")
def small_package_qdq(tmp_path_factory: pytest.TempPathFactory, small_checkpoint: Path) -> Path:
    """The golden checkpoint in int4, its encoders in int8 with scales of drawn frames."""
    from ufvideo_export import export_package
    from ufvideo_export.precision import Quantization

    out = tmp_path_factory.mktemp("small_qdq") / "small_qdq"
    export_package(
        small_checkpoint,
        out,
        vision_tower=small_checkpoint.parent / "siglip",
        precision="int4",
        quantization=Quantization(encoder_int8="qdq"),
        track=False,
    )
    return out


@pytest.fixture(scope="session")
def open_graph() -> Callable[[Path, str], Any]:
    """Opens a graph of a package in ONNX Runtime."""
    import onnxruntime

    def open_session(package: Path, stem: str) -> Any:
        path = package / f"{stem}.onnx"
        return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    return open_session
