"""Packets for sources that have none: taken frames, compressed without loss."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from ufvideo_sdk.errors import DeviceError
from ufvideo_sdk.video.frame_picture import PictureMaker, Turn, turn_of
from ufvideo_sdk.watch.sources.item_queue import WaitingFrame
from ufvideo_sdk.watch.sources.packets import PacketListener, SectionHeader, SourcePacket

_CODEC = "ffv1"
_NAME = Path("frame")


class FrameEncoder:
    """Tells a listener every taken frame as a packet of FFV1, which decodes to the same pixels.

    Pixels of a camera without compression, such as of a GStreamer pipeline, would fill a ring in a
    second; and a replay wants the very frames that were looked at. Each packet is a key frame.
    """

    def __init__(self, listener: PacketListener) -> None:
        """Begin before the first frame.

        Args:
            listener: Is told of sections and packets.
        """
        self._listener = listener
        self._section: int | None = None
        self._context: Any = None
        self._maker: tuple[Turn, PictureMaker] | None = None

    def frame(self, taken: WaitingFrame, time_base: Fraction) -> None:
        """Encode a taken frame.

        Args:
            taken: The frame.
            time_base: Seconds of a unit of its presentation time.

        Raises:
            DeviceError: When PyAV was built without FFV1.
        """
        import av

        turn = turn_of(taken.picture, _NAME)
        if self._maker is None or self._maker[0] != turn:
            self._maker = (turn, PictureMaker(_NAME, turn))
        pixels = self._maker[1].picture(taken.picture)
        rgb = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame: Any = rgb.reformat(format="bgr0")
        if taken.section != self._section:
            self._begin(taken.section, frame.width, frame.height, time_base)
        frame.pts, frame.time_base = taken.pts, time_base
        for packet in self._context.encode(frame):
            self._listener.packet(
                SourcePacket(taken.section, bytes(packet), taken.pts, taken.pts, True, taken.time_s)
            )

    def _begin(self, section: int, width: int, height: int, time_base: Fraction) -> None:
        import av

        if _CODEC not in av.codecs_available:
            raise DeviceError(f"expected the encoder {_CODEC} for frames without packets, got none")
        context: Any = av.CodecContext.create(_CODEC, "w")
        context.width, context.height, context.pix_fmt = width, height, "bgr0"
        context.time_base = time_base
        context.gop_size = 1
        context.thread_count = 1
        context.options = {"level": "3", "slices": "4"}
        context.open()
        self._context, self._section = context, section
        extradata = bytes(context.extradata or b"")
        self._listener.begin(SectionHeader(section, _CODEC, extradata, width, height, time_base))
