"""Print how long one process takes to list the frames of videos: `opening ROUNDS FILE...`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmarks.reading.plain import times_of
from ufvideo_sdk.video.video_file import open_source


def main(arguments: list[str]) -> int:
    """Print, for each file, its times in seconds: ours of every round, and the plain way's once."""
    num_rounds, files = int(arguments[0]), [Path(each) for each in arguments[1:]]
    ours: dict[str, list[float]] = {str(file): [] for file in files}
    plain: dict[str, float] = {}
    # The first one imports what all of them need.
    open_source(files[0])
    for _ in range(num_rounds):
        for file in files:
            begin = time.perf_counter()
            open_source(file)
            ours[str(file)].append(time.perf_counter() - begin)
    for file in files:
        begin = time.perf_counter()
        times_of(file)
        plain[str(file)] = time.perf_counter() - begin
    print(json.dumps({"ours": ours, "plain": plain}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
