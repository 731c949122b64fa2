"""What a manifest says of where a package comes from, and what made it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.checkpoint.hub_checkpoint import Source
from ufvideo_export.checkpoint.tensor_account import short_list
from ufvideo_export.precision import INTEGER_BITS, Recipe
from ufvideo_sdk.hub.hub_name import PREFIX

# Distribution name -> provenance key.
_VERSIONS = {
    "ufvideo-sdk": "exporter",
    "torch": "torch",
    "transformers": "transformers",
    "onnx": "onnx",
    "onnx-ir": "onnx_ir",
    "onnxscript": "onnxscript",
}


def provenance(checkpoint: Checkpoint, chosen: Recipe) -> dict[str, str]:
    """What makes the package, and how."""
    versions = installed_versions()
    if chosen.name in INTEGER_BITS:
        versions |= {
            "onnxruntime": _installed("onnxruntime"),
            "optimum_onnx": _installed("optimum-onnx"),
            "quantization": chosen.quantization.text(chosen.name),
        }
        if chosen.quantization.has_static_encoders:
            del versions["optimum_onnx"]
    if checkpoint.ignored_tensors:
        names = ", ".join(short_list(checkpoint.ignored_tensors))
        text = f"{len(checkpoint.ignored_tensors)}: {names}"
        # A text of the manifest has 256 bytes at most.
        versions["ignored_tensors"] = text.encode("ascii", "replace").decode()[:200]
    return versions


def installed_versions() -> dict[str, str]:
    """Versions of all that writes a traced graph."""
    return {key: _installed(name) for name, key in _VERSIONS.items()}


def origins(checkpoint: Checkpoint, source: Source, siglip: Source | None) -> dict[str, str]:
    """Where the weights came from: a folder's name, or the commit of a repository."""
    found = {"source": checkpoint.name}
    for key, located in (("source", source), ("vision_tower", siglip)):
        if located is not None and located.hub is not None:
            found[key] = f"{PREFIX}{located.hub.repository}"
            found[f"{key}_revision"] = located.hub.revision
            found[f"{key}_commit"] = located.hub.commit
    return found


def _installed(distribution: str) -> str:
    try:
        return version(distribution).split("+")[0]
    except PackageNotFoundError:
        return "unknown"
