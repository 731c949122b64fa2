"""What this machine is, whether the providers start, and how fast its memory is read.

Run as `python -m benchmarks.gpu_kit.providers DEVICE`. The exit status is 1 where CUDA cannot
start.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Sequence

from benchmarks.device_probe import read_bandwidth
from ufvideo_sdk import _native
from ufvideo_sdk.runtime.nvidia_libraries import load_installed_libraries
from ufvideo_sdk.runtime.onnxruntime_library import find_library

_CPU_BYTES = 1 << 28


def main(arguments: Sequence[str]) -> int:
    """Print it; see the module."""
    (device,) = arguments
    library = find_library()
    print(f"ONNX Runtime {_native.open_onnxruntime(str(library)).version}: {library.name}")
    print(f"processor: {platform.processor() or platform.machine()}")
    started = True
    if device == "cuda":
        query = "name,driver_version,memory.total,compute_cap"
        print(_output(["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader", "-i", "0"]))
        load_installed_libraries(("cuda", "tensorrt"))
        for provider in ("cuda", "tensorrt"):
            problem = _native.find_provider_problem(str(library), provider)
            told = "starts" if problem is None else f"{problem.what}; {problem.mend}"
            print(f"{provider}: {told}")
            started = started and (provider == "tensorrt" or problem is None)
    try:
        _print_torch(device)
    except Exception as error:
        # What ours does is measured without it.
        print(f"PyTorch: {type(error).__name__}: {error}")
    return 0 if started else 1


def _print_torch(device: str) -> None:
    import torch

    cudnn = torch.backends.cudnn.version()
    print(f"PyTorch {torch.__version__}, CUDA {torch.version.cuda}, cuDNN {cudnn}")
    bandwidth = read_bandwidth(device) if device == "cuda" else read_bandwidth("cpu", _CPU_BYTES)
    print(f"memory bandwidth, read: {bandwidth / 1e9:.0f} GB/s")


def _output(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        return f"{command[0]}: {error}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
