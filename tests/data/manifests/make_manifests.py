"""Write the shared corpus of valid and invalid manifests.

The manifest reader is tested with what this writes, from C++ and from Python: `valid/*.json`,
`invalid/*.json` and `invalid/expected.json`, which maps each invalid file to the error it must give
and a text that the message must contain (the full path of the key, where there is one).

Run it from anywhere: `python tests/data/manifests/make_manifests.py`.
"""

from __future__ import annotations

import json
from pathlib import Path

from border_cases import border_cases
from invalid_cases import broken_texts, invalid_manifests, unsupported
from small_manifest import (
    TRACKING_STAGES,
    Json,
    changed,
    file_entry,
    small,
    stages_of,
    tracked,
    tracking_stages_of,
    variant,
)
from version_2_cases import version_2_cases

HERE = Path(__file__).parent


def largest() -> Json:
    """Every count at its limit."""
    manifest = changed(
        model__name="n" * 256,
        model__hidden_size=65536,
        model__vision_hidden_size=65536,
        model__num_attention_heads=1024,
        model__num_key_value_heads=1024,
        model__head_dim=1024,
        model__vocab_size=4194304,
        model__max_position_embeddings=16777216,
        model__max_region_tokens=64,
        model__seg_hidden_state="predicting",
        video__num_frames=4096,
        video__vision_size_px=8192,
        video__patch_grid=1024,
        video__aligner_padding=1,
        video__mask_size_px=8192,
        video__mask_logits_size_px=8192,
        tokens__end_ids=list(range(16)),
        tokens__num_time_tokens=10000,
        tokens__seg_id=4194303,
        files=[file_entry(f"folder/file_{number}.bin") for number in range(64)],
        provenance={f"key_{number}": "" for number in range(64)},
    )
    manifest["stages"] = stages_of(manifest["model"], manifest["video"], mask_width=65536)
    for stage in manifest["stages"].values():
        stage["precision"] = "fp16"
    half_cache(manifest)
    aligner = manifest["stages"]["aligner"]
    aligner["weights"] = {**file_entry("aligner.onnx.data"), "size_bytes": 2**63 - 1}
    aligner["graph"]["size_bytes"] = 256 << 20
    manifest["files"][0]["size_bytes"] = 64 << 20
    return manifest


def half_cache(manifest: Json) -> None:
    """The cache of a language model in fp16."""
    language_model = manifest["stages"]["language_model"]
    for tensor in (*language_model["inputs"], *language_model["outputs"]):
        if tensor["name"].startswith(("past_key_values", "present")):
            tensor["dtype"] = "float16"


def smallest() -> Json:
    """Every count at its lower bound."""
    manifest = changed(
        model__name="n",
        model__hidden_size=1,
        model__num_layers=1,
        model__num_attention_heads=1,
        model__num_key_value_heads=1,
        model__head_dim=1,
        model__vocab_size=5,
        model__max_position_embeddings=1,
        model__vision_hidden_size=1,
        model__max_region_tokens=1,
        video__num_frames=2,
        video__vision_size_px=1,
        video__patch_grid=1,
        video__aligner_padding=1,
        video__mask_size_px=1,
        video__mask_logits_size_px=4,
        tokens={
            "end_ids": [0],
            "video_placeholder_id": -1,
            "image_placeholder_id": -2,
            "region_id": 1,
            "time_first_id": 2,
            "num_time_tokens": 2,
            "seg_id": 4,
        },
        files=[],
        provenance={},
        verification__aligner__tolerance_abs=0,
        verification__aligner__max_abs_error=0.0,
    )
    manifest["stages"] = stages_of(manifest["model"], manifest["video"], mask_width=8)
    return manifest


def integers() -> Json:
    """Integer weights: the borders are those of fp32, unless the cache says that it is not."""
    manifest = changed(provenance__quantization="block_size=128, asymmetric")
    for stem, precision in (("vision_encoder", "int8"), ("language_model", "int4")):
        manifest["stages"][stem]["precision"] = precision
    return manifest


def integers_between_halves() -> Json:
    """Integer weights with fp16 in between: the cache is fp16 too."""
    manifest = integers()
    half_cache(manifest)
    return manifest


def tracked_limits(memory_width: int, count: tuple[int, int]) -> Json:
    """The sizes of a memory at their limits, and a variant for each provider."""
    manifest = tracked()
    num_memories, max_object_pointers = count
    manifest["tracking"] = {
        "num_memories": num_memories,
        "max_object_pointers": max_object_pointers,
        "memory_width": memory_width,
    }
    sizes = (manifest["tracking"], manifest["video"])
    for stem, entry in tracking_stages_of(*sizes).items():
        providers = ("tensorrt", "cuda", "cpu")
        variants = {provider: variant(stem, provider) for provider in providers}
        manifest["stages"][stem] = {**entry, "variants": variants}
    return manifest


def ask_only() -> Json:
    """A package without SAM 2; what the checkpoint says of its masks stays."""
    manifest = tracked()
    manifest |= {"capabilities": ["ask"], "tracking": None}
    for key in ("stages", "verification"):
        for stem in ("mask_encoder", "mask_decoder", *TRACKING_STAGES):
            del manifest[key][stem]
    return manifest


def ask_and_segment() -> Json:
    """What format version 1 says, in version 2."""
    manifest = tracked()
    manifest |= {"capabilities": ["ask", "segment"], "tracking": None}
    for key in ("stages", "verification"):
        for stem in TRACKING_STAGES:
            del manifest[key][stem]
    return manifest


VALID: dict[str, Json] = {
    # 200 characters of two bytes each.
    "long_key": changed(provenance={"é" * 200: "é" * 256}),
    "2_ask": ask_only(),
    "2_ask_segment": ask_and_segment(),
    "2_track": tracked(),
    "2_track_largest": tracked_limits(32, (64, 1024)),
    "2_track_smallest": tracked_limits(1, (1, 1)),
    "small": small(),
    "largest": largest(),
    "smallest": smallest(),
    "integers": integers(),
    "integers_between_halves": integers_between_halves(),
}


def _invalid() -> dict[str, tuple[Json, str]]:
    return {**invalid_manifests(), **border_cases(), **version_2_cases()}


def main() -> None:
    for folder in ("valid", "invalid"):
        (HERE / folder).mkdir(exist_ok=True)
    for name, manifest in VALID.items():
        text = json.dumps(manifest, indent=2) + "\n"
        (HERE / "valid" / f"{name}.json").write_text(text, encoding="utf-8")

    expected: dict[str, dict[str, str]] = {}

    def write(name: str, content: str | bytes, error: str, contains: str) -> None:
        raw = content.encode() if isinstance(content, str) else content
        (HERE / "invalid" / f"{name}.json").write_bytes(raw)
        expected[f"{name}.json"] = {"error": error, "contains": contains}

    for name, (manifest, contains) in _invalid().items():
        write(name, json.dumps(manifest) + "\n", "InvalidPackage", contains)
    for name, (content, contains) in broken_texts().items():
        write(name, content, "InvalidPackage", contains)
    for name, manifest in unsupported().items():
        write(name, json.dumps(manifest) + "\n", "UnsupportedPackage", "format_version")
    text = json.dumps(dict(sorted(expected.items())), indent=2) + "\n"
    (HERE / "invalid" / "expected.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
