"""Figures and texts as people read them, in one line that no terminal obeys."""

from __future__ import annotations

from ufvideo_sdk.watch.engine.facts import Event
from ufvideo_sdk.watch.status import CameraStatus, LiveTracked

_UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def one_line(text: str, most: int = 200) -> str:
    """A text without control characters and line breaks, cut where it is long."""
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return words if len(words) <= most else f"{words[: most - 3]}..."


def duration(seconds: float) -> str:
    """A duration as hours, minutes and seconds."""
    whole = int(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def moment(time_s: float | None) -> str:
    """A stream time to a tenth of a second, "-" for None."""
    if time_s is None:
        return "-"
    tenths = round(time_s * 10)
    return f"{duration(tenths // 10)}.{tenths % 10}"


def rate(value: float | None) -> str:
    """A rate."""
    return "-" if value is None else f"{value:.1f}/s"


def milliseconds(value: float | None) -> str:
    """A time that a stage takes."""
    return "-" if value is None else f"{value:,.0f} ms" if value >= 10 else f"{value:.1f} ms"


def size(num_bytes: float) -> str:
    """A number of bytes."""
    for unit, name in _UNITS:
        if num_bytes >= unit:
            return f"{num_bytes / unit:.1f} {name}"
    return f"{num_bytes:.0f} B"


def clock(camera: CameraStatus) -> str:
    """Whose clock a camera follows, and how far it is from arrival."""
    if camera.clock_error_s is None:
        return camera.clock
    return f"{camera.clock}, {camera.clock_error_s * 1000:+,.0f} ms"


def drops(camera: CameraStatus) -> str:
    """What was dropped, by cause."""
    found = [f"{one_line(cause)} {count:,}" for cause, count in camera.dropped_by.items() if count]
    return ", ".join(found) or "none"


def event(edge: Event) -> str:
    """An edge of an event."""
    if edge.edge == "start":
        return f"event {edge.id} started at {moment(edge.start_s)}: {one_line(edge.reason)}"
    span = f"from {moment(edge.start_s)} to {moment(edge.end_s)}"
    return f"event {edge.id} ended, {span}: {one_line(edge.reason)}"


def objects(tracked: LiveTracked) -> str:
    """Where tracked objects are: the middles of their boxes, in hundredths of the picture."""
    found = []
    for each in tracked.objects:
        x, y = (each.left + each.right) / 2, (each.top + each.bottom) / 2
        found.append(f"{each.id} at {x:.0%} {y:.0%}")
    return ", ".join(found) or "none"
