"""`python -m training.evaluate.tracking [PACKAGE]`: objects followed through long clips.

Two things that look alike wander, and go behind a third one again and again. Each is named once, on
the first frame, and carried on by memory: by SAM 2's rule with 1 to 7 memories and by the rule for
look-alikes, beside naming it on every frame. With `--reprompt lost` a lost object is named again;
with `--verify` language is asked at times whether it still is that object. Scores are of the frames
behind the first. The exit status is 0 only where the first way with SAM 2's rule and 7 memories
reaches `--aim`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from training.evaluate.track_scores import Loss, TrackScore, score_track
from training.tasks.masks import decoded
from training.world import TEST_SEEDS, Rendered, render
from training.world.long_scene import FPS, make_long_scene
from training.world.sentences import name
from ufvideo_sdk import Session, UFVideo

Reprompt = Literal["lost"]
EVERY_FRAME = "named on every frame"
MAX_MEMORIES = 7
_WIDTH = 60
# Of these nobody asks: the thing in front.
_FOLLOWED = (0, 2)


@dataclass(frozen=True)
class Way:
    """A way to follow objects.

    Attributes:
        memory: Rule of the memory; None: none, each frame is prompted.
        num_memories: Frames in it.
        reprompt: When language names an object again.
        verify_s: How often language is asked for a second opinion; None: never.
    """

    memory: str | None
    num_memories: int = MAX_MEMORIES
    reprompt: Reprompt | None = None
    verify_s: float | None = None

    @property
    def label(self) -> str:
        """What a person reads."""
        if self.memory is None:
            return EVERY_FRAME
        again = f", named again if {self.reprompt}" if self.reprompt else ""
        checked = f", checked every {self.verify_s:g} s" if self.verify_s else ""
        return f"{self.memory}, {self.num_memories} memories{again}{checked}"


@dataclass(frozen=True)
class WayRow:
    """What a way is worth.

    Attributes:
        label: The way.
        jf: J&F in percent, the mean over objects.
        spread: Mean standard deviation of an object's J from frame to frame, in percent.
        step: Mean change of J from a frame to the next, in percent.
        switches_per_minute: How often an object's track went over to another thing.
        ms_a_frame: Time of a frame and object.
        num_objects: Objects that were followed.
        lost: What 100 - J&F is made of, in percent.
    """

    label: str
    jf: float
    spread: float
    step: float
    switches_per_minute: float
    ms_a_frame: float
    num_objects: int
    lost: Mapping[str, float]


def ways_of(options: argparse.Namespace) -> list[Way]:
    """What is compared."""
    reprompt = None if options.reprompt == "never" else options.reprompt
    again = (reprompt, options.verify)
    tracked = [Way("sam2", number, *again) for number in options.memories]
    others = [Way(rule, MAX_MEMORIES, *again) for rule in options.rules if rule != "sam2"]
    every = [] if options.without_every_frame else [Way(None)]
    return [*tracked, *others, *every]


def follow(session: Session, way: Way, names: Sequence[str]) -> list[Any]:
    """Masks of objects on every frame; None for an object that the model does not see."""
    if way.memory is None:
        return [session.segment(each, frames="all")[0] for each in names]
    found = session.track(
        list(names),
        start_s=0.0,
        frames="all",
        memory=way.memory,
        num_memories=way.num_memories,
        reprompt=way.reprompt,
        verify_s=way.verify_s,
    )
    by_name = {track.name: track for track in found}
    return [by_name.get(each) for each in names]


def clips(seeds: Iterable[int], num_frames: int) -> Iterator[Rendered]:
    """Long clips, one by one."""
    for seed in seeds:
        yield render(make_long_scene(seed, num_frames))


def scores_of(session: Session, way: Way, rendered: Rendered) -> tuple[list[TrackScore], float]:
    """Scores of the two things that look alike, and seconds."""
    names = [name(rendered.scene.things[thing]) for thing in _FOLLOWED]
    begin = time.perf_counter()
    tracks = follow(session, way, names)
    seconds = time.perf_counter() - begin
    truth = rendered.masks[:, 1:]
    scores = []
    for thing, track in zip(_FOLLOWED, tracks, strict=True):
        masks = _nothing(truth) if track is None else decoded(track[1:])
        scores.append(score_track(masks, truth, thing))
    return scores, seconds


def _nothing(truth: NDArray[np.bool_]) -> Iterator[NDArray[np.bool_]]:
    return (np.zeros(truth.shape[2:], np.bool_) for _ in range(truth.shape[1]))


def row_of(way: Way, scores: Sequence[TrackScore], seconds: float, num_frames: int) -> WayRow:
    """The mean over all objects."""
    minutes = len(scores) * num_frames / FPS / 60
    return WayRow(
        label=way.label,
        jf=100 * float(np.mean([each.region_and_boundary for each in scores])),
        spread=100 * float(np.mean([each.spread for each in scores])),
        step=100 * float(np.mean([each.step for each in scores])),
        switches_per_minute=sum(each.num_switches for each in scores) / minutes,
        ms_a_frame=1e3 * seconds / (len(scores) * num_frames),
        num_objects=len(scores),
        lost={
            kind.name.lower(): 100 * float(np.mean([each.lost[kind] for each in scores]))
            for kind in Loss
        },
    )


def table(rows: Sequence[WayRow]) -> list[str]:
    """The rows as lines of text."""
    lines = [
        f"{'percent':<{_WIDTH}} {'J&F':>6} {'spread':>7} {'step':>6} {'switches':>9} {'ms':>7}"
    ]
    for row in rows:
        lines.append(
            f"{row.label:<{_WIDTH}} {row.jf:>6.1f} {row.spread:>7.1f} {row.step:>6.2f}"
            f" {row.switches_per_minute:>9.2f} {row.ms_a_frame:>7.1f}"
        )
    lines.append("spread and step are of J; switches of a track in a minute; ms a frame and object")
    kinds = [kind.name.lower() for kind in Loss]
    lines.append(f"{'of 100 - J&F':<{_WIDTH}} " + " ".join(f"{kind:>9}" for kind in kinds))
    for row in rows:
        parts = " ".join(f"{row.lost[kind]:>9.1f}" for kind in kinds)
        lines.append(f"{row.label:<{_WIDTH}} {parts}")
    lines.append("; ".join(f"{kind.name.lower()}: {kind.value}" for kind in Loss))
    return lines


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate.tracking", description=__doc__.splitlines()[0]
    )
    parser.add_argument("package", type=Path, nargs="?", help="default: the package that ships")
    parser.add_argument("--clips", type=int, default=20, metavar="N", help="default: 20")
    parser.add_argument("--frames", type=int, default=300, metavar="N", help="default: 300")
    parser.add_argument(
        "--memories", type=int, nargs="+", default=list(range(1, MAX_MEMORIES + 1)), metavar="N"
    )
    parser.add_argument("--rules", nargs="+", default=["sam2", "distractor"], metavar="RULE")
    parser.add_argument("--reprompt", default="never", choices=("never", "lost"))
    parser.add_argument("--verify", type=float, metavar="S", help="`verify_s`; default: never")
    parser.add_argument("--without-every-frame", action="store_true")
    parser.add_argument("--aim", type=float, default=80.0, metavar="PERCENT", help="J&F")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table as JSON")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Follow, score, print; see the module."""
    options = parse(arguments)
    model = UFVideo.load(options.package)
    ways = ways_of(options)
    scores: dict[Way, list[TrackScore]] = {way: [] for way in ways}
    seconds = dict.fromkeys(ways, 0.0)
    for number, rendered in enumerate(clips(TEST_SEEDS[: options.clips], options.frames)):
        times_s = rendered.scene.times_s
        with model.open(rendered.frames, timestamps_s=times_s) as session:
            for way in ways:
                found, took_s = scores_of(session, way, rendered)
                scores[way] += found
                seconds[way] += took_s
        print(f"{number + 1} of {options.clips} clips", file=sys.stderr, flush=True)
    rows = [row_of(way, scores[way], seconds[way], options.frames) for way in ways]
    print(f"{options.clips} clips of {options.frames} frames, {FPS} frames a second")
    print(*table(rows), sep="\n")
    if options.json is not None:
        told = {"clips": options.clips, "frames": options.frames, "rows": [asdict(r) for r in rows]}
        options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    held = next((row.jf for way, row in zip(ways, rows, strict=True) if way == _held(ways)), None)
    return 0 if held is not None and held >= options.aim else 1


def _held(ways: Sequence[Way]) -> Way | None:
    """The way that the aim is for."""
    return next((w for w in ways if w.memory == "sam2" and w.num_memories == MAX_MEMORIES), None)


if __name__ == "__main__":
    sys.exit(main())
