"""Sizes of the model that is measured, and of the work."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields

_WORK = (
    "num_prompt_tokens",
    "num_decode_tokens",
    "num_question_tokens",
    "num_answer_tokens",
    "num_first_questions",
    "num_questions",
    "num_peak_tokens",
    "num_cancels",
    "num_piece_positions",
)


@dataclass(frozen=True)
class PeerSizes:
    """A Qwen2 decoder with random weights behind a tiny vision encoder.

    Attributes:
        num_frames: Frames of a clip; two of them give a quarter of their patches as video tokens.
        patches_per_side: Of a frame.
        num_prompt_tokens: Prefilled in a round of the speed section.
        num_decode_tokens: Decoded behind them.
        num_question_tokens: Length of a question about the clip.
        num_answer_tokens: Decoded for each question about the clip.
        num_first_questions: Asked of nano before its memory is looked at: the allocators' pools
            still grow meanwhile.
        num_questions: Asked of nano in all.
        num_peak_tokens: Length of the answer whose memory is measured.
        num_cancels: Answers cancelled.
        num_piece_positions: Length of the prompt that is prefilled in pieces.
    """

    hidden_size: int = 896
    intermediate_size: int = 4864
    num_layers: int = 24
    num_attention_heads: int = 14
    num_key_value_heads: int = 2
    vocab_size: int = 151748
    num_frames: int = 16
    patches_per_side: int = 16
    num_prompt_tokens: int = 700
    num_decode_tokens: int = 64
    num_question_tokens: int = 32
    num_answer_tokens: int = 32
    num_first_questions: int = 100
    num_questions: int = 2000
    num_peak_tokens: int = 256
    num_cancels: int = 60
    num_piece_positions: int = 2048

    @property
    def num_video_tokens(self) -> int:
        """Video tokens of a clip."""
        return self.num_frames // 2 * (self.patches_per_side // 2) ** 2

    def to_json(self) -> str:
        """As an object on one line."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> PeerSizes:
        """Read what `to_json` wrote."""
        return PeerSizes(**json.loads(text))

    def weights_key(self) -> dict[str, int]:
        """The sizes that decide the weights."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _WORK}


# The shape of Qwen2-0.5B, its head apart from its embedding table.
HALF_BILLION = PeerSizes()
QUICK = PeerSizes(
    hidden_size=64,
    intermediate_size=128,
    num_layers=2,
    num_attention_heads=4,
    vocab_size=1024,
    num_frames=4,
    patches_per_side=4,
    num_prompt_tokens=40,
    num_decode_tokens=6,
    num_answer_tokens=6,
    num_first_questions=4,
    num_questions=12,
    num_peak_tokens=6,
    num_cancels=6,
    num_piece_positions=300,
)
