"""A clip with several questions, packed into one sequence.

Every question sees the prefix, the video and itself; its positions go on from the video's end. So
it is answered as if it stood alone, for one pass over the video.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from training.tasks import Task, draw_tasks
from training.tasks.asker import Asker
from training.tasks.positions import looked_at, to_positions
from training.tasks.task import TaskKind
from training.train.cells import label_cells
from training.train.looks import NUM_LOOKS, looks_of
from training.train.mask_frames import MaskFrames, draw_mask_frames
from training.train.mentions import Mention, Mentions, only_thing
from training.train.pixels import draw_clip, resized
from training.train.sizes import NUM_FRAMES, SIGLIP
from training.train.telling_scenes import hits_or_recolors, telling_scene
from training.train.thing_facts import Facts, cell_facts, looks_shown, stacked, unknown
from training.train.turns import Turn, TurnTokenizer
from training.train.variety import PLAIN, Variety
from training.wordings import reworded_tasks
from training.world import Rendered, Scene, Truth, make_scene
from training.world.long_events import make_long_events
from ufvideo_export.package.manifest_fields import MAX_REGION_TOKENS
from ufvideo_export.torch_model.region_pooling import covered_patches
from ufvideo_sdk._native import sample_positions

_TOKENS_OF_A_PAIR = (SIGLIP.patch_grid // 2) ** 2
NUM_VIDEO_TOKENS = NUM_FRAMES // 2 * _TOKENS_OF_A_PAIR
IMAGE_KINDS = (TaskKind.IMAGE_QUESTION, TaskKind.IMAGE_SEGMENTATION)
_IMAGE_SHARE = 0.12
# What is not answered yet is asked more often.
WEIGHTS: dict[TaskKind, float] = {
    TaskKind.QUESTION: 3.0,
    TaskKind.CAPTION: 0.5,
    TaskKind.CHOICE: 2.5,
    TaskKind.COUNT: 0.7,
    TaskKind.SPAN: 1.5,
    TaskKind.MOMENT: 1.0,
    TaskKind.REGION_DESCRIPTION: 0.7,
    TaskKind.REGION_QUESTION: 3.0,
    TaskKind.REFERRING: 0.7,
    TaskKind.REASONING: 1.2,
    TaskKind.PIXRQA: 2.0,
    TaskKind.PIXHQA: 1.2,
    TaskKind.PIXTRQA: 1.2,
}
# The same for the last stage: what a few thousand steps leave unsure.
LATE_WEIGHTS: dict[TaskKind, float] = {
    **WEIGHTS,
    TaskKind.QUESTION: 3.2,
    TaskKind.CHOICE: 3.0,
    TaskKind.COUNT: 0.6,
    TaskKind.SPAN: 0.8,
    TaskKind.MOMENT: 0.5,
    TaskKind.REGION_QUESTION: 5.0,
    TaskKind.REFERRING: 0.4,
    TaskKind.REASONING: 0.8,
    TaskKind.PIXRQA: 4.0,
    TaskKind.PIXHQA: 0.7,
    TaskKind.PIXTRQA: 0.7,
}


@dataclass(frozen=True)
class RegionFrames:
    """One region: which of the sampled frames it is marked on, and which patches there."""

    positions: NDArray[np.int64]
    weights: NDArray[np.float32]

    @property
    def num_tokens(self) -> int:
        """Tokens that stand for the region in a prompt."""
        return min(len(self.positions), MAX_REGION_TOKENS)


@dataclass(frozen=True)
class Conversation:
    """One sequence.

    Attributes:
        frames: Frames for the vision encoder, uint8 [T or 1, S, S, 3]; one for an image.
        ids: Token ids, 0 where the video stands, int64 [L].
        positions: Places in the prompt of each, int64 [L].
        parts: 0 for the prefix and the video, k for the k-th question, int64 [L].
        targets: The id to say next, int64 [L]; -100 where nothing is to be said.
        weights: How much each target counts, float32 [L].
        regions: All regions, and where each begins.
        region_starts: Where in the sequence.
        seg_places: States that prompt the masks, int64 [M].
        seg_looks: Looks of what each is to find, int64 [M, NUM_LOOKS].
        seg_things: Which thing of the scene each is, int64 [M].
        mention_places: Where something is to be known of a thing, int64 [N].
        mention_facts: What, of N rows.
        late: Whether it is to be known in a later layer, bool [N].
        video_facts: What is to be known at each video token.
        looks_shown: What there is; see thing_facts. None for an image.
        tasks: The questions, in order.
        mask_frames: Frames and truth for the mask model; None where masks are not learnt.
    """

    frames: NDArray[np.uint8]
    ids: NDArray[np.int64]
    positions: NDArray[np.int64]
    parts: NDArray[np.int64]
    targets: NDArray[np.int64]
    weights: NDArray[np.float32]
    regions: tuple[RegionFrames, ...]
    region_starts: NDArray[np.int64]
    seg_places: NDArray[np.int64]
    seg_looks: NDArray[np.int64]
    seg_things: NDArray[np.int64]
    mention_places: NDArray[np.int64]
    mention_facts: Facts
    late: NDArray[np.bool_]
    video_facts: Facts
    looks_shown: NDArray[np.float32] | None
    tasks: tuple[Task, ...]
    mask_frames: MaskFrames | None

    @property
    def num_video_tokens(self) -> int:
        """Tokens of the video, or of the image as the runtime repeats it."""
        return _num_video_tokens(len(self.frames))


def converse(
    seed: int,
    *,
    level: int,
    num_questions: int,
    tokenizer: TurnTokenizer,
    num_mask_frames: int = 0,
    late: bool = False,
    variety: Variety = PLAIN,
) -> Conversation:
    """Make a clip and ask about it.

    Args:
        seed: Of the scene and of the questions.
        level: Of the curriculum.
        num_questions: Questions, if the scene has so many.
        tokenizer: Writes them.
        num_mask_frames: Frames to segment.
        late: For the last stage: other questions, and every other scene one that tells more.
        variety: How the clip is shown, and in which words it is asked about.
    """
    rng = np.random.default_rng([seed, 13])
    scene = _scene(seed, level, late=late, long_share=variety.long_share)
    truth = Truth(scene)
    sampled, fractions = _shown(scene, variety.num_frames)
    is_still = rng.random() < _IMAGE_SHARE and variety.num_frames == NUM_FRAMES
    tasks = _still_tasks(truth, num_questions, seed) if is_still else ()
    if tasks:
        frame = tasks[0].image_frame
        assert frame is not None
        sampled = np.array([frame])
    else:
        weights = variety.weights or (LATE_WEIGHTS if late else WEIGHTS)
        tasks = draw_tasks(truth, num_questions, seed=seed, weights=weights)
    canonical, tasks = tasks, reworded_tasks(tasks, variety.reworded, seed=seed)
    drawn = draw_clip(scene, sampled, rng)
    regions = [tuple(_region(drawn, r.thing, r.frame_idxs) for r in task.regions) for task in tasks]
    turns = [
        tokenizer.write(
            _by_position(task, fractions),
            tuple(region.num_tokens for region in marked),
        )
        for task, marked in zip(tasks, regions, strict=True)
    ]
    wanted = sorted({thing for task in tasks for thing in task.targets})
    # On frames between the sampled ones too, for a clip.
    is_image = tasks[0].image_frame is not None
    masks = None
    if num_mask_frames and wanted:
        idxs = sampled if is_image else None
        masks = draw_mask_frames(scene, num_mask_frames, rng, frame_idxs=idxs)
    mentions = Mentions(truth)
    known = [
        [] if is_image else _known(mentions, task, turn, canonical=plain)
        for task, turn, plain in zip(tasks, turns, canonical, strict=True)
    ]
    return _packed(tokenizer, drawn, truth, turns, known, tasks=tasks, regions=regions, masks=masks)


def recite(seed: int, *, level: int, num_words: int, tokenizer: TurnTokenizer) -> Conversation:
    """Make a clip and name what is in it, what is not, and what does something.

    Nothing is asked: the model is to know what is meant.

    Args:
        seed: Of the scene.
        level: Of the curriculum.
        num_words: Names.
        tokenizer: Writes them.
    """
    rng = np.random.default_rng([seed, 15])
    scene = make_scene(seed, level=level)
    truth = Truth(scene)
    sampled = np.array(sample_positions(scene.num_frames, NUM_FRAMES))
    drawn = draw_clip(scene, sampled, rng)
    asker, mentions = Asker(truth, rng), Mentions(truth)
    names = [reference.noun.text for reference in asker.references]
    names += [noun.text for noun in asker.absent_nouns]
    names += [str(each) for each in rng.permutation(mentions.phrases())[: num_words // 2]]
    turns, known = [], []
    regions: list[tuple[RegionFrames, ...]] = []
    for i in range(len(scene.things)):
        prompt = asker.region(i, int(rng.integers(1, 5)))
        if prompt is not None:
            regions.append((_region(drawn, i, prompt.frame_idxs),))
            turns.append(tokenizer.write_words("[<region>]", (regions[-1][0].num_tokens,)))
            known.append([(len(turns[-1].ids) - 1, Mention(0, mentions.of_thing(i)), False)])
    for k in rng.permutation(len(names))[: num_words - len(turns)]:
        text = f"the {names[k]}"
        turn = tokenizer.write_words(text, ())
        found = mentions.find(text, None)
        turns.append(turn)
        regions.append(())
        known.append([(turn.place_in_question(m.end), m, False) for m in found])
    return _packed(tokenizer, drawn, truth, turns, known, tasks=(), regions=regions, masks=None)


# Where in a turn what is to be known, and whether in a later layer.
Known = list[tuple[int, Mention, bool]]


def _known(mentions: Mentions, task: Task, turn: Turn, *, canonical: Task) -> Known:
    """What is to be known at the places of a turn.

    Right before the answer it is that of the thing that all of the question is about. That thing
    is read from the canonical wording.
    """
    asked = mentions.find(canonical.question, canonical)
    found = mentions.find(task.question, task)
    known = [(turn.place_in_question(m.end), m, False) for m in found]
    for region, start in zip(task.regions, turn.region_starts, strict=True):
        facts = mentions.of_thing(region.thing)
        asked.append(Mention(0, facts, region.thing))
        known.append((start, asked[-1], False))
    known += [(turn.place_in_question(m.end), m, True) for m in mentions.options(task)]
    told = mentions.find(task.answer, task)
    known += [(turn.place_in_answer(m.end), m, False) for m in told]
    meant = only_thing(asked)
    if meant is not None:
        facts = mentions.at_question_time(meant, task)
        known.append((turn.answer_start - 1, Mention(0, facts, meant), True))
    return known


def _still_tasks(truth: Truth, count: int, seed: int) -> tuple[Task, ...]:
    """Questions about one frame of a scene; none where no frame is clear."""
    found = draw_tasks(truth, 3 * count, seed=seed, weights=dict.fromkeys(IMAGE_KINDS, 1.0))
    frames = {task.image_frame for task in found}
    if not frames:
        return ()
    frame = max(frames, key=lambda f: sum(task.image_frame == f for task in found))
    return tuple(task for task in found if task.image_frame == frame)[:count]


def _num_video_tokens(num_frames: int) -> int:
    """Video tokens of so many frames; a single one is an image, repeated to a whole clip."""
    return (NUM_FRAMES if num_frames == 1 else num_frames) // 2 * _TOKENS_OF_A_PAIR


def _scene(seed: int, level: int, *, late: bool, long_share: float) -> Scene:
    if long_share and np.random.default_rng([seed, 31]).random() < long_share:
        return make_long_events(seed, level=level)
    if late and seed % 2:
        return telling_scene(seed, hits_or_recolors, level=level, tries=6)
    return make_scene(seed, level=level)


def _shown(scene: Scene, count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Indices of the frames that the model is given, and the times of the clip that it sees.

    With fewer than NUM_FRAMES frames, the clip that the model sees is these frames alone.
    """
    fractions = scene.fractions()
    if count == NUM_FRAMES:
        return np.array(sample_positions(scene.num_frames, NUM_FRAMES)), fractions
    idxs = np.array(looked_at(scene.num_frames, count))
    return idxs, fractions[idxs]


