"""A long prompt in chunks: what `RuntimeConfig.prefill_chunk_tokens` does to time and memory.

Run by `python -m benchmarks.latency.defaults`; a worker's process holds one package and prefills
with one chunk size, in a round of its own.
"""

from __future__ import annotations

import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.floors import Figure
from benchmarks.latency.peers.speed import Setting
from benchmarks.latency.worker import start_worker
from ufvideo_sdk import RuntimeConfig, UFVideo
from ufvideo_sdk.bench.child_process import ChildProcess, Message, Round, serve
from ufvideo_sdk.bench.process_memory import memory_bytes, reset_peak

_MODULE = "benchmarks.latency.defaults.prefill_chunks"
_MIB = 1 << 20
_CHUNKS = (128, 256, 512)


def prefill_chunks_section(setting: Setting) -> list[Figure]:
    """Time and memory of a prompt in chunks beside those of the same prompt as a whole."""
    whole = setting.sizes.num_chunked_positions
    sizes = [chunk for chunk in _CHUNKS if chunk < whole] + [whole]
    package = setting.weights.package("int4")
    times: dict[int, list[float]] = {chunk: [] for chunk in sizes}
    with ExitStack() as running:
        workers = {
            chunk: running.enter_context(_worker(setting, package, chunk)) for chunk in sizes
        }
        # The first round is not timed; its memory counts, since ONNX Runtime keeps it for the next.
        beside = {chunk: worker.round()["beside_bytes"] for chunk, worker in workers.items()}
        for _ in range(setting.num_rounds):
            for chunk, worker in workers.items():
                times[chunk].append(worker.round()["prefill_ms"])
    medians = {chunk: statistics.median(times[chunk]) for chunk in sizes}
    return [_figure(chunk, medians[chunk], medians[whole], beside[chunk], whole) for chunk in sizes]


def _figure(chunk: int, time_ms: float, whole_ms: float, beside: int, whole: int) -> Figure:
    beside_mib = beside / _MIB
    name = f"prefill of {whole} positions, int4, chunks of {chunk} / as a whole, time"
    detail = f"{time_ms:.0f} ms, {beside_mib:.0f} MiB beside weights and KV cache"
    return Figure(name, time_ms / whole_ms, None, "at most", detail)


def _worker(setting: Setting, package: Path, chunk: int) -> ChildProcess:
    told = {
        "package": str(package),
        "num_threads": setting.num_threads,
        "chunk": chunk,
        "num_positions": setting.sizes.num_chunked_positions,
    }
    return start_worker(_MODULE, told, setting.num_threads)


def prepare(told: Message) -> Round:
    """Load the package; a round prefills a new cache chunk by chunk."""
    runtime = RuntimeConfig(num_threads=told["num_threads"])
    native = UFVideo.load(told["package"], runtime=runtime)._loaded.native
    chunk, num_positions = told["chunk"], told["num_positions"]
    token_ids = [number % 100 for number in range(num_positions)]

    def run_round() -> Message:
        before = memory_bytes("VmRSS")
        reset_peak()
        cache = native.language_model.make_cache()
        begin = time.perf_counter()
        for first in range(0, num_positions, chunk):
            embedded = native.token_embedder.embed(token_ids[first : first + chunk])
            native.language_model.run(embedded, cache)
        prefill_ms = 1e3 * (time.perf_counter() - begin)
        peak = memory_bytes("VmHWM") - before
        return {"prefill_ms": prefill_ms, "beside_bytes": max(peak - cache.num_bytes, 0)}

    return run_round


if __name__ == "__main__":
    sys.exit(serve(prepare))
