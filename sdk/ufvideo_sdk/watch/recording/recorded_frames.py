"""The frames of a recording, decoded from its packets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.paths import is_file
from ufvideo_sdk.video.frame_picture import PictureMaker, Turn
from ufvideo_sdk.watch.recording.capture_log import (
    CAPTURE_NAME,
    FrameLine,
    SectionLine,
    crc32_of,
    read_capture,
)
from ufvideo_sdk.watch.sources.capture import TakenFrame

_TIME_BASE = Fraction(1, 1_000_000)
# As it is stored first, then all others.
_TURNS = tuple(Turn(*flags) for flags in product((False, True), repeat=3))


@dataclass(frozen=True, eq=False)
class RecordedFrame:
    """A frame that was looked at.

    Attributes:
        frame_idx: Its number.
        taken: The frame; None if its packets are there no more.
        is_same: Whether its pixels are those that were looked at.
    """

    frame_idx: int
    taken: TakenFrame | None
    is_same: bool


@dataclass(eq=False)
class _Section:
    """The files of one section, decoded one behind the other by one decoder."""

    folder: Path
    lines: list[SectionLine] = field(default_factory=list)
    frames: Iterator[tuple[int, Any]] | None = None
    ahead: tuple[int, Any] | None = None
    maker: PictureMaker | None = None
    turn: Turn | None = None

    def pixels(self, time_us: int, crc32: int) -> NDArray[np.uint8] | None:
        """Return the frame at a time of the section, RGB uint8 [H, W, 3].

        A file may turn its pictures, which its packets do not say: the first frame is turned as its
        checksum demands, and the others with it.

        Args:
            time_us: In microseconds.
            crc32: Of the pixels that were looked at.

        Returns:
            The frame; None if it is not there.
        """
        if self.frames is None:
            self.frames = self._decoded()
        while self.ahead is None or self.ahead[0] < time_us:
            self.ahead = next(self.frames, None)
            if self.ahead is None:
                return None
        found_us, frame = self.ahead
        if found_us != time_us:
            return None
        if self.maker is None:
            self.maker = PictureMaker(self.folder, Turn())
        stored = self.maker.picture(frame)
        if self.turn is None:
            fitting = (turn for turn in _TURNS if crc32_of(turn.applied(stored)) == crc32)
            self.turn = next(fitting, Turn())
        return self.turn.applied(stored)

    def _decoded(self) -> Iterator[tuple[int, Any]]:
        """The frames of all files with their times, in microseconds of the section."""
        import av

        decoder: Any = None
        read = 0
        # A file may be added while those before it are decoded.
        while read < len(self.lines):
            line = self.lines[read]
            read += 1
            path = self.folder / line.file
            if not is_file(path):
                continue
            try:
                with av.open(str(path)) as container:
                    stream = container.streams.video[0]
                    if decoder is None:
                        decoder = stream.codec_context
                        decoder.thread_type = "AUTO"
                    yield from self._packets(container.demux(stream), decoder, line.offset_us)
            except av.FFmpegError:
                # The end of what a killed process has written.
                continue
        if decoder is not None:
            yield from _times_of(decoder.decode(None))

    def _packets(
        self, packets: Iterator[Any], decoder: Any, offset_us: int
    ) -> Iterator[tuple[int, Any]]:
        import av

        for packet in packets:
            if packet.size == 0:
                continue
            packet.pts, packet.dts = packet.pts + offset_us, None
            try:
                frames = decoder.decode(packet)
            except av.FFmpegError:
                continue
            yield from _times_of(frames)


class RecordedFrames:
    """Reads the frames of a recording in order."""

    def __init__(self, folder: Path) -> None:
        """Begin before the first frame.

        Args:
            folder: The folder of the recording.
        """
        self._folder = folder
        self._sections: dict[int, _Section] = {}

    def __iter__(self) -> Iterator[RecordedFrame]:
        """Every frame that was looked at.

        Raises:
            InputError: When the recording does not hold.
            CapacityError: When memory runs out.
        """
        for line in self._in_order():
            yield self._frame(line)

    def _in_order(self) -> Iterator[FrameLine]:
        """The lines of frames; all files of a section are known before its first one."""
        path = self._folder / CAPTURE_NAME
        for line in read_capture(path):
            if isinstance(line, SectionLine):
                section = self._sections.setdefault(line.section, _Section(self._folder))
                section.lines.append(line)
        yield from (line for line in read_capture(path) if isinstance(line, FrameLine))

    def _frame(self, line: FrameLine) -> RecordedFrame:
        for number in [n for n in self._sections if n < line.section]:
            del self._sections[number]
        section = self._sections.get(line.section)
        if section is None:
            raise InputError(
                f"{CAPTURE_NAME}: frame {line.frame_idx}: expected the packets of section"
                f" {line.section}, found none"
            )
        pixels = section.pixels(_time_us(line, section.lines[0]), line.crc32)
        if pixels is None:
            return RecordedFrame(line.frame_idx, None, False)
        taken = TakenFrame(line.time_s, line.wall_s, line.clock, pixels, line.section, line.pts)
        return RecordedFrame(line.frame_idx, taken, crc32_of(pixels) == line.crc32)


def _time_us(line: FrameLine, section: SectionLine) -> int:
    if section.kind == "frames":
        return round(line.time_s * 1_000_000)
    time_base = Fraction(section.time_base_num, section.time_base_den)
    return round(line.pts * time_base * 1_000_000)


def _times_of(frames: list[Any]) -> Iterator[tuple[int, Any]]:
    for frame in frames:
        if frame.pts is not None:
            yield round(frame.pts * (frame.time_base or _TIME_BASE) / _TIME_BASE), frame
