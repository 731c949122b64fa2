"""From a checkpoint to a verified package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ufvideo_export.calibration.frames import CalibrationFrames
from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.checkpoint.hub_checkpoint import HubWeights, locate
from ufvideo_export.checkpoint.tensor_account import LeftOut, left_out_tensors
from ufvideo_export.checkpoint.tokenizer import (
    CheckpointTokenizer,
    chat_template_json,
    read_tokenizer,
)
from ufvideo_export.estimate import ExportEstimate, estimate_export, least_package_bytes
from ufvideo_export.graph.encoder_int8 import require_optimum
from ufvideo_export.graph.linear import check_widths
from ufvideo_export.package.export_progress import ExportProgress, export_key
from ufvideo_export.package.manifest_fields import model_facts, tracking_facts, video_facts
from ufvideo_export.package.provenance import origins, provenance
from ufvideo_export.package.write_package import (
    check_space,
    check_target,
    clear_leftovers,
    file_entry,
    leftover_bytes,
    partial_folder,
    publish,
)
from ufvideo_export.precision import INTEGER_BITS, Quantization, recipe
from ufvideo_export.spec import stage_specs
from ufvideo_export.torch_model.model import check_tensors
from ufvideo_export.write_stages import Progress, write_stages
from ufvideo_sdk.errors import ConfigError, InputError, PackageError
from ufvideo_sdk.hub.download import DownloadCallback
from ufvideo_sdk.package.manifest import (
    CAPABILITY_STAGES,
    FORMAT_VERSION,
    LATEST_FORMAT_VERSION,
    SEG_HIDDEN_STATES,
    FileEntry,
    Manifest,
    ModelConfig,
    TrackingConfig,
    VideoConfig,
)
from ufvideo_sdk.package.manifest_fields import VERSION_1_CAPABILITIES

OnLeftOut = Callable[[tuple[LeftOut, ...]], None]
OnEstimate = Callable[[ExportEstimate], None]


def export_package(
    checkpoint: Path | str,
    out: Path,
    *,
    vision_tower: Path | str | None = None,
    precision: str = "fp32",
    quantization: Quantization | None = None,
    seg_hidden_state: str = "preceding",
    track: bool = True,
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
        track: Write the stages that track objects, too. Without them the package has format version
            1 (2 with `encoder_int8` "qdq"), and `add_track` adds them later.
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
            quantised, dynamic encoders without Optimum, a pattern that matches no tensor, or a
            repository without huggingface_hub.
        InputError: For a checkpoint, a target or calibration frames that are not what they should
            be; a checkpoint that holds a LoRA, quantised weights or tensors nobody reads, or a
            repository that cannot be read, included.
        CapacityError: When the disk is too small for the package or for a download, before anything
            is written.
        InferenceError: When a graph does not agree with PyTorch.
    """
    chosen = recipe(precision, quantization)
    is_static = chosen.is_static("vision_encoder")
    if chosen.stages["vision_encoder"] in INTEGER_BITS and not is_static:
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
    calibration = {}
    if is_static:
        report("calibration frames", 0.0)
        calibration["calibration"] = CalibrationFrames(chosen.quantization.calibration).summary()
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
    left_out = left_out_tensors(opened, track=track)
    if on_left_out is not None and left_out:
        on_left_out(left_out)
    estimate = estimate_export(opened, num_values, chosen, track=track)
    if on_estimate is not None:
        on_estimate(estimate)
    check_space(out, estimate.disk_bytes - leftover_bytes(out))
    model, video, tracking = _facts(opened, seg_hidden_state, track=track)
    specs = stage_specs(opened, chosen.stages["language_model"], chosen.quantization, track=track)
    made_of = provenance(opened, chosen) | calibration | origins(opened, source, siglip)
    options = {"precision": precision, "seg_hidden_state": seg_hidden_state, "track": str(track)}
    key = export_key(opened, options | made_of)
    with partial_folder(out, lambda found: bool(ExportProgress(found, key).stems)) as partial:
        finished = ExportProgress(partial, key)
        finished.clear_rest()
        held = sum(path.stat().st_size for path in partial.iterdir())
        check_space(out, estimate.disk_bytes - held)
        entries, verification = write_stages(opened, specs, chosen, finished, report)
        manifest = Manifest(
            format_version=LATEST_FORMAT_VERSION if track or is_static else FORMAT_VERSION,
            model=model,
            video=video,
            tokens=tokenizer.facts,
            stages=entries,
            files=_write_texts(tokenizer, partial),
            provenance=made_of,
            verification=verification,
            capabilities=tuple(CAPABILITY_STAGES) if track else VERSION_1_CAPABILITIES,
            tracking=tracking,
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


def _facts(
    checkpoint: Checkpoint, seg_hidden_state: str, *, track: bool
) -> tuple[ModelConfig, VideoConfig, TrackingConfig | None]:
    """What the manifest says of the sizes, before any work is spent on a size it cannot hold."""
    try:
        return (
            model_facts(checkpoint, seg_hidden_state),
            video_facts(checkpoint),
            tracking_facts(checkpoint) if track else None,
        )
    except PackageError as error:
        raise InputError(
            f"expected sizes that a package can hold in {checkpoint.folder}: {error}"
        ) from error
