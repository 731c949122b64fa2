"""Finds when something happens and writes that part of the video as a file of its own."""

from __future__ import annotations

import argparse
import sys
from fractions import Fraction
from pathlib import Path

import av

from ufvideo_sdk import TimeSpan, UFVideo


def write_part(source: Path, span: TimeSpan, target: Path) -> int:
    """Write the frames shown within a span as H.264, each at its own time.

    Returns:
        Number of frames written.
    """
    num_frames = 0
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        video = read.streams.video[0]
        stream = written.add_stream("libx264", rate=video.average_rate)
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, "yuv420p"
        stream.time_base = Fraction(1, 90_000)
        for frame in read.decode(video):
            if frame.time is not None and span.start_s <= frame.time <= span.end_s:
                frame.pts = round((frame.time - span.start_s) * 90_000)
                frame.time_base = Fraction(1, 90_000)
                # The encoder decides which frames are keys.
                frame.pict_type = av.video.frame.PictureType.NONE
                written.mux(stream.encode(frame))
                num_frames += 1
        written.mux(stream.encode())
    return num_frames


def main() -> int:
    """Print the span and write its frames; 1 if the event is not there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("event", help='what happens, such as "a car stops"')
    parser.add_argument("target", type=Path, help=".mp4 to write")
    parser.add_argument("--package", type=Path, help="default: nano, which ships")
    given = parser.parse_args()

    with UFVideo.load(given.package).open(given.video) as session:
        spans = session.locate(given.event, allow_absent=True)
    if not spans:
        print("not found", file=sys.stderr)
        return 1
    num_frames = write_part(given.video, spans[0], given.target)
    print(f"{spans[0]}: {num_frames} frames in {given.target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
