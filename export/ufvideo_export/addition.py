"""The stages that track, added to a package that was exported without them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.checkpoint.hub_checkpoint import locate
from ufvideo_export.estimate import ExportEstimate, track_core_s
from ufvideo_export.export import OnEstimate
from ufvideo_export.package.export_progress import ExportProgress, export_key
from ufvideo_export.package.manifest_fields import model_facts, tracking_facts, video_facts
from ufvideo_export.package.provenance import installed_versions
from ufvideo_export.package.same_weights import differing_weight
from ufvideo_export.package.write_package import (
    add_files,
    check_space,
    clear_leftovers,
    partial_folder,
)
from ufvideo_export.precision import Quantization, Recipe, track_precision
from ufvideo_export.spec import stage_specs
from ufvideo_export.torch_model.model import check_tensors
from ufvideo_export.write_stages import Progress, write_stages
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.hub.download import DownloadCallback
from ufvideo_sdk.package.file_names import MANIFEST_NAME
from ufvideo_sdk.package.manifest import (
    CAPABILITY_STAGES,
    LATEST_FORMAT_VERSION,
    Manifest,
    read_manifest,
)

CAPABILITY = "track"
_STEMS = CAPABILITY_STAGES[CAPABILITY]
# The weights of the three stages and of what stands beside one under way: bytes of a value of SAM
# 2, of which they hold a small part.
_DISK_BYTES = 4.0
_SPARE_BYTES = 32 << 20


def add_track(
    checkpoint: Path | str,
    package: Path,
    *,
    vision_tower: Path | str | None = None,
    ignore_tensors: Sequence[str] = (),
    on_estimate: OnEstimate | None = None,
    on_download: DownloadCallback | None = None,
    progress: Progress | None = None,
) -> Manifest:
    """Add the stages that track objects to a package, without exporting the rest again.

    No file of the package is changed but its manifest, which is replaced by one rename when the new
    graphs are in their place: whoever opens the package meanwhile finds the old one or the new one.
    The result is what exporting the checkpoint with these stages gives.

    Args:
        checkpoint: What the package was exported from, as `export_package` takes it.
        package: The package's folder.
        vision_tower: As `export_package` takes it.
        ignore_tensors: As `export_package` takes it.
        on_estimate: Called once with what it will take, before anything is written.
        on_download: As `export_package` calls it.
        progress: As `export_package` calls it.

    Returns:
        The new manifest.

    Raises:
        InputError: For a checkpoint or a package that is not what it should be: a package that has
            these stages or cannot segment, lies in a cache, or is of another checkpoint.
        PackageError: For a package that cannot be read.
        CapacityError: When the disk is too small, before anything is written.
        InferenceError: When a graph does not agree with PyTorch.
    """
    report = progress or (lambda _label, _fraction: None)
    package = Path(package).absolute()
    clear_leftovers(package)
    before = _package_without(package)
    report("checkpoint", 0.0)
    source, siglip = locate(checkpoint, vision_tower, on_download)
    opened = Checkpoint(
        source.folder,
        None if siglip is None else siglip.folder,
        ignore_tensors=tuple(ignore_tensors),
        name=source.name,
    )
    num_values = check_tensors(opened)
    _check_same(opened, package, before)
    disk = _DISK_BYTES * num_values["mask_encoder"] + _SPARE_BYTES
    estimate = ExportEstimate(track_core_s(opened, num_values), _memory_bytes(num_values), disk)
    if on_estimate is not None:
        on_estimate(estimate)
    check_space(package, estimate.disk_bytes)
    precision = track_precision(before)
    chosen = Recipe(precision, dict.fromkeys(_STEMS, precision), Quantization())
    # What the language model is in is no matter of these stages.
    specs = stage_specs(opened, "fp32", track=True)
    key = export_key(opened, {"add": CAPABILITY, "precision": precision, **installed_versions()})
    with partial_folder(package, lambda found: bool(ExportProgress(found, key).stems)) as partial:
        finished = ExportProgress(partial, key)
        finished.clear_rest()
        added = {stem: specs[stem] for stem in _STEMS}
        entries, verification = write_stages(opened, added, chosen, finished, report)
        manifest = dataclasses.replace(
            before,
            format_version=LATEST_FORMAT_VERSION,
            capabilities=(*before.capabilities, CAPABILITY),
            tracking=tracking_facts(opened),
            stages={**before.stages, **entries},
            verification={**before.verification, **verification},
            provenance={**before.provenance, **_made_by(before)},
        )
        report("publish", 1.0)
        if read_manifest(package) != before:
            raise InputError(f"expected {package} to stay as it was, another process changed it")
        add_files(partial, package, manifest)
    return manifest


def _package_without(package: Path) -> Manifest:
    """The manifest of a package to which the stages can be added."""
    if not package.is_dir():
        raise InputError(f"expected a package folder to add {CAPABILITY} to, {package} is none")
    if (package / MANIFEST_NAME).is_symlink():
        raise InputError(
            f"expected a package folder of its own files to add {CAPABILITY} to, {package} has"
            " links, as a cache has: copy it (cp -rL) and add to the copy"
        )
    manifest = read_manifest(package)
    if CAPABILITY in manifest.capabilities:
        raise InputError(
            f"expected a package without {CAPABILITY}, {package} has it already: export the"
            " checkpoint again to replace it"
        )
    if "segment" not in manifest.capabilities:
        raise InputError(
            f"expected a package that can segment, which {CAPABILITY} needs, {package} has"
            f" {', '.join(manifest.capabilities)}"
        )
    return manifest


def _check_same(checkpoint: Checkpoint, package: Path, manifest: Manifest) -> None:
    """Refuse a package of another checkpoint: by its sizes, then by SAM 2's own weights."""
    for name, found, expected in (
        ("model", manifest.model, model_facts(checkpoint, manifest.model.seg_hidden_state)),
        ("video", manifest.video, video_facts(checkpoint)),
    ):
        for field in dataclasses.fields(expected):
            of_package, own = getattr(found, field.name), getattr(expected, field.name)
            # A renamed folder is the same checkpoint.
            if of_package != own and field.name != "name":
                raise InputError(
                    f"expected a package of {checkpoint.folder}, whose {name}.{field.name} is"
                    f" {own}, {package} has {of_package}"
                )
    differs = differing_weight(checkpoint, package, manifest)
    if differs is not None:
        raise InputError(
            f"expected a package of {checkpoint.folder}, {package} has other values of {differs}:"
            " it was exported from another checkpoint"
        )


def _memory_bytes(num_values: dict[str, int]) -> float:
    """SAM 2 in PyTorch, in the graph under way and in ONNX Runtime, beside Python's modules."""
    return 0.7e9 + 10.0 * num_values["mask_encoder"]


def _made_by(manifest: Manifest) -> dict[str, str]:
    """Versions that wrote these stages, where they are not those that wrote the others."""
    return {
        f"{CAPABILITY}_{key}": value
        for key, value in installed_versions().items()
        if manifest.provenance.get(key) != value
    }
