"""J and F as the released scripts compute them: which mask is compared with which truth.

The scripts write masks into a folder for each id, a folder for each object in it, and a picture for
each frame, named 0, 1 and so on; the scorer pairs them by their place with what the data set has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ufvideo_sdk import InputError
from ufvideo_sdk.evaluate.datasets.palettes import DrawnMask
from ufvideo_sdk.evaluate.datasets.record import DataSet, Pixels, Record
from ufvideo_sdk.evaluate.metrics.masks import Mask, contour_accuracy, region_similarity
from ufvideo_sdk.evaluate.scoring.prediction import Prediction
from ufvideo_sdk.evaluate.scoring.released_ranks import (
    left_out,
    parts_of,
    raises,
    up_to_the_end,
)
from ufvideo_sdk.evaluate.scoring.released_spans import written_pixtrqa
from ufvideo_sdk.evaluate.scoring.score import Sample, Score, score_of

# Pictures of an object by their number, None where none was predicted; objects by their number.
Pictures = dict[int, "Pixels | None"]
Folder = dict[int, Pictures]
ListingOrder = Callable[[Sequence[int]], Sequence[int]]
_METRICS = ("J", "F", "J&F")


class ScriptEndsError(Exception):
    """A released script ends with an error here; the text says why."""


@dataclass
class _Frames:
    """Values of all frames, which the scripts pool, and what they leave out."""

    samples: dict[str, list[Sample]] = field(default_factory=lambda: {m: [] for m in _METRICS})
    skipped: Counter[str] = field(default_factory=Counter)

    def add(self, record: Record, given: Pixels | None, right: Pixels | None) -> None:
        """Score a frame, or leave it out as the scripts do."""
        if given is None:
            return
        if right is None:
            self.skipped["frames with null truth"] += 1
            return
        mask, truth = given.pixels(), _read(right)
        if truth is None or mask.shape != truth.shape:
            what = "unreadable truth" if truth is None else "a mask of another size"
            self.skipped[f"frames with {what}"] += 1
            return
        region, contour = region_similarity(mask, truth), contour_accuracy(mask, truth)
        for metric, value in zip(_METRICS, (region, contour, (region + contour) / 2), strict=True):
            self.samples[metric].append(Sample(record.key, record.video_name, value))


def released_masks(
    data_set: DataSet,
    predictions: Mapping[str, Prediction],
    *,
    listing_order: ListingOrder = sorted,
) -> Mapping[str, Score]:
    """J, F and J&F as the scripts compute them: means over all frames that they do not leave out.

    Args:
        data_set: A data set with truth.
        predictions: By key of the record.
        listing_order: In which order the file system lists the folders of a record's objects: the
            k-th one is compared with the k-th object of the truth.
    """
    frames = _Frames()
    try:
        written = _written(data_set, predictions)
        folders = _folders(data_set, predictions, written)
        for record in data_set.records:
            folder = folders.get(record.id)
            if folder is not None:
                _score(data_set.benchmark, record, folder, frames, listing_order)
    except ScriptEndsError as end:
        return {m: Score(None, len(data_set.records), note=str(end)) for m in _METRICS}
    missing = left_out(data_set, predictions, written)
    without = sum(record.id not in folders for record in written)
    missing |= {"no mask in the answer": without} if without else {}
    missing |= frames.skipped
    if not frames.samples["J"]:
        note = "the script prints no score: it left out every frame"
        return {m: Score(None, 0, failures=missing, note=note) for m in _METRICS}
    return {metric: _pooled(samples, missing) for metric, samples in frames.samples.items()}


def _pooled(samples: Sequence[Sample], missing: Mapping[str, int]) -> Score:
    found = score_of(samples)
    return Score(found.percent, found.n, found.interval, missing, note="n is frames")


def _written(data_set: DataSet, predictions: Mapping[str, Prediction]) -> list[Record]:
    """The records whose masks are written."""
    name, records = data_set.benchmark, data_set.records
    if name == "pixtrqa":
        return written_pixtrqa(data_set, predictions)
    parts = parts_of(name, records)
    if name == "pixhqa":
        # Both processes take themselves for the first one, and write its part.
        parts = parts[:1]

    def ends(record: Record) -> bool:
        # The number of frames is taken of the last object, and asserted.
        differs = name == "pixrqa" and bool(record.objects) and _num_frames_differ(record)
        return raises(record, predictions.get(record.key)) or differs

    return up_to_the_end(parts, ends)


def _num_frames_differ(record: Record) -> bool:
    return len({idx for frames in record.objects for idx in frames}) != len(record.objects[-1])


def _folders(
    data_set: DataSet, predictions: Mapping[str, Prediction], written: Sequence[Record]
) -> dict[str, Folder]:
    """What is written, by id: a record with the id of one before it writes over its pictures."""
    folders: dict[str, Folder] = {}
    for record in written:
        prediction = predictions.get(record.key)
        if prediction is None:
            continue
        idxs = _written_idxs(data_set.benchmark, record)
        for number, masks in enumerate(prediction.masks):
            # Of segmentation all objects are written to one folder, the last one over the others.
            place = number if data_set.benchmark.startswith("pix") else 0
            pictures = folders.setdefault(record.id, {}).setdefault(place, {})
            pictures |= {k: masks.get(idx) for k, idx in enumerate(idxs)}
    return folders


def _written_idxs(benchmark: str, record: Record) -> Sequence[int]:
    """Frames whose masks are written, in the order of their numbers."""
    if benchmark.startswith("pix") or record.annotation_files:
        # Of PixRQA those behind the first one.
        return record.scored_idxs
    truth = record.objects[0] if record.objects else {}
    return [idx for idx, mask in truth.items() if mask is not None]


def _score(
    benchmark: str,
    record: Record,
    folder: Folder,
    frames: _Frames,
    listing_order: ListingOrder,
) -> None:
    if record.annotation_files:
        # Named after the frames, whose pictures may be missing: paired by frame.
        for k, idx in enumerate(record.scored_idxs):
            frames.add(record, folder[0].get(k), DrawnMask(record.annotation_files[idx]))
        return
    is_cooperative = benchmark.startswith("pix")
    for place, number in enumerate(listing_order(list(folder))):
        if place >= len(record.objects):
            raise ScriptEndsError(
                f"the script ends with an error at {record.key}: more objects than in the truth"
            )
        truth = list(record.objects[place].values())
        for position, k in enumerate(sorted(folder[number])):
            if position < len(truth):
                frames.add(record, folder[number][k], truth[position])
            elif is_cooperative:
                raise ScriptEndsError(
                    f"the script ends with an error at {record.key}: more frames than in the truth"
                )


def _read(right: Pixels) -> Mask | None:
    try:
        return right.pixels()
    except InputError:
        return None
