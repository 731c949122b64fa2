"""MVBench: 20 tasks of multiple choice, one JSON file for each (Li et al., MVBench, 2024)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ufvideo_sdk import InputError
from ufvideo_sdk.evaluate.datasets.collect import collect, frames_in
from ufvideo_sdk.evaluate.datasets.fields import (
    MalformedError,
    number_of,
    read_list,
    text_of,
    texts_of,
)
from ufvideo_sdk.evaluate.datasets.record import DataSet, Record

# A task: its file, the folder of its videos, and whether its questions are about a part of them.
TASKS: dict[str, tuple[str, str, bool]] = {
    "Action Sequence": ("action_sequence", "star/Charades_v1_480", True),
    "Action Prediction": ("action_prediction", "star/Charades_v1_480", True),
    "Action Antonym": ("action_antonym", "ssv2_video", False),
    "Fine-grained Action": ("fine_grained_action", "Moments_in_Time_Raw/videos", False),
    "Unexpected Action": ("unexpected_action", "FunQA_test/test", False),
    "Object Existence": ("object_existence", "clevrer/video_validation", False),
    "Object Interaction": ("object_interaction", "star/Charades_v1_480", True),
    "Object Shuffle": ("object_shuffle", "perception/videos", False),
    "Moving Direction": ("moving_direction", "clevrer/video_validation", False),
    "Action Localization": ("action_localization", "sta/sta_video", True),
    "Scene Transition": ("scene_transition", "scene_qa/video", False),
    "Action Count": ("action_count", "perception/videos", False),
    "Moving Count": ("moving_count", "clevrer/video_validation", False),
    "Moving Attribute": ("moving_attribute", "clevrer/video_validation", False),
    "State Change": ("state_change", "perception/videos", False),
    "Fine-grained Pose": ("fine_grained_pose", "nturgbd", False),
    "Character Order": ("character_order", "perception/videos", False),
    "Egocentric Navigation": ("egocentric_navigation", "vlnqa", False),
    "Episodic Reasoning": ("episodic_reasoning", "tvqa/frames_fps3_hq", True),
    "Counterfactual Inference": ("counterfactual_inference", "clevrer/video_validation", False),
}
LAYOUT = """\
MVBench is the data set OpenGVLab/MVBench, its archives unpacked:
  DATA/json/action_sequence.json, and 19 files more, one for each task
  DATA/video/star/Charades_v1_480/, ssv2_video/, Moments_in_Time_Raw/videos/, FunQA_test/test/,
    clevrer/video_validation/, perception/videos/, sta/sta_video/, scene_qa/video/, nturgbd/,
    vlnqa/, tvqa/frames_fps3_hq/ (a folder of frames for each clip)
The videos of nturgbd are given by the makers of NTU RGB+D alone."""
# Frames of television clips are three for each second.
FRAMES_PER_S = 3.0


def read_mvbench(data: Path, videos: Path | None) -> DataSet:
    """Read MVBench; a task whose file is missing is an error.

    Args:
        data: The folder of the data set.
        videos: The folder of the videos; None: `video` in the data set's.

    Raises:
        InputError: When a file of questions is missing or no list.
    """
    folder = data / "json"
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a folder, got none\n{LAYOUT}")
    root = data / "video" if videos is None else videos
    entries: list[tuple[str, Any]] = []
    for task, (name, _, _) in TASKS.items():
        for number, entry in enumerate(read_list(folder / f"{name}.json", LAYOUT)):
            known = {**entry, "task": task} if isinstance(entry, dict) else entry
            entries.append((f"{name}/{number}", known))
    return DataSet("mvbench", collect(entries, lambda key, entry: _record(key, entry, root)))


def _record(key: str, entry: dict[str, Any], root: Path) -> Record:
    _, prefix, has_bounds = TASKS[entry["task"]]
    options, answer = texts_of(entry, "candidates"), text_of(entry, "answer")
    if answer not in options:
        raise MalformedError(f"answer: expected one of the candidates, got {answer[:80]!r}")
    name = text_of(entry, "video")
    video = root / prefix / name
    return Record(
        key,
        video=video,
        video_name=f"{prefix}/{name}",
        frames=frames_in(video),
        question="\n".join(_lines(text_of(entry, "question"), options)),
        group=entry["task"],
        bounds_s=_bounds(entry) if has_bounds else None,
        options=options,
        answer=answer,
        # Of equal options the last one, as in the released evaluation.
        answer_idx=max(idx for idx, option in enumerate(options) if option == answer),
    )


def _lines(question: str, options: tuple[str, ...]) -> Iterator[str]:
    """The prompt of the released evaluation."""
    yield f"Question: {question}"
    yield "Options:"
    for number, option in enumerate(options):
        yield f"({chr(ord('A') + number)}) {option}"
    yield (
        "Answer with the option's letter from the given choices directly and only give the best"
        " option."
    )


def _bounds(entry: dict[str, Any]) -> tuple[float, float]:
    start, end = number_of(entry.get("start"), "start"), number_of(entry.get("end"), "end")
    if start > end:
        raise MalformedError(f"start: expected before the end, got {start} and {end}")
    return start, end
