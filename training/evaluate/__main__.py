"""`python -m training.evaluate PACKAGE`: what a package scores on clips nobody trained on."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from training.evaluate.ask import Outcome, ask_all
from training.evaluate.clips import drawn_clips
from training.evaluate.report import Report, speed, summary, table
from training.evaluate.rows import rows_of
from training.world import TEST_SEEDS
from ufvideo_sdk import UFVideo

CHECKPOINT = Path(__file__).parents[1] / "nano" / "checkpoint"


def main() -> int:
    """Ask, score, print; 0 only where every floor holds."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("package", type=Path, nargs="?", help="default: the package that ships")
    parser.add_argument("--clips", type=int, default=500, metavar="N", help="default: 500")
    parser.add_argument(
        "--checkpoint",
        type=Path,
        default=CHECKPOINT,
        help="what the package was made of, to track with; default: training/nano/checkpoint",
    )
    parser.add_argument("--flat", action="store_true", help="clips of the second renderer")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table as JSON")
    given = parser.parse_args()
    begin = time.perf_counter()
    model = UFVideo.load(given.package)
    load_s = time.perf_counter() - begin
    outcomes, tracked = _measure(model, given)
    report = Report(
        package=f"{model.manifest.model.name} {model.manifest.stages['language_model'].precision}",
        renderer="flat" if given.flat else "training",
        num_clips=given.clips,
        rows=rows_of(outcomes, tracked),
        seconds=time.perf_counter() - begin,
    )
    print(*table(report.rows), sep="\n")
    print(f"loaded in {load_s:.2f} s; {speed(outcomes)}")
    if given.json is not None:
        given.json.write_text(json.dumps(report.to_json(), indent=2) + "\n", encoding="utf-8")
    print(summary(report))
    return 0 if report.holds else 1


def _measure(model: UFVideo, given: argparse.Namespace) -> tuple[list[Outcome], list[float]]:
    outcomes: list[Outcome] = []
    tracked: list[float] = []
    torch_model = None
    if given.checkpoint.is_dir():
        # Slow to import, and not needed without a checkpoint.
        from training.evaluate.torch_model import TorchModel, use_one_thread
        from training.evaluate.track import EVERY_CLIP, track_all

        use_one_thread()
        torch_model = TorchModel(given.checkpoint, model)
    else:
        print(f"no checkpoint at {given.checkpoint}: tracking is not measured", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        clips = drawn_clips(TEST_SEEDS[: given.clips], Path(folder), flat=given.flat)
        for number, clip in enumerate(clips):
            outcomes += ask_all(model, clip)
            if torch_model is not None and number % EVERY_CLIP == 0:
                tracked += track_all(model, torch_model, clip)
            if number % 50 == 49:
                print(f"{number + 1} of {given.clips} clips", file=sys.stderr)
    return outcomes, tracked


if __name__ == "__main__":
    sys.exit(main())
