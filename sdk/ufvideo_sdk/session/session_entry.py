"""What any thread may do with a session, whoever is inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TypeVar

from ufvideo_sdk import _native
from ufvideo_sdk.results.answer import StageStats
from ufvideo_sdk.results.from_native import Timing, stage_stats
from ufvideo_sdk.session.call_gate import CallGate
from ufvideo_sdk.video.clip import Clip

Self = TypeVar("Self", bound="SessionEntry")


class SessionEntry:
    """Methods of `Session` that ask no question: statistics, memory, cancel, reset, close."""

    def __init__(self, native: _native.Session, pixels: _native.PixelCache, clip: Clip) -> None:
        """Begin with nothing under way.

        Args:
            native: The session.
            pixels: Frames that the clip keeps for as long as the session is open.
            clip: What the session is about.
        """
        self._gate = CallGate(native)
        self._pixels: _native.PixelCache | None = pixels
        self._clip = clip

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
        Behind the stages stand steps that are none: `resize` and `mask_resize`; `source_open`, the
        listing of the source's frames; `frame_reading`, reading and decoding them, which a thread
        does ahead where it can; and `frame_wait`, how long the session waited for them.
        """
        native = self._gate.native().timings()
        return stage_stats(native, *self._more_timings(), self._clip.clock.timings())

    def _more_timings(self) -> Sequence[Mapping[str, Timing]]:
        """Times of stages that the native session knows nothing of."""
        return ()

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

    def memory_bytes(self) -> int:
        """Bytes held by features of the clip and of region frames, masks, pixels and KV cache.

        From any thread, as `stats`. `UFVideo.memory_use` tells what all sessions hold together.
        """
        native, pixels = self._gate.native(), self._pixels
        return native.memory_bytes() + (0 if pixels is None else pixels.num_bytes)

    def close(self) -> None:
        """Free everything but the model, the pixels kept of the clip too.

        Further calls raise StateError; closing again is fine.
        """
        self._gate.close()
        self._pixels = None
