"""Asks about a live stream while it goes on: a video played as a camera would send it.

One thread pushes frames as they are shown, another asks about the last seconds again and again. For
a camera, read it in the place of the file: the stream wants frames and their times, nothing else.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from pathlib import Path

import av

from ufvideo_sdk import StateError, Stream, UFVideo


def play(video: Path, stream: Stream, speed: float, ended: threading.Event) -> None:
    """Push each frame of a video at the time at which it is shown."""
    begin = time.monotonic()
    try:
        with av.open(str(video)) as container:
            for frame in container.decode(video=0):
                time.sleep(max(frame.time / speed - (time.monotonic() - begin), 0))
                stream.push(frame.to_ndarray(format="rgb24"), frame.time)
    finally:
        ended.set()


def main() -> int:
    """Print an answer whenever the window has moved on; 1 if there was none."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("video", type=Path)
    parser.add_argument("question")
    parser.add_argument("--fps", type=float, default=4.0, help="frames looked at in a second")
    parser.add_argument("--speed", type=float, default=1.0, help="of the video; 1 is real time")
    parser.add_argument("--package", type=Path, help="default: nano, which ships")
    given = parser.parse_args()

    ended = threading.Event()
    last = -1.0
    model = UFVideo.load(given.package)
    with model.open_stream(fps=given.fps, clock="file") as stream:
        camera = threading.Thread(target=play, args=(given.video, stream, given.speed, ended))
        camera.start()
        is_over = False
        while not is_over:
            is_over = ended.wait(0.2)  # once more about its last frames
            # A model answers best about as many frames as it was trained on.
            if not is_over and len(stream.window) < model.manifest.video.num_frames // 2 * 2:
                continue
            try:
                answer = stream.ask(given.question)
            except StateError:
                continue  # the video has fewer than two frames
            if answer.clip.timestamps_s[-1] > last:
                last = float(answer.clip.timestamps_s[-1])
                print(f"{last:6.2f} s  {answer.text}", flush=True)
        camera.join()
        stats = stream.stats
        print(f"{stats.num_encoded} frames encoded, {stats.skipped} skipped {stats.skipped_by}")
    return 0 if last >= 0 else 1


if __name__ == "__main__":
    sys.exit(main())
