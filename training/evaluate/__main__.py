"""`python -m training.evaluate PACKAGE`: what a package scores on clips nobody trained on.

The table has the questions in the words of training about short clips ("table"), wordings that
training never saw ("paraphrases"), windows of few frames ("windows"), clips of minutes ("long") and
objects that are followed through them ("tracks").
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from training.evaluate import long_clips, long_tracks, paraphrases, windows
from training.evaluate.ask import Outcome, ask_all
from training.evaluate.clips import drawn_clips
from training.evaluate.report import Report, speed, summary, table
from training.evaluate.rows import Row, rows_of
from training.world import TEST_SEEDS
from ufvideo_sdk import UFVideo

CHECKPOINT = Path(__file__).parents[1] / "nano" / "checkpoint"
PARTS = ("table", "paraphrases", "windows", "long", "tracks")
_WINDOW_CLIPS = 200


def main() -> int:
    """Ask, score, print; 0 only where every floor holds."""
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate", description=__doc__.splitlines()[0]
    )
    parser.add_argument("package", type=Path, nargs="?", help="default: the package that ships")
    parser.add_argument("--clips", type=int, default=500, metavar="N", help="default: 500")
    parser.add_argument(
        "--checkpoint",
        type=Path,
        default=CHECKPOINT,
        help="what the package was made of, to track with; default: training/nano/checkpoint",
    )
    parser.add_argument("--flat", action="store_true", help="clips of the second renderer")
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=PARTS, help="what is measured; default: all"
    )
    parser.add_argument(
        "--label",
        help="what the package is called in the table; default: its model and precision",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table as JSON")
    given = parser.parse_args()
    begin = time.perf_counter()
    model = UFVideo.load(given.package)
    load_s = time.perf_counter() - begin
    outcomes, rows = _table(model, given) if "table" in given.parts else ([], ())
    rows = (*rows, *_more_rows(model, given))
    report = Report(
        package=given.label or _label(model),
        renderer="flat" if given.flat else "training",
        num_clips=given.clips,
        rows=rows,
        seconds=time.perf_counter() - begin,
    )
    print(*table(report.rows), sep="\n")
    print(f"loaded in {load_s:.2f} s; {speed(outcomes)}")
    if given.json is not None:
        given.json.write_text(json.dumps(report.to_json(), indent=2) + "\n", encoding="utf-8")
    print(summary(report))
    return 0 if report.holds else 1


def _label(model: UFVideo) -> str:
    manifest = model.manifest
    return f"{manifest.model.name} {manifest.stages['language_model'].precision}"


def _table(model: UFVideo, given: argparse.Namespace) -> tuple[list[Outcome], tuple[Row, ...]]:
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
    return outcomes, rows_of(outcomes, tracked)


def _more_rows(model: UFVideo, given: argparse.Namespace) -> tuple[Row, ...]:
    """The rows beside the first table; their clips are of one renderer each."""
    rows: tuple[Row, ...] = ()
    if "paraphrases" in given.parts:
        right = paraphrases.measure(model, flat=given.flat)
        print(*paraphrases.table(right), sep="\n")
        rows += paraphrases.paraphrase_rows(right)
    if "windows" in given.parts:
        num_clips = min(given.clips, _WINDOW_CLIPS)
        by_number = windows.measure(model, windows.ROWS, num_clips, flat=given.flat)
        rows += windows.window_rows(by_number)
    if "long" in given.parts:
        rows += long_clips.long_rows(long_clips.measure(model, flat=given.flat))
    if "tracks" in given.parts:
        rows += long_tracks.measure(model, flat=given.flat)
    return rows


if __name__ == "__main__":
    sys.exit(main())
