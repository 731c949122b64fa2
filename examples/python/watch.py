"""Watches a camera by a file of rules: prints what happens, and writes what the rules ask for.

`street.yaml` beside it has rules whose events are written as lines of JSON, clips and snapshots.
"""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from ufvideo_sdk import RuntimeConfig, UFVideo
from ufvideo_sdk.watch import CaptureOptions, Rules, WatchOptions, watch

LONGEST_CLOSE_S = 60.0


def main() -> int:
    """Watch until the source ends, or for some seconds; 1 if nothing happened."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", help="such as rtsp://camera/stream, /dev/video0 or a file")
    parser.add_argument("rules", type=Path)
    parser.add_argument("--fps", type=float, default=8.0, help="frames looked at in a second")
    parser.add_argument("--seconds", type=float, help="default: until the source ends")
    parser.add_argument("--threads", type=int, help="default: one for each core")
    parser.add_argument("--package", type=Path, help="default: nano, which ships")
    given = parser.parse_args()

    # At the end clips are finished that are under way.
    options = WatchOptions(
        capture=CaptureOptions(sample_fps=given.fps), close_timeout_s=LONGEST_CLOSE_S
    )
    events = watch(
        UFVideo.load(given.package, runtime=RuntimeConfig(num_threads=given.threads)),
        {"street": given.source},
        Rules.load(given.rules),
        options=options,
        on_notice=print,
    )
    if given.seconds is not None:
        threading.Timer(given.seconds, events.watch.stop).start()
    num_events = 0
    for event in events:
        print(event, flush=True)
        num_events += event.edge == "start"
    return 0 if num_events else 1


if __name__ == "__main__":
    sys.exit(main())
