"""H.264 files whose frames have times of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import av
import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.atomic_file import NO_ROOM
from ufvideo_sdk.errors import CapacityError, DeviceError, InputError
from ufvideo_sdk.validation.paths import NO_DESCRIPTOR, reading_failed
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.video_container import reason

TICKS_PER_S = 90_000
"""Units of a time in a second."""
# Of the hint; FFmpeg takes no number beyond an int.
_MAX_RATE = 10_000
# What the encoder takes at most, for either side.
_MAX_SIDE_PX = 16_384
# How long the only frame of a video is shown.
_ONLY_FRAME_S = 1 / 25
# How long the last one is shown at most, where it comes behind a pause.
_LAST_FRAME_S = 1.0

T = TypeVar("T", bound="H264Writer")


@contextmanager
def encoding(path: Path) -> Iterator[None]:
    """Errors of FFmpeg as ours. Those of reading the source are ours already.

    Raises:
        InputError: When FFmpeg cannot encode or write the file.
        CapacityError: When the disk is full.
    """
    try:
        yield
    except av.FFmpegError as error:
        if error.errno in NO_ROOM:
            raise CapacityError(f"expected room for {path}, got: {error.strerror}") from error
        if error.errno in NO_DESCRIPTOR:
            system = OSError(error.errno, error.strerror)
            raise reading_failed(system, path, "a file to write") from error
        raise InputError(
            f"expected to encode {path} as H.264, FFmpeg says: {reason(error)}; save a .png or"
            " .json instead"
        ) from error


class _FrameTimes:
    """When each frame of a clip is shown in a video of it, and for how long."""

    def __init__(self, clip: Clip) -> None:
        """Take the clip's times, counted from its first frame."""
        times_s, source_s = clip.timestamps_s, clip.source_timestamps_s
        self._ticks = _increasing_ticks(times_s - times_s[0])
        behind = int(clip.frame_idxs[-1]) + 1
        if behind < len(source_s):
            last_s = float(source_s[behind] - times_s[-1])
        elif len(times_s) > 1:
            last_s = float(np.median(np.diff(times_s)))
        else:
            last_s = _ONLY_FRAME_S
        # No source says how long its last frame is shown.
        self.end_ticks = int(self._ticks[-1]) + max(round(last_s * TICKS_PER_S), 1)
        self.rate = _rate(times_s)
        """Average frames a second: only a hint to the encoder, the times are in the frames."""

    def of(self, position: int) -> int:
        """Ticks at which the frame at this position of the clip is shown."""
        return int(self._ticks[position])


