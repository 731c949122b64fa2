"""What a machine can keep up with, by arithmetic from the stage costs that it measured.

Run as `python -m benchmarks.stream_rates FILE.json [--rules RULES.yaml --fps 2]` on what `ufvideo
bench --save` wrote on that machine. Nothing is measured here: a rate is 1 over the sum of the costs
of a frame, as if nothing else ran and as if no stage ran beside another. With `--rules` also how
many cameras can be watched by them; reading and decoding cameras is not in these costs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ufvideo_sdk.bench import BenchResult

NUM_OBJECTS = (1, 2, 4, 8)
_OF_AN_OBJECT = ("memory_attention_ms", "track_decoder_ms", "memory_encoder_ms", "mask_resize_ms")


def tracked_frame_ms(costs: Mapping[str, float], num_objects: int) -> float:
    """A frame with tracked objects: SAM 2's encoder once, the rest for each object.

    Args:
        costs: Milliseconds by figure of `ufvideo bench`.
        num_objects: How many.
    """
    return costs["mask_encoder_ms"] + num_objects * sum(costs[name] for name in _OF_AN_OBJECT)


def rate_lines(costs: Mapping[str, float], answer_tokens: int) -> Iterator[str]:
    """What follows from the costs.

    Args:
        costs: Milliseconds by figure of `ufvideo bench`.
        answer_tokens: Length of an answer.
    """
    yield "by arithmetic from measured costs, nothing else running"
    push_ms = costs["push_ms"]
    yield f"frames that a stream can take: {1e3 / push_ms:.1f} a second ({push_ms:.1f} ms a frame)"
    for name, what in (
        ("stream_ttft_ms", "a window that stayed"),
        ("stream_ttft_pair_ms", "a new pair"),
        ("stream_ttft_drop_ms", "a window that moved on"),
    ):
        answer_ms = costs[name] + (answer_tokens - 1) * costs["tpot_ms"]
        yield f"an answer of {answer_tokens} tokens about {what}: every {answer_ms / 1e3:.2f} s"
    if not all(name in costs for name in _OF_AN_OBJECT):
        yield "tracking: the package cannot track"
        return
    for number in NUM_OBJECTS:
        frame_ms = tracked_frame_ms(costs, number)
        objects = f"{number} object{'s' if number > 1 else ''}"
        yield f"frames with {objects} tracked: {1e3 / frame_ms:.2f} a second ({frame_ms:.1f} ms)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Read and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--answer-tokens", type=int, default=32)
    parser.add_argument("--rules", type=Path, help="rules of cameras that are watched")
    parser.add_argument("--fps", type=float, default=2.0, help="of these cameras; default: 2")
    options = parser.parse_args(arguments)
    result = BenchResult.load(options.file)
    costs = {
        name: summary.mean if summary.p50 is None else summary.p50
        for name, summary in result.items()
    }
    for line in rate_lines(costs, options.answer_tokens):
        print(line)
    if options.rules is not None:
        # It needs the extra `watch`.
        from benchmarks.watch_rates import watch_lines
        from ufvideo_sdk.watch import Rules

        for line in watch_lines(costs, Rules.load(options.rules), options.fps):
            print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
