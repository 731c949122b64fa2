"""Follows one object through a video and prints its box on each frame as CSV, as it is found.

Memory does not grow with the video: a mask is dropped once its box is printed.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

from ufvideo_sdk import UFVideo


def main() -> int:
    """Print one line for each frame on which the object has a pixel; 1 if there is none."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("video", type=Path)
    parser.add_argument("expression", help='what to follow, such as "the red car"')
    parser.add_argument("--package", type=Path, help="default: nano, which ships")
    given = parser.parse_args()

    writer = csv.writer(sys.stdout)
    writer.writerow(["frame", "time_s", "x1", "y1", "x2", "y2", "pixels", "score"])
    num_found = 0
    with UFVideo.load(given.package).open(given.video) as session:
        for found in session.segment_stream(given.expression, frames="all"):
            mask = found.objects[0]
            if mask.box is not None:
                place = [*mask.box, mask.num_pixels, f"{mask.score:.3f}"]
                writer.writerow([found.frame_idx, f"{found.time_s:.3f}", *place])
                num_found += 1
    return 0 if num_found else 1


if __name__ == "__main__":
    sys.exit(main())
