"""Decode frames of a video file, from the beginning or from a keyframe."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any

from ufvideo_sdk.cancellation import check_cancelled
from ufvideo_sdk.errors import CapacityError
from ufvideo_sdk.video.video_container import (
    SourceOptions,
    check_frame_size,
    ffmpeg_error,
    opened,
    reason,
    video_stream,
)
from ufvideo_sdk.video.video_damage import DamagedFramesError
from ufvideo_sdk.video.video_index import VideoIndex

# Jumping costs a flush of the decoder: nearer keyframes are reached by decoding on.
_MIN_JUMP_FRAMES = 8


class Reading:
    """One pass through a file, which it holds open; use it as a context manager.

    Every packet is given the position of its frame as its time stamp, which the decoder hands to
    the frame: times that are wrong, missing or equal do not matter.
    """

    def __init__(
        self, path: Path, options: SourceOptions, index: VideoIndex, *, sees_damage: bool = False
    ) -> None:
        """Open the file at its beginning.

        Args:
            path: The file.
            options: Stream and limits.
            index: Its frames.
            sees_damage: Mark every frame that hides an error. FFmpeg misses some of them when it
                decodes several frames at once, which is faster.

        Raises:
            InputError: When it cannot be opened.
        """
        self._path = path
        self._options = options
        self._index = index
        self._sees_damage = sees_damage
        # Kept: the generators here may end when nothing can be imported any more.
        self._ffmpeg_error = ffmpeg_error()
        # Errors of the decoder so far, and what the last one said.
        self.num_errors = 0
        self.last_error = ""
        self._container: Any = None
        self._stream: Any = None
        # Whether decoding began with the first packet, and the position it has reached.
        self._is_from_start = True
        self._last = -1
        # Position of the last frame that came, and of the last damaged or missing one before it.
        self._seen = self._damaged = -1
        # Positions and frames that come next, in display order.
        self.frames: Iterator[tuple[int, Any]] = iter(())
        self._restart()

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, *_: object) -> None:
        # The iterator refers to this object: decoder and threads would live until the garbage
        # collector runs.
        self.frames = iter(())
        self._stream = None
        self._container.close()

    @property
    def stream(self) -> Any:
        """PyAV's stream."""
        return self._stream

    def frame(self, position: int) -> Any:
        """Decode the frame at a position, which must be after the one before.

        Raises:
            DamagedFramesError: When it does not decode whole, wherever decoding begins.
        """
        key = self._index.key_number(position)
        if key >= 0 and self._index.keys[key] - self._last > _MIN_JUMP_FRAMES:
            self.jump(key)
        step = 1
        while True:
            frame = self._whole_frame(position)
            if frame is not None:
                return frame
            if self._is_from_start:
                if self._sees_damage:
                    raise DamagedFramesError(self._damage_text(position))
                # Threads that decode ahead lose whole frames beside a damaged one.
                self._sees_damage = True
                self._restart()
                key, step = self._index.key_number(position) + 1, 1
            # A key after which decoding holds only later, as in an intra-refresh recording.
            key -= step
            step *= 2
            if key > 0:
                self.jump(key)
            else:
                self._restart()

    def _whole_frame(self, position: int) -> Any | None:
        """Decode on to a position; None if its frame is missing, damaged, or refers to damage."""
        for at, frame in self.frames:
            is_missing_one = self._seen >= 0 and at > self._seen + 1
            self._seen = at
            if frame.is_corrupt or is_missing_one:
                self._damaged = at
            if at < position:
                continue
            key = self._index.key_number(position)
            is_behind_damage = self._damaged >= (self._index.keys[key] if key >= 0 else 0)
            if at > position or frame.is_corrupt or is_behind_damage:
                return None
            self._last = position
            return frame
        return None

    def jump(self, key: int) -> None:
        """Go on from the `key`-th key of the index; from the beginning where no seek leads there.

        Raises:
            InputError: When the file cannot be opened again.
        """
        packets = self._packets_from_key(key)
        if packets is None:
            self._restart()
            return
        self._is_from_start = False
        self._last = self._index.keys[key] - 1
        self._seen = self._damaged = -1
        self.frames = self._decoded(packets, self._index.keys[key])

    def _restart(self) -> None:
        if self._container is not None:
            self._container.close()
        self._container = opened(self._path, self._options.max_frame_pixels)
        self._stream = video_stream(self._container, self._path, self._options)
        if self._sees_damage:
            # Threads of slices look for no errors at all.
            self._stream.thread_count = 1
        else:
            self._stream.thread_type = "AUTO"
        self._is_from_start = True
        self._last = self._seen = self._damaged = -1
        self.frames = self._decoded(self._packets(), 0)

    def _packets_from_key(self, key: int) -> Iterator[tuple[Any, Hashable]] | None:
        """Packets from a key's own on; None where no seek leads to or before it."""
        index, step, target = self._index, 1, key
        position = index.keys[key]
        ordinal = index.ordinals[position]
        while target >= 0:
            try:
                self._container.seek(index.seek_stamps[target], stream=self._stream, backward=True)
            except self._ffmpeg_error:
                return None
            packets = self._packets()
            for packet, identity in packets:
                at = index.position_of.get(identity)
                if at == position:
                    return _with_first((packet, identity), packets)
                if at is not None and index.ordinals[at] > ordinal:
                    break  # it landed too late
            target, step = target - step, step * 2
        return None

    def _packets(self) -> Iterator[tuple[Any, Hashable]]:
        """Packets with their identity; the last one, which flushes the decoder, has none."""
        number = 0
        try:
            for packet in self._container.demux(self._stream):
                check_cancelled()
                if not packet.size:
                    yield packet, None
                    continue
                yield packet, self._index.identity.of(packet, number)
                number += 1
        except self._ffmpeg_error as error:
            # The index says already that the file ends here.
            self.last_error = reason(error)

    def _decoded(
        self, packets: Iterator[tuple[Any, Hashable]], first: int
    ) -> Iterator[tuple[int, Any]]:
        """Positions and frames in display order, those before `first` and unlisted ones left out.

        Raises:
            InputError: When a frame is too large.
            CapacityError: When memory runs out.
        """
        position_of = self._index.position_of
        for packet, identity in packets:
            if packet.size:
                packet.pts = position_of.get(identity, -1)
            for frame in self._decode(packet):
                # Frames before the keyframe may lack what they refer to.
                if frame.pts is not None and frame.pts >= first:
                    check_frame_size(
                        self._path, frame.height, frame.width, self._options.max_frame_pixels
                    )
                    yield frame.pts, frame

    def _decode(self, packet: Any) -> list[Any]:
        try:
            return packet.decode()  # type: ignore[no-any-return]
        except MemoryError as error:
            raise CapacityError(
                f"{self._path}: expected memory to decode a frame: {reason(error)}"
            ) from None
        except self._ffmpeg_error as error:
            context = self._stream.codec_context
            check_frame_size(
                self._path, context.height, context.width, self._options.max_frame_pixels
            )
            self.num_errors += 1
            self.last_error = reason(error)
            return []

    def _damage_text(self, position: int) -> str:
        what = f", FFmpeg says: {self.last_error}" if self.last_error else ""
        return (
            f"{self._path}: expected whole frames, the one at"
            f" {self._index.timestamps_s[position]:.3f} s (frame {position} of"
            f" {len(self._index)}) does not decode whole{what}"
        )


def _with_first(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest
