"""A video read as anyone would: its packets for the times, then every frame decoded.

`python -m benchmarks.reading.plain VIDEO QUESTION` asks as `ufvideo ask` does, with frames that
were read so.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import UFVideo
from ufvideo_sdk._native import sample_positions


def times_of(path: Path) -> NDArray[np.float64]:
    """Presentation times of all frames by reading all packets, s, float64 [n]."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stamps = [each.pts for each in container.demux(stream) if each.pts is not None]
        return np.sort(np.array(stamps, np.float64)) * float(stream.time_base)


def frames_of(path: Path, frame_idxs: Sequence[int]) -> NDArray[np.uint8]:
    """Some frames, by decoding every frame until the last of them, RGB uint8 [F, H, W, 3]."""
    wanted = set(frame_idxs)
    found = []
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for idx, frame in enumerate(container.decode(video=0)):
            if idx in wanted:
                found.append(frame.to_ndarray(format="rgb24"))
            if idx == max(wanted):
                break
    return np.stack(found)


def main(arguments: list[str]) -> int:
    """Ask about a video that is read plainly."""
    path, question = Path(arguments[0]), arguments[1]
    model = UFVideo.load()
    times_s = times_of(path)
    idxs = np.unique(sample_positions(len(times_s), model.manifest.video.num_frames))
    with model.open(frames_of(path, idxs.tolist()), timestamps_s=times_s[idxs]) as session:
        print(session.ask(question).text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
