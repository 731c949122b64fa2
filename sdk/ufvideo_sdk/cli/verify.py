"""`ufvideo verify`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ufvideo_sdk.cli.info import readable_bytes
from ufvideo_sdk.cli.options import (
    JsonOption,
    LibraryOption,
    PackageArgument,
    ThreadsOption,
    runtime_settings,
)
from ufvideo_sdk.cli.package import named_package
from ufvideo_sdk.cli.say import print_json, say
from ufvideo_sdk.cli.terminal import spinner
from ufvideo_sdk.errors import PackageError
from ufvideo_sdk.package.file_names import MANIFEST_NAME
from ufvideo_sdk.validation.display_name import display_name

if TYPE_CHECKING:
    from ufvideo_sdk.package.manifest import StageVerification


def verify(
    package: PackageArgument = None,
    as_json: JsonOption = False,
    threads: ThreadsOption = None,
    onnxruntime_library: LibraryOption = None,
) -> None:
    """Check every file of a package against its digest, and open every graph.

    Example: ufvideo verify pkg
    """
    from ufvideo_sdk._native import Package
    from ufvideo_sdk.cli.interruptible import interruptible
    from ufvideo_sdk.model import UFVideo
    from ufvideo_sdk.package.manifest import listed_files, read_manifest
    from ufvideo_sdk.runtime.config import RuntimeConfig

    folder = named_package(package).folder
    manifest = read_manifest(folder / MANIFEST_NAME)
    with spinner("comparing digests"):
        interruptible(lambda: Package.open(folder, True))
    for stem, measured in manifest.verification.items():
        _check_measured(stem, measured)
    for stem, stage in manifest.stages.items():
        for provider, variant in stage.variants.items():
            _check_measured(f"{stem} ({provider})", variant.verification)
    checked: dict[str, Any] = {"files": [], "stages": []}
    for file in listed_files(manifest):
        checked["files"].append(file.path)
        if not as_json:
            say(f"OK  {file.path:<28} {readable_bytes(file.size_bytes):>11}  sha256 equal")
    # The digests are checked: loading need not do it again.
    settings = runtime_settings(threads, None, onnxruntime_library)
    with spinner("opening the graphs"):
        runtime = RuntimeConfig(verify_digests=False, **settings)
        interruptible(lambda: UFVideo.load(folder, runtime=runtime))
    for stem, measured in manifest.verification.items():
        checked["stages"].append(stem)
        if not as_json:
            say(
                f"OK  {stem:<28} {manifest.stages[stem].precision:>11}  opens, error when exported"
                f" {measured.max_abs_error:.2e} (allowed {measured.tolerance_abs:.0e})"
            )
    if as_json:
        found = {"package": display_name(str(folder)), "ok": True, **checked}
        print_json(json.dumps(found, indent=2) + "\n")


def _check_measured(stem: str, measured: StageVerification) -> None:
    """Raise PackageError when the exporter's own measurement is out of tolerance."""
    pairs = (
        ("max_abs_error", measured.max_abs_error, measured.tolerance_abs),
        ("max_rel_error", measured.max_rel_error, measured.tolerance_rel),
    )
    for name, error, tolerance in pairs:
        if error > tolerance:
            raise PackageError(
                f"expected verification.{stem}.{name} of at most {tolerance:g}, got {error:g}"
            )
