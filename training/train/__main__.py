"""`python -m training.train OUT`: train nano from nothing, or go on where a run was left."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from training.train.more_words import add_wordings
from training.train.plot import plot_logs
from training.train.stages import PLANS, load_nano, run_stage, write_training_heads
from training.train.start_from import CHECKPOINT_FOLDER, HEADS_FILE, start_from
from training.train.workplace import Workplace
from training.train.world_tokenizer import train_tokenizer
from training.train.write_checkpoint import write_checkpoint

# What may learn side by side, one core each; then what needs both.
_SIDE_BY_SIDE = (("vision",), ("masks", "tracking"))
_IN_ORDER = ("names", "language", "joint", "occluded", "memory", "answers", "wordings")


def main() -> None:
    """Run all stages and write the checkpoint."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("out", type=Path, help="folder of the run; made if needed, resumed if not")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 2, help="cores to use")
    parser.add_argument("--length", type=float, default=1.0, help="part of all steps to take")
    parser.add_argument(
        "--from",
        dest="start",
        type=Path,
        metavar="FOLDER",
        help="go on from a trained model, as training/nano: the last stages only",
    )
    parser.add_argument(
        "--stage", choices=tuple(PLANS), nargs="*", help="these stages only, and no checkpoint"
    )
    given = parser.parse_args()
    place = Workplace(given.out)
    if given.start is not None and not place.is_done("answers"):
        start_from(given.start, place)
    if given.stage:
        for name in given.stage:
            run_stage(name, place, num_threads=given.threads, length=given.length)
        return
    place.tokenizer.mkdir(parents=True, exist_ok=True)
    if not (place.tokenizer / "vocab.json").is_file():
        train_tokenizer(place.tokenizer)
        add_wordings(place.tokenizer)
    _run_side_by_side(given)
    for name in _IN_ORDER:
        run_stage(name, place, num_threads=given.threads, length=given.length)
    plot_logs(place.folder)
    checkpoint = place.folder / CHECKPOINT_FOLDER
    if not checkpoint.exists():
        write_checkpoint(load_nano(place), place.tokenizer, checkpoint)
        write_training_heads(place, place.folder / HEADS_FILE)
    print(f"The checkpoint is {checkpoint}; export it with")
    print(f"  ufvideo export {checkpoint} PACKAGE --seg-hidden-state predicting")


def _run_side_by_side(given: argparse.Namespace) -> None:
    threads = max(given.threads // len(_SIDE_BY_SIDE), 1)
    command = [sys.executable, "-m", "training.train", str(given.out), "--threads", str(threads)]
    command += ["--length", str(given.length), "--stage"]
    running = [subprocess.Popen([*command, *names]) for names in _SIDE_BY_SIDE]
    codes = [process.wait() for process in running]
    if any(codes):
        sys.exit(f"a stage ended with {max(codes)}; the same command goes on where it was left")


if __name__ == "__main__":
    main()
