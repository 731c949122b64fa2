"""Ask thousands of mixed questions with masks, the collector off: memory and threads stay flat.

`python -m benchmarks.many_questions [--num 2000] [--package FOLDER] [--source VIDEO]` prints what
the process holds after every tenth part and ends with 1 if it grew after the first fifth. Without
the collector an object that refers to itself stays, with the frames and threads it holds.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.clips import draw_frames, write_h264
from ufvideo_sdk import Ask, CancellationToken, GenerationConfig, Region, Session, UFVideo
from ufvideo_sdk.bench.process_memory import memory_bytes

# The allocators' own pools go on growing a little.
MAX_GROWTH_BYTES = 16 << 20
SHORT = GenerationConfig(max_new_tokens=12)
THINGS = ("the yellow ball", "the red square", "something that moves", "it")
NUM_KINDS = 9


def ask_one(session: Session, number: int) -> None:
    """One question; its kind, words and frames depend on its number."""
    clip = session.clip
    thing = f"{THINGS[number % len(THINGS)]} {number % 97}"
    frame = int(clip.frame_idxs[number * 7 % len(clip.frame_idxs)])
    size = {"height": clip.height, "width": clip.width}
    box = Region.from_box(frame, (number % 40, 5, 20, 20), **size)
    kind = number % NUM_KINDS
    if kind == 0:
        session.ask(f"What does {thing} do?", config=SHORT)
    elif kind == 1:
        session.ask("What is [<region>]?", regions=[box], config=SHORT)
    elif kind == 2:
        session.segment(thing, frames=[frame])
    elif kind == 3:
        session.segment(thing, frames="all")
    elif kind == 4:
        session.locate(thing, config=SHORT)
    elif kind == 5:
        answer = session.ask(f"Segment {thing}.", segment_frames=[frame], config=SHORT)
        session.ask("Why?", history=[(answer.question, answer)], config=SHORT)
    elif kind == 6:
        stream = session.stream(f"Where is {thing}?", config=SHORT)
        next(stream)
        if number % 2:
            stream.close()
    elif kind == 7:
        token = CancellationToken()
        session.ask(f"Is {thing} there?", config=SHORT, on_text=lambda _: token.cancel())
        session.segment(thing, cancel=token, on_progress=lambda *_: token.cancel())
    else:
        session.ask_many([f"Where is {thing}?", Ask("What is [<region>]?", [box])], config=SHORT)


def num_threads() -> int:
    """Threads of this process, native ones included."""
    return len(list(Path("/proc/self/task").iterdir()))


def run(session: Session, num_questions: int) -> bool:
    """Ask, print, and say whether memory and threads stayed flat."""
    part = max(num_questions // 10, 1)
    begin = time.perf_counter()
    after: list[tuple[int, int]] = []
    print("questions   seconds   RSS MiB   held MiB   threads (Python's)", flush=True)
    for number in range(num_questions):
        ask_one(session, number)
        if (number + 1) % part == 0:
            rss, threads = memory_bytes("VmRSS"), num_threads()
            after.append((rss, threads))
            print(
                f"{number + 1:9} {time.perf_counter() - begin:9.1f} {rss / 2**20:9.1f}"
                f" {session.memory_bytes() / 2**20:10.1f} {threads:9} ({threading.active_count()})",
                flush=True,
            )
    first, last = after[len(after) // 5 - 1 if len(after) >= 5 else 0], after[-1]
    growth = last[0] - first[0]
    is_flat = growth <= MAX_GROWTH_BYTES and last[1] <= first[1]
    verdict = "flat" if is_flat else "GREW"
    print(f"{verdict}: {growth / 2**20:+.1f} MiB, {last[1] - first[1]:+} threads")
    return is_flat


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 0 when memory and threads stayed flat."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num", type=int, default=2000, help="questions")
    parser.add_argument("--package", help="a package folder; nano without it")
    parser.add_argument("--source", help="a video; a small H.264 file without it")
    options = parser.parse_args(arguments)
    gc.disable()
    with tempfile.TemporaryDirectory() as folder:
        source = options.source
        if source is None:
            source = str(Path(folder) / "ball.mp4")
            write_h264(Path(source), draw_frames(40, height=120, width=160))
        with UFVideo.load(options.package).open(source) as session:
            return 0 if run(session, options.num) else 1


if __name__ == "__main__":
    sys.exit(main())
