"""A model of the released sizes: time and memory of every stage, first token of a clip.

Run as `python -m benchmarks.gpu_kit.full_model DEVICE PACKAGE`. Memory is what the GPU has in use
above what it had, read behind each step: what a step adds is what its stages work in, where those
before it have not left as much free.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.clips import draw_frames
from benchmarks.device_probe import used_mib
from benchmarks.gpu_kit.device import runtime, wait_for
from ufvideo_sdk import GenerationConfig, Session, UFVideo, UFVideoError
from ufvideo_sdk.diagnostics.memory_plan import kv_cache_bytes, stage_bytes

_ROUNDS = 2
_NUM_MASKED = 8
_CONFIG = GenerationConfig(max_new_tokens=32)


class Memory:
    """What the device has in use above what it had."""

    def __init__(self) -> None:
        self._before = used_mib()

    def __str__(self) -> str:
        now = used_mib()
        if now is None or self._before is None:
            return "memory not told"
        return f"{now - self._before:.0f} MiB in use"


def main(arguments: Sequence[str]) -> int:
    """Measure; see the module."""
    device, package = arguments[0], wait_for(Path(arguments[1]))
    memory = Memory()
    begin = time.perf_counter()
    model = UFVideo.load(package, runtime=runtime(device))
    print(f"loaded in {time.perf_counter() - begin:.1f} s, {memory}")
    for stem, stage in model.manifest.stages.items():
        nodes = dict(model.stage_providers[stem].num_nodes)
        print(f"{stem}: {stage.precision}, {stage_bytes(stage) / 2**20:.0f} MiB, nodes {nodes}")
    frames = draw_frames(model.manifest.video.num_frames)
    failed = 0
    for number in range(_ROUNDS):
        name = "first round" if number == 0 else "again"
        begin = time.perf_counter()
        with model.open(frames, fps=4.0) as session:
            opened_ms = 1e3 * (time.perf_counter() - begin)
            print(f"{name}: {len(frames)} frames encoded in {opened_ms:.1f} ms, {memory}")
            for part in (_ask, _segment):
                # One that fails takes no figure of the others along.
                try:
                    print(f"{name}: {part(session, opened_ms)}, {memory}")
                except UFVideoError as error:
                    failed += 1
                    print(f"{name}: {type(error).__name__}: {error}")
            for stem, timing in session.stats.items():
                each = timing.total_ms / max(timing.num_items, 1)
                print(
                    f"{name}: {stem} {timing.total_ms:.1f} ms, {each:.2f} ms each of"
                    f" {timing.num_items}"
                )
    return 1 if failed else 0


def _ask(session: Session, opened_ms: float) -> str:
    """First token of the clip, and how fast the others come."""
    answer = session.ask("What happens in the video?", config=_CONFIG)
    stats = answer.stats
    told = f"first token of the clip {opened_ms + stats.time_to_first_token_ms:.1f} ms, of which"
    told += f" {stats.time_to_first_token_ms:.1f} ms for {stats.num_prefill_tokens} positions"
    speed = stats.tokens_per_s
    if speed is None:
        return f"{told}; the answer ended at once"
    manifest = session._model.manifest
    read = stage_bytes(manifest.stages["language_model"])
    read += kv_cache_bytes(manifest, stats.num_prefill_tokens)
    return f"{told}; {speed:.1f} tokens/s of {read / 1e6:.0f} MB: {read * speed / 1e9:.0f} GB/s"


def _segment(session: Session, _opened_ms: float) -> str:
    """How long masks of a few frames take."""
    masked = list(range(min(_NUM_MASKED, len(session.clip.frame_idxs))))
    begin = time.perf_counter()
    session.segment("the yellow ball", frames=masked)
    return f"{len(masked)} frames masked in {1e3 * (time.perf_counter() - begin):.1f} ms"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
