"""Sizes of the model that is measured, and of the work."""

from __future__ import annotations

from dataclasses import dataclass, fields

_WORK = ("num_prompt_tokens", "num_decode_tokens", "num_chunked_positions")


@dataclass(frozen=True)
class PeerSizes:
    """A Qwen2 decoder with random weights behind a tiny vision encoder.

    Attributes:
        num_frames: Frames of a clip; two of them give a quarter of their patches as video tokens.
        patches_per_side: Of a frame.
        num_prompt_tokens: Prefilled in a round of the speed section.
        num_decode_tokens: Decoded behind them.
        num_chunked_positions: Length of the prompt that is prefilled in chunks.
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
    num_chunked_positions: int = 2048

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
    num_chunked_positions=300,
)
