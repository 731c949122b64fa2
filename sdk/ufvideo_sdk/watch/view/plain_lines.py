"""A watch as plain lines, where there is no terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ufvideo_sdk.watch.sinks.sink import SinkStats
from ufvideo_sdk.watch.status import CameraStatus, WatchStatus
from ufvideo_sdk.watch.view.words import (
    clock,
    drops,
    event,
    milliseconds,
    moment,
    one_line,
    rate,
)

_EVERY_S = 60.0


class PlainLines:
    """Says what is new since the last time: states, events and notices; all figures once a minute.

    Edges of events are compared by their ids, so that each is said once.
    """

    def __init__(self, every_s: float = _EVERY_S) -> None:
        """Begin with nothing said.

        Args:
            every_s: Seconds from one line of figures to the next.
        """
        self._every_s = every_s
        self._next_s = every_s
        self._states: dict[str, str] = {}
        self._edges: dict[str, set[tuple[int, str]]] = {}
        self._notices: dict[str, tuple[float, int]] = {}
        self._problems: dict[str, str] = {}

    def of(self, status: WatchStatus, sinks: Sequence[SinkStats]) -> list[str]:
        """Return the lines that are new.

        Args:
            status: The watch at this moment.
            sinks: Counts of its sinks.
        """
        lines = [line for camera in status.cameras for line in self._news(camera)]
        for sink in sinks:
            if sink.problem and sink.problem != self._problems.get(sink.name):
                lines.append(f"{sink.name}: {one_line(sink.problem)}")
            self._problems[sink.name] = sink.problem
        if status.running_s >= self._next_s:
            self._next_s = status.running_s + self._every_s
            lines += [_figures(camera) for camera in status.cameras]
            lines += [line for sink in sinks if (line := _losses(sink))]
        return lines

    def _news(self, camera: CameraStatus) -> Iterator[str]:
        name = one_line(camera.name)
        is_new = self._states.get(camera.name) != camera.state
        self._states[camera.name] = camera.state
        # What happened before the end is said before it.
        if is_new and camera.state != "ended":
            yield f"{name}: {camera.state}"
        told = self._edges.setdefault(camera.name, set())
        for edge in camera.events:
            if (edge.id, edge.edge) not in told:
                yield f"{name}: {edge.rule}: {event(edge)}"
        # What is not shown any more is not shown again.
        self._edges[camera.name] = {(edge.id, edge.edge) for edge in camera.events}
        yield from self._new_notices(camera)
        if is_new and camera.state == "ended":
            yield f"{name}: {camera.state}"

    def _new_notices(self, camera: CameraStatus) -> Iterator[str]:
        """Notices behind the latest one that was said; several may have its time."""
        last_s, num_then = self._notices.get(camera.name, (-1.0, 0))
        num_seen = 0
        for notice in camera.notices:
            if notice.time_s < last_s:
                continue
            if notice.time_s == last_s:
                num_seen += 1
                if num_seen <= num_then:
                    continue
            said = f"{one_line(notice.kind)} at {moment(notice.time_s)}: {one_line(notice.text)}"
            yield f"{one_line(camera.name)}: {said}"
        if camera.notices:
            newest_s = camera.notices[-1].time_s
            num_then = sum(notice.time_s == newest_s for notice in camera.notices)
            self._notices[camera.name] = (newest_s, num_then)


def _figures(camera: CameraStatus) -> str:
    parts = [
        f"{one_line(camera.name)}: {camera.state} at {moment(camera.time_s)}",
        f"{rate(camera.frame_rate)} arrive",
        f"{rate(camera.looked_at_rate)} looked at",
        f"clock {clock(camera)}",
        f"dropped {drops(camera)}",
        f"{camera.num_asked} asked",
        *(f"{one_line(each.name)} {milliseconds(each.mean_ms)}" for each in camera.stages),
        *(f"{one_line(a.question)}: {one_line(a.text, 60)}" for a in camera.answers),
    ]
    return "; ".join(parts)


def _losses(sink: SinkStats) -> str:
    lost = [("dropped", sink.num_dropped), ("given up", sink.num_failed)]
    said = ", ".join(f"{count:,} {name}" for name, count in lost if count)
    return f"{sink.name}: {said}" if said else ""
