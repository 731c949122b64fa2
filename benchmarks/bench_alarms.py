"""How often `ufvideo bench` reports a change that is none, and whether it finds a real one.

`python -m benchmarks.bench_alarms OUT` measures nano and nano in 40 pairs of runs, one after the
other, keeps all of them in OUT, and compares each pair as `ufvideo bench --compare` does: a pair is
an alarm if any figure is called changed. The same processes, taken in turn, are compared once more
as `--against` does. Then 10 pairs of nano and a copy that is made 10 % slower on purpose, and one
with a copy that answers differently. `--analyse` measures nothing and reads OUT again.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.changed_packages import other_answers_package, slower_package
from ufvideo_sdk import ConfigError, InputError, UFVideo, demo_clip
from ufvideo_sdk.bench import BenchConfig, BenchResult, Comparison, compare, measure, measure_pair
from ufvideo_sdk.bench.comparison import compared_names, process_values
from ufvideo_sdk.bench.figures import figure_of
from ufvideo_sdk.bench.workload import Workload, run_round

MAX_ALARMS = 5
MIN_SEEN = 0.9
SLOWER_BY = 0.10
NUM_PROCESSES = 14
_NUM_TRIED = 400


def products_for(share: float, folder: Path) -> int:
    """Products of zeros that make a token slower by a share, measured here and now."""
    source, workload = demo_clip(), Workload()
    models = [UFVideo.load(), UFVideo.load(slower_package(folder / "tried", _NUM_TRIED))]
    times: list[list[float]] = [[], []]
    for _ in range(12):
        for model, own in zip(models, times, strict=True):
            own += run_round(model, source, workload).samples["tpot_ms"]
    # The lowest quarter: a busy neighbour only makes times longer.
    plain_ms, slower_ms = (statistics.quantiles(own, n=4)[0] for own in times)
    count = max(round(share * plain_ms / ((slower_ms - plain_ms) / _NUM_TRIED)), 1)
    print(f"{plain_ms:.3f} ms a token; {count} products make it {share:.0%} slower")
    return count


def in_turn(a: BenchResult, b: BenchResult) -> tuple[BenchResult, BenchResult]:
    """The processes of two runs of one package, dealt out anew as if they had run in turn."""
    documents = [copy.deepcopy(each.document) for each in (a, b)]
    processes = [each["results"][0]["processes"] for each in documents]
    together = [*processes[0], *processes[1]]
    num_pairs = len(together) // 2
    for number, document in enumerate(documents):
        # Every second pair the other way round, as `--against` runs them.
        document["results"][0]["processes"] = [
            together[2 * i + ((number + i) % 2)] for i in range(num_pairs)
        ]
        document["pair"] = "in turn"
    return BenchResult(documents[0]), BenchResult(documents[1])


def run_spread(runs: Sequence[BenchResult]) -> float:
    """By how much a run differs from the next one beyond what its processes vary by.

    Args:
        runs: Of one package, in the order they were measured.

    Returns:
        A standard deviation of logarithms, the median of all times.
    """
    results = [each.document["results"][0] for each in runs]
    names = [n for n in compared_names(*results[:2]) if figure_of(n).unit == "ms"]
    values = np.stack([[process_values(each, name) for name in names] for each in results])
    between = np.square(np.diff(values.mean(-1), axis=0)).mean(0) / 2
    within = (values.var(-1, ddof=1) / values.shape[-1]).mean(0)
    return float(np.median(np.sqrt(np.maximum(between - within, 0))))


def sees_slower(pairs: Sequence[tuple[BenchResult, BenchResult]], num_processes: int) -> bool:
    """Whether slower tokens are reported where the second side of a pair has them, in turn.

    Args:
        pairs: A pair of one package with itself, and others that its processes are filled up from.
        num_processes: Of each side.
    """
    documents = []
    sides = zip(*(in_turn(*pair) for pair in pairs), strict=True)
    for runs, factor in zip(sides, (1.0, 1 + SLOWER_BY), strict=True):
        processes = [each for run in runs for each in run.document["results"][0]["processes"]]
        document = runs[0].document
        document["results"][0]["processes"] = processes[:num_processes]
        for each in document["results"][0]["processes"]:
            each["samples"]["tpot_ms"] = [
                time_ms * factor for time_ms in each["samples"]["tpot_ms"]
            ]
        documents.append(document)
    return says_slower(compare(*map(BenchResult, documents)))


def says_slower(comparison: Comparison) -> bool:
    """Whether it is reported that tokens take longer."""
    return any(each.name == "tpot_ms" and each.is_worse for each in comparison.changes)


def print_power(same: Sequence[tuple[BenchResult, BenchResult]]) -> None:
    """Print what docs/bench.md says of runs that differ, and of how many processes are enough."""
    runs = [each for pair in same for each in pair]
    print(f"a run and the next differ by {run_spread(runs):.1%} beyond what their processes do")
    measured = len(runs[0].document["results"][0]["processes"])
    for num_processes in sorted({measured, NUM_PROCESSES}):
        # Filled up from the next pair.
        filled = zip(same, [*same[1:], same[0]], strict=True)
        seen = sum(sees_slower(pairs, num_processes) for pairs in filled)
        print(
            f"{SLOWER_BY:.0%} added to one side, in turn, {num_processes} processes: reported in"
            f" {seen} of {len(same)}"
        )


def compared(a: BenchResult, b: BenchResult) -> Comparison | None:
    """The comparison; None where it is refused, since the machine's state differed."""
    try:
        return compare(a, b)
    except ConfigError as error:
        print(f"  refused: {error}")
        return None


