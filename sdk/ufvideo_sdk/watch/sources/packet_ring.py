"""The packets of a camera's latest seconds, from which clips with their pre-roll are cut."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from ufvideo_sdk.atomic_file import replacing
from ufvideo_sdk.errors import ConfigError
from ufvideo_sdk.validation.arguments import as_integer, as_number, described
from ufvideo_sdk.watch.sinks.sink import ClipPart
from ufvideo_sdk.watch.sources.packet_file import PacketFile, suffix_for, ticks
from ufvideo_sdk.watch.sources.packets import SectionHeader, SourcePacket


@dataclass(eq=False)
class _Group:
    """Packets from one key frame to the next."""

    header: SectionHeader
    packets: list[SourcePacket] = field(default_factory=list)
    num_bytes: int = 0


class PacketRing:
    """A `PacketListener` that holds the latest packets; any thread may cut clips from them.

    Whole groups of pictures are held and dropped, because decoding begins at key frames: so at
    least `seconds` are held once they have come, and up to the length of a group more, unless
    `max_bytes` are reached.
    """

    def __init__(self, seconds: float, max_bytes: int) -> None:
        """Begin empty.

        Args:
            seconds: How much stream time is held.
            max_bytes: Bound on the packets; beyond it the oldest groups are dropped earlier.

        Raises:
            ConfigError: When a value is not above 0.
        """
        length_s, bound = as_number(seconds), as_integer(max_bytes)
        if length_s is None or length_s <= 0:
            raise ConfigError(f"seconds: expected a number above 0, got {described(seconds)}")
        if bound is None or bound <= 0:
            raise ConfigError(f"max_bytes: expected an integer above 0, got {described(max_bytes)}")
        self._seconds, self._max_bytes = length_s, bound
        self._lock = threading.Lock()
        self._header: SectionHeader | None = None
        self._groups: deque[_Group] = deque()
        self._num_bytes = 0

    @property
    def num_bytes(self) -> int:
        """Bytes of the packets that are held."""
        with self._lock:
            return self._num_bytes

    @property
    def span_s(self) -> tuple[float, float] | None:
        """Stream times of the first and the last picture that is held; None without any."""
        with self._lock:
            times = [packet.time_s for group in self._groups for packet in group.packets]
        return (min(times), max(times)) if times else None

    def begin(self, header: SectionHeader) -> None:
        """A section begins."""
        with self._lock:
            self._header = header

    def packet(self, packet: SourcePacket) -> None:
        """A packet came; one before the first key frame of its section is not held."""
        with self._lock:
            header = self._header
            if header is None:
                return
            if packet.is_key:
                self._groups.append(_Group(header))
            elif not self._groups or self._groups[-1].header.section != packet.section:
                return
            group = self._groups[-1]
            group.packets.append(packet)
            group.num_bytes += len(packet.data)
            self._num_bytes += len(packet.data)
            self._drop(packet.time_s)

    def write_clip(self, folder: Path, stem: str, start_s: float, end_s: float) -> list[ClipPart]:
        """Write the packets from `start_s` to `end_s`, cut to what is held, one file a section.

        An .mp4 begins with the frame at `start_s` or the first one after it: what decoding needs
        from before is in the file and not shown. An .mkv begins with the key frame before. Files
        appear whole, or not at all. One file is `stem` with a suffix, several are `stem-1`,
        `stem-2` and so on.

        Args:
            folder: A folder that exists.
            stem: Name of the files, without a suffix.
            start_s: Stream time of the first frame.
            end_s: Stream time of the last one.

        Returns:
            The files in order; empty if none of it is held.

        Raises:
            InputError: When the folder cannot be written, or a codec cannot be put in a file.
            CapacityError: When the disk is full.
        """
        with self._lock:
            held = [(group.header, tuple(group.packets)) for group in self._groups]
        cuts = _cuts(held, start_s, end_s)
        written = []
        for number, cut in enumerate(cuts, start=1):
            name = stem if len(cuts) == 1 else f"{stem}-{number}"
            written.append(cut.write(folder / (name + suffix_for(cut.header.codec))))
        return written

    def _drop(self, newest_s: float) -> None:
        """Drop groups that nobody needs, and those for which there is no room."""
        while self._groups:
            is_needed = len(self._groups) < 2 or (
                self._groups[1].packets[0].time_s > newest_s - self._seconds
            )
            if is_needed and self._num_bytes <= self._max_bytes:
                return
            self._num_bytes -= self._groups.popleft().num_bytes


@dataclass(frozen=True, eq=False)
class _Cut:
    """What goes into one file: packets from a key frame on, and what is shown of them."""

    header: SectionHeader
    packets: list[SourcePacket]
    start_s: float

    def write(self, path: Path) -> ClipPart:
        """Write it; times in the file are stream times, from the first frame that is shown."""
        is_mp4 = path.suffix == ".mp4"
        times = sorted(packet.time_s for packet in self.packets)
        shown_s = next((t for t in times if t >= self.start_s), times[-1]) if is_mp4 else times[0]
        steps = [after - before for before, after in pairwise(times)]
        step = max(ticks(sorted(steps)[len(steps) // 2], self.header.time_base) if steps else 1, 1)
        with (
            replacing(path) as draft,
            PacketFile(draft, self.header, path.suffix) as file,
        ):
            for packet in self.packets:
                pts = ticks(packet.time_s - shown_s, self.header.time_base)
                file.write(packet, pts=pts, duration=step)
        return ClipPart(path, shown_s, times[-1])


def _cuts(
    held: list[tuple[SectionHeader, tuple[SourcePacket, ...]]], start_s: float, end_s: float
) -> list[_Cut]:
    """The packets of each section that show anything between two times."""
    by_section: dict[int, tuple[SectionHeader, list[SourcePacket]]] = {}
    for header, group in held:
        by_section.setdefault(header.section, (header, []))[1].extend(group)
    cuts = []
    for header, packets in by_section.values():
        shown = [i for i, packet in enumerate(packets) if start_s <= packet.time_s <= end_s]
        if not shown:
            continue
        # One that is shown before: pictures that lead a key frame need the group before it.
        keys = (i for i in range(shown[0] + 1) if packets[i].is_key)
        first = max((i for i in keys if packets[i].time_s <= start_s), default=0)
        cuts.append(_Cut(header, packets[first : shown[-1] + 1], start_s))
    return cuts
