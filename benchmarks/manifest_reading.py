"""How long it takes to read and check a manifest: `python -m benchmarks.manifest_reading`.

Two manifests: nano's, and one with the 28 layers of the released language model. "First" is the
first read of a fresh process, imports apart; "later" the median of those that follow.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ufvideo_sdk.package.shipped_package import shipped_package

_LAYERS = 28
_PROCESSES = 7
_READS = 20


def main() -> int:
    """Print both times for both manifests."""
    with tempfile.TemporaryDirectory() as folder:
        nano = shipped_package() / "manifest.json"
        large = Path(folder) / "manifest.json"
        large.write_text(_with_layers(json.loads(nano.read_text(encoding="utf-8")), _LAYERS))
        print(f"{'manifest':22}{'bytes':>9}{'first, ms':>12}{'later, ms':>12}")
        for name, path in (("nano", nano), (f"{_LAYERS} layers", large)):
            times = [_times_ms(path) for _ in range(_PROCESSES)]
            first = statistics.median(each[0] for each in times)
            later = statistics.median(statistics.median(each[1:]) for each in times)
            print(f"{name:22}{path.stat().st_size:>9}{first:>12.2f}{later:>12.2f}")
    return 0


def _times_ms(path: Path) -> list[float]:
    """What a fresh process takes for each of its reads."""
    code = f"from benchmarks.manifest_reading import read; read({str(path)!r})"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return [float(word) for word in done.stdout.split()]


def read(path: str) -> None:
    """Print the times of this process."""
    from ufvideo_sdk.package.manifest import read_manifest

    for _ in range(_READS + 1):
        begin = time.perf_counter()
        read_manifest(path)
        print(1000 * (time.perf_counter() - begin))


def _with_layers(manifest: dict[str, dict[str, object]], num_layers: int) -> str:
    """The same with another number of layers, and the KV cache that they have."""
    manifest["model"]["num_layers"] = num_layers
    stage = manifest["stages"]["language_model"]
    assert isinstance(stage, dict)
    for side, prefix in (("inputs", "past_key_values"), ("outputs", "present")):
        others = [tensor for tensor in stage[side] if not tensor["name"].startswith(prefix)]
        cache = next(tensor for tensor in stage[side] if tensor["name"] == f"{prefix}.0.key")
        stage[side] = others + [
            {**cache, "name": f"{prefix}.{layer}.{part}"}
            for layer in range(num_layers)
            for part in ("key", "value")
        ]
    return json.dumps(manifest)


if __name__ == "__main__":
    sys.exit(main())
