"""Unpacks the kit's wheels and builds the SDK into a folder beside the machine's own packages.

Run as `python -m benchmarks.gpu_kit.install WORK`. No network is used.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# Module of a spare wheel, where the two names differ.
_MODULE_OF = {
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "markdown-it-py": "markdown_it",
    "ml-dtypes": "ml_dtypes",
    "typing-extensions": "typing_extensions",
    "protobuf": "google.protobuf",
}


def missing_wheels(folder: Path) -> list[Path]:
    """Those of the spare wheels whose modules this Python lacks."""
    return [path for path in sorted(folder.glob("*.whl")) if not _is_installed(path)]


def _is_installed(wheel: Path) -> bool:
    name = wheel.name.split("-")[0].replace("_", "-").lower()
    module = _MODULE_OF.get(name, name.replace("-", "_"))
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def main(arguments: Sequence[str]) -> int:
    """Install; see the module."""
    work = Path(arguments[0])
    site, source, headers = work / "site", work / "source", work / "headers"
    found = sorted((work / "wheels").glob("*.whl")) + missing_wheels(work / "spare" / "wheels")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--upgrade"]
    pip += ["--no-compile", "--disable-pip-version-check", "--target", str(site)]
    print(f"wheels: {', '.join(path.name for path in found)}")
    subprocess.run([*pip, *map(str, found)], check=True)
    cmake = f"-DONNXRUNTIME_ROOT={headers} -DCMAKE_PREFIX_PATH={headers}"
    environment = os.environ | {
        "CMAKE_ARGS": f"{cmake} -DFETCHCONTENT_FULLY_DISCONNECTED=ON",
        "CPATH": str(headers / "include"),
        "CMAKE_BUILD_PARALLEL_LEVEL": str(os.cpu_count() or 1),
    }
    build = [*pip, "--no-build-isolation", str(source)]
    subprocess.run(build, check=True, env=environment)
    print(f"built {next((site / 'ufvideo_sdk').glob('_native*.so')).name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
