"""The text of an answer as its tokens come, up to the first stop string."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ufvideo_sdk import _native
from ufvideo_sdk.results.answer import TextEvent
from ufvideo_sdk.text.tokenizer import IncrementalDecoder, TextTokenizer

TextCallback = Callable[[TextEvent], "_native.StreamAction | None"]


class AnswerText:
    """Text of tokens as they come, ended by the stop string that is complete first.

    What may turn out to belong to a stop string is held back until that is known.

    Attributes:
        is_stopped: Whether a stop string came; further tokens add nothing.
    """

    def __init__(
        self, tokenizer: TextTokenizer, end_ids: Sequence[int], stop_strings: Sequence[str] = ()
    ) -> None:
        self._decoder = IncrementalDecoder(tokenizer)
        self._end_ids = end_ids
        self._stop_strings = stop_strings
        self.is_stopped = False
        self._given = ""
        self._held = ""
        # Where in the text each token begins; one inside a character begins with the character.
        self._begins: list[int] = []

    @property
    def text(self) -> str:
        """All that was handed out."""
        return self._given

    @property
    def num_tokens(self) -> int:
        """Tokens that the text is made of: those that begin before the stop string, if it came."""
        if not self.is_stopped:
            return len(self._begins)
        return sum(begin < len(self._given) for begin in self._begins)

    def push(self, token_id: int) -> str:
        """Take a token; return the characters that are now known to belong to the answer."""
        if self.is_stopped:
            return ""
        self._begins.append(len(self._given) + len(self._held))
        if token_id in self._end_ids:
            return self.flush()
        return self._take(self._decoder.push(token_id))

    def flush(self) -> str:
        """What is left at the end of the answer."""
        if self.is_stopped:
            return ""
        known = self._take(self._decoder.flush())
        return known if self.is_stopped else known + self._hand_out(len(self._held))

    def _take(self, piece: str) -> str:
        self._held += piece
        found = self._first_stop()
        if found is not None:
            self.is_stopped = True
            return self._hand_out(found)
        return self._hand_out(len(self._held) - self._num_open())

    def _hand_out(self, num_chars: int) -> str:
        known, self._held = self._held[:num_chars], self._held[num_chars:]
        self._given += known
        return known

    def _first_stop(self) -> int | None:
        """Where the stop string begins that is complete first; of several ones the longest.

        So it does not depend on where one token ends and the next begins.
        """
        found = [(self._held.find(stop), stop) for stop in self._stop_strings]
        places = [(begin + len(stop), begin) for begin, stop in found if begin >= 0]
        return min(places)[1] if places else None

    def _num_open(self) -> int:
        """Characters at the end of what is held that may be the beginning of a stop string."""
        longest = max((len(stop) for stop in self._stop_strings), default=1) - 1
        for length in range(min(longest, len(self._held)), 0, -1):
            if any(stop.startswith(self._held[-length:]) for stop in self._stop_strings):
                return length
        return 0


def token_callback(
    text: AnswerText, on_text: TextCallback | None
) -> Callable[[int], _native.StreamAction | None]:
    """What is called with each token: hands its text on, and stops at a stop string."""

    def on_token(token_id: int) -> _native.StreamAction | None:
        event = TextEvent(text.push(token_id), token_id)
        action = None if on_text is None else on_text(event)
        goes_on = action is None or action is _native.StreamAction.CONTINUE
        return _native.StreamAction.STOP if goes_on and text.is_stopped else action

    return on_token
