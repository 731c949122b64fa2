"""`ufvideo info`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ufvideo_sdk.cli.options import (
    FallbackOption,
    JsonOption,
    LibraryOption,
    PackageArgument,
    ProviderOption,
    runtime_settings,
)
from ufvideo_sdk.cli.package import named_package
from ufvideo_sdk.cli.say import say
from ufvideo_sdk.cli.terminal import engine_label, spinner
from ufvideo_sdk.package.file_names import MANIFEST_NAME

if TYPE_CHECKING:
    from ufvideo_sdk.diagnostics.board_plan import BoardPlan
    from ufvideo_sdk.package.manifest import Manifest


def info(
    package: PackageArgument = None,
    boards: Annotated[
        bool, typer.Option("--boards", help="Say which Jetson boards have the memory, too.")
    ] = False,
    as_json: JsonOption = False,
    providers: Annotated[
        bool,
        typer.Option("--providers", help="Also open every graph and say what each stage runs on."),
    ] = False,
    provider: ProviderOption = None,
    allow_fallback: FallbackOption = False,
    onnxruntime_library: LibraryOption = None,
) -> None:
    """Say what a package holds and what memory it needs; opens no graph unless told to.

    Example: ufvideo info pkg
    Example: ufvideo info pkg --providers --provider cuda --provider cpu
    Example: ufvideo info pkg --boards
    """
    from ufvideo_sdk.diagnostics.board_plan import board_plans
    from ufvideo_sdk.package.manifest import read_manifest

    if not providers and (provider or allow_fallback or onnxruntime_library):
        raise typer.BadParameter(
            "expected where an option says how to run", param_hint="--providers"
        )
    named = named_package(package)
    folder = named.folder
    manifest = read_manifest(folder / MANIFEST_NAME)
    facts = package_facts(manifest)
    if named.hub is not None:
        facts["hub"] = asdict(named.hub)
    plans = board_plans(manifest) if boards else []
    if providers:
        settings = runtime_settings(
            None, provider, onnxruntime_library, allow_fallback=allow_fallback
        )
        facts["providers"] = _stage_providers(folder, settings)
    if as_json:
        told = {"boards": [asdict(p) | {"left_bytes": p.left_bytes} for p in plans]}
        say(json.dumps(facts | (told if boards else {}), indent=2))
        return
    for line in [*_lines(manifest, facts), *_board_lines(plans)]:
        say(line)


def package_facts(manifest: Manifest) -> dict[str, Any]:
    """What `ufvideo info --json` prints: the manifest's facts and the memory plan."""
    from ufvideo_sdk.diagnostics.memory_plan import kv_cache_bytes, memory_plan, stage_bytes

    content = json.loads(manifest.to_json())
    stages = {
        stem: {
            "precision": stage.precision,
            "size_bytes": stage_bytes(stage),
            **content["verification"][stem],
        }
        for stem, stage in manifest.stages.items()
    }
    plan = asdict(memory_plan(manifest))
    return {
        "format_version": manifest.format_version,
        "capabilities": list(manifest.capabilities),
        "model": content["model"],
        "video": content["video"],
        "tokens": content["tokens"],
        "stages": stages,
        "provenance": content["provenance"],
        "memory": plan
        | {"kv_cache_bytes_of_video": kv_cache_bytes(manifest, plan["num_video_tokens"])},
    }


def _stage_providers(folder: Path, settings: dict[str, Any]) -> dict[str, Any]:
    from ufvideo_sdk.cli.interruptible import interruptible
    from ufvideo_sdk.model import UFVideo
    from ufvideo_sdk.results.answer_json import providers_object
    from ufvideo_sdk.runtime.config import RuntimeConfig

    runtime = RuntimeConfig(verify_digests=False, **settings)
    with spinner("opening the graphs") as say:
        model = interruptible(
            lambda: UFVideo.load(
                folder, runtime=runtime, on_engine=lambda progress: say(engine_label(progress))
            )
        )
    return providers_object(model.stage_providers)


def _provider_lines(providers: dict[str, Any]) -> list[str]:
    lines = ["", "stage             runs on"]
    for stem, stage in providers.items():
        counted = [
            f"{provider} ({stage['num_nodes'][provider]} nodes)"
            if provider in stage["num_nodes"]
            else provider
            for provider in stage["used"]
        ]
        lines.append(f"{stem:<17} {', '.join(counted)}")
    stems_by_reason: dict[tuple[str, str], list[str]] = {}
    for stem, stage in providers.items():
        for left_out in stage["left_out"].items():
            stems_by_reason.setdefault(left_out, []).append(stem)
    for (provider, reason), stems in stems_by_reason.items():
        where = "" if len(stems) == len(providers) else f" ({', '.join(stems)})"
        lines.append(f"left out: {provider}{where}: {reason}")
    return lines


def readable_bytes(count: int) -> str:
    """A size as people read it, in powers of 1024."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def _hub_lines(facts: dict[str, Any]) -> list[str]:
    hub = facts.get("hub")
    return [f"hf:{hub['repository']}@{hub['revision']}, commit {hub['commit']}"] if hub else []


def _lines(manifest: Manifest, facts: dict[str, Any]) -> list[str]:
    model, video, memory = manifest.model, manifest.video, facts["memory"]
    lines = [
        f"{model.name} ({model.architecture}, package format {manifest.format_version})",
        *_hub_lines(facts),
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
        f"peak on the CPU  {readable_bytes(memory['peak_bytes'])} for a question about a clip with"
        f" an answer of {memory['num_answer_tokens']} tokens",
        f"                 (loading {readable_bytes(memory['loading_bytes'])}; beside Python and"
        " the frames' pixels)",
        *_track_lines(facts),
        "made with        "
        + ", ".join(f"{name} {version}" for name, version in manifest.provenance.items()),
    ]
    return lines + (_provider_lines(facts["providers"]) if "providers" in facts else [])


def _track_lines(facts: dict[str, Any]) -> list[str]:
    memory = facts["memory"]
    if "segment" not in facts["capabilities"]:
        return []
    if "track" not in facts["capabilities"]:
        return ["tracking         none: `ufvideo export --add track CHECKPOINT PACKAGE` adds it"]
    return [
        f"tracking         {readable_bytes(memory['track_bytes_per_object'])} for each object, and"
        f" {readable_bytes(memory['track_working_bytes'])} while one is carried to the next frame"
    ]


def _board_lines(plans: list[BoardPlan]) -> list[str]:
    if not plans:
        return []
    lines = [
        "",
        "board    free for us   on     needs       (planned, not measured: docs/jetson.md)",
    ]
    for plan in sorted(plans, key=lambda plan: plan.board_gb):
        left = plan.left_bytes
        verdict = f"{readable_bytes(abs(left))} {'left' if left >= 0 else 'missing'}"
        lines.append(
            f"{plan.board_gb:>2} GB    {readable_bytes(plan.available_bytes):<13} {plan.device:<6}"
            f" {readable_bytes(plan.peak_bytes):<11} {verdict}"
        )
    return lines
