"""What any thread may do with a session, whoever is inside it."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TypeVar

from ufvideo_sdk import _native
from ufvideo_sdk.results.answer import StageStats
from ufvideo_sdk.results.from_native import stage_stats
from ufvideo_sdk.session.call_gate import CallGate

Self = TypeVar("Self", bound="SessionEntry")


class SessionEntry:
    """The part of `Session` that asks nothing."""

    def __init__(self, native: _native.Session) -> None:
        """Begin with nothing under way."""
        self._gate = CallGate(native)

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def stats(self) -> Mapping[str, StageStats]:
        """Calls and wall time of every stage since the session was opened, from any thread.

        As of the last frame, piece of a prompt or token of a call under way, which is not delayed.
        """
        return stage_stats(self._gate.native().timings())

    def cancel(self) -> None:
        """End the call or the stream under way early, from any thread, as its `cancel` does.

        With nothing under way, nothing happens. To end one certain call, begun or not, give it a
        `CancellationToken`.
        """
        self._gate.cancel()

    def reset(self) -> None:
        """Forget the conversation, region frames, an open stream and a failure.

        The clip's own sampled frames stay encoded.
        """
        self._gate.reset()

    def held_bytes(self) -> int:
        """Bytes held by features of the clip and of region frames, mask cache and KV cache.

        From any thread, as `stats`.
        """
        return self._gate.native().held_bytes()

    def close(self) -> None:
        """Free everything but the model. Further calls raise StateError; closing again is fine."""
        self._gate.close()
