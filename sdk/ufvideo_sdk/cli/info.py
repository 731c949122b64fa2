"""`ufvideo info`."""

from __future__ import annotations

import json
from typing import Any

import typer

from ufvideo_sdk.cli.options import JsonOption, PackageArgument, package_or_nano
from ufvideo_sdk.manifest import MANIFEST_NAME, STAGE_STEMS, Manifest, StageEntry, read_manifest

_CACHE_BYTES = {"fp32": 4, "fp16": 2, "int8": 4, "int4": 4}
_TOKENS = 1000


def info(
    package: PackageArgument = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a package holds and what memory it needs; runs nothing.

    Example: ufvideo info pkg
    """
    folder = package_or_nano(package)
    manifest = read_manifest(folder / MANIFEST_NAME)
    facts = package_facts(manifest)
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    for line in _lines(manifest, facts):
        typer.echo(line)


def package_facts(manifest: Manifest) -> dict[str, Any]:
    """What `ufvideo info --json` prints: the manifest's facts and the memory plan."""
    model, video = manifest.model, manifest.video
    content = json.loads(manifest.to_json())
    stages = {
        stem: {
            "precision": manifest.stages[stem].precision,
            "size_bytes": stage_bytes(manifest.stages[stem]),
            **content["verification"][stem],
        }
        for stem in STAGE_STEMS
    }
    value_bytes = _CACHE_BYTES[manifest.stages["language_model"].precision]
    kv_bytes = 2 * model.num_layers * model.num_key_value_heads * model.head_dim * value_bytes
    num_video_tokens = _pooled(video.num_frames, video.aligner_padding) * (
        _pooled(video.patch_grid, video.aligner_padding) ** 2
    )
    return {
        "format_version": manifest.format_version,
        "model": content["model"],
        "video": content["video"],
        "tokens": content["tokens"],
        "stages": stages,
        "provenance": content["provenance"],
        "memory": {
            "weights_bytes": sum(stage["size_bytes"] for stage in stages.values()),
            "kv_cache_bytes_per_1000_tokens": kv_bytes * _TOKENS,
            "num_video_tokens": num_video_tokens,
            "kv_cache_bytes_of_video": kv_bytes * num_video_tokens,
        },
    }


def stage_bytes(stage: StageEntry) -> int:
    """Size of a stage on disk: its graph, and its weights where they are apart."""
    return stage.graph.size_bytes + (0 if stage.weights is None else stage.weights.size_bytes)


def readable_bytes(count: int) -> str:
    """A size as people read it, in powers of 1024."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def _pooled(side: int, padding: int) -> int:
    """What the aligner's sampler (kernel 2, stride 2) leaves of a side (model part 4)."""
    return (side + 2 * padding) // 2


def _lines(manifest: Manifest, facts: dict[str, Any]) -> list[str]:
    model, video, memory = manifest.model, manifest.video, facts["memory"]
    lines = [
        f"{model.name} ({model.architecture}, package format {manifest.format_version})",
        "",
        f"language model   {model.num_layers} layers, width {model.hidden_size},"
        f" {model.num_attention_heads} heads ({model.num_key_value_heads} KV), vocabulary"
        f" {model.vocab_size}, context {model.max_position_embeddings}",
        f"video            {video.num_frames} frames of {video.vision_size_px} px,"
        f" {memory['num_video_tokens']} tokens",
        f"masks            {video.mask_size_px} px in, {video.mask_logits_size_px} px out,"
        f" prompted by the {model.seg_hidden_state} state of [SEG]",
        "",
        "stage             precision        size   max error  (allowed)",
    ]
    for stem, stage in facts["stages"].items():
        lines.append(
            f"{stem:<17} {stage['precision']:<9} {readable_bytes(stage['size_bytes']):>11}"
            f"   {stage['max_abs_error']:.2e}   ({stage['tolerance_abs']:.0e})"
        )
    lines += [
        "",
        f"memory           weights {readable_bytes(memory['weights_bytes'])}, KV cache"
        f" {readable_bytes(memory['kv_cache_bytes_per_1000_tokens'])} per 1000 tokens"
        f" ({readable_bytes(memory['kv_cache_bytes_of_video'])} for the video)",
        "made with        "
        + ", ".join(f"{name} {version}" for name, version in manifest.provenance.items()),
    ]
    return lines
