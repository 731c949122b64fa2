"""When an event happens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from ufvideo_sdk.results.not_found import missing_reason
from ufvideo_sdk.results.result import Result
from ufvideo_sdk.results.stop_reason import StopReason
from ufvideo_sdk.results.time_span import TimeSpan

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False, repr=False)
class LocateResult(Result, Sequence[TimeSpan]):
    """The spans of an event: a sequence of TimeSpan that says why it is empty if it is.

    `(span,) = session.locate(...)`, `len`, indexing and slices are those of the spans. It is equal
    to a list or a tuple of the same spans, and like a list it has no hash.

    Attributes:
        question: The event.
        text: What the model wrote.
        token_ids: The generated tokens.
        spans: One span in seconds of the source, or none.
        masks: None.
        stop_reason: Why it ended: END also where the event is absent.
        stats: Where the time went.
        clip: Where the event was looked for.
    """

    @property
    def event(self) -> str:
        """What was looked for."""
        return self.question

    @property
    def is_absent(self) -> bool:
        """Whether the model said that the event does not happen (`allow_absent`)."""
        return not self.spans and self.stop_reason is StopReason.END

    @property
    def caption(self) -> str:
        """What pictures say below the event: why there is no span; empty if there is one."""
        return "" if self.spans else missing_reason(self.stop_reason)

    def _shown_parts(self) -> list[str]:
        return [*map(str, self.spans)] or [missing_reason(self.stop_reason)]

    def to_pandas(self, table: str = "spans") -> pandas.DataFrame:
        """The spans as a table; see `Answer.to_pandas`."""
        return super().to_pandas(table)

    def __len__(self) -> int:
        """Number of spans."""
        return len(self.spans)

    @overload
    def __getitem__(self, position: int) -> TimeSpan: ...

    @overload
    def __getitem__(self, position: slice) -> tuple[TimeSpan, ...]: ...

    def __getitem__(self, position: int | slice) -> TimeSpan | tuple[TimeSpan, ...]:
        """One span, or a tuple of them for a slice."""
        return self.spans[position]

    def __iter__(self) -> Iterator[TimeSpan]:
        """The spans."""
        return iter(self.spans)

    def __eq__(self, other: object) -> bool:
        """Whether the spans are those of another result, a list or a tuple."""
        if not isinstance(other, (LocateResult, list, tuple)):
            return NotImplemented
        return self.spans == tuple(other)
