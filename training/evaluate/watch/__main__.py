"""`python -m training.evaluate.watch [PACKAGE]`: how right the events of watched streams are.

Streets of shapes are drawn, ten minutes each, served by a real RTSP server and watched by the rules
of `training/streams/street.yaml`. Their events are matched with what is true. Beside them stands
the baseline: a session on each ten seconds of the same streams, whose answers are its events.
The exit status is 0 only where precision and recall of all events are at least 95 % and the median
delay is below one interval between two questions plus one second of stream time.

A delay is stream time: from when something is half seen to the newest frame that the deciding
answer is about. `--files` reads the files as fast as the machine can in place of the server.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from training.evaluate.watch.chunks import CHUNK_S, ChunkRun, joined, watch_chunks
from training.evaluate.watch.expected import expected_of
from training.evaluate.watch.matching import FoundEvent, events_of, match
from training.evaluate.watch.report import (
    ASKED,
    RuleScore,
    floors_of,
    table,
    to_json,
    track_lines,
)
from training.evaluate.watch.run import WatchedRun, WrittenStream, watch_streams
from training.evaluate.watch.tracks import track_scores
from training.streams import write_stream
from training.world import TEST_SEEDS
from ufvideo_sdk import RuntimeConfig, UFVideo
from ufvideo_sdk.watch import Rules

RULES = Path(__file__).parents[2] / "streams" / "street.yaml"
# Streams that nothing else is measured on.
SEEDS = TEST_SEEDS[9000:9100]
FPS = 8.0


def scores_of(run: WatchedRun, rules: Rules, window_s: float) -> list[RuleScore]:
    """Every rule on every stream that was watched."""
    scores = []
    for watched in run.streams:
        for rule in rules.rules:
            expected = expected_of(rules, rule, watched.stream.truth, window_s)
            found = match(events_of(watched.facts, rule.name), expected)
            scores.append(RuleScore(expected, found))
    return scores


def chunk_scores(
    streams: Sequence[WrittenStream],
    runs: Sequence[ChunkRun],
    rules: Rules,
    window_s: float,
    *,
    join: bool,
) -> list[RuleScore]:
    """The rules that the baseline can answer, against the same truth.

    Args:
        streams: The streams.
        runs: The baseline on each of them.
        rules: What was asked.
        window_s: Of the stream that it stands beside.
        join: Whether neighbouring chunks that hold are one event.
    """
    scores = []
    for stream, run in zip(streams, runs, strict=True):
        for rule in rules.rules:
            if rule.name in run.events:
                expected = expected_of(rules, rule, stream.truth, window_s)
                found: list[FoundEvent] = run.events[rule.name]
                told = joined(found, 1.0) if join else found
                scores.append(RuleScore(expected, match(told, expected)))
    return scores


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate.watch", description=__doc__.splitlines()[0]
    )
    parser.add_argument("package", type=Path, nargs="?", help="default: the package that ships")
    parser.add_argument("--minutes", type=float, default=10.0, help="of each stream; default: 10")
    parser.add_argument("--streams", type=int, default=2, metavar="N", help="default: 2")
    parser.add_argument("--fps", type=float, default=FPS, help="frames looked at; default: 8")
    parser.add_argument("--rules", type=Path, default=RULES, help="default: those of the street")
    parser.add_argument("--speed", type=float, default=1.0, help="of the server; default: 1")
    parser.add_argument("--files", action="store_true", help="no server, as fast as it goes")
    parser.add_argument("--threads", type=int, default=1, help="of the model; default: 1")
    parser.add_argument("--without-chunks", action="store_true", help="no baseline")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the streams there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw, watch, score, print; see the module."""
    given = parse(arguments)
    runtime = RuntimeConfig(num_threads=given.threads)
    model, rules = UFVideo.load(given.package, runtime=runtime), Rules.load(given.rules)
    window_s = (model.manifest.video.num_frames - 1) / given.fps
    with ExitStack() as closing:
        folder = given.keep or Path(closing.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        streams = [_written(seed, given.minutes, folder) for seed in SEEDS[: given.streams]]
        run = watch_streams(
            model,
            streams,
            rules,
            fps=given.fps,
            over_rtsp=not given.files,
            speed=given.speed,
        )
        chunks = []
        if not given.without_chunks:
            chunks = [watch_chunks(model, each.path, rules, given.fps) for each in streams]
    scores = scores_of(run, rules, window_s)
    print(*table(scores, f"watched, {window_s:.1f} s window"), sep="\n")
    tracks = [track_scores(each.facts, rules, each.stream.truth) for each in run.streams]
    print(*track_lines(tracks), sep="\n")
    print(run.cost())
    if chunks:
        _print_chunks(scores, streams, chunks, rules, window_s)
    floors = floors_of(scores)
    print(*floors, sep="\n")
    if given.json is not None:
        text = json.dumps(to_json(scores, floors), indent=2) + "\n"
        given.json.write_text(text, encoding="utf-8")
    return 0 if all(floor.holds for floor in floors) else 1


def _written(seed: int, minutes: float, folder: Path) -> WrittenStream:
    path = folder / f"street-{seed}.mp4"
    return WrittenStream(path, write_stream(seed, 60 * minutes, path))


def _print_chunks(
    scores: Sequence[RuleScore],
    streams: Sequence[WrittenStream],
    chunks: Sequence[ChunkRun],
    rules: Rules,
    window_s: float,
) -> None:
    """The baseline beside the rules that it can answer."""
    asked = [score for score in scores if score.expected.kind in ASKED]
    print()
    print(*table(asked, "watched, without tracks"), sep="\n")
    for join, title in ((False, f"chunks of {CHUNK_S:.0f} s"), (True, "chunks, joined")):
        told = chunk_scores(streams, chunks, rules, window_s, join=join)
        print(*table(told, title), sep="\n")
    duration_s = sum(stream.truth.duration_s for stream in streams)
    cpu_s = sum(run.cpu_s for run in chunks)
    num_frames = sum(run.num_frames for run in chunks)
    num_answers = sum(run.num_answers for run in chunks)
    late_s = max(seconds for run in chunks for seconds in run.answer_s)
    print(
        f"chunks: {num_frames} frames, {num_answers} answers, {cpu_s:.0f} s of one core without"
        f" reading ({100 * cpu_s / duration_s:.1f} % of a core for each stream), answers up to"
        f" {late_s:.2f} s behind the chunk"
    )
    print()


if __name__ == "__main__":
    sys.exit(main())
