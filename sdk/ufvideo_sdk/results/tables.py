"""Results as tables of the library pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.arguments import described
from ufvideo_sdk.validation.optional_library import optional_library

if TYPE_CHECKING:
    import pandas

    from ufvideo_sdk.results.masks import MaskTrack
    from ufvideo_sdk.results.result import Result
    from ufvideo_sdk.results.time_span import TimeSpan


def table_of(result: Result, table: str) -> pandas.DataFrame:
    """One of a result's tables (see `Answer.to_pandas`).

    Raises:
        ConfigError: When pandas is not installed.
        InputError: When there is no such table.
    """
    if table not in ("masks", "spans"):
        raise InputError(f'table: expected "masks" or "spans", got {described(table)}')
    library = optional_library("pandas", "to_pandas", "pip install pandas")
    is_masks = table == "masks"
    columns = _mask_columns(result.masks) if is_masks else _span_columns(result.spans)
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
    }


def _span_columns(spans: tuple[TimeSpan, ...]) -> dict[str, np.ndarray[Any, Any]]:
    return {
        "start_s": np.array([span.start_s for span in spans], np.float64),
        "end_s": np.array([span.end_s for span in spans], np.float64),
    }
