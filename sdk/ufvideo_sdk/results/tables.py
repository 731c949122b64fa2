"""Results as tables of the library pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.results.object_track import ObjectTrack, events_in_order
from ufvideo_sdk.validation.arguments import described
from ufvideo_sdk.validation.optional_library import optional_library

if TYPE_CHECKING:
    import pandas

    from ufvideo_sdk.results.masks import MaskTrack
    from ufvideo_sdk.results.result import Result
    from ufvideo_sdk.results.time_span import TimeSpan
    from ufvideo_sdk.results.track_event import TrackEvent


def table_of(result: Result, table: str) -> pandas.DataFrame:
    """One of a result's tables (see `Answer.to_pandas`).

    Raises:
        ConfigError: When pandas is not installed.
        InputError: When there is no such table.
    """
    if table not in ("masks", "spans", "events"):
        raise InputError(f'table: expected "masks", "spans" or "events", got {described(table)}')
    library = optional_library("pandas", "to_pandas", "pip install pandas")
    if table == "masks":
        columns = _mask_columns(result.masks)
    elif table == "spans":
        columns = _span_columns(result.spans)
    else:
        columns = _event_columns(events_in_order(result.masks))
    return library.DataFrame(columns)


def _mask_columns(tracks: tuple[MaskTrack, ...]) -> dict[str, np.ndarray[Any, Any]]:
    boxes = np.concatenate([np.empty((0, 4), np.int64), *(track.boxes for track in tracks)])

    def joined(name: str, dtype: type[np.generic]) -> np.ndarray[Any, Any]:
        return np.concatenate([np.empty(0, dtype), *(getattr(track, name) for track in tracks)])

    lengths = np.array([len(track) for track in tracks], np.int64)
    return {
        "object": np.repeat(np.arange(1, len(tracks) + 1), lengths),
        "frame_idx": joined("frame_idxs", np.int64),
        "time_s": joined("times_s", np.float64),
        "score": joined("scores", np.float32),
        "num_pixels": joined("num_pixels", np.int64),
        **{name: boxes[:, column] for column, name in enumerate(("x1", "y1", "x2", "y2"))},
        **_tracked_columns(tracks),
    }


def _tracked_columns(tracks: tuple[MaskTrack, ...]) -> dict[str, np.ndarray[Any, Any]]:
    """Columns of what memory carried; none if it carried no track or not all of them."""
    own = [track for track in tracks if isinstance(track, ObjectTrack)]
    if not own or len(own) < len(tracks):
        return {}
    return {
        "track_id": np.repeat([track.id for track in own], [len(track) for track in own]),
        "object_score": np.concatenate([track.object_scores for track in own]),
        "was_prompted": np.concatenate([track.was_prompted for track in own]),
    }


def _event_columns(events: tuple[TrackEvent, ...]) -> dict[str, np.ndarray[Any, Any]]:
    return {
        "track_id": np.array([event.track_id for event in events], np.int64),
        "kind": np.array([event.kind.value for event in events], object),
        "time_s": np.array([event.time_s for event in events], np.float64),
        "frame_idx": np.array([event.frame_idx for event in events], np.int64),
    }


def _span_columns(spans: tuple[TimeSpan, ...]) -> dict[str, np.ndarray[Any, Any]]:
    return {
        "start_s": np.array([span.start_s for span in spans], np.float64),
        "end_s": np.array([span.end_s for span in spans], np.float64),
    }
