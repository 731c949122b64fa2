"""Memory of masks of five minutes of 1080p, against a bound of 100 MB an object.

Run as `python -m benchmarks.compact_masks [--seconds 300] [--segmented-seconds 10]`. The object is
the one that moves in nano's demo, enlarged to 1920 x 1080 px at 30 frames a second.

- "rendered": its true outline on every frame, encoded by the native code that the segmenter runs.
- "segmented": nano segments a video of it, in every frame, by `Session.segment_stream`.

Every mask is decoded and compared, bit for bit, with the dense mask that was encoded; those that
were segmented with what encoding the decoded mask again yields. The exit status is 0 if all are
equal and both tracks, taken to the full length, stay within the bound.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.clips import write_h264
from training.demo import MOVING, SEED
from training.world import Rendered, make_scene, render
from training.world.sentences import name
from ufvideo_sdk import MaskTrack, UFVideo
from ufvideo_sdk.bench.process_memory import memory_bytes
from ufvideo_sdk.results.rle import encode_mask

HEIGHT, WIDTH, FPS = 1080, 1920, 30
BOUND_BYTES = 100_000_000


@dataclass(frozen=True)
class Measured:
    """One track.

    Attributes:
        what: Where it is from.
        num_frames: Its frames.
        track_bytes: What it holds.
        ms_a_frame: Time of a frame.
        is_equal: Whether every mask came back bit for bit.
        peak_bytes: The most the process held until then.
    """

    what: str
    num_frames: int
    track_bytes: int
    ms_a_frame: float
    is_equal: bool
    peak_bytes: int

    def cells(self, num_frames: int) -> list[str]:
        """Cells of the table, memory also for a track of so many frames."""
        dense = self.num_frames * HEIGHT * WIDTH
        return [
            self.what,
            f"{self.num_frames:,}",
            f"{self.track_bytes / 1e6:.2f} MB",
            f"{self.full_bytes(num_frames) / 1e6:.2f} MB",
            f"{dense / 1e6:,.0f} MB",
            f"{self.ms_a_frame:.2f} ms",
            "yes" if self.is_equal else "NO",
            f"{self.peak_bytes / 1e6:,.0f} MB",
        ]

    def full_bytes(self, num_frames: int) -> float:
        """Memory of a track of so many frames like these."""
        return self.track_bytes / self.num_frames * num_frames


def track_bytes(track: MaskTrack) -> int:
    """What a track holds: texts, their tuple, and arrays."""
    texts = sum(sys.getsizeof(runs) for runs in track.runs) + sys.getsizeof(track.runs)
    return texts + track.frame_idxs.nbytes + track.scores.nbytes + track._extents.nbytes


def enlarged(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A mask of the demo with a smooth outline, bool [HEIGHT, WIDTH]."""
    large = cv2.resize(mask.astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(large > 0.5)


def there_and_back(length: int, num_frames: int) -> Iterator[int]:
    """So many indices below a length: forward, backward, and again."""
    return islice(cycle([*range(length), *range(length - 1, 0, -1)]), num_frames)


def rendered_masks(rendered: Rendered, num_frames: int) -> Iterator[NDArray[np.bool_]]:
    """The moving object again and again, forward and backward."""
    large = [enlarged(mask) for mask in rendered.masks[MOVING]]
    return (large[i] for i in there_and_back(len(large), num_frames))


def measure_rendered(rendered: Rendered, num_frames: int) -> Measured:
    """Encode, hold and decode the true masks."""
    runs, elapsed_s = [], 0.0
    for mask in rendered_masks(rendered, num_frames):
        begin = time.perf_counter()
        runs.append(encode_mask(mask))
        elapsed_s += time.perf_counter() - begin
    idxs, scores = np.arange(num_frames), np.ones(num_frames, np.float32)
    track = MaskTrack(idxs, idxs / FPS, tuple(runs), scores, HEIGHT, WIDTH)
    pairs = zip(track, rendered_masks(rendered, num_frames), strict=True)
    is_equal = all(np.array_equal(mask.pixels(), dense) for mask, dense in pairs)
    ms = 1e3 * elapsed_s / num_frames
    peak = memory_bytes("VmHWM")
    return Measured("rendered", num_frames, track_bytes(track), ms, is_equal, peak)


def write_video(path: Path, rendered: Rendered, num_frames: int) -> None:
    """The demo's pictures, enlarged, as an H.264 file."""
    frames = rendered.frames
    pictures = (
        np.asarray(cv2.resize(frames[i], (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR), np.uint8)
        for i in there_and_back(len(frames), num_frames)
    )
    write_h264(path, pictures, fps=FPS, options={"preset": "ultrafast"})


def measure_segmented(rendered: Rendered, num_frames: int) -> Measured:
    """Let nano segment the object in every frame of a video."""
    expression = name(rendered.scene.things[MOVING])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "demo.mp4"
        write_video(path, rendered, num_frames)
        is_equal = True
        with UFVideo.load().open(path) as session:
            begin = time.perf_counter()
            with session.segment_stream(expression, frames="all") as stream:
                for found in stream:
                    mask = found.objects[0]
                    is_equal &= encode_mask(mask.pixels()) == mask.runs
            ms = 1e3 * (time.perf_counter() - begin) / num_frames
            (track,) = stream.tracks
    is_equal &= len(track) == num_frames
    peak = memory_bytes("VmHWM")
    return Measured("segmented", num_frames, track_bytes(track), ms, is_equal, peak)


def main() -> int:
    """Print both rows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compact_masks", description=__doc__)
    parser.add_argument("--seconds", type=int, default=300, help="of the rendered track")
    parser.add_argument("--segmented-seconds", type=int, default=10, help="of video for nano")
    given = parser.parse_args()
    full = given.seconds * FPS
    rendered = render(make_scene(SEED))
    measured = [
        measure_segmented(rendered, given.segmented_seconds * FPS),
        measure_rendered(rendered, full),
    ]
    table = Table("masks", "frames", "held", f"for {full:,}", "dense", "a frame", "equal", "peak")
    for each in measured:
        table.add_row(*each.cells(full))
    Console(width=110).print(table)
    within = all(each.full_bytes(full) <= BOUND_BYTES for each in measured)
    print(f"within {BOUND_BYTES / 1e6:.0f} MB an object: {'yes' if within else 'NO'}")
    return 0 if within and all(each.is_equal for each in measured) else 1


if __name__ == "__main__":
    raise SystemExit(main())
