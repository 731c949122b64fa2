"""What all results of a session have in common: they show, save and convert themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.results.masks import MaskTrack, frame_masks
from ufvideo_sdk.results.object_mask import FrameMasks, numbered_name
from ufvideo_sdk.results.stop_reason import CUT_SHORT, StopReason
from ufvideo_sdk.results.time_span import TimeSpan
from ufvideo_sdk.validation.paths import as_path, reading_failed
from ufvideo_sdk.validation.short_text import counted, quoted

if TYPE_CHECKING:
    import pandas
    import supervision
    from PIL import Image

    from ufvideo_sdk.results.answer import AnswerStats
    from ufvideo_sdk.video.clip import Clip


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """Base of `Answer`, `LocateResult`, `SegmentResult` and `TrackResult`.

    Attributes:
        question: What was asked: the question, the event or the expression.
        text: What the model wrote, special tokens included.
        token_ids: The generated tokens.
        spans: Times that were named, in seconds of the source.
        masks: One track for each object.
        stop_reason: Why it ended.
        stats: Where the time went.
        clip: What the question was about.
        seg_hidden_states: What names each object for the mask decoder: the model's state behind
            each [SEG], float32 [O, D], read-only; size 0 without an object. `Session.track` prompts
            by it.

    Raises:
        InputError: When a mask is not of the clip's size, frames or times.
    """

    question: str
    text: str
    token_ids: tuple[int, ...]
    spans: tuple[TimeSpan, ...]
    masks: tuple[MaskTrack, ...]
    stop_reason: StopReason
    stats: AnswerStats
    clip: Clip
    seg_hidden_states: NDArray[np.float32] = field(
        default_factory=lambda: np.empty((0, 0), np.float32), kw_only=True
    )

    def __post_init__(self) -> None:
        """Check that every mask belongs to the clip."""
        for i, track in enumerate(self.masks):
            _check_track(track, self.clip, f"masks[{i}]")

    @property
    def is_cancelled(self) -> bool:
        """Whether the call was cancelled before its end."""
        return self.stop_reason is StopReason.CANCELLED

    @property
    def is_cut_short(self) -> bool:
        """Whether a limit on tokens (`max_new_tokens`, the context) ended the text too early."""
        return self.stop_reason in CUT_SHORT

    @property
    def caption(self) -> str:
        """What pictures say below the question."""
        return self.text

    @property
    def object_names(self) -> tuple[str, ...]:
        """A name for each of `masks`: "object 1" and so on, or what was segmented."""
        return tuple(self.object_name(idx) for idx in range(len(self.masks)))

    def object_name(self, idx: int) -> str:
        """Return an object's name, which is known before its masks are.

        Args:
            idx: Index of the object, from 0, as in `masks`.
        """
        return numbered_name(idx)

    def __repr__(self) -> str:
        """One short line; texts are cut, and their control characters spelled out."""
        parts = [quoted(self.question), *self._shown_parts()]
        return f"{type(self).__name__}({', '.join(parts)})"

    def _shown_parts(self) -> list[str]:
        """What the representation says behind the question."""
        parts = [counted(len(self.spans), "span")] if self.spans else []
        if self.masks:
            frames = counted(max(map(len, self.masks)), "frame")
            parts.append(f"{counted(len(self.masks), 'mask')} on {frames}")
        return parts if self.stop_reason is StopReason.END else [*parts, self.stop_reason.value]

    def by_frame(self) -> Iterator[FrameMasks]:
        """The masks of all objects frame by frame, in the order of the tracks' frames.

        Nothing is decoded: `frame.objects[i].pixels()` decodes one mask.

        Raises:
            InputError: When the tracks are not on the same frames.
        """
        return frame_masks(self.masks)

    def to_dict(self) -> dict[str, Any]:
        """What `to_json` writes, as dictionaries, lists, texts and numbers of the caller's own."""
        # The other way round would be a circle: the writer knows these classes.
        from ufvideo_sdk.results.answer_json import result_object

        return result_object(self)

    def to_json(self) -> str:
        """All of it as one JSON object, keys in a fixed order (see docs/cli.md)."""
        from ufvideo_sdk.results.answer_json import result_to_json

        return result_to_json(self)

    def to_coco(self) -> dict[str, Any]:
        """The masks as a COCO data set: `images`, `annotations`, `categories`.

        An image stands for each frame that was segmented, an annotation for each mask that has a
        pixel: `segmentation` is the run-length code, `bbox` left, top, width and height in pixels,
        `score` and `track_id` (the object's number, from 1, or that of its ObjectTrack) stand
        beside it. A category stands for each object. No library is needed; `pycocotools` reads it.
        """
        from ufvideo_sdk.results.coco import coco_of

        return coco_of(self)

    def to_supervision(self) -> Mapping[int, supervision.Detections]:
        """The masks as `supervision.Detections`, by source index of the frame.

        A frame's masks are decoded when it is looked up, and not kept. See `FrameMasks`.

        Raises:
            ConfigError: When supervision is not installed.
            InputError: When the tracks are not on the same frames.
        """
        from ufvideo_sdk.results.object_track import track_ids
        from ufvideo_sdk.results.supervision_detections import DetectionsByFrame

        ids = track_ids(self.masks)
        return DetectionsByFrame(tuple(self.by_frame()), self.object_names, ids)

    def to_pandas(self, table: str = "masks") -> pandas.DataFrame:
        """The masks, the spans or the events of tracks as a table.

        Args:
            table: "masks": a row for each object and frame: `object` (from 1), `frame_idx`,
                `time_s`, `score`, `num_pixels`, and the box `x1`, `y1`, `x2`, `y2` in pixels (see
                `MaskTrack.boxes`); of tracks (ObjectTrack) also `track_id`, `object_score` and
                `was_prompted`. "spans": a row for each span: `start_s`, `end_s`. "events": a row
                for each event of a track: `track_id`, `kind`, `time_s`, `frame_idx`.

        Raises:
            ConfigError: When pandas is not installed.
            InputError: When it is none of these.
        """
        from ufvideo_sdk.results.tables import table_of

        return table_of(self, table)

    def plot(self, frame_idxs: Sequence[int] | None = None) -> Image.Image:
        """Draw frames with their masks, the time line, and the text: the picture of a `.png`.

        Args:
            frame_idxs: Source indices of the frames to show; None: those that were segmented (24 at
                most, evenly spread), or 12 of the clip if none was.

        Returns:
            An RGB picture; Jupyter shows it, `.show()` opens it, `.save("a.jpg")` writes it.

        Raises:
            InputError: When a frame cannot be read, or is none of the clip.
        """
        from PIL import Image

        from ufvideo_sdk.render.contact_sheet import draw_contact_sheet

        return Image.fromarray(draw_contact_sheet(self, frame_idxs))

    def _repr_html_(self) -> str:
        """A frame with its masks, the time line and the text, for notebooks."""
        from ufvideo_sdk.render.html import html_of

        return html_of(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file; what is written depends on the suffix.

        `.mp4`: the video with masks, time line and text drawn on it; `.png`: a contact sheet;
        `.json`: what `to_json` returns. An existing file is replaced, in one step, and keeps its
        mode; where the path is a link, the file that it names is replaced.

        Raises:
            InputError: When the suffix is another one, the path is a file that the clip is read
                from, a folder, a device or something else that is no plain file, it or its folder
                cannot be written, or a video is asked for an image.
            CapacityError: When the disk is full.
            DeviceError: When PyAV was built without an H.264 encoder.
        """
        target = as_path(path, "path")
        try:
            # Drawing loads OpenCV, Pillow and PyAV: not for those who only want the text.
            from ufvideo_sdk.render.save import save_answer
        except OSError as error:
            raise reading_failed(error, target, "the modules that write it") from error

        save_answer(self, target)

    def save_masks(self, folder: str | os.PathLike[str], layout: str = "png") -> None:
        """Write the masks as PNG files into a new folder.

        Args:
            folder: A name that is not there yet, or an empty folder. The folder appears in one
                step, when it is complete; what is there already is never changed.
            layout: "png": one file a mask, `object_1/00012.png` (object and source index of the
                frame), 8 bit, 255 on the object and 0 elsewhere. "youtube-vos": the folders of
                YouTube-VOS and DAVIS, `Annotations/VIDEO/00012.png` with a colour table (pixels
                are the object's number, 0 where there is none), and `meta.json`. A pixel that
                several masks hold belongs to the one with the best score.

        Raises:
            InputError: When there are no masks, the layout is neither, the folder is not empty or
                cannot be written, or more than 255 objects would share a picture.
            CapacityError: When the disk is full.
        """
        from ufvideo_sdk.render.mask_files import save_masks

        save_masks(self, as_path(folder, "folder"), layout)


def _check_track(track: MaskTrack, clip: Clip, where: str) -> None:
    """Refuse a track that is not of the clip.

    Raises:
        InputError: When its size, a frame or a time differs.
    """
    size = (clip.height, clip.width)
    if (track.height, track.width) != size:
        raise InputError(
            f"expected masks of {size[0]} x {size[1]} px (the source's size), got"
            f" {track.height} x {track.width} px in {where}"
        )
    outside = track.frame_idxs[~np.isin(track.frame_idxs, clip.frame_idxs)]
    if outside.size:
        raise InputError(
            f"expected frames of the clip, {clip.frame_idxs[0]} to {clip.frame_idxs[-1]}, got frame"
            f" {outside[0]} in {where}"
        )
    times_s = clip.timestamps_s[clip.positions(track.frame_idxs)]
    other = np.flatnonzero(times_s != track.times_s)
    if other.size:
        at = other[0]
        raise InputError(
            f"expected frame {track.frame_idxs[at]} at {times_s[at]} s (the clip's time), got"
            f" {track.times_s[at]} s in {where}"
        )
