"""Small sets in the formats of the publishers: frames of 24 x 32 pixels with squares on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ufvideo_sdk import MaskTrack, ObjectMask
from ufvideo_sdk.evaluate.datasets.mvbench import TASKS

Mask = NDArray[np.bool_]
HEIGHT, WIDTH = 24, 32
# A palette as DAVIS's: every object has a color, the background none.
PALETTE = [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0]


def square(x: int, y: int = 4, size: int = 8) -> Mask:
    """A square of pixels, bool [24, 32]."""
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[y : y + size, x : x + size] = True
    return mask


def object_mask(mask: Mask) -> ObjectMask:
    track = MaskTrack.from_masks(
        np.zeros(1, np.int64), np.zeros(1), mask[None], np.ones(1, np.float32)
    )
    return track[0]


def code(mask: Mask | None) -> dict[str, Any] | None:
    """A mask as the publishers' files have it."""
    if mask is None:
        return None
    return {"size": list(mask.shape), "counts": object_mask(mask).runs}


def write_json(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def write_frames(folder: Path, num_frames: int, suffix: str = ".jpg") -> list[str]:
    """Grey pictures 00000, 00001 and so on; returns their names."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{number:05d}" for number in range(num_frames)]
    for name in names:
        Image.new("RGB", (WIDTH, HEIGHT), (90, 90, 90)).save(folder / f"{name}{suffix}")
    return names


def write_labels(path: Path, *masks: Mask) -> None:
    """A palette picture: the k-th mask has the value k + 1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    for label, mask in enumerate(masks, start=1):
        labels[mask] = label
    picture = Image.new("P", (WIDTH, HEIGHT))
    picture.putdata(labels.reshape(-1).tolist())
    picture.putpalette(PALETTE)
    picture.save(path)


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")


def write_mevis(root: Path, split: str = "valid_u") -> Path:
    """One video of three frames, two annotations; two expressions, the second of both objects."""
    folder = root / split
    names = write_frames(folder / "JPEGImages" / "clip", 3)
    expressions: dict[str, Any] = {
        "0": {"exp": "The Square moving", "obj_id": [0], "anno_id": [7]},
        "1": {"exp": "both squares", "obj_id": [0, 1], "anno_id": [7, 8]},
    }
    videos = {"clip": {"expressions": expressions, "frames": names, "vid_id": 3}}
    write_json(folder / "meta_expressions.json", {"videos": videos})
    if split == "valid_u":
        codes = {
            "7": [code(square(2)), None, code(square(6))],
            "8": [code(square(20)), None, None],
        }
        write_json(folder / "mask_dict.json", codes)
    return root


def write_revos(root: Path) -> Path:
    names = write_frames(root / "JPEGImages" / "UVO" / "clip", 2)
    expressions = {
        str(kind): {"exp": "a square", "obj_id": [0], "anno_id": [0] if kind < 2 else [], **extra}
        for kind, extra in ((0, {"type_id": 0}), (1, {"type_id": 1}), (2, {"type_id": 2}))
    }
    videos = {"UVO/clip": {"expressions": expressions, "frames": names, "vid_id": 0}}
    write_json(root / "meta_expressions_valid_.json", {"videos": videos})
    write_json(root / "mask_dict.json", {"0": [code(square(2)), code(square(4))]})
    return root


def write_youtube(root: Path, *, with_truth: bool) -> Path:
    """Two valid videos, of which one is the test set's."""
    names = write_frames(root / "valid" / "JPEGImages" / "clip", 3)
    write_frames(root / "valid" / "JPEGImages" / "other", 1)
    expression: dict[str, Any] = {"exp": "a square"}
    if with_truth:
        expression["obj_id"] = "1"
        write_labels(root / "valid" / "Annotations" / "clip" / "00000.png", square(2), square(20))
        write_labels(root / "valid" / "Annotations" / "clip" / "00002.png", square(4), square(20))
    videos = {
        "clip": {"expressions": {"0": expression}, "frames": names},
        "other": {"expressions": {"0": expression}, "frames": ["00000"]},
    }
    folder = root / "meta_expressions"
    write_json(folder / "valid" / "meta_expressions.json", {"videos": videos})
    write_json(folder / "test" / "meta_expressions.json", {"videos": {"other": videos["other"]}})
    return root


def write_davis(root: Path) -> Path:
    """One video with two objects, as four annotators call them; another one of the train set."""
    write_frames(root / "DAVIS" / "JPEGImages" / "480p" / "dogs-scale", 2)
    annotations = root / "DAVIS" / "Annotations_unsupervised" / "480p" / "dogs-scale"
    for number in range(2):
        write_labels(annotations / f"{number:05d}.png", square(2 + 2 * number), square(20))
    split = root / "DAVIS" / "ImageSets" / "2017" / "val.txt"
    split.parent.mkdir(parents=True, exist_ok=True)
    split.write_text("dogs-scale\n", encoding="utf-8")
    for name in ("annot1", "annot1_full_video", "annot2", "annot2_full_video"):
        path = root / "davis_text_annotations" / f"Davis17_{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = 'dog-scale 1 "a dog, caf\u00e9"\ndogs-scale 2 "The other dog"\nbear 1 "a bear"\n'
        path.write_bytes(lines.encode("utf-8" if "annot1" in name else "latin-1"))
    return root


def write_charades(root: Path) -> Path:
    lines = ["3MSZA 24.3 30.4##person turn a light on.", "0A8CF 0.0 5.0##The person sits."]
    root.mkdir(parents=True, exist_ok=True)
    (root / "charades_sta_test.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name in ("3MSZA", "0A8CF"):
        touch(root / "Charades_v1_480" / f"{name}.mp4")
    return root


def write_mvbench(root: Path) -> Path:
    """One question for each task."""
    for name, prefix, has_bounds in TASKS.values():
        entry: dict[str, Any] = {
            "video": "clip.mp4",
            "question": "Where does it go?",
            "candidates": ["left", "right", "up"],
            "answer": "right",
        }
        if has_bounds:
            entry |= {"start": 1.0, "end": 2.5}
        write_json(root / "json" / f"{name}.json", [entry])
        if "tvqa" in prefix:
            write_frames(root / "video" / prefix / "clip.mp4", 4)
        else:
            touch(root / "video" / prefix / "clip.mp4")
    return root


def annotation(*frames: tuple[int, Mask | None]) -> dict[str, Any]:
    return {str(idx): {"segmentation": code(mask)} for idx, mask in frames}


def write_videorefer_q(root: Path) -> Path:
    write_frames(root / "DAVIS" / "JPEGImages" / "480p" / "clip", 4)
    entry = {
        "id": 0,
        "video": "DAVIS/JPEGImages/480p/clip",
        "Question": "What is <object3><region> not wearing?",
        "type": "Basic Questions",
        "options": ["(A) A helmet", "(B) A hat"],
        "Answer": "(B) A hat",
        "frame_idx": "2",
        "annotation": [annotation((0, square(2)), (2, square(4)))],
    }
    write_json(root / "VideoRefer-Bench-Q.json", [entry])
    return root


def write_videorefer_d(root: Path) -> Path:
    touch(root / "Panda-70M-part" / "clip.mp4")
    entry = {
        "id": 5,
        "video": "clip.mp4",
        "caption": "A square moves right.",
        "frame_idx": "2",
        "annotation": [annotation((0, square(2)), (2, square(4)))],
    }
    write_json(root / "VideoRefer-Bench-D.json", [entry])
    return root


def write_pixrqa(root: Path) -> Path:
    touch(root / "clip.mp4")
    entry = {
        "id": 0,
        "video": "clip.mp4",
        "caption": "A square moves right.",
        "annotation": [annotation((0, square(2)), (4, square(4)), (8, None))],
    }
    return write_json(root / "PixRQA.json", [entry])


def conversation(question: str, answer: str) -> list[list[dict[str, str]]]:
    return [[{"from": "human", "value": question}, {"from": "gpt", "value": answer}]]


def write_pixhqa(root: Path) -> Path:
    touch(root / "clip.mp4")
    entry = {
        "id": 0,
        "video": "clip.mp4",
        "frame_idx": [0, 4],
        "conversations": conversation(
            "<video>\nWhat is seen at <TEMP-020>?", "A square. The segmentation mask is [SEG]."
        ),
        "annotation": [annotation((0, square(2)), (4, square(4)))],
    }
    return write_json(root / "PixHQA_single_time.json", [entry])


def write_pixtrqa(root: Path) -> Path:
    touch(root / "clip.mp4")
    entry = {
        "id": 0,
        "video": "clip.mp4",
        "frame_idx": [0, 4],
        "conversations": conversation(
            "When does it move?",
            "{<TEMP-010><TEMP-050>}. It moves right. The segmentation mask is [SEG].",
        ),
        "annotation": [annotation((0, square(2)), (4, square(4)))],
    }
    return write_json(root / "PixTRQA.json", [entry])


def write_released(root: Path) -> Path:
    """The released code's records of MeViS; the second frame's truth is null."""
    names = write_frames(root / "JPEGImages" / "clip", 3)
    entry = {
        "id": 4,
        "video": [f"JPEGImages/clip/{name}.jpg" for name in names],
        "conversations": ["The Square moving"],
        "length": 3,
        "segmentations": [code(square(2)), None, code(square(6))],
    }
    return write_json(root / "mevis.json", [entry])
