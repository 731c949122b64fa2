"""`python -m training.compare PACKAGE OTHER`: two packages of one checkpoint, and PyTorch.

Both are asked the same about the same clips. OTHER (say, fp16) must score within half a point of
PACKAGE (fp32) in every row, and both must answer as PyTorch does where a checkpoint is given.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.evaluate.ask import Outcome, ask_all, call_of
from training.evaluate.clips import DrawnClip, drawn_clips
from training.evaluate.rows import Row, rows_of
from training.world import TEST_SEEDS
from ufvideo_sdk import UFVideo
from ufvideo_sdk.text.prompt import Question
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.video_file import open_source

if TYPE_CHECKING:
    import torch

MAX_POINTS_APART = 0.5
MIN_AGREEMENT = 99.0
_WIDTH = 38


def main() -> int:
    """Ask, compare, print; 0 only where everything holds."""
    parser = argparse.ArgumentParser(prog="python -m training.compare", description=__doc__)
    parser.add_argument("package", type=Path, help="the one to compare with, fp32")
    parser.add_argument("other", type=Path, help="another precision")
    parser.add_argument("checkpoint", type=Path, nargs="?", help="what both were made of")
    parser.add_argument("--clips", type=int, default=500, metavar="N", help="default: 500")
    given = parser.parse_args()
    begin = time.perf_counter()
    models = [UFVideo.load(given.package), UFVideo.load(given.other)]
    outcomes: list[list[Outcome]] = [[], []]
    agreed: list[list[bool]] = [[], []]
    agreement = _agreement(given.checkpoint, models[0])
    with tempfile.TemporaryDirectory() as folder:
        for clip in drawn_clips(TEST_SEEDS[: given.clips], Path(folder)):
            answered = [ask_all(model, clip) for model in models]
            for k, found in enumerate(answered):
                outcomes[k] += found
            if agreement is not None:
                for k, same in enumerate(agreement.of(clip, answered)):
                    agreed[k] += same
    rows = [rows_of(found) for found in outcomes]
    failed = [first.label for first, second in zip(*rows, strict=True) if not alike(first, second)]
    print(*side_by_side(*rows), sep="\n")
    same_words = np.mean([a.text == b.text for a, b in zip(*outcomes, strict=True)])
    print(f"{given.other} answers {100 * same_words:.2f} % word for word as {given.package}")
    for path, same in zip((given.package, given.other), agreed, strict=True):
        percent = 100 * float(np.mean(same)) if same else 0.0
        if agreement is not None:
            print(f"{path} answers {percent:.2f} % of {len(same)} questions as PyTorch does")
            failed += [] if percent >= MIN_AGREEMENT else [f"{path} and PyTorch"]
    verdict = f"not within bounds: {'; '.join(failed)}" if failed else "everything within bounds"
    print(f"{verdict} ({given.clips} clips, {time.perf_counter() - begin:.0f} s)")
    return 1 if failed else 0


def _agreement(checkpoint: Path | None, model: UFVideo) -> Agreement | None:
    if checkpoint is None:
        return None
    from training.evaluate.torch_model import use_one_thread

    use_one_thread()
    return Agreement(checkpoint, model)


def alike(first: Row, second: Row) -> bool:
    """Whether two rows are within half a point; rows without samples are."""
    if first.percent is None or second.percent is None:
        return first.percent is second.percent
    return abs(first.percent - second.percent) <= MAX_POINTS_APART


def side_by_side(first: Sequence[Row], second: Sequence[Row]) -> list[str]:
    """Both tables as one."""
    lines = [f"{'percent':<{_WIDTH}} {'package':>8} {'other':>8} {'apart':>7} {'count':>6}  ok"]
    for one, other in zip(first, second, strict=True):
        if one.percent is None or other.percent is None:
            continue
        mark = "yes" if alike(one, other) else "NO"
        lines.append(
            f"{one.label:<{_WIDTH}} {one.percent:>8.2f} {other.percent:>8.2f}"
            f" {other.percent - one.percent:>+7.2f} {one.count:>6}  {mark}"
        )
    return lines


class Agreement:
    """Whether answers are those of greedy decoding in PyTorch."""

    def __init__(self, checkpoint: Path, model: UFVideo, vision_tower: Path | None = None) -> None:
        # Slow to import, and not needed without a checkpoint.
        from training.evaluate.torch_model import TorchModel

        self._model = model
        self._torch_model = TorchModel(checkpoint, model, vision_tower)

    def of(self, clip: DrawnClip, answered: Sequence[Sequence[Outcome]]) -> list[list[bool]]:
        """For each package's answers about a clip, which PyTorch gives too."""
        with self._model.open(clip.path) as session:
            video = self._torch_model.video_tokens(session.clip)
            return [
                [self._is_greedy(clip, session.clip, outcome, video) for outcome in outcomes]
                for outcomes in answered
            ]

    def _is_greedy(
        self, clip: DrawnClip, file: Clip, outcome: Outcome, video: torch.Tensor
    ) -> bool:
        task, shown = outcome.task, file
        if task.image_frame is not None:
            shown = Clip(open_source(file.read([task.image_frame])[0]))
            video = self._torch_model.video_tokens(shown)
        call = call_of(task, clip, shown.timestamps_s)
        question = Question(call.question, len(call.regions), call.times)
        ids = outcome.token_ids
        same: bool = self._torch_model.is_greedy(shown, video, question, call.regions, ids)
        return same


if __name__ == "__main__":
    sys.exit(main())
