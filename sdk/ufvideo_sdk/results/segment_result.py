"""Which pixels an object is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from ufvideo_sdk.results.masks import MaskTrack
from ufvideo_sdk.results.not_found import missing_reason
from ufvideo_sdk.results.result import Result
from ufvideo_sdk.results.stop_reason import StopReason


@dataclass(frozen=True, eq=False, repr=False)
class SegmentResult(Result, Sequence[MaskTrack]):
    """The tracks of an object: a sequence of MaskTrack that says why it is empty if it is.

    `(track,) = session.segment(...)`, `len`, indexing and slices are those of the tracks. It is
    equal to a list or a tuple of the same tracks, and like a list it has no hash.

    Attributes:
        question: The expression.
        text: What the model wrote; empty where it was given its answer (without `allow_absent`).
        token_ids: The generated tokens; none where it was given its answer.
        spans: None.
        masks: One track, or none.
        stop_reason: Why it ended: END also where the object is absent, CANCELLED where frames are
            missing.
        stats: Where the time went, the masks' included.
        clip: What was segmented.
        is_absent: Whether the model said that the object is not there (`allow_absent`). A track
            whose masks have no pixel (`MaskTrack.is_empty`) is another thing: there the model was
            not asked, or said that it is.
    """

    is_absent: bool = False

    @property
    def expression(self) -> str:
        """What was segmented."""
        return self.question

    @property
    def caption(self) -> str:
        """What pictures say below the expression: why there is no track, or not all of it."""
        is_whole = self.stop_reason is StopReason.END and not self.is_absent
        return "" if is_whole else missing_reason(self.stop_reason)

    def object_name(self, idx: int) -> str:
        """Return the expression, which is the name of every object."""
        return self.expression

    def _shown_parts(self) -> list[str]:
        if not self.masks:
            return [self.caption or "no frame"]
        empty = ["empty"] if all(track.is_empty for track in self.masks) else []
        return [*empty, *super()._shown_parts()]

    def __len__(self) -> int:
        """Number of tracks."""
        return len(self.masks)

    @overload
    def __getitem__(self, position: int) -> MaskTrack: ...

    @overload
    def __getitem__(self, position: slice) -> tuple[MaskTrack, ...]: ...

    def __getitem__(self, position: int | slice) -> MaskTrack | tuple[MaskTrack, ...]:
        """One track, or a tuple of them for a slice."""
        return self.masks[position]

    def __iter__(self) -> Iterator[MaskTrack]:
        """The tracks."""
        return iter(self.masks)

    def __eq__(self, other: object) -> bool:
        """Whether the tracks are those of another result, a list or a tuple."""
        if not isinstance(other, (SegmentResult, list, tuple)):
            return NotImplemented
        return self.masks == tuple(other)
