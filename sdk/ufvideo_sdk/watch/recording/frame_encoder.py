"""Taken frames without loss, of a source that has no packets."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.watch.sources.packets import SectionHeader, SourcePacket

# FFV1 keeps RGB of eight bits as this; with the bytes of rgb24 in another order.
_FORMAT = "bgr0"
_TIME_BASE = Fraction(1, 1_000_000)


class FrameEncoder:
    """Encodes frames of one size as FFV1, each as a packet that needs no other one."""

    def __init__(self, section: int, width: int, height: int) -> None:
        """Begin before the first frame.

        Args:
            section: Number of the section.
            width: Of the frames in pixels.
            height: Of the frames in pixels.
        """
        import av

        context: Any = av.CodecContext.create("ffv1", "w")
        context.width, context.height = width, height
        context.pix_fmt, context.time_base = _FORMAT, _TIME_BASE
        context.gop_size, context.thread_count = 1, 1
        context.options = {"level": "3", "slicecrc": "1"}
        context.open()
        self._context = context
        self._section = section
        extradata = bytes(context.extradata or b"")
        self.header = SectionHeader(section, "ffv1", extradata, width, height, _TIME_BASE)

    def packets(self, pixels: NDArray[np.uint8], time_s: float) -> Iterator[SourcePacket]:
        """Encode a frame.

        Args:
            pixels: RGB, uint8 [H, W, 3].
            time_s: Its stream time.
        """
        from av import VideoFrame

        frame: Any = VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=_FORMAT)
        frame.pts, frame.time_base = round(time_s * 1_000_000), _TIME_BASE
        for packet in self._context.encode(frame):
            pts = int(packet.pts)
            yield SourcePacket(self._section, bytes(packet), pts, pts, True, time_s)
