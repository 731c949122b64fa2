"""Records of the released code for segmentation, which any of these data sets may be given as."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Any

from ufvideo_sdk.evaluate.datasets.collect import collect
from ufvideo_sdk.evaluate.datasets.expressions import segment_question
from ufvideo_sdk.evaluate.datasets.fields import (
    MalformedError,
    index_of,
    list_of,
    mask_of,
    read_list,
    texts_of,
)
from ufvideo_sdk.evaluate.datasets.palettes import DrawnMask
from ufvideo_sdk.evaluate.datasets.record import DataSet, ObjectFrames, Record

LAYOUT = """\
The released code reads a JSON list of
  {id, video: [files of frames], conversations: [expression], length, segmentations: [code or null]}
for MeViS and ReVOS, and with file_names (pictures below the folder of the annotations) in place of
segmentations for Ref-DAVIS17 and Ref-YouTube-VOS. The lists themselves were never released."""


def read_released_segmentation(benchmark: str, path: Path, videos: Path | None) -> DataSet:
    """Read the released code's records.

    Args:
        benchmark: Which data set they are of.
        path: The JSON file.
        videos: The folder that frames and annotations are named in; None: the file's.

    Raises:
        InputError: When it cannot be read or is no list.
    """
    root = path.parent if videos is None else videos
    entries: list[tuple[str, Any]] = [
        (str(entry.get("id", number)) if isinstance(entry, dict) else str(number), entry)
        for number, entry in enumerate(read_list(path, LAYOUT))
    ]
    return DataSet(benchmark, collect(entries, lambda key, entry: _record(key, entry, root)))


def _record(key: str, entry: dict[str, Any], root: Path) -> Record:
    frames = tuple(root / name for name in texts_of(entry, "video"))
    expression = texts_of(entry, "conversations")[0]
    if index_of(entry.get("length"), "length") != len(frames):
        raise MalformedError(
            f"length: expected {len(frames)} as frames of the video, got {entry['length']}"
        )
    files: dict[int, Path] = {}
    masks: ObjectFrames
    if "file_names" in entry:
        names = list_of(entry["file_names"], "file_names")
        paths = {
            idx: root / str(name).replace(".jpg", ".png")
            for idx, name in enumerate(names)
            if name is not None
        }
        files = {idx: path for idx, path in paths.items() if path.is_file()}
        # No record says which object of the picture is meant.
        masks = {idx: DrawnMask(path) for idx, path in files.items()}
    else:
        codes = list_of(entry.get("segmentations"), "segmentations")
        if len(codes) != len(frames):
            raise MalformedError(
                f"segmentations: expected {len(frames)} as frames of the video, got {len(codes)}"
            )
        masks = {i: mask_of(code, f"segmentations[{i}]") for i, code in enumerate(codes)}
    return Record(
        key,
        video=frames[0].parent,
        video_name=PurePath(entry["video"][0]).parent.as_posix(),
        frames=frames,
        question=segment_question(expression),
        expression=expression,
        objects=(masks,),
        scored_idxs=tuple(masks),
        annotation_files=files,
    )
