"""Packs the kit: everything that a machine with a GPU and without a network lacks.

Run as `python -m benchmarks.gpu_kit.pack OUT [--piece-mib 20] [--device cuda] [--sizes full]`, or
`make gpu-kit OUT=DIR`. At full sizes it takes some minutes and 8 GB of memory: graphs of the
released sizes are traced, their weights are not written. The pieces may be carried one by one.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.gpu_kit import wheels
from benchmarks.gpu_kit.models import MODELS, PRECISIONS
from benchmarks.gpu_kit.pieces import write_digests, write_pieces
from benchmarks.gpu_kit.template import SMALLEST_BYTES, write_template
from benchmarks.gpu_kit.unwritten_checkpoint import UnwrittenCheckpoint
from ufvideo_export import export_package
from ufvideo_export.precision import Quantization

ROOT = Path(__file__).parents[2]
# What is built and measured with; no golden data, no trained checkpoint.
SOURCES = (
    "CMakeLists.txt",
    "LICENSE",
    "README.md",
    "THIRD_PARTY_NOTICES.txt",
    "pyproject.toml",
    "bindings",
    "benchmarks",
    "cmake",
    "export",
    "native",
    "sdk",
    "testing",
    "tests/conftest.py",
    "tests/gpu",
)
_LEFT_OUT = ("benchmarks/results/",)
_SMALL, _NANO = ROOT / "tests" / "data" / "small", ROOT / "training" / "nano" / "checkpoint"
_QUICK_SMALLEST_BYTES = 1 << 10


def copy_sources(folder: Path) -> None:
    """Copy the files that git knows of, as they are in the working tree."""
    listed = ["git", "ls-files", "-z", "--", *SOURCES]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if name.startswith(_LEFT_OUT) or not (ROOT / name).is_file():
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)


def copy_headers(folder: Path) -> None:
    """Copy the header libraries of the build: ONNX Runtime's, and nlohmann/json with its config."""
    shutil.copytree(ROOT / ".cache" / "onnxruntime" / "include", folder / "include")
    shutil.copytree("/usr/include/nlohmann", folder / "include" / "nlohmann")
    for place in ("share/cmake", "lib/cmake"):
        config = Path("/usr") / place / "nlohmann_json"
        if config.is_dir():
            shutil.copytree(config, folder / place / "nlohmann_json")


def export_packages(folder: Path, *, quick: bool) -> None:
    """Export the small package, and nano, in the precisions that are compared with the CPU."""
    small, siglip = _SMALL / "checkpoint", _SMALL / "siglip"
    # Named as the tests' own fixtures.
    for name, precision in (("small", "fp32"), ("small_fp16", "fp16"), ("small_int4", "int4")):
        integers = Quantization(floats="fp16") if precision == "int4" else None
        export_package(
            small,
            folder / name,
            vision_tower=siglip,
            precision=precision,
            quantization=integers,
            track=False,
        )
    export_package(small, folder / "small_track", vision_tower=siglip)
    for precision in () if quick else ("fp32", "fp16"):
        package = folder / f"nano_{precision}"
        export_package(
            _NANO, package, precision=precision, seg_hidden_state="predicting", track=False
        )


def write_templates(folder: Path, sizes: str) -> None:
    """Write a template for every model and precision."""
    smallest_bytes = _QUICK_SMALLEST_BYTES if sizes == "quick" else SMALLEST_BYTES
    for name, model in MODELS[sizes].items():
        with tempfile.TemporaryDirectory() as config:
            checkpoint = UnwrittenCheckpoint(Path(config) / name, model)
            shared: dict[str, Path] = {}
            for precision in PRECISIONS:
                template = folder / f"{name}_{precision}"
                write_template(template, checkpoint, precision, shared, smallest_bytes)


def pack(out: Path, *, sizes: str, device: str, python: str, piece_bytes: int) -> list[Path]:
    """Write the kit into a folder.

    Args:
        out: The folder; what is in it goes.
        sizes: "full", or "quick" for a try.
        device: "cuda", or "cpu" for a try.
        python: Version of the other machine's Python.
        piece_bytes: The most that a piece holds.

    Returns:
        The pieces.
    """
    shutil.rmtree(out, ignore_errors=True)
    staging, spare = out / "staging", out / "staging_spare"
    for folder in (staging / "source", staging / "packages", staging / "templates", spare):
        folder.mkdir(parents=True)

    def step(name: str, begin: float) -> None:
        print(f"{name}: {time.perf_counter() - begin:.0f} s", flush=True)

    begin = time.perf_counter()
    copy_sources(staging / "source")
    copy_headers(staging / "headers")
    wheels.download(wheels.needed(device), staging / "wheels", python)
    step("sources, headers, wheels", begin)
    if device == "cuda":
        wheels.download(wheels.spare(), spare / "wheels", python)
        step("spare wheels", begin)
    export_packages(staging / "packages", quick=sizes == "quick")
    step("packages", begin)
    write_templates(staging / "templates", sizes)
    step("templates", begin)
    paths = write_pieces(staging, out, "kit", piece_bytes)
    if device == "cuda":
        paths += write_pieces(spare, out, "spare", piece_bytes)
    write_digests(out, paths)
    shutil.copyfile(Path(__file__).with_name("run.sh"), out / "run")
    (out / "run").chmod(0o755)
    shutil.rmtree(staging)
    shutil.rmtree(spare)
    step("pieces", begin)
    return paths


def main(arguments: Sequence[str] | None = None) -> int:
    """Pack, and list the pieces."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu_kit.pack", description=__doc__.splitlines()[0]
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--piece-mib", type=int, default=20)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--sizes", choices=tuple(MODELS), default="full")
    parser.add_argument("--python", default="3.12", help="version of the other machine's Python")
    given = parser.parse_args(arguments)
    if given.piece_mib < 1:
        parser.error(f"expected --piece-mib of at least 1, got {given.piece_mib}")
    paths = pack(
        given.out,
        sizes=given.sizes,
        device=given.device,
        python=given.python,
        piece_bytes=given.piece_mib << 20,
    )
    total = sum(path.stat().st_size for path in paths)
    for path in paths:
        print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB")
    print(f"{len(paths)} pieces, {total / 2**20:.1f} MiB in all; now: {given.out / 'run'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