def told(comparison: Comparison) -> str:
    """The changes of a comparison in one line."""
    return ", ".join(f"{each.name} {each.change:+.1%}" for each in comparison.changes)


def measure_all(out: Path, num_pairs: int, num_slower: int, config: BenchConfig) -> None:
    """Measure everything, and keep it in a folder."""
    begin = time.perf_counter()
    for number in range(num_pairs):
        for name in ("a", "b"):
            measure(config=config).save(out / f"same-{number:02}-{name}.json")
        print(f"pair {number + 1}: {time.perf_counter() - begin:.0f} s", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        slower = slower_package(folder / "slower", products_for(SLOWER_BY, folder))
        for number in range(num_slower):
            pair = measure_pair(None, slower, config=config)
            for name, result in zip("ab", pair, strict=True):
                result.save(out / f"slower-{number:02}-{name}.json")
        other = other_answers_package(folder / "other")
        for name, result in zip("ab", measure_pair(None, other, config=config), strict=True):
            result.save(out / f"other-00-{name}.json")
    print(f"measured in {time.perf_counter() - begin:.0f} s")


def read_pairs(out: Path, kind: str) -> list[tuple[BenchResult, BenchResult]]:
    """Pairs of one kind that a folder holds.

    Raises:
        InputError: When there is none: that would prove nothing.
    """
    first = sorted(out.glob(f"{kind}-*-a.json"))
    if not first:
        raise InputError(f"{out}: expected pairs of measurements {kind}-*-a.json, found none")
    return [
        (BenchResult.load(path), BenchResult.load(path.with_name(path.name.replace("-a.", "-b."))))
        for path in first
    ]


def analyse(out: Path) -> bool:
    """Print what the pairs say; whether the promises hold.

    Raises:
        InputError: When the folder lacks pairs of a kind.
    """
    same = read_pairs(out, "same")
    found = [compared(a, b) for a, b in same]
    alarms = [each for each in found if each is not None and each.changes]
    figures = Counter(change.name for each in alarms for change in each.changes)
    num_refused = found.count(None)
    print(f"the same package, one run after the other: {len(alarms)} alarms in {len(same)} pairs,")
    print(
        f"  {num_refused} refused, since the machine's state differed;"
        f" {[told(each) for each in alarms]}; {dict(figures)}"
    )
    num_turns = sum(bool(compare(*in_turn(a, b)).changes) for a, b in same)
    print(f"the same package, in turn: {num_turns} alarms in {len(same)} pairs")
    print_power(same)
    slower = [compare(a, b) for a, b in read_pairs(out, "slower")]
    seen = sum(map(says_slower, slower))
    print(f"{SLOWER_BY:.0%} slower: reported in {seen} of {len(slower)}")
    for each in slower:
        print(f"  {told(each)}")
    different = all(compare(a, b).answers_differ for a, b in read_pairs(out, "other"))
    print(f"other answers: {'different' if different else 'NOT SEEN'}")
    return (
        num_refused < len(same)
        and len(alarms) <= MAX_ALARMS
        and num_turns <= MAX_ALARMS
        and seen >= MIN_SEEN * len(slower)
        and different
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and analyse; 0 if all holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="keeps every measurement")
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--slower", type=int, default=10, help="pairs with the slower copy")
    parser.add_argument("--processes", type=int, default=NUM_PROCESSES)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--analyse", action="store_true", help="measure nothing")
    options = parser.parse_args(arguments)
    if not options.analyse:
        options.out.mkdir(parents=True, exist_ok=True)
        config = BenchConfig(num_processes=options.processes, num_rounds=options.rounds)
        measure_all(options.out, options.pairs, options.slower, config)
    return 0 if analyse(options.out) else 1


if __name__ == "__main__":
    sys.exit(main())
