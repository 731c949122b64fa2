"""Runs of frames for SAM 2's memory: things that hide and come back, beside things like them.

A run is a part of a long clip, in which two things that look alike go behind a third one, or of a
short one, in which things grow, change colour, leave and come back: frames go on to the clip's end
and then back again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from training.train.looks import looks_of
from training.train.mask_frames import part_of_pixels
from training.train.pixels import draw_clip, resized
from training.train.sizes import SAM2, SAM2_WIDTHS
from training.world import TRAIN_SEEDS, Scene, make_scene
from training.world.long_scene import make_long_scene
from training.world.truth import seen_shares

# Scenes that no other stage has seen.
FIRST_SEED = 90_000_000
SEEDS_OF_BATCH = 48
# From which batch on runs have how many frames at most, and of how many clips there are runs.
_GROWTH = ((0, 8, 8), (40, 16, 6), (300, 32, 4))
_LONG_CLIP_FRAMES = 300
_SHORT_SHARE = 0.2
# Frames of a clip between two of a run; in longer runs fewer.
_MOST_STEP, _LONG_STEP, _SPAN = 4, 2, 64
_BACKWARDS_SHARE = 0.3
_SCREEN_SHARE = 0.25
# Of a thing that is named at least this part is seen.
_LEAST_SHARE = 0.6
_LEAST_PIXELS = 40
# A thing of which less is seen is hidden.
_HIDDEN_SHARE = 0.02
_TRIES = 8
_AGAIN_SHARE, _MOST_AGAIN = 0.35, 2
_ALL_MEMORIES_SHARE = 0.6
# How often memories of a run are exchanged with those of another thing, and for how many frames.
_EXCHANGED_SHARE, _MOST_EXCHANGED = 0.25, 6


@dataclass(frozen=True)
class MemoryBatch:
    """Runs of F frames of B clips, with M things that are followed.

    Attributes:
        frames: uint8 [F, B, S, S, 3].
        truth: Part of each pixel in which a thing is seen, float32 [F, M, S, S].
        looks: Of each thing, int64 [M, NUM_LOOKS].
        clips: In which clip each thing is, int64 [M].
        named: Frames on which every thing is named, ascending; the first one is 0.
        noise: What is added to the prompts on these frames, in their spread, float32 [N, M, C].
        sources: Whose memory of a frame each thing gets, int64 [F, M]: its own, or that of another
            thing of its clip, as after a mistake.
        used_memories: Frames that it is remembered by at most.
    """

    frames: torch.Tensor
    truth: torch.Tensor
    looks: torch.Tensor
    clips: torch.Tensor
    named: tuple[int, ...]
    noise: torch.Tensor
    sources: torch.Tensor
    used_memories: int


@dataclass(frozen=True)
class _Run:
    """A run of one clip: frames uint8 [F, S, S, 3], and of K things truth and looks."""

    frames: NDArray[np.uint8]
    truth: NDArray[np.float32]
    looks: NDArray[np.int64]


def memory_batch(number: int, *, seeds: range = TRAIN_SEEDS[FIRST_SEED:]) -> MemoryBatch:
    """Make a batch.

    Args:
        number: Of the batch; every number has scenes of its own, and later ones longer runs.
        seeds: Where scenes come from.

    Raises:
        ValueError: When the batch's seeds lie outside of them.
    """
    own = seeds[number * SEEDS_OF_BATCH : (number + 1) * SEEDS_OF_BATCH]
    if len(own) < SEEDS_OF_BATCH:
        raise ValueError(f"number: expected below {len(seeds) // SEEDS_OF_BATCH}, got {number}")
    rng = np.random.default_rng([own[0], 18])
    num_frames, num_clips = _size(number, rng)
    named = _named(num_frames, rng)
    make = _short_run if rng.random() < _SHORT_SHARE else _long_run
    runs: list[_Run] = []
    for seed in own:
        run = make(seed, num_frames, named)
        if run is not None:
            runs.append(run)
        if len(runs) == num_clips:
            break
    clips = np.repeat(np.arange(len(runs)), [len(run.looks) for run in runs])
    used = int(rng.integers(1, SAM2_WIDTHS.num_memories + 1))
    noise = rng.uniform(0, 0.4) * rng.standard_normal(
        (len(named), len(clips), SAM2_WIDTHS.hidden_size)
    )
    return MemoryBatch(
        frames=torch.from_numpy(np.stack([run.frames for run in runs], 1)),
        truth=torch.from_numpy(np.concatenate([run.truth for run in runs], 0)).transpose(0, 1),
        looks=torch.from_numpy(np.concatenate([run.looks for run in runs])),
        clips=torch.from_numpy(clips),
        named=named,
        noise=torch.from_numpy(noise.astype(np.float32)),
        sources=torch.from_numpy(_sources(clips, num_frames, named, rng)),
        used_memories=SAM2_WIDTHS.num_memories if rng.random() < _ALL_MEMORIES_SHARE else used,
    )


def memory_batches(first: int) -> Iterator[MemoryBatch]:
    """Batches without end, from short runs to long ones."""
    number = first
    while True:
        yield memory_batch(number)
        number += 1


def _size(number: int, rng: np.random.Generator) -> tuple[int, int]:
    """Frames and clips: mostly the longest runs so far, at times those before."""
    reached = [size for first, *size in _GROWTH if number >= first]
    num_frames, num_clips = reached[-1] if rng.random() < 0.6 else reached[max(len(reached) - 2, 0)]
    return num_frames, num_clips


def _named(num_frames: int, rng: np.random.Generator) -> tuple[int, ...]:
    """The first frame, and at times later ones, as prompting again makes them."""
    if rng.random() >= _AGAIN_SHARE:
        return (0,)
    again = rng.integers(num_frames // 3, num_frames - 1, int(rng.integers(1, _MOST_AGAIN + 1)))
    return (0, *sorted({int(each) for each in again}))


def _sources(
    clips: NDArray[np.int64], num_frames: int, named: tuple[int, ...], rng: np.random.Generator
) -> NDArray[np.int64]:
    own = np.arange(len(clips))
    sources = np.tile(own, (num_frames, 1))
    if rng.random() < _EXCHANGED_SHARE:
        length = min(int(rng.integers(1, _MOST_EXCHANGED + 1)), num_frames - 2)
        first = int(rng.integers(1, num_frames - length))
        # Each thing gets the memories of the next one of its clip; the last one, of the first.
        rivals = own.copy()
        for clip in range(clips[-1] + 1):
            rivals[clips == clip] = np.roll(own[clips == clip], -1)
        sources[first : first + length] = rivals
        # What is named is what it is named: language does not mix it up here.
        sources[list(named)] = own
    return sources


def _long_run(seed: int, num_frames: int, named: tuple[int, ...]) -> _Run | None:
    """A part of a long clip; None if its things are not seen on frames that name them."""
    rng = np.random.default_rng([seed, 19])
    scene = make_long_scene(seed, _LONG_CLIP_FRAMES)
    things = (0, 1, 2) if rng.random() < _SCREEN_SHARE else (0, 2)
    most = min(_MOST_STEP, max(_LONG_STEP, _SPAN // num_frames))
    step = int(rng.integers(1, most + 1))
    forwards = step * np.arange(num_frames)
    run = forwards[::-1] if rng.random() < _BACKWARDS_SHARE else forwards
    fractions = scene.fractions()
    best: NDArray[np.int64] | None = None
    for first in rng.integers(0, scene.num_frames - forwards[-1], _TRIES):
        shares = seen_shares(scene, fractions[first + run])[list(things)]
        if (shares[:, list(named)] < _LEAST_SHARE).any():
            continue
        best = first + run
        if _comes_back(shares):
            break
    return None if best is None else _drawn(scene, best, things, rng)


def _comes_back(shares: NDArray[np.float64]) -> bool:
    """Whether a thing hides and is seen again, from shares float64 [K, F]."""
    is_hidden = shares < _HIDDEN_SHARE
    later = np.maximum.accumulate(shares[:, ::-1], axis=1)[:, ::-1]
    return bool((is_hidden & (later >= _LEAST_SHARE)).any())


def _short_run(seed: int, num_frames: int, named: tuple[int, ...]) -> _Run | None:
    """A part of a short clip, forwards and back again."""
    rng = np.random.default_rng([seed, 20])
    scene = make_scene(seed)
    last = scene.num_frames - 1
    step = int(rng.integers(1, _MOST_STEP + 1))
    there = (int(rng.integers(last)) + step * np.arange(num_frames)) % (2 * last)
    run = np.where(there > last, 2 * last - there, there)
    fractions = scene.fractions()
    shares = seen_shares(scene, fractions[run[list(named)]])
    things = tuple(np.flatnonzero((shares >= _LEAST_SHARE).all(1)).tolist())
    return _drawn(scene, run, things, rng) if things else None


def _drawn(
    scene: Scene, frame_idxs: NDArray[np.int64], things: tuple[int, ...], rng: np.random.Generator
) -> _Run | None:
    drawn = draw_clip(scene, frame_idxs, rng)
    masks = drawn.masks[list(things)]
    if (masks[:, 0].sum((1, 2)) < _LEAST_PIXELS).any():
        return None
    return _Run(
        resized(drawn.frames, SAM2.image_size_px),
        part_of_pixels(masks, SAM2.image_size_px),
        np.stack([looks_of(scene.things[i]) for i in things]),
    )
