"""Feed mutated packages, sessions, pictures, videos and answers to the SDK; see README.md here."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tests.mutation import summary
from tests.mutation.case import Outcome, read_finding
from tests.mutation.kinds import KINDS
from tests.mutation.runs import Extent, Tally, replay, run

_OUT = Path("out/mutation")


def main() -> int:
    """Run as the command line says; 0 where there are no findings, else 1."""
    options = _options()
    if options.replay is not None:
        return _replay(options.replay)
    kinds = [KINDS[name] for name in options.only or KINDS]
    total = sum(kind.share for kind in kinds)
    tallies: list[Tally] = []
    shutil.rmtree(options.out, ignore_errors=True)
    for kind in kinds:
        extent = Extent(
            seed=options.seed,
            first=options.first,
            num_cases=options.cases,
            seconds=options.seconds * kind.share / total if options.seconds else None,
        )
        with tempfile.TemporaryDirectory(prefix="mutation-") as scratch:
            tallies.append(run(kind, extent, Path(scratch), options.out))
        print(summary.table(tallies[-1:]), flush=True)
    if len(tallies) > 1:
        print(f"\n{summary.table(tallies)}")
    found = summary.findings(tallies, options.out)
    print(found or "no findings")
    return 1 if found else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--seconds", type=float, help="time for all kinds together")
    parser.add_argument("--cases", type=int, help="most cases of each kind")
    parser.add_argument("--seed", type=int, default=0, help="other seeds are other cases")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--only", choices=sorted(KINDS), action="append", help="may be repeated")
    parser.add_argument("--out", type=Path, default=_OUT, help="where findings are kept; emptied")
    parser.add_argument("--replay", type=Path, metavar="FOLDER", help="run a kept finding again")
    options = parser.parse_args()
    if options.replay is None and options.seconds is None and options.cases is None:
        parser.error("expected --seconds, --cases or --replay")
    return options


def _replay(folder: Path) -> int:
    case, entries = read_finding(folder)
    with tempfile.TemporaryDirectory(prefix="mutation-") as scratch:
        outcome: Outcome = replay(KINDS[case.kind], case, entries, Path(scratch))
    print(outcome.detail)
    print(
        f"{case}: {outcome.status} {outcome.what} {outcome.where} in {outcome.seconds:.2f} s, at"
        f" most {outcome.peak_bytes >> 20} MiB"
    )
    return 1 if outcome.is_finding else 0


if __name__ == "__main__":
    sys.exit(main())
