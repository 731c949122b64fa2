"""Writes a recording while a camera is watched, in a thread of its own."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ufvideo_sdk.atomic_file import NO_ROOM, replacing
from ufvideo_sdk.errors import CapacityError, InputError, UFVideoError
from ufvideo_sdk.validation.paths import shown
from ufvideo_sdk.watch.engine.fact_log import FACTS_NAME, line_of
from ufvideo_sdk.watch.engine.facts import Event, Fact
from ufvideo_sdk.watch.recording.capture_log import (
    CAPTURE_NAME,
    MAX_WORDS,
    CaptureLine,
    DropsLine,
    FrameLine,
    NoticeLine,
    SectionLine,
    crc32_of,
    text_of,
)
from ufvideo_sdk.watch.recording.folders import PARTS_SUFFIX, Retention, new_name
from ufvideo_sdk.watch.recording.frame_encoder import FrameEncoder
from ufvideo_sdk.watch.recording.header import HEADER_NAME, RecordingHeader
from ufvideo_sdk.watch.recording.line_file import LineFile
from ufvideo_sdk.watch.recording.matroska import MatroskaWriter, can_write, microseconds
from ufvideo_sdk.watch.sources.capture import CaptureNotice, TakenFrame
from ufvideo_sdk.watch.sources.packets import SectionHeader, SourcePacket

EVENTS_NAME = "events.jsonl"
# A disk that does not keep up for so many bytes never will. Frames wait for it before, for a time.
_MAX_WAITING_BYTES = 256 << 20
_FRAMES_WAIT_BYTES = 64 << 20
_LONGEST_WAIT_S = 10.0


class Recorder:
    """Takes packets from the reading thread and everything else from the watching one.

    What is told is written in that order, so that the packets of a frame are in their file before
    the frame is in the log: of a process that is killed, the log can be replayed up to its last
    whole line. When the disk is full or does not keep up, the recording ends with what it has, and
    `problem` says why; the watch goes on.
    """

    def __init__(self, camera_folder: Path, header: RecordingHeader, retention: Retention) -> None:
        """Create the recording's files.

        Args:
            camera_folder: The camera's folder, which is made if it is missing.
            header: What the recording is made with.
            retention: How much of the camera's recordings is kept.

        Raises:
            InputError: When it cannot be created.
            CapacityError: When the disk is full.
        """
        self._camera_folder = camera_folder
        self._retention = retention
        try:
            camera_folder.mkdir(parents=True, exist_ok=True)
            self.folder = camera_folder / new_name(header.started_s, camera_folder)
            self.folder.mkdir()
            with replacing(self.folder / HEADER_NAME) as draft:
                draft.write_text(header.text(), encoding="utf-8")
            self._facts = LineFile(self.folder / FACTS_NAME)
            self._events = LineFile(self.folder / EVENTS_NAME)
            self._capture = LineFile(self.folder / CAPTURE_NAME)
        except OSError as error:
            raise _not_written(error, camera_folder) from None
        self._header: SectionHeader | None = None
        self._writer: MatroskaWriter | None = None
        self._encoder: FrameEncoder | None = None
        self._num_files = 0
        self._offset_us = 0
        self._closed_bytes = 0
        # What is to be done, and what of it waits in bytes.
        self._work: queue.SimpleQueue[tuple[Callable[[], None], int] | None] = queue.SimpleQueue()
        self._waiting_bytes = 0
        self._changed = threading.Condition()
        self._problem: str | None = None
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="ufvideo recording", daemon=True)
        self._thread.start()

    @property
    def problem(self) -> str | None:
        """Why nothing is written any more, from any thread; None: all is well."""
        return self._problem

    @property
    def num_bytes(self) -> int:
        """What the recording takes on the disk, from any thread."""
        writer = self._writer
        lines = self._facts.num_bytes + self._events.num_bytes + self._capture.num_bytes
        return self._closed_bytes + lines + (0 if writer is None else writer.num_bytes)

    def begin(self, header: SectionHeader) -> None:
        """A section of packets begins (`PacketListener`)."""
        self._put(lambda: self._begin(header))

    def packet(self, packet: SourcePacket) -> None:
        """A packet came (`PacketListener`)."""
        self._put(lambda: self._packet(packet), len(packet.data))

    def frame(self, frame_idx: int, taken: TakenFrame) -> None:
        """A frame is looked at; told before the fact. It waits a while for a disk that is slow."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._waiting_bytes < _FRAMES_WAIT_BYTES, _LONGEST_WAIT_S
            )
        self._put(lambda: self._frame(frame_idx, taken), taken.pixels.nbytes)

    def fact(self, fact: Fact) -> None:
        """A fact."""
        self._put(lambda: self._fact(fact))

    def notice(self, notice: CaptureNotice) -> None:
        """Something that a person wants to know."""
        self._line(NoticeLine(notice.kind, notice.time_s, notice.text[:MAX_WORDS]))

    def drops(self, cause: str, num_frames: int, time_s: float) -> None:
        """How many frames were not looked at, from the start."""
        self._line(DropsLine(cause, num_frames, time_s))

    def close(self) -> None:
        """Write what waits, and end the thread; closing again is fine."""
        if self._is_closed:
            return
        self._is_closed = True
        self._work.put(None)
        self._thread.join()

    def _put(self, work: Callable[[], None], num_bytes: int = 0) -> None:
        if self._problem is not None or self._is_closed:
            return
        with self._changed:
            self._waiting_bytes += num_bytes
            is_late = self._waiting_bytes > _MAX_WAITING_BYTES
        if is_late:
            self._problem = (
                f"{shown(self.folder)}: expected a disk that keeps up, {self._waiting_bytes >> 20}"
                " MiB wait to be written"
            )
            return
        self._work.put((work, num_bytes))

    def _line(self, line: CaptureLine) -> None:
        self._put(lambda: self._capture.write(text_of(line)))

    def _run(self) -> None:
        while (item := self._work.get()) is not None:
            work, num_bytes = item
            if self._problem is None:
                self._try(work)
            with self._changed:
                self._waiting_bytes -= num_bytes
                self._changed.notify_all()
        self._try(self._close_files)

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError as error:
            self._problem = str(_not_written(error, self.folder))
        except Exception as error:
            # A mistake of ours never stops the watch either.
            self._problem = f"{shown(self.folder)}: unexpected {type(error).__name__}: {error}"

    def _begin(self, header: SectionHeader) -> None:
        self._header = header
        self._finish_file()

    def _packet(self, packet: SourcePacket) -> None:
        header = self._header
        if header is None or header.section != packet.section or not can_write(header):
            return
        if packet.is_key and self._is_part_full():
            self._finish_file()
        if self._writer is None:
            if not packet.is_key:
                return
            self._open(header, "packets", microseconds(packet.dts, header))
        assert self._writer is not None
        self._writer.write(packet, self._offset_us)

    def _frame(self, frame_idx: int, taken: TakenFrame) -> None:
        header = self._header
        has_packets = header is not None and header.section >= taken.section and can_write(header)
        if not has_packets:
            self._encoded(taken)
        line = FrameLine(
            frame_idx=frame_idx,
            time_s=taken.time_s,
            section=taken.section,
            pts=taken.pts,
            wall_s=taken.wall_s,
            clock=taken.clock,
            crc32=crc32_of(taken.pixels),
        )
        self._capture.write(text_of(line))

    def _encoded(self, taken: TakenFrame) -> None:
        """Keep a frame itself, as the source has no packets that can be kept."""
        height, width = taken.pixels.shape[:2]
        encoder = self._encoder
        size = None if encoder is None else (encoder.header.width, encoder.header.height)
        if encoder is None or size != (width, height) or encoder.header.section != taken.section:
            self._finish_file()
            encoder = self._encoder = FrameEncoder(taken.section, width, height)
            self._open(encoder.header, "frames", 0)
        elif self._is_part_full():
            self._finish_file()
            self._encoder = encoder
            self._open(encoder.header, "frames", 0)
        assert self._writer is not None
        for packet in encoder.packets(taken.pixels, taken.time_s):
            self._writer.write(packet, 0)

    def _open(self, header: SectionHeader, kind: str, offset_us: int) -> None:
        name = f"{self._num_files:04d}{PARTS_SUFFIX}"
        self._writer = MatroskaWriter(self.folder / name, header)
        self._num_files += 1
        self._offset_us = offset_us
        line = SectionLine(
            section=header.section,
            kind=kind,
            file=name,
            codec=header.codec,
            width=header.width,
            height=header.height,
            time_base_num=header.time_base.numerator,
            time_base_den=header.time_base.denominator,
            offset_us=offset_us,
        )
        self._capture.write(text_of(line))

    def _finish_file(self) -> None:
        writer, self._writer, self._encoder = self._writer, None, None
        if writer is not None:
            self._closed_bytes += writer.num_bytes
            writer.close()
            self._retention.apply(self._camera_folder, self.folder, time.time())

    def _is_part_full(self) -> bool:
        writer = self._writer
        return writer is not None and writer.num_bytes >= self._retention.part_bytes

    def _fact(self, fact: Fact) -> None:
        if isinstance(fact, Event):
            self._events.write(line_of(fact))
        self._facts.write(line_of(fact))

    def _close_files(self) -> None:
        self._finish_file()
        for file in (self._capture, self._facts, self._events):
            file.close()


def _not_written(error: OSError, folder: Path) -> UFVideoError:
    if error.errno in NO_ROOM:
        return CapacityError(f"{shown(folder)}: expected room, got: {error.strerror}")
    return InputError(f"{shown(folder)}: expected to write, got: {error.strerror}")
