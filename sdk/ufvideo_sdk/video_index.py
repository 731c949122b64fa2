"""Find every frame of a video file: its presentation time, and where decoding can begin."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.cancellation import check_cancelled
from ufvideo_sdk.errors import InputError

# Frames decoded while opening, to see that the packets' times are the frames' times.
PROBE_FRAMES = 16
# Packets of these codecs need not be frames: alternate references are never shown.
_HIDDEN_FRAME_CODECS = ("vp8",)


@dataclass(frozen=True)
class VideoIndex:
    """Frames in presentation order.

    Attributes:
        pts: Presentation time stamp of each frame, strictly increasing, in units of `time_base`.
        keys: Positions in `pts` of frames from which decoding can begin.
        time_base: Seconds of one unit.
        counted: The frames carry no usable times of their own: they are told apart by counting
            from the beginning, and `pts` are the times of the container's slots.
    """

    pts: tuple[int, ...]
    keys: tuple[int, ...]
    time_base: Fraction
    counted: bool = False

    def timestamps_s(self) -> NDArray[np.float64]:
        """Presentation time of each frame in seconds, float64 [n], correctly rounded."""
        numerator, denominator = self.time_base.numerator, self.time_base.denominator
        return np.array([stamp * numerator / denominator for stamp in self.pts], np.float64)

    def key_before(self, position: int) -> int:
        """Position of the last frame at or before this one from which decoding can begin."""
        found = bisect_right(self.keys, position)
        return self.keys[found - 1] if found else 0


def index_video(path: Path) -> VideoIndex:
    """List the frames of a file from its packets, or by decoding it where packets do not tell.

    Headers are not believed: an AVI announces 2400 frames for 60, a stream none at all.

    Raises:
        InputError: When the file cannot be read, has no video, no times, or ends too early.
    """
    with opened(path) as container:
        stream = video_stream(container, path)
        index = _from_packets(container, stream, path)
        if index is not None and _probe_agrees(path, index):
            return index
    return _from_frames(path)


def opened(path: Path) -> Any:
    """Open a container with PyAV.

    Raises:
        InputError: When FFmpeg cannot.
    """
    import av

    try:
        return av.open(str(path))
    except (av.FFmpegError, OSError, ValueError) as error:
        raise InputError(
            f"{path}: expected a video file, FFmpeg cannot open it: {reason(error)}"
        ) from None


def video_stream(container: Any, path: Path) -> Any:
    """The first video stream, decoded with threads.

    Raises:
        InputError: When there is none, or no decoder for it.
    """
    # A cover picture of an audio file is a video stream too, but no video.
    streams = [s for s in container.streams.video if not _is_cover(s)]
    if not streams:
        raise InputError(f"{path}: expected a video stream, found none")
    if streams[0].codec_context is None:
        raise InputError(f"{path}: expected a codec that this FFmpeg decodes, found another")
    streams[0].thread_type = "AUTO"
    return streams[0]


def reason(error: BaseException) -> str:
    """What FFmpeg says, without the path and number that PyAV adds."""
    return str(getattr(error, "strerror", None) or error)


def _is_cover(stream: Any) -> bool:
    return "attached_pic" in str(getattr(stream, "disposition", "")).lower()


def _from_packets(container: Any, stream: Any, path: Path) -> VideoIndex | None:
    """The index by the packets' times, or None where only decoding can tell."""
    packets: list[tuple[int | None, bool]] = []
    try:
        for packet in container.demux(stream):
            check_cancelled()
            if packet.size == 0 or packet.is_discard:
                continue
            if packet.is_corrupt:
                raise InputError(
                    f"{path}: expected a whole file, the packet after frame {len(packets)} is cut"
                    " off or damaged"
                )
            packets.append((packet.pts, packet.is_keyframe))
    except _ffmpeg_error() as error:
        raise InputError(
            f"{path}: expected a whole file, reading failed after {len(packets)} frames:"
            f" {reason(error)}"
        ) from None
    check_whole(path, container.format.name, stream.frames, len(packets))
    if not packets:
        raise InputError(f"{path}: expected one frame or more, found none")
    stamps = sorted((pts, key) for pts, key in packets if pts is not None)
    pts = tuple(stamp for stamp, _ in stamps)
    keys = tuple(position for position, (_, key) in enumerate(stamps) if key)
    codec = stream.codec_context.name
    if len(pts) != len(packets) or len(set(pts)) != len(pts) or not keys:
        return None
    return None if codec in _HIDDEN_FRAME_CODECS else VideoIndex(pts, keys, stream.time_base)