def _by_position(task: Task, fractions: NDArray[np.float64]) -> Task:
    """The task with its times as positions among the frames."""
    asked, answer = (to_positions(text, fractions) for text in (task.question, task.answer))
    return replace(task, question=asked, answer=answer)


def _region(drawn: Rendered, thing: int, frame_idxs: tuple[int, ...]) -> RegionFrames:
    """A region on the sampled frames nearest to its own: they are encoded anyway."""
    nearest = {int(np.abs(drawn.frame_idxs - frame).argmin()) for frame in frame_idxs}
    seen = drawn.masks[thing].any((1, 2))
    positions = np.array(sorted(p for p in nearest if seen[p]) or [int(seen.argmax())])
    masks = torch.from_numpy(drawn.masks[thing, positions])
    weights = covered_patches(masks, SIGLIP.patch_grid).numpy()
    return RegionFrames(positions, weights)


def _packed(
    tokenizer: TurnTokenizer,
    drawn: Rendered,
    truth: Truth,
    turns: list[Turn],
    known: list[Known],
    *,
    tasks: tuple[Task, ...],
    regions: list[tuple[RegionFrames, ...]],
    masks: MaskFrames | None,
) -> Conversation:
    is_image = len(drawn.frames) == 1
    num_video_tokens = _num_video_tokens(len(drawn.frames))
    head = len(tokenizer.prefix_ids) + num_video_tokens
    starts = np.cumsum([head, *(len(turn.ids) for turn in turns)])
    ids = np.zeros(starts[-1], np.int64)
    ids[: len(tokenizer.prefix_ids)] = tokenizer.prefix_ids
    positions, parts = np.arange(len(ids)), np.zeros_like(ids)
    targets, weights = np.full_like(ids, -100), np.zeros(len(ids), np.float32)
    region_starts: list[int] = []
    seg_places: list[int] = []
    things: list[int] = []
    places: list[int] = []
    for k, (start, turn, told) in enumerate(zip(starts[:-1], turns, known, strict=True)):
        own = slice(start, start + len(turn.ids))
        ids[own], parts[own] = turn.ids, k + 1
        positions[own] = head + np.arange(len(turn.ids))
        said = np.arange(turn.answer_start, len(turn.ids))
        targets[start + said - 1] = turn.ids[said]
        weights[start + said - 1] = turn.weights[said]
        region_starts += [start + place for place in turn.region_starts]
        seg_places += [start + place for place in turn.seg_places]
        places += [start + place for place, _, _ in told]
    things = [thing for task in tasks for thing in task.targets]
    looks = [looks_of(truth.scene.things[i]) for i in things]
    cells = unknown(num_video_tokens)
    if not is_image:
        shown = label_cells(drawn, SIGLIP.patch_grid // 2, pairs=True).things
        cells = cell_facts(truth, shown, drawn.frame_idxs)
    if num_video_tokens != NUM_VIDEO_TOKENS:
        # A token does not see how many follow it: it cannot tell a fraction of the clip.
        cells.times.fill(np.nan)
    return Conversation(
        frames=resized(drawn.frames, SIGLIP.image_size_px),
        ids=ids,
        positions=positions,
        parts=parts,
        targets=targets,
        weights=weights,
        regions=tuple(region for marked in regions for region in marked),
        region_starts=np.array(region_starts, np.int64),
        seg_places=np.array(seg_places, np.int64),
        seg_looks=np.array(looks, np.int64).reshape(-1, NUM_LOOKS),
        seg_things=np.array(things, np.int64),
        mention_places=np.array(places, np.int64),
        mention_facts=stacked([mention.facts for told in known for _, mention, _ in told]),
        late=np.array([late for told in known for _, _, late in told], np.bool_),
        video_facts=cells,
        looks_shown=None if is_image else looks_shown(truth.scene),
        tasks=tasks,
        mask_frames=masks,
    )
