"""Follows objects through a video: prints what happens to them, and a box for each frame as CSV."""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

from ufvideo_sdk import TrackResult, UFVideo


def write_boxes(found: TrackResult, target: Path) -> None:
    """Write a line for each object and frame on which it is there."""
    with target.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["id", "name", "time_s", "x1", "y1", "x2", "y2", "score"])
        for track in found:
            for position in track.is_present.nonzero()[0].tolist():
                time_s, score = track.times_s[position], track.scores[position]
                box = track.boxes[position].tolist()
                lines.writerow([track.id, track.name, f"{time_s:.3f}", *box, f"{score:.2f}"])


def main() -> int:
    """Print events and write files; 1 if nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("object", nargs="+", help='what to follow, such as "the red car"')
    parser.add_argument("--boxes", type=Path, help=".csv to write")
    parser.add_argument("--save", type=Path, help=".mp4 to draw")
    parser.add_argument("--package", type=Path, help="default: nano, which ships")
    given = parser.parse_args()

    with UFVideo.load(given.package).open(given.video) as session:
        found = session.track(given.object, allow_absent=True)
        names = {track.id: track.name for track in found}
        for event in found.events:
            print(f"{event.time_s:6.2f} s  {names[event.track_id]}: {event.kind.value}")
        for name in found.absent:
            print(f"{name}: not found", file=sys.stderr)
        if given.boxes is not None:
            write_boxes(found, given.boxes)
        if given.save is not None:
            found.save(given.save)
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
