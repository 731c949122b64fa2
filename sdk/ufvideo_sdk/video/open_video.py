"""A video file that FFmpeg holds open, from its first packet on or from anywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ufvideo_sdk.cancellation import check_cancelled
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.video.nal_units import NalUnits
from ufvideo_sdk.video.opened_file import SourceFile
from ufvideo_sdk.video.packet_table import PacketRecord
from ufvideo_sdk.video.video_container import SourceOptions, opened, video_stream

# Enough packets for the frames that are decoded while a file is opened.
_MAX_FIRST_PACKETS = 64
# FFmpeg's names of containers that say where each packet begins and ends.
_FRAMED_FORMATS = ("mp4", "matroska", "flv")


class OpenVideo:
    """One container and its video stream; belongs to one thread at a time.

    Attributes:
        path: The file.
        options: Stream and limits.
        container: PyAV's container.
        stream: PyAV's stream.
        units: How its packets are read without decoding; None for other codecs than H.264 and HEVC.
        is_framed: Whether the container says where each packet begins and ends.
        may_skip: Whether frames that no other one refers to may be left undecoded. A transport
            stream loses packets and does not say so; only decoding shows what they leave behind.
        is_fresh: Whether no packet was read yet.
        first_packets: The first packets that were read from the beginning.
    """

    def __init__(self, path: Path, options: SourceOptions, as_opened: SourceFile) -> None:
        """Open the file.

        Args:
            path: The file, for messages.
            options: Stream and limits.
            as_opened: The file, which must be the same each time it is opened.

        Raises:
            InputError: When it cannot be opened, has no video, or was changed.
            CapacityError: When memory or file descriptors run out.
        """
        self.path = path
        self.options = options
        self._as_opened = as_opened
        self.container: Any = None
        self.stream: Any = None
        self.reopen()
        self.units = self._units()
        self.is_framed = self._is_framed()
        self.may_skip = self.units is not None and self.units.may_skip and self.is_framed

    def _units(self) -> NalUnits | None:
        context = self.stream.codec_context
        return NalUnits.of_stream(context.name, context.extradata)

    def _is_framed(self) -> bool:
        formats = self.container.format.name.split(",")
        return any(name in formats for name in _FRAMED_FORMATS)

    def rewind(self) -> None:
        """Be at the first packet, which opens the file again if one was read.

        Raises:
            InputError: As the constructor.
        """
        if not self.is_fresh:
            self.reopen()

    def reopen(self) -> None:
        """Open the file again, at its beginning.

        Raises:
            InputError: As the constructor.
        """
        self.close()
        limit = self.options.max_frame_pixels
        if self._as_opened.files:
            self.container = opened(self.path, limit)
        else:
            self.container = opened(self.path, limit, self._as_opened.reader("a video file"))
        try:
            self._as_opened.check()
            self.stream = video_stream(self.container, self.path, self.options)
        except BaseException:
            self.close()
            raise
        self.is_fresh = True
        self.first_packets: list[PacketRecord] = []
        self._sees_damage: bool | None = None

    def close(self) -> None:
        """Close the file and free the decoder."""
        self.stream = None
        if self.container is not None:
            self.container.close()

    @property
    def is_open(self) -> bool:
        """Whether it was not closed."""
        return self.stream is not None

    def prepare(self, *, sees_damage: bool) -> None:
        """Set the decoder up, which opens the file again if it was set up otherwise.

        Args:
            sees_damage: Mark every frame that hides an error. FFmpeg misses some of them when it
                decodes several frames at once, which is faster.
        """
        if self._sees_damage is sees_damage:
            return
        if self._sees_damage is not None:
            self.reopen()
        self._sees_damage = sees_damage
        if sees_damage:
            # Threads of slices look for no errors at all.
            self.stream.thread_count = 1
        else:
            self.stream.thread_type = "AUTO"

    def packets(self) -> Iterator[Any]:
        """Read on to the end; the last packet is empty and flushes the decoder.

        Raises:
            CancelledError: When the call is cancelled.
            InputError: When a stream begins in the middle.
            av.FFmpegError: When reading fails.
        """
        is_first = self.is_fresh
        self.is_fresh = False
        try:
            for packet in self.container.demux(self.stream):
                check_cancelled()
                if is_first and packet.size and len(self.first_packets) < _MAX_FIRST_PACKETS:
                    self.first_packets.append(PacketRecord.of(packet))
                yield packet
        except IndexError:
            # PyAV looks for a packet's stream among those of the time when it opened the file.
            raise InputError(
                f"{self.path}: expected the streams that it begins with, found another one that"
                " begins later; convert it, for example with ffmpeg -c copy"
            ) from None

    def seek(self, stamp: int) -> None:
        """Go to the last key at or before a time stamp, and flush the decoder.

        Raises:
            av.FFmpegError: When the container cannot go there.
        """
        self.is_fresh = False
        self.container.seek(stamp, stream=self.stream, backward=True)
