"""Builds what the kit carries and measures it, each result printed and saved as it comes.

Run by `run` beside the pieces, in the sources that it unpacked: `run [--work DIR] [--device cuda]
[--seconds 360] [--only NAME ...]`. With `--device cpu` the same steps run without a GPU, which
shows that they run, and no more. The exit status is 0 only where every step succeeded.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.gpu_kit.report import Report
from benchmarks.gpu_kit.steps import Step, end_group, run_steps

MODELS, PRECISIONS = ("half", "full"), ("fp16", "int4")
# Imported by the SDK, the measurements and the tests; the kit's spare wheels bring them.
_MODULES = (
    "cv2",
    "PIL",
    "typer",
    "rich",
    "tokenizers",
    "onnx",
    "pytest",
    "numpy",
    "torch",
    "transformers",
)
_HERE = "benchmarks.gpu_kit"
_PATIENCE = 6.0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="run", description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="where the kit was unpacked")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--seconds", type=float, help="of the whole run; 360 on a GPU")
    parser.add_argument("--report", type=Path, help="default: WORK/report.txt")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="steps whose names begin so")
    return parser.parse_args(arguments)


def environment(work: Path) -> dict[str, str]:
    """Variables of every step: our build and wheels before the machine's."""
    paths = [
        str(work / "site"),
        str(work / "source"),
        *filter(None, [os.environ.get("PYTHONPATH")]),
    ]
    return {
        "PYTHONPATH": os.pathsep.join(paths),
        "UFVIDEO_SMALL_PACKAGES": str(work / "packages"),
        # The measurements use no network; nothing may wait for one.
        "HF_HUB_OFFLINE": "1",
        "NO_COLOR": "1",
        # The machine's own plug-ins of pytest have nothing to say here.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }


def missing_modules(work: Path) -> list[str]:
    """Modules that neither this Python nor the kit has."""
    spare = any((work / "spare" / "wheels").glob("*.whl"))
    return [] if spare else [name for name in _MODULES if importlib.util.find_spec(name) is None]


def plan(work: Path, device: str) -> list[Step]:
    """All steps, in order of what they tell.

    Args:
        work: Where the kit was unpacked.
        device: "cuda" or "cpu".
    """
    variables = environment(work)
    packages, filled = work / "packages", work / "filled"

    def module(name: str, *arguments: str | Path) -> list[str]:
        return [sys.executable, "-m", f"{_HERE}.{name}", *map(str, arguments)]

    # A try without a GPU may have two cores.
    patience = 1.0 if device == "cuda" else _PATIENCE

    def step(name: str, command: list[str], limit_s: float, *, needed: bool = False) -> Step:
        return Step(name, command, patience * limit_s, needed, variables)

    compared = sorted(path for path in packages.iterdir() if path.is_dir())
    tests = [sys.executable, "-m", "pytest", "-v", "--tb=short", "-m", "gpu", "tests/gpu"]
    # Another PyTorch than the one developed with may warn of what is to come.
    tests += ["-W", "default", "-p", "no:cacheprovider", "-p", "no:warnings"]
    half = [filled / f"half_{precision}" for precision in PRECISIONS]
    full = [filled / f"full_{precision}" for precision in PRECISIONS]
    return [
        step("build", module("install", work), 150, needed=True),
        step("1 providers", module("providers", device), 90, needed=True),
        step("2 agreement", module("agreement", device, *compared), 60),
        step("2 tests", tests, 75),
        *(step(f"3 {package.name}", module("half_model", device, package), 60) for package in half),
        *(step(f"4 {package.name}", module("full_model", device, package), 90) for package in full),
        step("5 options", module("options", device, half[0]), 60),
        step("5 tensorrt", module("tensorrt", device, packages / "small_fp16"), 60),
    ]


def start_filling(work: Path) -> subprocess.Popen[str]:
    """Write the weights of the models meanwhile: building uses other cores."""
    command = [sys.executable, "-m", f"{_HERE}.fill"]
    for left in (work / "filled").glob("*.failed"):
        left.unlink()
    for model in MODELS:
        for precision in PRECISIONS:
            name = f"{model}_{precision}"
            if not (work / "filled" / name).exists():
                command += [str(work / "templates" / name), str(work / "filled" / name)]
    if len(command) == 3:
        command = [sys.executable, "-c", ""]
    log = (work / "fill.txt").open("w", encoding="utf-8")
    path = os.pathsep.join([str(work / "source"), str(work / "source" / "sdk")])
    return subprocess.Popen(
        command,
        stdout=log,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,
    )


def start_warming() -> subprocess.Popen[str]:
    """Read PyTorch's and CUDA's gigabytes of libraries from the disk while the SDK is built."""
    code = "import torch, transformers; torch.cuda.is_available() and torch.zeros(1).cuda()"
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def _stop(*_: object) -> None:
    raise SystemExit(1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every step; see the module."""
    given = parse(arguments)
    work: Path = given.work.resolve()
    missing = missing_modules(work)
    if missing:
        print(
            f"expected the modules {', '.join(missing)}: put the pieces spare.* beside `run`, or"
            " install them",
            file=sys.stderr,
        )
        return 3
    report = Report((given.report or work / "report.txt").resolve())
    report.line(f"ufvideo-sdk's GPU kit, device {given.device}, Python {platform.python_version()}")
    steps = plan(work, given.device)
    if given.only:
        kept = ("build", *given.only)
        steps = [step for step in steps if step.name.startswith(kept)]
    report.line(f"{shutil.disk_usage(work).free / 1e9:.0f} GB are free at {work}, 26 are needed")
    # Whoever ends the run leaves nothing behind on the GPU.
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGHUP, _stop)
    beside = [start_filling(work), start_warming()]
    try:
        default_s = 360.0 if given.device == "cuda" else 1200.0
        return run_steps(steps, report, given.seconds or default_s)
    finally:
        for process in beside:
            end_group(process)
            process.wait()
        report.line(f"filling: {(work / 'fill.txt').read_text(encoding='utf-8').strip()}")
        report.close()


if __name__ == "__main__":
    sys.exit(main())
