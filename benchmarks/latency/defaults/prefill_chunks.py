"""A long prompt in pieces: what a piece's size does to time and memory.

Run by `python -m benchmarks.latency.peers --only pieces`; a worker's process holds one package and
prefills with one piece size, in a round of its own.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.floors import Figure
from benchmarks.latency.peers.speed import Setting
from benchmarks.latency.peers.worker import reset_peak, start_worker
from ufvideo_sdk import RuntimeConfig, UFVideo
from ufvideo_sdk.bench.child_process import Figures, Round, WorkerProcess, serve
from ufvideo_sdk.bench.process_memory import memory_bytes

_MODULE = "benchmarks.latency.defaults.prefill_chunks"
_MIB = 1 << 20
_PIECES = (128, 256, 512)


def pieces_section(setting: Setting) -> list[Figure]:
    """Time and memory of a prompt in pieces beside those of the same prompt as a whole."""
    whole = setting.sizes.num_piece_positions
    sizes = [piece for piece in _PIECES if piece < whole] + [whole]
    package = setting.weights.package("int4")
    times: dict[int, list[float]] = {piece: [] for piece in sizes}
    with ExitStack() as running:
        workers = {
            piece: running.enter_context(_worker(setting, package, piece)) for piece in sizes
        }
        # The first round is not timed; its memory counts, since ONNX Runtime keeps it for the next.
        beside = {piece: worker.round()["beside_bytes"] for piece, worker in workers.items()}
        for _ in range(setting.num_rounds):
            for piece, worker in workers.items():
                times[piece].append(worker.round()["prefill_ms"])
    medians = {piece: statistics.median(times[piece]) for piece in sizes}
    return [_figure(piece, medians[piece], medians[whole], beside[piece], whole) for piece in sizes]


def _figure(piece: int, time_ms: float, whole_ms: float, beside: int, whole: int) -> Figure:
    beside_mib = beside / _MIB
    name = f"prefill of {whole} positions, int4, pieces of {piece} / as a whole, time"
    detail = f"{time_ms:.0f} ms, {beside_mib:.0f} MiB beside weights and KV cache"
    return Figure(name, time_ms / whole_ms, None, "at most", detail)


def _worker(setting: Setting, package: Path, piece: int) -> WorkerProcess:
    told = {
        "package": str(package),
        "num_threads": setting.num_threads,
        "piece": piece,
        "num_positions": setting.sizes.num_piece_positions,
    }
    return start_worker(_MODULE, told, setting.num_threads)


def prepare(package: str, num_threads: int, piece: int, num_positions: int) -> Round:
    """Load the package; a round prefills a new cache piece by piece."""
    runtime = RuntimeConfig(num_threads=num_threads)
    native = UFVideo.load(package, runtime=runtime)._loaded.native
    token_ids = [number % 100 for number in range(num_positions)]

    def run_round() -> Figures:
        before = memory_bytes("VmRSS")
        reset_peak()
        cache = native.language_model.make_cache()
        begin = time.perf_counter()
        for first in range(0, num_positions, piece):
            embedded = native.token_embedder.embed(token_ids[first : first + piece])
            native.language_model.run(embedded, cache)
        prefill_ms = 1e3 * (time.perf_counter() - begin)
        peak = memory_bytes("VmHWM") - before
        return {"prefill_ms": prefill_ms, "beside_bytes": max(peak - cache.num_bytes, 0)}

    return run_round


if __name__ == "__main__":
    sys.exit(serve(prepare(**json.loads(sys.argv[1]))))
