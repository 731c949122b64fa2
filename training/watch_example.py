"""`python -m training.watch_example OUT`: the example of a watched camera, on a real RTSP server.

A street of shapes is drawn and served, and `examples/python/watch.py` watches it by
`examples/python/street.yaml`. The exit status is 0 only if it told of the red circle when it was
there, of the line that it crossed, and wrote a clip of each that can be decoded.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av

from training.streams import StreamTruth, write_stream

EXAMPLE = Path("examples/python/watch.py")
RULES = EXAMPLE.with_name("street.yaml")
# A red circle comes in at 4 s, crosses the line and has gone by 13 s.
SEED, DRAWN_S, WATCHED_S = 167, 30.0, 18.0
_SLACK_S = 3.0


@dataclass(frozen=True)
class Alert:
    """An event that has ended.

    Attributes:
        rule: Name of its rule.
        start_s: When it started, seconds of the stream.
        end_s: When it ended.
        clips: Files of its clip.
    """

    rule: str
    start_s: float
    end_s: float
    clips: tuple[Path, ...]


def read_alerts(path: Path) -> list[Alert]:
    """Read the events of lines of JSON, each with its clips."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    clips = {
        (line["rule"], line["id"]): tuple(map(Path, line["files"].get("clips", ())))
        for line in lines
        if "files" in line and line["files"].get("clips")
    }
    return [
        Alert(
            line["rule"], line["start_s"], line["end_s"], clips.get((line["rule"], line["id"]), ())
        )
        for line in lines
        if line.get("edge") == "end"
    ]


def problems_of(alerts: Sequence[Alert], truth: StreamTruth) -> list[str]:
    """Return what is wrong with the alerts; nothing if they tell what happened.

    Args:
        alerts: What was told.
        truth: What is true of the stream.
    """
    found = []
    start_s, end_s = truth.present("red circle")[0]
    visits = [alert for alert in alerts if alert.rule == "visitor"]
    if len(visits) != 1:
        found.append(f"expected one event of the rule visitor, got {len(visits)}")
    elif abs(visits[0].start_s - start_s) > _SLACK_S or abs(visits[0].end_s - end_s) > _SLACK_S:
        found.append(f"expected an event from {start_s} to {end_s} s, got {visits[0]}")
    if not any(alert.rule == "comes in" for alert in alerts):
        found.append("expected an event of the rule comes in, got none")
    for alert in alerts:
        seconds = sum(map(_seconds_of, alert.clips))
        if seconds < alert.end_s - alert.start_s:
            found.append(f"expected a clip of the whole event, got {seconds:.1f} s of {alert}")
    return found


def _seconds_of(clip: Path) -> float:
    """Length of a clip, of which every frame is decoded."""
    with av.open(str(clip)) as container:
        times_s = [float(frame.time) for frame in container.decode(video=0)]
    return times_s[-1] - times_s[0] if times_s else 0.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw, serve, watch, check; see the module."""
    parser = argparse.ArgumentParser(
        prog="python -m training.watch_example", description=__doc__.splitlines()[0]
    )
    parser.add_argument("folder", type=Path, help="to write the stream and the alerts to; new")
    given = parser.parse_args(arguments)
    # The server needs Debian's GStreamer, and a message that says so.
    from tests.watch.rtsp_server import RtspServer, has_rtsp_server

    if not has_rtsp_server():
        packages = "gir1.2-gst-rtsp-server-1.0, python3-gi and gstreamer1.0-plugins-{base,good,bad}"
        print(f"expected Debian's {packages}: bash cmake/install_debian_packages.sh")
        return 1
    given.folder.mkdir(parents=True)
    street = given.folder / "street.mp4"
    truth = write_stream(SEED, DRAWN_S, street)
    alerts_folder = given.folder / "alerts"
    alerts_folder.mkdir()
    with RtspServer([street]) as server:
        command = [sys.executable, str(EXAMPLE.resolve()), server.url, str(RULES.resolve())]
        # Nano is small: on a busy machine two threads mostly wait for each other.
        command += ["--seconds", str(WATCHED_S), "--threads", "1"]
        status = subprocess.run(command, check=False, cwd=alerts_folder).returncode
    if status != 0:
        return status
    alerts = read_alerts(alerts_folder / "events.jsonl")
    for alert in alerts:
        print(f"{alert.rule}: {alert.start_s:.1f} to {alert.end_s:.1f} s", *alert.clips)
    problems = problems_of(alerts, truth)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
