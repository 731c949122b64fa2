"""The picture of a watch in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ufvideo_sdk.watch.engine.facts import Event
from ufvideo_sdk.watch.sinks.sink import SinkStats
from ufvideo_sdk.watch.status import CameraStatus, WatchStatus
from ufvideo_sdk.watch.view.words import (
    clock,
    drops,
    duration,
    event,
    milliseconds,
    moment,
    objects,
    one_line,
    rate,
    size,
)

_STATES = {"live": "green", "opening": "yellow", "gap": "bold red", "ended": "dim"}
# A panel of each camera needs so much room; elsewhere a camera is a row.
_PANEL_COLUMNS, _PANEL_LINES = 100, 24
_FIGURES_COLUMNS, _NAME_COLUMNS = 32, 16
_NUM_EVENTS, _NUM_NOTICES = 5, 3
_NUM_EVENTS_OF_ALL = 10


def picture(
    status: WatchStatus, sinks: Sequence[SinkStats], width: int, height: int
) -> RenderableType:
    """Draw a watch.

    Args:
        status: The watch at this moment.
        sinks: Counts of its sinks.
        width: Columns of the terminal.
        height: Its lines.
    """
    parts: list[RenderableType] = [_head(status)]
    if width >= _PANEL_COLUMNS and height >= _PANEL_LINES * len(status.cameras):
        parts += [_panel(camera) for camera in status.cameras]
    else:
        parts += [_rows(status.cameras), _latest(status.cameras)]
    if sinks:
        parts.append(_sinks(sinks))
    return Group(*parts)


def _head(status: WatchStatus) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(" ufvideo watch ", style="bold reverse")
    text.append(f"  {duration(status.running_s)}")
    machine = "-" if status.machine_share is None else f"{status.machine_share:.0%}"
    budget = "" if status.budget is None else f" of {status.budget:.0%}"
    text.append(f"   machine {machine}{budget}   streams hold {size(status.memory_bytes)}")
    for each in status.giving_way:
        text.append(f"   left out: {one_line(each)}", style="yellow")
    return text


def _panel(camera: CameraStatus) -> Panel:
    columns = Table.grid(expand=True, padding=(0, 3, 0, 0))
    columns.add_column(width=_FIGURES_COLUMNS)
    columns.add_column(no_wrap=True)
    columns.add_column(ratio=1, min_width=20)
    columns.add_row(_figures(camera), _stages(camera), _answers(camera))
    parts: list[RenderableType] = [columns]
    lines = [_event_line(each) for each in camera.events[-_NUM_EVENTS:]]
    lines += [_notice(each.time_s, each.kind, each.text) for each in camera.notices[-_NUM_NOTICES:]]
    if lines:
        parts += [Text(), *lines]
    title = Text.assemble(
        (one_line(camera.name), "bold"),
        "  ",
        _state(camera),
        "  ",
        (one_line(camera.source), "dim"),
    )
    style = "bold yellow" if camera.under_way else "dim"
    return Panel(Group(*parts), title=title, title_align="left", border_style=style)


def _figures(camera: CameraStatus) -> Table:
    table = _pairs()
    _add(table, "time", moment(camera.time_s))
    _add(table, "arrive", rate(camera.frame_rate))
    _add(table, "looked at", f"{rate(camera.looked_at_rate)}, {camera.num_frames:,} frames")
    _add(table, "clock", clock(camera))
    _add(table, "dropped", drops(camera))
    _add(table, "asked", f"{camera.num_asked:,}, {camera.num_failed:,} failed")
    _add(table, "connections", f"{camera.num_connections:,}")
    if camera.recording:
        _add(table, "recorded", size(camera.recorded_bytes))
    return table


def _stages(camera: CameraStatus) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    for _ in range(2):
        table.add_column(justify="right", no_wrap=True)
    if camera.stages:
        _add(table, "", Text("last", "dim"), Text("mean", "dim"))
    for stage in camera.stages:
        times = milliseconds(stage.last_ms), milliseconds(stage.mean_ms)
        _add(table, one_line(stage.name), *times)
    return table


def _answers(camera: CameraStatus) -> RenderableType:
    table = Table.grid(expand=True, padding=(0, 2, 0, 0))
    names = [each.question for each in camera.answers]
    names += [each.question for each in camera.tracks] + [each.rule for each in camera.under_way]
    longest = max(map(len, names), default=0)
    table.add_column(style="dim", no_wrap=True, min_width=min(longest, _NAME_COLUMNS))
    table.add_column(justify="right", style="dim", no_wrap=True, min_width=6)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for answer in camera.answers:
        _add(table, one_line(answer.question), moment(answer.time_s), one_line(answer.text))
    for tracked in camera.tracks:
        found = Text(objects(tracked), "cyan")
        _add(table, one_line(tracked.question), moment(tracked.time_s), found)
    for start in camera.under_way:
        text = Text(f"event {start.id} since {moment(start.start_s)}", "bold yellow")
        _add(table, one_line(start.rule), "", text)
    return table


def _rows(cameras: Sequence[CameraStatus]) -> Table:
    table = Table(box=None, expand=True, pad_edge=False, header_style="dim")
    table.add_column("camera", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for name in ("time", "arrive", "looked at"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("clock", no_wrap=True)
    table.add_column("slowest stage", no_wrap=True, overflow="ellipsis", ratio=1)
    for camera in cameras:
        slowest = max(camera.stages, key=lambda stage: stage.mean_ms, default=None)
        stage = "-" if slowest is None else f"{slowest.name} {milliseconds(slowest.mean_ms)}"
        _add(
            table,
            Text(one_line(camera.name), "bold yellow" if camera.under_way else "bold"),
            _state(camera),
            moment(camera.time_s),
            rate(camera.frame_rate),
            rate(camera.looked_at_rate),
            clock(camera),
            one_line(stage),
        )
    return table


def _latest(cameras: Sequence[CameraStatus]) -> RenderableType:
    """The latest answers, events and notices of all cameras."""
    lines: list[Text] = []
    for camera in cameras:
        name = one_line(camera.name)
        lines.append(_line((f"{name}  ", "dim"), (f"dropped {drops(camera)}", "")))
        for answer in camera.answers:
            said = f"{one_line(answer.question)}  {moment(answer.time_s)}  {one_line(answer.text)}"
            lines.append(_line((f"{name}  ", "dim"), (said, "")))
        for tracked in camera.tracks:
            said = f"{one_line(tracked.question)}  {moment(tracked.time_s)}  {objects(tracked)}"
            lines.append(_line((f"{name}  ", "dim"), (said, "cyan")))
    happened: list[tuple[float, Text]] = []
    for camera in cameras:
        name = one_line(camera.name)
        happened += [(e.known_s, _event_line(e, name)) for e in camera.events]
        notices = camera.notices
        happened += [(n.time_s, _notice(n.time_s, n.kind, n.text, name)) for n in notices]
    happened.sort(key=lambda item: item[0])
    return Group(Text(), *lines, Text(), *(line for _, line in happened[-_NUM_EVENTS_OF_ALL:]))


def _sinks(sinks: Sequence[SinkStats]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 1))
    table.add_column(style="dim", no_wrap=True, min_width=13)
    table.add_column(no_wrap=True, min_width=20)
    table.add_column(style="red", no_wrap=True, overflow="ellipsis")
    for sink in sinks:
        counts = f"{sink.num_delivered:,} delivered"
        for name, count in (
            ("waiting", sink.num_waiting),
            ("dropped", sink.num_dropped),
            ("given up", sink.num_failed),
        ):
            counts += f", {count:,} {name}" if count else ""
        _add(table, f"-> {sink.name}", counts, one_line(sink.problem))
    return table


def _state(camera: CameraStatus) -> Text:
    return Text(camera.state, _STATES.get(camera.state, ""))


def _event_line(edge: Event, camera: str = "") -> Text:
    style = "bold yellow" if edge.edge == "start" else "yellow"
    return _line((f"{camera}  " if camera else "", "dim"), (f"{edge.rule}  {event(edge)}", style))


def _notice(time_s: float, kind: str, text: str, camera: str = "") -> Text:
    before = f"{camera}  " if camera else ""
    said = f"{one_line(kind)} at {moment(time_s)}: {one_line(text)}"
    return _line((before, "dim"), (said, "magenta"))


def _line(*parts: tuple[str, str]) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    for part, style in parts:
        text.append(part, style)
    return text


def _add(table: Table, *cells: str | Text) -> None:
    """Add a row. Texts of models and names are no markup."""
    table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in cells))


def _pairs() -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    return table
