"""Sessions to and from files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import _native
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.session.session_file import SessionFile, write_session_file
from ufvideo_sdk.session.session_header import SessionFacts
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.frame_source import RecordedSource
from ufvideo_sdk.video.video_file import VideoFile


@dataclass(frozen=True)
class SavedFacts:
    """What a session file says of the session itself.

    Attributes:
        sampling: Which frames of the clip the model looked at, as `UFVideo.open` takes it.
        manifest_sha256: Digest of the package's manifest.
    """

    sampling: str
    manifest_sha256: str


class SavedSource:
    """Stands for a source whose pixels are not there: its facts alone."""

    def __init__(self, read: SessionFile) -> None:
        """Take over the facts of a checked file."""
        self.name = read.facts.source_name
        self.height = read.facts.height_px
        self.width = read.facts.width_px
        self.is_image = read.facts.is_image
        self.timestamps_s = read.timestamps_s
        self.files: tuple[Path, ...] = ()

    def frames(self, frame_idxs: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        """Yield nothing.

        Raises:
            InputError: Always.
        """
        raise InputError(
            f"expected the pixels of {len(frame_idxs)} frames of {self.name}, the session was"
            " loaded from a file without its video: load it with video="
        )


def save_session(
    path: Path,
    clip: Clip,
    saved: _native.SavedClip,
    session: SavedFacts,
    sources: Sequence[Path],
) -> None:
    """Write what a session has computed of its clip.

    Raises:
        InputError: When the path is one of the sources or no plain file, or when it or its folder
            cannot be written.
        CapacityError: When the disk is full.
    """
    facts = SessionFacts(
        manifest_sha256=session.manifest_sha256,
        source_name=clip.name[:4096],
        is_image=clip.is_image,
        sampling=session.sampling,
        height_px=clip.height,
        width_px=clip.width,
        num_source_frames=len(clip.source_timestamps_s),
        first_frame_idx=int(clip.frame_idxs[0]),
        num_frames=len(clip.frame_idxs),
        num_features=len(saved.features),
        num_video_tokens=len(saved.video_tokens),
        prefix_ids=tuple(saved.prefix_ids),
    )
    arrays = {
        "timestamps_s": np.ascontiguousarray(clip.source_timestamps_s, np.float64),
        "features": saved.features,
        "video_tokens": saved.video_tokens,
        "keys": saved.keys,
        "values": saved.values,
    }
    write_session_file(path, facts, arrays, sources)


def saved_clip(read: SessionFile, source: RecordedSource | None) -> Clip:
    """The clip of a saved session, with the pixels of a source where one is given.

    Raises:
        InputError: When the source differs from the saved one in kind, size, number of frames or
            their times.
    """
    facts = read.facts
    if source is None:
        source = SavedSource(read)
    elif _lists_more(source, read):
        # The session may have been saved after decoding showed damage that packets do not.
        source.look_closer()
    if len(source.timestamps_s) == facts.num_source_frames and not facts.is_image:
        first_idx = facts.first_frame_idx
        clip = Clip.of_frames(source, np.arange(first_idx, first_idx + facts.num_frames))
    else:
        clip = Clip(source)
    _check_same(read, clip)
    return clip


def _lists_more(source: RecordedSource, read: SessionFile) -> TypeGuard[VideoFile]:
    if not isinstance(source, VideoFile):
        return False
    has_more = len(source.timestamps_s) > len(read.timestamps_s)
    return has_more and bool(np.isin(read.timestamps_s, source.timestamps_s).all())


def _check_same(read: SessionFile, source: Clip) -> None:
    facts = read.facts
    for what, saved, given in (
        ("an image" if facts.is_image else "a video", facts.is_image, source.is_image),
        ("the number of frames", facts.num_source_frames, len(source.source_timestamps_s)),
        ("the height in px", facts.height_px, source.height),
        ("the width in px", facts.width_px, source.width),
    ):
        if saved != given:
            raise InputError(
                f"video: expected the one the session was saved of: {what} there {saved}, here"
                f" {given}"
            )
    times = source.source_timestamps_s
    if not np.array_equal(read.timestamps_s, times):
        idx = int(np.flatnonzero(read.timestamps_s != times)[0])
        raise InputError(
            f"video: expected the one the session was saved of: frame {idx} was at"
            f" {read.timestamps_s[idx]:.6f} s there, here it is at {times[idx]:.6f} s"
        )


def native_clip(read: SessionFile, sampled_idxs: NDArray[np.int64]) -> _native.SavedClip:
    """What the native session takes over.

    Args:
        read: A checked file.
        sampled_idxs: Source indices of the frames the model looks at, repeats included, int64 [T].
    """
    facts = read.facts
    return _native.SavedClip(
        is_image=facts.is_image,
        frame_idxs=sampled_idxs.tolist(),
        height_px=facts.height_px,
        width_px=facts.width_px,
        prefix_ids=list(facts.prefix_ids),
        **read.computed,
    )
