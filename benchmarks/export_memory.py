"""`python -m benchmarks.export_memory`: the most memory an export holds.

A checkpoint with random weights is made and exported in a process of its own. What counts is
anonymous memory: pages of the checkpoint and of the written weights, which both are mapped, go back
whenever something else needs room. Exit status 0 only where the peak is under 2 GiB plus twice the
largest tensor.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ufvideo_sdk.bench.process_memory import memory_bytes

BOUND_BYTES = 2 << 30
_SAMPLE_S = 0.005
_EXPORT = """
import sys
from pathlib import Path
from ufvideo_export import export_package
export_package(Path(sys.argv[1]), Path(sys.argv[2]), precision=sys.argv[3])
"""


def peak_anonymous_bytes(command: Sequence[str]) -> int:
    """Run a command and watch its anonymous memory.

    Raises:
        CalledProcessError: When it fails, with what it wrote to standard error.
    """
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stderr=errors)
        peak = 0
        try:
            while process.poll() is None:
                peak = max(peak, _anonymous_bytes(process.pid))
                time.sleep(_SAMPLE_S)
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.returncode:
            errors.seek(0)
            raise subprocess.CalledProcessError(
                process.returncode, list(command), stderr=errors.read().decode()
            )
    return peak


def _anonymous_bytes(pid: int) -> int:
    """None once it has ended."""
    try:
        return memory_bytes("RssAnon", pid)
    except (OSError, ValueError):
        return 0


def main() -> int:
    """Make, export, print; 0 only where the bound holds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.export_memory", description=__doc__)
    parser.add_argument("--layers", type=int, default=12, help="decoder layers; default: 12")
    parser.add_argument("--width", type=int, default=2048, help="default: 2048")
    parser.add_argument("--vocabulary", type=int, default=64000, help="default: 64000")
    parser.add_argument("--precision", default="fp32", help="default: fp32")
    given = parser.parse_args()
    # Slow to import, and not needed for --help.
    from testing.ufvideo_testing.random_checkpoint import RandomSizes, make_random_checkpoint
    from ufvideo_export.checkpoint.checkpoint import Checkpoint

    sizes = RandomSizes(
        hidden_size=given.width,
        intermediate_size=given.width * 4,
        num_layers=given.layers,
        num_attention_heads=given.width // 64,
        num_key_value_heads=2,
        vocab_size=given.vocabulary,
        num_aligner_blocks=1,
        num_shards=2 + given.layers,
    )
    with tempfile.TemporaryDirectory() as folder:
        checkpoint, package = Path(folder) / "checkpoint", Path(folder) / "package"
        make_random_checkpoint(checkpoint, sizes, seed=7)
        tensors = Checkpoint(checkpoint).tensors
        largest = max(2 * _product(tensors.shape(name)) for name in tensors.names())
        command = [sys.executable, "-c", _EXPORT, str(checkpoint), str(package), given.precision]
        begin = time.perf_counter()
        peak = peak_anonymous_bytes(command)
        took_s = time.perf_counter() - begin
        rows = {
            "checkpoint": _folder_bytes(checkpoint),
            "largest tensor": largest,
            f"package, {given.precision}": _folder_bytes(package),
            "bound": BOUND_BYTES + 2 * largest,
            "peak of anonymous memory": peak,
        }
    for label, count in rows.items():
        print(f"{label:<26} {count / 2**20:>8.0f} MiB")
    verdict = "within the bound" if peak < rows["bound"] else "MORE than the bound"
    print(f"{verdict}; the export took {took_s:.0f} s")
    return 0 if peak < rows["bound"] else 1


def _product(shape: Sequence[int]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def _folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    sys.exit(main())
