"""Wheels for the machine with the GPU, fetched on the machine that packs the kit."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Newest first: pip matches each exactly.
_GLIBC_VERSIONS = (28, 27, 24, 17)
_OLD_PLATFORMS = ("manylinux2014", "manylinux2010", "manylinux1")
# What the SDK and its tests need and PyTorch with transformers do not bring. The machine may have
# them: they travel apart, and are needed only where it has not.
SPARE = (
    "opencv-python-headless",
    "pillow",
    "typer",
    "click",
    "shellingham",
    "rich",
    "markdown-it-py",
    "mdurl",
    "pygments",
    "tokenizers",
    "onnx",
    "protobuf",
    "ml-dtypes",
    "typing-extensions",
    "pytest",
    "pluggy",
    "iniconfig",
    "packaging",
)


def gpu_runtime_version() -> str:
    """The version of onnxruntime-gpu that this project's tests fetch."""
    script = (ROOT / "cmake" / "fetch_onnxruntime_gpu.sh").read_text(encoding="utf-8")
    found = re.search(r"^version=(\S+)$", script, re.MULTILINE)
    assert found is not None
    return found[1]


def needed(device: str) -> list[str]:
    """Requirements of what no such machine has."""
    runtime = [f"onnxruntime-gpu=={gpu_runtime_version()}"] if device == "cuda" else []
    return [*runtime, f"av=={version('av')}"]


def spare() -> list[str]:
    """Requirements of what it may have, in the versions installed here."""
    return [f"{name}=={version(name)}" for name in SPARE]


def download(requirements: Sequence[str], folder: Path, python: str) -> list[Path]:
    """Fetch wheels for an x86-64 Linux; nothing they depend on comes with them.

    Args:
        requirements: Such as "av==18.1.0".
        folder: Where to.
        python: Version of the Python they are for, such as "3.12".

    Returns:
        The wheels.

    Raises:
        RuntimeError: When pip cannot fetch one, with its last words.
    """
    platforms = [f"manylinux_2_{minor}" for minor in _GLIBC_VERSIONS]
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
    command += ["--only-binary", ":all:", "--implementation", "cp", "--python-version", python]
    for platform in (*platforms, *_OLD_PLATFORMS):
        command += ["--platform", f"{platform}_x86_64"]
    command += ["-d", str(folder), *requirements]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"expected pip to fetch {', '.join(requirements)}: {result.stderr}")
    return sorted(folder.glob("*.whl"))