def _probe_agrees(path: Path, index: VideoIndex) -> bool:
    """Whether the first frames decoded are the first packets by time.

    They are not where a stream begins in the middle of a group of pictures.
    """
    import av

    with opened(path) as container:
        found: list[int | None] = []
        try:
            for frame in container.decode(video_stream(container, path)):
                found.append(frame.pts)
                if len(found) == PROBE_FRAMES:
                    break
        except av.FFmpegError as error:
            raise InputError(
                f"{path}: expected a whole file, decoding failed after {len(found)} frames:"
                f" {reason(error)}"
            ) from None
    return tuple(found) == index.pts[:PROBE_FRAMES]


def _from_frames(path: Path) -> VideoIndex:
    """The index by decoding the whole file once."""
    pts: list[int | None] = []
    keys: list[int] = []
    with opened(path) as container:
        stream = video_stream(container, path)
        is_avi = container.format.name == "avi"
        time_base = stream.time_base
        try:
            for frame in container.decode(stream):
                if frame.key_frame:
                    keys.append(len(pts))
                pts.append(frame.pts)
        except _ffmpeg_error() as error:
            raise InputError(
                f"{path}: expected a whole file, decoding failed after {len(pts)} frames:"
                f" {reason(error)}"
            ) from None
    if not pts:
        raise InputError(f"{path}: expected one frame or more, found none that decodes")
    # An AVI knows no presentation times: frame k is shown in slot k of a constant rate.
    slots = _avi_slots(path) if is_avi else ()
    if len(slots) == len(pts):
        return VideoIndex(slots, (0,), time_base, counted=True)
    _check_increasing(path, pts, time_base)
    return VideoIndex(tuple(stamp for stamp in pts if stamp is not None), tuple(keys), time_base)


def _avi_slots(path: Path) -> tuple[int, ...]:
    with opened(path) as container:
        packets = container.demux(video_stream(container, path))
        return tuple(sorted({p.dts for p in packets if p.size and p.dts is not None}))


def _check_increasing(path: Path, pts: list[int | None], time_base: Fraction) -> None:
    last: int | None = None
    for number, stamp in enumerate(pts):
        if stamp is None:
            raise InputError(
                f"{path}: expected presentation times, frame {number} has none; put the stream into"
                " a container such as MP4 or Matroska"
            )
        if last is not None and stamp <= last:
            raise InputError(
                f"{path}: expected increasing presentation times, frame {number} has {stamp} after"
                f" {last} (unit {time_base} s)"
            )
        last = stamp


def check_whole(path: Path, format_name: str, announced: int, found: int) -> None:
    """Check that the container is as long as it says it is, where it says so exactly.

    Raises:
        InputError: With the frames found, and what is missing.
    """
    if "mp4" in format_name.split(",") and found < announced:
        raise InputError(
            f"{path}: expected {announced} frames by its index, found {found}: the file is cut off"
        )
    missing_bytes = _missing_bytes(path, format_name)
    if missing_bytes:
        raise InputError(
            f"{path}: expected {missing_bytes} more bytes by its header, the file is cut off after"
            f" {found} frames"
        )


def _missing_bytes(path: Path, format_name: str) -> int:
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(4096)
        file.seek(max(size_bytes - 16, 0))
        tail = file.read()
    if format_name == "gif":
        return 0 if b"\x3b" in tail.rstrip(b"\0")[-1:] else 1
    if format_name == "avi" and head[:4] == b"RIFF":
        return max(int.from_bytes(head[4:8], "little") + 8 - size_bytes, 0)
    if format_name.startswith("matroska"):
        return max(_matroska_end(head) - size_bytes, 0)
    return 0


def _matroska_end(head: bytes) -> int:
    """Where the Segment element ends by its own header; 0 where it does not say (live streams)."""
    header_size, position = _matroska_size(head, 4)
    position += header_size
    if head[:4] != b"\x1a\x45\xdf\xa3" or head[position : position + 4] != b"\x18\x53\x80\x67":
        return 0
    segment_size, start = _matroska_size(head, position + 4)
    return start + segment_size if segment_size else 0


def _matroska_size(head: bytes, position: int) -> tuple[int, int]:
    """Value of the variable-length integer at a position (0: unknown), and where it ends."""
    first = head[position] if position < len(head) else 0
    if first == 0:
        return 0, position
    length = 9 - first.bit_length()
    raw = int.from_bytes(head[position : position + length], "big")
    limit = 1 << (7 * length)
    value = raw & (limit - 1)
    return (0 if value == limit - 1 else value), position + length


def _ffmpeg_error() -> type[Exception]:
    import av

    return av.FFmpegError
