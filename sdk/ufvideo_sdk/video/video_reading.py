"""Decode frames of a video file, from the beginning or from a keyframe."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

from ufvideo_sdk.errors import CapacityError
from ufvideo_sdk.video.nal_units import StreamChangedError
from ufvideo_sdk.video.open_video import OpenVideo
from ufvideo_sdk.video.video_container import check_frame_size, ffmpeg_error, reason
from ufvideo_sdk.video.video_damage import DamagedFramesError
from ufvideo_sdk.video.video_index import VideoIndex

# Jumping costs a flush of the decoder: nearer keyframes are reached by decoding on.
_MIN_JUMP_FRAMES = 8


class Reading:
    """One pass through an open file; use it as a context manager.

    Every packet is given the position of its frame as its time stamp, which the decoder hands to
    the frame: times that are wrong, missing or equal do not matter.
    """

    def __init__(self, video: OpenVideo, index: VideoIndex, *, sees_damage: bool = False) -> None:
        """Read nothing yet.

        Args:
            video: The file, wherever it was read last.
            index: Its frames.
            sees_damage: Mark every frame that hides an error. FFmpeg misses some of them when it
                decodes several frames at once, which is faster.
        """
        self._video = video
        self._index = index
        self._sees_damage = sees_damage
        # Kept: the generators here may end when nothing can be imported any more.
        self._ffmpeg_error = ffmpeg_error()
        # Errors of the decoder so far, and what the last one said.
        self.num_errors = 0
        self.last_error = ""
        # Positions of the packets that it refused. With several threads some are told too late.
        self.refused: set[int] = set()
        # Whether decoding began with the first packet, and the position it has reached.
        self._is_from_start = False
        self._last = -1
        # Position of the last frame that came, and of the last damaged or missing one before it.
        self._seen = self._damaged = -1
        # Ordinals of the packets whose frames were damaged or missing, ascending.
        self._bad_ordinals: list[int] = []
        # Positions that the decoder was given, of which no frame came yet.
        self._given: set[int] = set()
        # Positions and frames that come next, in display order; None before the first.
        self._frames: Iterator[tuple[int, Any]] | None = None
        # Frames that are not wanted, and that no other frame refers to, are not decoded.
        self._skips = False
        self._wanted: frozenset[int] = frozenset()
        # Position whose packet is the last to decode before the next jump; None: decode on.
        self._until: int | None = None

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, *_: object) -> None:
        # The iterator refers to this object: the frames that it holds would live until the garbage
        # collector runs.
        self._frames = None

    def from_beginning(self) -> Iterator[tuple[int, Any]]:
        """Positions and frames from the first packet on, in display order.

        Raises:
            InputError: When the file cannot be opened again, or a frame is too large.
        """
        self._begin()
        return self._following()

    def read(self, positions: Sequence[int]) -> Iterator[Any]:
        """Yield the frames at these positions, which increase, and decode few others.

        Raises:
            DamagedFramesError: When one does not decode whole, wherever decoding begins.
            InputError: When the file cannot be read.
        """
        self._skips = self._video.may_skip and self._index.holds_frames and not self._sees_damage
        self._wanted = frozenset(positions)
        ends = self._run_ends(positions)
        for position, end in zip(positions, ends, strict=True):
            self._until = end if self._skips else None
            yield self.frame(position)

    def _run_ends(self, positions: Sequence[int]) -> list[int]:
        """For each position, the one whose packet is the last that is needed before a jump."""
        ends: list[int] = []
        first = 0
        for at, position in enumerate(positions):
            is_last = at + 1 == len(positions)
            if is_last or self._key_to_jump(positions[at + 1], position) is not None:
                run = positions[first : at + 1]
                ends += [max(run, key=self._index.ordinals.__getitem__)] * len(run)
                first = at + 1
        return ends

    def _key_to_jump(self, position: int, last: int) -> int | None:
        """The key to jump to on the way to a position; None if decoding goes on."""
        key = self._index.key_number(position)
        is_far = key >= 0 and self._index.keys[key] - last > _MIN_JUMP_FRAMES
        return key if is_far else None

    def frame(self, position: int) -> Any:
        """Decode the frame at a position, which must be after the one before.

        Raises:
            DamagedFramesError: When it does not decode whole, wherever decoding begins.
        """
        key = self._index.key_number(position)
        jump = self._key_to_jump(position, self._last)
        if jump is not None:
            self.jump(jump)
        elif self._frames is None:
            self._begin()
        step = 1
        while True:
            frame = self._whole_frame(position)
            if frame is not None:
                return frame
            if self._skips:
                # For streams whose headers are wrong.
                self._skips, self._until = False, None
                self._go_to(key)
                continue
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
            self._go_to(key)

    def _go_to(self, key: int) -> None:
        if key > 0:
            self.jump(key)
        else:
            self._begin()

    def _whole_frame(self, position: int) -> Any | None:
        """Decode on to a position; None if its frame is missing, damaged, or refers to damage."""
        for at, frame in self._following():
            self._given.discard(at)
            passed = {each for each in self._given if each < at}
            self._given -= passed
            bad = passed if self._seen >= 0 else set()
            if frame.is_corrupt:
                bad.add(at)
            if bad:
                self._damaged = at
                for each in bad:
                    insort(self._bad_ordinals, int(self._index.ordinals[each]))
            self._seen = at
            if at < position:
                continue
            if at > position or frame.is_corrupt or self._is_behind_damage(position):
                return None
            self._last = position
            return frame
        return None

    def _is_behind_damage(self, position: int) -> bool:
        """Whether a frame may refer to one that was damaged or missing since its key."""
        number = self._index.key_number(position)
        first = self._index.keys[number] if number >= 0 else 0
        if not self._sees_damage:
            # Errors may be hidden: whatever is shown behind one is decoded again.
            return self._damaged >= first
        # A frame refers only to those that are decoded before it, in whatever order they are shown.
        ordinals, bad = self._index.ordinals, self._bad_ordinals
        at = bisect_left(bad, int(ordinals[first])) if number >= 0 else 0
        return at < len(bad) and bad[at] < int(ordinals[position])

    def _following(self) -> Iterator[tuple[int, Any]]:
        return iter(()) if self._frames is None else self._frames

    def jump(self, key: int) -> Iterator[tuple[int, Any]]:
        """Go on from the `key`-th key of the index; from the beginning if no seek leads there.

        Returns:
            Positions and frames from there on, in display order.

        Raises:
            InputError: When the file cannot be opened again.
        """
        self._video.prepare(sees_damage=self._sees_damage)
        packets = self._packets_from_key(key)
        if packets is None:
            self._restart()
        else:
            self._set_off(packets, self._index.keys[key], is_from_start=False)
        return self._following()

    def _begin(self) -> None:
        """Go to the first packet, by a seek if that is a key which leads there."""
        self._video.prepare(sees_damage=self._sees_damage)
        index = self._index
        if not self._video.is_fresh and index.keys[:1] == (0,) and index.ordinals[0] == 0:
            packets = self._packets_from_key(0)
            if packets is not None:
                self._set_off(packets, 0, is_from_start=True)
                return
        self._restart()

    def _restart(self) -> None:
        self._video.rewind()
        self._video.prepare(sees_damage=self._sees_damage)
        self._set_off(self._packets(), 0, is_from_start=True)

    def _set_off(
        self, packets: Iterator[tuple[Any, Hashable]], first: int, *, is_from_start: bool
    ) -> None:
        self._is_from_start = is_from_start
        self._last = first - 1
        self._seen = self._damaged = -1
        self._bad_ordinals.clear()
        self._given.clear()
        self._frames = self._decoded(packets, first)

    def _packets_from_key(self, key: int) -> Iterator[tuple[Any, Hashable]] | None:
        """Packets from a key's own on; None if no seek leads to or before it."""
        index, step, target = self._index, 1, key
        position = index.keys[key]
        ordinal = index.ordinals[position]
        while target >= 0:
            try:
                self._video.seek(index.seek_stamps[target])
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
        """Packets with their identity; hidden ones, and the last, which is empty, have none."""
        number = 0
        try:
            for packet in self._video.packets():
                # A hidden packet may have the time of a shown one.
                is_listed = packet.size and not packet.is_discard
                yield packet, self._index.identity.of(packet, number) if is_listed else None
                number += bool(packet.size)
        except self._ffmpeg_error as error:
            # A read error ends the packets. Frames that are missing then are reported as damaged,
            # with this error.
            self.last_error = reason(error)

    def _decoded(
        self, packets: Iterator[tuple[Any, Hashable]], first: int
    ) -> Iterator[tuple[int, Any]]:
        """Positions and frames in display order, those before `first` and unlisted ones left out.

        Raises:
            InputError: When a frame is too large.
            CapacityError: When memory runs out.
        """
        for packet, identity in packets:
            position = self._index.position_of.get(identity, -1)
            if packet.size:
                if self._is_skipped(packet, position):
                    continue
                packet.pts = position
                if position >= first:
                    self._given.add(position)
            yield from self._frames_of(packet, first)
            if position == self._until and position >= first:
                yield from self._frames_of(None, first)
                return

    def _is_skipped(self, packet: Any, position: int) -> bool:
        units = self._video.units
        if not self._skips or units is None or position < 0 or position in self._wanted:
            return False
        try:
            return units.is_unreferenced(packet)
        except StreamChangedError:
            self._skips, self._until = False, None
            return False

    def _frames_of(self, packet: Any | None, first: int) -> Iterator[tuple[int, Any]]:
        """Frames that come out for a packet; for None, all that the decoder still holds."""
        for frame in self._decode(packet):
            # Frames before the keyframe may lack what they refer to.
            if frame.pts is not None and frame.pts >= first:
                check_frame_size(
                    self._video.path,
                    frame.height,
                    frame.width,
                    self._video.options.max_frame_pixels,
                )
                yield frame.pts, frame

    def _decode(self, packet: Any | None) -> list[Any]:
        path, options = self._video.path, self._video.options
        try:
            return self._video.stream.decode(packet)  # type: ignore[no-any-return]
        except MemoryError as error:
            raise CapacityError(
                f"{path}: expected memory to decode a frame: {reason(error)}"
            ) from None
        except self._ffmpeg_error as error:
            context = self._video.stream.codec_context
            check_frame_size(path, context.height, context.width, options.max_frame_pixels)
            self.num_errors += 1
            self.last_error = reason(error)
            if packet is not None and packet.size:
                self.refused.add(packet.pts)
            return []

    def _damage_text(self, position: int) -> str:
        what = f", FFmpeg says: {self.last_error}" if self.last_error else ""
        return (
            f"{self._video.path}: expected whole frames, the one at"
            f" {self._index.timestamps_s[position]:.3f} s (frame {position} of"
            f" {len(self._index)}) does not decode whole{what}"
        )


def _with_first(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest
