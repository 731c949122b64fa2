"""Asks several questions about several videos and prints the answers as CSV.

Each video is encoded once, and its questions are decoded together.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

from ufvideo_sdk import InputError, UFVideo, demo_clip


def main() -> int:
    """Print one line for each video and question; 1 if a video could not be read."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=Path, nargs="*", help="default: the clip that ships")
    parser.add_argument("--ask", metavar="QUESTION", action="append", dest="questions")
    parser.add_argument("--package", type=Path, help="default: nano, which ships")
    given = parser.parse_args()
    questions = given.questions or ["What happens in the video?"]

    model = UFVideo.load(given.package)
    writer = csv.writer(sys.stdout)
    writer.writerow(["video", "question", "answer"])
    unread = 0
    for video in given.videos or [demo_clip()]:
        try:
            with model.open(video) as session:
                for answer in session.ask_many(questions):
                    writer.writerow([video.name, answer.question, answer.text])
        except InputError as error:
            # One file that cannot be read is no reason to leave out the others.
            print(f"{video}: {error}", file=sys.stderr)
            unread += 1
    return 1 if unread else 0


if __name__ == "__main__":
    sys.exit(main())
