"""From a checkpoint to a verified package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.checkpoint.hub_checkpoint import HubWeights, Source, locate
from ufvideo_export.checkpoint.tensor_account import LeftOut, left_out_tensors, short_list
from ufvideo_export.checkpoint.tokenizer import (
    CheckpointTokenizer,
    chat_template_json,
    read_tokenizer,
)
from ufvideo_export.estimate import ExportEstimate, estimate_export, least_package_bytes
from ufvideo_export.graph.encoder_int8 import require_optimum
from ufvideo_export.graph.linear import check_widths
from ufvideo_export.package.export_progress import ExportProgress, export_key
from ufvideo_export.package.manifest_fields import model_facts, video_facts
from ufvideo_export.package.write_package import (
    check_space,
    check_target,
    clear_leftovers,
    file_entry,
    leftover_bytes,
    partial_folder,
    publish,
)
from ufvideo_export.precision import INTEGER_BITS, Quantization, Recipe, recipe
from ufvideo_export.process.free_memory import give_back_memory
from ufvideo_export.spec import StageSpec, stage_specs
from ufvideo_export.stages import STAGES
from ufvideo_export.torch_model.model import check_tensors
from ufvideo_export.verify import verify_stage
from ufvideo_sdk.errors import ConfigError, InputError, PackageError
from ufvideo_sdk.hub.download import DownloadCallback
from ufvideo_sdk.hub.hub_name import PREFIX
from ufvideo_sdk.package.manifest import (
    FORMAT_VERSION,
    SEG_HIDDEN_STATES,
    FileEntry,
    Manifest,
    ModelConfig,
    StageEntry,
    StageVerification,
    VideoConfig,
)

Progress = Callable[[str, float], None]
OnLeftOut = Callable[[tuple[LeftOut, ...]], None]
OnEstimate = Callable[[ExportEstimate], None]
# Distribution name -> provenance key.
_PROVENANCE = {
    "ufvideo-sdk": "exporter",
    "torch": "torch",
    "transformers": "transformers",
    "onnx": "onnx",
    "onnx-ir": "onnx_ir",
    "onnxscript": "onnxscript",
}


def export_package(
    checkpoint: Path | str,
    out: Path,
    *,
    vision_tower: Path | str | None = None,
    precision: str = "fp32",
    quantization: Quantization | None = None,
    seg_hidden_state: str = "preceding",
    ignore_tensors: Sequence[str] = (),
    force: bool = False,
    on_left_out: OnLeftOut | None = None,
    on_estimate: OnEstimate | None = None,
    on_download: DownloadCallback | None = None,
    progress: Progress | None = None,
) -> Manifest:
    """Write a checkpoint as a package of ONNX graphs, each compared with PyTorch on the way.

    Args:
        checkpoint: Folder in the released format, or the text "hf:USER/NAME[@REVISION]": the files
            of a repository on the Hugging Face Hub that an export reads are downloaded. The package
            records repository, revision and commit.
        out: The package; it appears by one rename when everything is in it. An export that was
            stopped or killed goes on from the stages it finished; see `export_progress`.
        vision_tower: SigLIP's folder, where it is neither inside the checkpoint nor beside it, or
            its repository.
        precision: "fp32", "fp16", "int8" or "int4"; `precision` says what that is for each stage.
        quantization: How integer weights are made; for "int8" and "int4".
        seg_hidden_state: "preceding" (as the released code generates) or "predicting" (as training
            optimises).
        ignore_tensors: Patterns of names (`*`, `?`, `[...]`) of tensors to leave out that are no
            part of the model; a tensor that is neither read nor left out is refused.
        force: Replace a package that exists.
        on_left_out: Called once with the tensors that no graph needs, part by part, before they are
            read; not called if there are none.
        on_estimate: Called once with what the export will take, before the checkpoint is read; also
            where the disk is too small.
        on_download: Called as bytes come from the Hub; its exceptions end the download, which goes
            on from there the next time.
        progress: Called with what is being done and the fraction of the work behind it.

    Returns:
        The manifest of the package.

    Raises:
        ConfigError: For an unknown precision or seg_hidden_state, a quantization where nothing is
            quantised, integers without Optimum, a pattern that matches no tensor, or a repository
            without huggingface_hub.
        InputError: For a checkpoint or a target that is not what it should be; a checkpoint that
            holds a LoRA, quantised weights or tensors nobody reads, or a repository that cannot be
            read, included.
        CapacityError: When the disk is too small for the package or for a download, before anything
            is written.
        InferenceError: When a graph does not agree with PyTorch.
    """
    chosen = recipe(precision, quantization)
    if chosen.stages["vision_encoder"] in INTEGER_BITS:
        require_optimum()
    if seg_hidden_state not in SEG_HIDDEN_STATES:
        raise ConfigError(
            f"expected seg_hidden_state to be {' or '.join(SEG_HIDDEN_STATES)}, found"
            f" {seg_hidden_state!r}"
        )
    report = progress or (lambda _label, _fraction: None)
    out = Path(out).absolute()
    clear_leftovers(out)
    check_target(out, force=force)
    report("checkpoint", 0.0)
    ignore = _patterns(ignore_tensors)
    source, siglip = locate(
        checkpoint, vision_tower, on_download, lambda found: _check_room(out, precision, found)
    )
    opened = Checkpoint(
        source.folder,
        None if siglip is None else siglip.folder,
        ignore_tensors=ignore,
        name=source.name,
    )
    check_widths(opened.sizes, chosen.stages["language_model"], chosen.quantization)
    tokenizer = read_tokenizer(opened.folder, opened.sizes)
    num_values = check_tensors(opened)
    left_out = left_out_tensors(opened)
    if on_left_out is not None and left_out:
        on_left_out(left_out)
    estimate = estimate_export(opened, num_values, chosen)
    if on_estimate is not None:
        on_estimate(estimate)
    check_space(out, estimate.disk_bytes - leftover_bytes(out))
    model, video = _facts(opened, seg_hidden_state)
    provenance = {**_provenance(opened, chosen), **_origins(opened, source, siglip)}
    options = {"precision": precision, "seg_hidden_state": seg_hidden_state, **provenance}
    key = export_key(opened, options)
    with partial_folder(out, lambda found: bool(ExportProgress(found, key).stems)) as partial:
        finished = ExportProgress(partial, key)
        finished.clear_rest()
        held = sum(path.stat().st_size for path in partial.iterdir())
        check_space(out, estimate.disk_bytes - held)
        entries, verification = _write_stages(opened, partial, chosen, finished, report)
        manifest = Manifest(
            format_version=FORMAT_VERSION,
            model=model,
            video=video,
            tokens=tokenizer.facts,
            stages=entries,
            files=_write_texts(tokenizer, partial),
            provenance=provenance,
            verification=verification,
        )
        report("publish", 1.0)
        publish(partial, out, manifest, force=force)
    return manifest


def _check_room(out: Path, precision: str, weights: HubWeights) -> None:
    """Refuse a download that leaves no room for the package.

    By a lower bound: what the package takes is known by the weights' names and shapes, later.
    """
    least = least_package_bytes(weights.num_values, precision) - leftover_bytes(out)
    check_space(out, max(least, 0), cache=weights.cache, download_bytes=weights.missing_bytes)


def _patterns(ignore_tensors: Sequence[str]) -> tuple[str, ...]:
    """The patterns, if they are a sequence of texts and not one text."""
    if isinstance(ignore_tensors, str) or not all(isinstance(each, str) for each in ignore_tensors):
        raise ConfigError(
            f"expected ignore_tensors to be a sequence of patterns, found {ignore_tensors!r}"
        )
    return tuple(ignore_tensors)


def _write_texts(tokenizer: CheckpointTokenizer, partial: Path) -> tuple[FileEntry, ...]:
    tokenizer.write(partial / "tokenizer.json")
    (partial / "chat_template.json").write_text(chat_template_json(), encoding="utf-8")
    return tuple(file_entry(partial, name) for name in ("tokenizer.json", "chat_template.json"))


def _write_stages(
    checkpoint: Checkpoint,
    partial: Path,
    chosen: Recipe,
    finished: ExportProgress,
    report: Progress,
) -> tuple[dict[str, StageEntry], dict[str, StageVerification]]:
    specs = stage_specs(checkpoint, chosen.stages["language_model"], chosen.quantization)
    entries: dict[str, StageEntry] = {}
    verification: dict[str, StageVerification] = {}
    for number, (stem, spec) in enumerate(specs.items()):
        path, precision = partial / f"{stem}.onnx", chosen.stages[stem]
        before = _stage_entry(partial, spec, precision) if path.exists() else None
        measured = before and finished.finished(stem, before)
        if before is not None and measured is not None:
            report(f"{stem} (taken over)", number / len(specs))
            entries[stem], verification[stem] = before, measured
            continue
        for left in partial.glob(f"{stem}.onnx*"):
            left.unlink()
        report(stem, number / len(specs))
        stage = STAGES[stem](checkpoint, spec, precision, chosen.quantization)
        stage.write(path)
        report(f"{stem} (comparing)", (number + 0.7) / len(specs))
        verification[stem] = verify_stage(stage, path)
        entries[stem] = _stage_entry(partial, spec, precision)
        finished.record(stem, entries[stem], verification[stem])
        # One stage's weights in memory at a time.
        del stage
        give_back_memory()
    return entries, verification


def _stage_entry(partial: Path, spec: StageSpec, precision: str) -> StageEntry:
    weights = f"{spec.stem}.onnx.data"
    return StageEntry(
        graph=file_entry(partial, f"{spec.stem}.onnx"),
        weights=file_entry(partial, weights) if (partial / weights).exists() else None,
        precision=precision,
        inputs=spec.inputs,
        outputs=spec.outputs,
    )


def _facts(checkpoint: Checkpoint, seg_hidden_state: str) -> tuple[ModelConfig, VideoConfig]:
    """What the manifest says of the sizes, before any work is spent on a size it cannot hold."""
    try:
        return model_facts(checkpoint, seg_hidden_state), video_facts(checkpoint)
    except PackageError as error:
        raise InputError(
            f"expected sizes that a package can hold in {checkpoint.folder}: {error}"
        ) from error


def _provenance(checkpoint: Checkpoint, chosen: Recipe) -> dict[str, str]:
    def installed(distribution: str) -> str:
        try:
            return version(distribution).split("+")[0]
        except PackageNotFoundError:
            return "unknown"

    versions = {key: installed(name) for name, key in _PROVENANCE.items()}
    if chosen.name in INTEGER_BITS:
        versions |= {
            "onnxruntime": installed("onnxruntime"),
            "optimum_onnx": installed("optimum-onnx"),
            "quantization": chosen.quantization.text(chosen.name),
        }
    if checkpoint.ignored_tensors:
        names = ", ".join(short_list(checkpoint.ignored_tensors))
        text = f"{len(checkpoint.ignored_tensors)}: {names}"
        # A text of the manifest has 256 bytes at most.
        versions["ignored_tensors"] = text.encode("ascii", "replace").decode()[:200]
    return versions


def _origins(checkpoint: Checkpoint, source: Source, siglip: Source | None) -> dict[str, str]:
    """Where the weights came from: a folder's name, or the commit of a repository."""
    origins = {"source": checkpoint.name}
    for key, located in (("source", source), ("vision_tower", siglip)):
        if located is not None and located.hub is not None:
            origins[key] = f"{PREFIX}{located.hub.repository}"
            origins[f"{key}_revision"] = located.hub.revision
            origins[f"{key}_commit"] = located.hub.commit
    return origins