def _increasing_ticks(times_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Times in ticks; frames that share a time come a tick apart."""
    ticks = np.rint(times_s * TICKS_PER_S).astype(np.int64)
    numbers = np.arange(len(ticks))
    return np.maximum.accumulate(ticks - numbers) + numbers


def _rate(timestamps_s: NDArray[np.float64]) -> Fraction:
    duration_s = float(timestamps_s[-1] - timestamps_s[0])
    if duration_s <= 0:
        return Fraction(25)
    rate = Fraction((len(timestamps_s) - 1) / duration_s).limit_denominator(1001)
    return min(max(rate, Fraction(1)), Fraction(_MAX_RATE))


class H264Writer:
    """Writes an H.264 file (yuv420p), picture by picture, each with a time of its own.

    Raises:
        InputError: When a side is longer than H.264 takes.
        DeviceError: When PyAV was built without an H.264 encoder.
    """

    def __init__(
        self,
        path: Path,
        height_px: int,
        width_px: int,
        *,
        rate: Fraction = Fraction(25),
        container_options: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Open the file.

        Args:
            path: The file, an MP4.
            height_px: Height of the pictures, even.
            width_px: Their width, even.
            rate: Average frames a second: only a hint to the encoder.
            container_options: Options of FFmpeg's MP4 writer.
        """
        if max(height_px, width_px) > _MAX_SIDE_PX:
            raise InputError(
                f"expected at most {_MAX_SIDE_PX} px a side for an .mp4, got {height_px} x"
                f" {width_px} px"
            )
        if "libx264" not in av.codecs_available:
            raise DeviceError(
                "expected the encoder libx264 to write .mp4, got a PyAV without it; the wheel has"
                " it: pip install --force-reinstall --only-binary=av av"
            )
        # Times of frames whose packets are not written yet, and of the frame behind them.
        self._shown: deque[int] = deque()
        self._waiting: list[av.Packet[Any]] = []
        self._first_dts: int | None = None
        self._first_ticks: int | None = None
        # "file:" because FFmpeg takes a relative name with a colon for an address.
        self._container = av.open(
            f"file:{path.absolute()}", "w", format="mp4", options=dict(container_options)
        )
        self._stream = self._container.add_stream(
            "libx264", rate=rate, options={"preset": "veryfast", "crf": "20"}
        )
        self._stream.height, self._stream.width = height_px, width_px
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, TICKS_PER_S)
        self.end_ticks = 0
        """When the last picture ends, if that is known."""

    @property
    def codec(self) -> Any:
        """PyAV's context of the encoder, to be set before the first picture."""
        return self._stream.codec_context

    def write_at(self, picture: NDArray[np.uint8], ticks: int) -> None:
        """Append RGB uint8 [H, W, 3], shown from a time on that is later than the one before."""
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = ticks
        frame.time_base = Fraction(1, TICKS_PER_S)
        self._shown.append(ticks)
        self._first_ticks = ticks if self._first_ticks is None else self._first_ticks
        self._mux(self._stream.encode(frame))

    def _mux(self, packets: list[av.Packet[Any]], end_ticks: int | None = None) -> None:
        """Write packets with their durations, which FFmpeg would take from the average rate.

        Args:
            packets: Of the encoder, in the order of decoding.
            end_ticks: When the last frame ends, where no other follows.
        """
        self._waiting += packets
        times = list(self._shown)
        ends = dict(zip(times, [*times[1:], end_ticks], strict=True))
        while self._waiting:
            packet = self._waiting[0]
            end = None if packet.pts is None else ends.get(packet.pts)
            if end is None and end_ticks is None:
                break  # the next frame says; packets keep their order
            if end is not None and packet.pts is not None:
                packet.duration = end - packet.pts
            self._waiting.pop(0)
            if packet.dts is not None:
                self._first_dts = packet.dts if self._first_dts is None else self._first_dts
                if end_ticks is not None and not self._waiting:
                    # A track lasts until the end of what is decoded last, which need not be what is
                    # shown last; counted from what is decoded first, which is shown first.
                    shown_ticks = end_ticks - (self._first_ticks or 0)
                    packet.duration = max(shown_ticks - packet.dts + self._first_dts, 1)
            self._container.mux(packet)
        # Times are needed until their packets come. libx264 delays at most 300 frames; 512 leaves
        # a margin.
        while len(self._shown) > 512:
            self._shown.popleft()

    def __enter__(self: T) -> T:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._mux(self._stream.encode(), self._last_end_ticks())
        self._container.close()

    def _last_end_ticks(self) -> int:
        """When the last picture ends: where nobody says, it lasts as long as the one before it."""
        last = self._shown[-1] if self._shown else 0
        if self.end_ticks:
            return max(self.end_ticks, last + 1)
        step_s = (last - self._shown[-2]) / TICKS_PER_S if len(self._shown) > 1 else _ONLY_FRAME_S
        return last + max(round(min(step_s, _LAST_FRAME_S) * TICKS_PER_S), 1)


class H264File(H264Writer):
    """An H.264 file of a clip: its frames with the clip's times.

    Raises:
        InputError: When a side is longer than H.264 takes.
        DeviceError: When PyAV was built without an H.264 encoder.
    """

    def __init__(self, path: Path, height_px: int, width_px: int, clip: Clip) -> None:
        if max(height_px, width_px) > _MAX_SIDE_PX:
            raise InputError(
                f"expected at most {_MAX_SIDE_PX} px a side for an .mp4, got {height_px} x"
                f" {width_px} px (a frame of {clip.height} x {clip.width} px and the text below"
                " it); save a .png or .json instead, or open a smaller copy of the video"
            )
        self._times = _FrameTimes(clip)
        # The index at the front: a browser plays the file while it loads.
        options = {"movflags": "+faststart"}
        rate = self._times.rate
        super().__init__(path, height_px, width_px, rate=rate, container_options=options)
        self.end_ticks = self._times.end_ticks
        if clip.pixel_aspect != 1:
            # H.264 takes 16 bits for each of the two numbers.
            aspect = clip.pixel_aspect.limit_denominator(65535)
            self.codec.sample_aspect_ratio = aspect

    def write(self, picture: NDArray[np.uint8], position: int) -> None:
        """Append RGB uint8 [H, W, 3], shown from the time of its position in the clip."""
        self.write_at(picture, self._times.of(position))
