"""Options of a device: CUDA graphs on and off, the memory limit, two sessions side by side.

Run as `python -m benchmarks.gpu_kit.options DEVICE PACKAGE`: each in a process of its own, since
all models of a process share one bound. Graphs and the limit are the GPU's: left out on the CPU.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.clips import draw_frames
from benchmarks.gpu_kit.device import runtime, wait_for
from ufvideo_sdk import CapacityError, GenerationConfig, RuntimeConfig, UFVideo

_CONFIG = GenerationConfig(max_new_tokens=96)
_TOO_LITTLE_BYTES = 64 << 20


def answer(model: UFVideo) -> tuple[tuple[int, ...], float]:
    """Token ids of an answer to a drawn clip, and its tokens a second."""
    frames = draw_frames(model.manifest.video.num_frames)
    with model.open(frames, fps=4.0) as session:
        # The second one is decoded with what the first one made.
        session.ask("What happens in the video?", config=_CONFIG)
        found = session.ask("What color is the ball?", config=_CONFIG)
    return tuple(found.token_ids), found.stats.tokens_per_s or 0.0


def graphs(package: Path, config: RuntimeConfig) -> bool:
    """Compare decoding with and without CUDA graphs."""
    plain, speed = answer(UFVideo.load(package, runtime=config))
    captured, captured_speed = answer(
        UFVideo.load(package, runtime=replace(config, cuda_graphs=True))
    )
    print(
        f"CUDA graphs: {captured_speed:.1f} tokens/s with, {speed:.1f} without,"
        f" equal tokens: {captured == plain}"
    )
    return captured == plain


def limit(package: Path, config: RuntimeConfig) -> bool:
    """See whether a limit that is too small refuses."""
    try:
        UFVideo.load(package, runtime=replace(config, device_memory_limit_bytes=_TOO_LITTLE_BYTES))
    except CapacityError as error:
        print(f"memory limit of {_TOO_LITTLE_BYTES >> 20} MiB: refused: {error}")
        return True
    print(f"memory limit of {_TOO_LITTLE_BYTES >> 20} MiB: NOT refused")
    return False


def sessions(package: Path, config: RuntimeConfig) -> bool:
    """Run one answer after the other, then two side by side."""
    model = UFVideo.load(package, runtime=config)
    expected, _ = answer(model)
    begin = time.perf_counter()
    for _ in range(2):
        answer(model)
    serial_s = time.perf_counter() - begin
    found: list[tuple[int, ...]] = []
    threads = [threading.Thread(target=lambda: found.append(answer(model)[0])) for _ in range(2)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    both_s = time.perf_counter() - begin
    equal = found == [expected, expected]
    print(
        f"two sessions: {both_s:.2f} s side by side, {serial_s:.2f} s one after the other,"
        f" equal tokens: {equal}"
    )
    return equal


_TASKS: dict[str, Callable[[Path, RuntimeConfig], bool]] = {
    "graphs": graphs,
    "limit": limit,
    "sessions": sessions,
}


def main(arguments: Sequence[str]) -> int:
    """Run every task in a process of its own, or the one that is named."""
    device, package, *named = arguments
    if named:
        return 0 if _TASKS[named[0]](wait_for(Path(package)), runtime(device)) else 1
    failed = 0
    for task in _TASKS if device == "cuda" else ("sessions",):
        command = [sys.executable, "-m", "benchmarks.gpu_kit.options", device, package, task]
        failed += bool(subprocess.run(command, check=False).returncode)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
