"""Files in place of TensorRT's engines, and the key they are kept under."""

from __future__ import annotations

from pathlib import Path

from ufvideo_sdk.tensorrt.engine_cache import EngineCache
from ufvideo_sdk.tensorrt.engine_metadata import EngineKey

COMMAND = "ufvideo build pkg --force"
KEY = EngineKey(
    manifest_sha256="ab" * 32,
    onnxruntime="1.31.1",
    tensorrt="10.13.0",
    device="Orin",
    compute_capability="8.7",
    stages={"aligner": {"trt_fp16_enable": "1", "trt_profile_min_shapes": "features:2x4x8"}},
)


def write_engines(folder: Path) -> None:
    for stem in ("aligner", "vision_encoder"):
        (folder / stem).mkdir()
        (folder / stem / "trt_sm87.engine").write_bytes(b"engine of " + stem.encode())
        (folder / stem / "trt_sm87.profile").write_bytes(b"profile")
    (folder / "timing").mkdir()
    (folder / "timing" / "sm87.timing").write_bytes(b"timing")


def visible(cache: EngineCache) -> list[str]:
    return sorted(p.name for p in cache.folder.iterdir() if not p.name.endswith(".lock"))
