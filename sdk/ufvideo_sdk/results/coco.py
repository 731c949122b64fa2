"""Masks as a COCO data set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from ufvideo_sdk.results.masks import MaskTrack, segmented_idxs
from ufvideo_sdk.results.object_track import track_ids

if TYPE_CHECKING:
    from ufvideo_sdk.results.result import Result


def coco_of(result: Result) -> dict[str, Any]:
    """The masks as a COCO data set (see `Answer.to_coco`); ids of images are frame indices."""
    clip = result.clip
    idxs = segmented_idxs(result.masks)
    times_s = clip.timestamps_s[clip.positions(idxs)]
    return {
        "info": {"description": result.question, "video": clip.name},
        "images": [
            {
                "id": frame_idx,
                "file_name": _file_name(clip.name, frame_idx, is_image=clip.is_image),
                "height": clip.height,
                "width": clip.width,
                "frame_idx": frame_idx,
                "time_s": time_s,
            }
            for frame_idx, time_s in zip(idxs.tolist(), times_s.tolist(), strict=True)
        ],
        "annotations": [
            {"id": number, **annotation}
            for number, annotation in enumerate(_annotations(result.masks), start=1)
        ],
        "categories": [
            {"id": number, "name": name} for number, name in enumerate(result.object_names, start=1)
        ],
    }


def frame_name(frame_idx: int) -> str:
    """Name of a frame's file without its suffix, as YouTube-VOS and DAVIS name them."""
    return f"{frame_idx:05d}"


def video_name(clip_name: str) -> str:
    """Name of a video's folder: the source's file name without its suffix."""
    stem = PurePosixPath(clip_name.replace("/", "_").replace("\0", "_")).stem
    return stem if stem.strip(".") else "video"


def _file_name(clip_name: str, frame_idx: int, *, is_image: bool) -> str:
    return clip_name if is_image else f"{video_name(clip_name)}/{frame_name(frame_idx)}.jpg"


def _annotations(tracks: tuple[MaskTrack, ...]) -> Iterator[dict[str, Any]]:
    """Annotations but for their ids, by object and then frame."""
    for number, (track, track_id) in enumerate(
        zip(tracks, track_ids(tracks), strict=True), start=1
    ):
        boxes, areas = track.boxes.tolist(), track.num_pixels.tolist()
        for position, (x1, y1, x2, y2) in enumerate(boxes):
            if areas[position]:
                yield {
                    "image_id": int(track.frame_idxs[position]),
                    "category_id": number,
                    "track_id": track_id,
                    "segmentation": {
                        "size": [track.height, track.width],
                        "counts": track.runs[position],
                    },
                    "area": areas[position],
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "iscrowd": 0,
                    "score": float(track.scores[position]),
                }
