"""`python -m benchmarks.full_size.work STEP ...`: one step, in a process of its own.

What it finds is printed line by line, as the parent process reads it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.full_size.sizes import SIZES
from benchmarks.full_size.stages import compare_stages
from testing.ufvideo_testing.random_checkpoint import make_random_checkpoint
from ufvideo_export import export_package
from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.estimate import ExportEstimate
from ufvideo_export.torch_model.model import check_tensors


def make(sizes: str, folder: str) -> None:
    """Write the checkpoint."""
    checkpoint = make_random_checkpoint(Path(folder), SIZES[sizes], seed=0)
    shards = sorted(checkpoint.rglob("*.safetensors"))
    found = {
        "values": sum(check_tensors(Checkpoint(checkpoint)).values()),
        "shards": len(shards),
        "largest_shard_bytes": max(path.stat().st_size for path in shards),
    }
    print(json.dumps(found), flush=True)


def export(checkpoint: str, package: str, precision: str) -> None:
    """Export it, and say at which stage it is."""

    def report(label: str, fraction: float) -> None:
        print(f"{label}: {100 * fraction:.0f} %", flush=True)

    def estimated(found: ExportEstimate) -> None:
        print(json.dumps({"estimate": asdict(found)}), flush=True)

    manifest = export_package(
        Path(checkpoint),
        Path(package),
        precision=precision,
        on_estimate=estimated,
        progress=report,
    )
    for stem, measured in manifest.verification.items():
        found = {"stem": stem, "error": measured.max_rel_error, "limit": measured.tolerance_rel}
        print(json.dumps(found), flush=True)


def compare(checkpoint: str, package: str) -> None:
    """Run its stages beside PyTorch, one after the other."""
    for found in compare_stages(Path(checkpoint), Path(package)):
        print(json.dumps(found), flush=True)


STEPS: dict[str, Callable[..., None]] = {"make": make, "export": export, "compare": compare}


def main(arguments: Sequence[str]) -> int:
    """Run a step with its arguments."""
    STEPS[arguments[0]](*arguments[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
