"""The same questions to one package on two devices: how far apart are the answers?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.clips import draw_frames
from benchmarks.floors import Figure
from benchmarks.latency.workload import EXPRESSIONS, QUESTIONS, REGION_QUESTION, Workload
from ufvideo_sdk import GenerationConfig, ObjectMask, RuntimeConfig, UFVideo
from ufvideo_sdk.package.manifest import read_manifest

# Half precision rounds each step, and a close call between two tokens may fall the other way.
_HALF_TOKENS, _HALF_IOU = 0.9, 0.98
_WHOLE_TOKENS, _WHOLE_IOU = 1.0, 0.999


@dataclass(frozen=True)
class Answers:
    """What one device answered.

    Attributes:
        token_ids: Of every answer.
        masks: Of every expression, one mask a frame.
    """

    token_ids: list[tuple[int, ...]]
    masks: list[Sequence[ObjectMask]]


def agreement_figures(
    package: Path, providers: tuple[str, ...], num_new_tokens: int
) -> list[Figure]:
    """How far a package's answers on some providers are from those on the CPU.

    Args:
        package: The package.
        providers: In order of preference, strict.
        num_new_tokens: Tokens of each answer, at most.

    Raises:
        DeviceError: When a provider cannot start.
    """
    here = answers_of(package, providers, num_new_tokens)
    there = answers_of(package, ("cpu",), num_new_tokens)
    manifest = read_manifest(package)
    half = any(stage.precision != "fp32" for stage in manifest.stages.values())
    tokens, iou = (_HALF_TOKENS, _HALF_IOU) if half else (_WHOLE_TOKENS, _WHOLE_IOU)
    name = f"{manifest.model.name} {manifest.stages['language_model'].precision}"
    name += f", {' '.join(providers)} against cpu"
    return [
        Figure(f"{name}: equal tokens", equal_share(here, there), tokens, "at least"),
        Figure(f"{name}: IoU of masks, least", least_iou(here, there), iou, "at least"),
    ]


def answers_of(package: Path, providers: tuple[str, ...], num_new_tokens: int) -> Answers:
    """Ask everything of the workload on some providers."""
    model = UFVideo.load(package, runtime=RuntimeConfig(providers=providers))
    num_frames = model.manifest.video.num_frames
    workload = Workload(package, package, package, num_new_tokens, 4, 1)
    frames = draw_frames(num_frames)
    config = GenerationConfig(max_new_tokens=num_new_tokens)
    with model.open(frames, fps=4.0) as session:
        answers = [session.ask(question, config=config) for question in QUESTIONS]
        regions = workload.regions(frames)
        answers.append(session.ask(REGION_QUESTION, regions=regions, config=config))
        masks = [
            track
            for expression in EXPRESSIONS
            for track in session.segment(expression, frames=workload.mask_idxs(num_frames))
        ]
    return Answers([tuple(answer.token_ids) for answer in answers], masks)


def equal_share(here: Answers, there: Answers) -> float:
    """Share of the tokens before the first that differs, over all answers."""
    equal = total = 0
    for ours, theirs in zip(here.token_ids, there.token_ids, strict=True):
        total += max(len(ours), len(theirs))
        pairs = zip(ours, theirs, strict=False)
        different = next((k for k, (a, b) in enumerate(pairs) if a != b), None)
        equal += min(len(ours), len(theirs)) if different is None else different
    return equal / total


def least_iou(here: Answers, there: Answers) -> float:
    """The least agreement of two masks of the same frame; two empty ones agree."""
    ious = [1.0]
    for ours, theirs in zip(here.masks, there.masks, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            ours_px, theirs_px = a.pixels(), b.pixels()
            union = np.count_nonzero(ours_px | theirs_px)
            ious.append(np.count_nonzero(ours_px & theirs_px) / union if union else 1.0)
    return min(ious)
