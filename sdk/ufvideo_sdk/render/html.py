"""A result as HTML for a notebook: one frame, the time line, the text."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ufvideo_sdk.errors import UFVideoError
from ufvideo_sdk.render.contact_sheet import draw_tile, shown_size
from ufvideo_sdk.render.draw import mask_times_s, object_legend, span_legend
from ufvideo_sdk.render.text import MUTED, TEXT, Colour
from ufvideo_sdk.render.timeline import BACKGROUND, SPAN_COLOUR, TRACK, seconds
from ufvideo_sdk.results.result import Result
from ufvideo_sdk.results.stop_reason import StopReason
from ufvideo_sdk.results.time_span import TimeSpan
from ufvideo_sdk.video.clip import Clip

_MAX_WIDTH_PX = 640
_MAX_HEIGHT_PX = 480
_JPEG_QUALITY = 88
# Positions on the time line at which masks are marked; a screen would not show finer ones apart.
_NUM_BINS = 160


def html_of(result: Result) -> str:
    """Return one `div` with everything in it: inline styles, no script, no URL.

    Every text is escaped: what a model, a file name or a question says is never markup. If the
    frame cannot be read, the reason is written in its place, and the rest is complete.
    """
    clip = result.clip
    frame_idx = still_idx(result)
    time_s = float(clip.timestamps_s[clip.positions([frame_idx])[0]])
    parts = [
        _picture(result, frame_idx),
        "" if clip.is_image else _time_line(result, time_s),
        f'<div style="padding:10px 14px 12px">{"".join(_lines(result))}</div>',
    ]
    return (
        f'<div style="max-width:{_MAX_WIDTH_PX}px;background:{_css(BACKGROUND)};'
        f"color:{_css(TEXT)};border-radius:8px;overflow:hidden;margin:4px 0;text-align:left;"
        f'font:14px/1.45 system-ui,sans-serif">{"".join(parts)}</div>'
    )


def still_idx(result: Result) -> int:
    """Source index of the frame that stands for a result.

    The one with the most pixels of objects; without any the middle of the first span, of the frames
    that were segmented, or of the clip.
    """
    clip = result.clip
    idxs = np.concatenate([np.empty(0, np.int64), *(track.frame_idxs for track in result.masks)])
    if idxs.size:
        counts = np.concatenate([track.num_pixels for track in result.masks])
        frames, rows = np.unique(idxs, return_inverse=True)
        sums = np.bincount(rows, counts)
        return int(frames[sums.argmax() if sums.any() else len(frames) // 2])
    if result.spans and not clip.is_image:
        span = result.spans[0]
        middle_s = (span.start_s + span.end_s) / 2
        return int(clip.frame_idxs[np.abs(clip.timestamps_s - middle_s).argmin()])
    return int(clip.frame_idxs[len(clip.frame_idxs) // 2])


def _picture(result: Result, frame_idx: int) -> str:
    height, width = shown_size(result.clip)
    scale = min(_MAX_WIDTH_PX / width, _MAX_HEIGHT_PX / height)
    height_px, width_px = (max(1, round(side * scale)) for side in (height, width))
    try:
        frame = result.clip.read([frame_idx])[0]
    except UFVideoError as error:
        return f'<div style="padding:10px 14px 0;color:{_css(MUTED)}">{_escaped(str(error))}</div>'
    tile = draw_tile(result, frame_idx, frame, height_px, width_px)
    jpeg = io.BytesIO()
    Image.fromarray(tile).save(jpeg, format="JPEG", quality=_JPEG_QUALITY)
    encoded = base64.b64encode(jpeg.getvalue()).decode("ascii")
    return (
        f'<img alt="frame {frame_idx}" width="{width_px}" height="{height_px}"'
        f' src="data:image/jpeg;base64,{encoded}"'
        ' style="display:block;margin:0 auto;max-width:100%;height:auto">'
    )


def _time_line(result: Result, time_s: float) -> str:
    clip = result.clip
    first_s, last_s = float(clip.timestamps_s[0]), float(clip.timestamps_s[-1])
    marks = [
        *(_mark(*_range(span, clip), "top:0;height:10px", SPAN_COLOUR) for span in result.spans),
        *(_mark(*each, "top:3px;height:4px;border-radius:2px", TEXT) for each in _masked(result)),
        _mark(*_range(TimeSpan(time_s, time_s), clip), "top:0;height:10px;width:2px", TEXT),
    ]
    return (
        f'<div style="position:relative;overflow:hidden;height:10px;margin:12px 14px 4px;'
        f'border-radius:3px;background:{_css(TRACK)}">{"".join(marks)}</div>'
        f'<div style="display:flex;justify-content:space-between;margin:0 14px;font-size:12px;'
        f'color:{_css(MUTED)}"><span>{seconds(first_s)}</span><span>{seconds(last_s)}</span></div>'
    )


def _mark(left: float, right: float, style: str, colour: Colour) -> str:
    """A mark on the time line between two fractions of it; 4 px at least are seen."""
    return (
        f'<div style="position:absolute;left:min({100 * left:.2f}%,100% - 4px);min-width:4px;'
        f'width:{100 * (right - left):.2f}%;{style};background:{_css(colour)}"></div>'
    )


def _range(span: TimeSpan, clip: Clip) -> tuple[float, float]:
    """Where a span begins and ends on the time line, 0 to 1."""
    first_s, last_s = float(clip.timestamps_s[0]), float(clip.timestamps_s[-1])
    duration_s = last_s - first_s
    if duration_s <= 0:
        return 0.0, 1.0
    times = np.clip([span.start_s, span.end_s], first_s, last_s) - first_s
    return float(times[0]) / duration_s, float(times[1]) / duration_s


def _masked(result: Result) -> Iterator[tuple[float, float]]:
    """Stretches of the time line on which frames have a mask."""
    clip = result.clip
    first_s, last_s = float(clip.timestamps_s[0]), float(clip.timestamps_s[-1])
    fractions = (np.array(mask_times_s(result)) - first_s) / max(last_s - first_s, 1e-9)
    bins: NDArray[np.int64] = np.unique(np.rint(fractions * _NUM_BINS).astype(np.int64))
    for run in np.split(bins, np.flatnonzero(np.diff(bins) > 1) + 1):
        if run.size:
            yield run[0] / _NUM_BINS, run[-1] / _NUM_BINS


def _lines(result: Result) -> Iterator[str]:
    """Question, text, times and objects, and a line about the source."""
    clip = result.clip
    yield _line(result.question, f"color:{_css(MUTED)}")
    if result.caption:
        yield _line(result.caption, "max-height:24em;overflow:auto")
    yield from (_entry(*each) for each in (*span_legend(result), *object_legend(result)))
    source = f"{clip.name}, {clip.width} x {clip.height} px"
    if result.stop_reason is not StopReason.END:
        source += f", ended by: {result.stop_reason.value}"
    yield _line(source, f"color:{_css(MUTED)};font-size:12px;margin-top:4px")
    yield from (_line(each, f"color:{_css(MUTED)};font-size:12px") for each in clip.damage)


def _line(text: str, style: str) -> str:
    # Each line's direction is its own: an Arabic answer does not turn the others.
    return (
        f'<div dir="auto" style="white-space:pre-wrap;overflow-wrap:anywhere;{style}">'
        f"{_escaped(text)}</div>"
    )


def _entry(text: str, colour: Colour) -> str:
    """A line of the legend, with a square of its colour."""
    return (
        f'<div><span style="display:inline-block;width:10px;height:10px;border-radius:2px;'
        f'margin-right:7px;background:{_css(colour)}"></span>{_escaped(text)}</div>'
    )


def _escaped(text: str) -> str:
    """The text as HTML; characters that cannot be seen, or turn others round, become blanks."""
    printable = "".join(c if c.isprintable() or c == "\n" else " " for c in text)
    return html.escape(printable)


def _css(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
