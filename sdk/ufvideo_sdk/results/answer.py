"""What comes out of a question, and where the time went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ufvideo_sdk.results.result import Result
from ufvideo_sdk.validation.short_text import counted, quoted


@dataclass(frozen=True)
class StageStats:
    """Calls and wall time of one stage.

    Attributes:
        num_calls: How often the stage ran.
        num_items: Frames, tokens, or objects times frames that went through it.
        total_ms: Wall time of all calls.
    """

    num_calls: int
    num_items: int
    total_ms: float


@dataclass(frozen=True)
class StageProviders:
    """The execution providers of one stage.

    Attributes:
        used: Those its graph runs on, in order: each node on the first one that can run it.
        left_out: Those asked for that could not start (`RuntimeConfig.allow_fallback`) or do not
            take this stage, and why.
        num_nodes: Nodes of the graph that each of them has got; empty where it is the CPU alone, or
            ONNX Runtime did not say. Of TensorRT an engine is one node.
    """

    used: tuple[str, ...]
    left_out: Mapping[str, str]
    num_nodes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class AnswerStats:
    """Where the time of one answer went.

    Attributes:
        stages: By stage stem, in pipeline order.
        num_prefill_tokens: Prompt positions computed for this answer.
        num_reused_tokens: Prompt positions that the session already held.
        num_generated_tokens: Tokens that were generated, the end token included; more than the
            answer's `token_ids` if a stop string cut it off.
        time_to_first_token_ms: Prefill, region frames included, and the first token.
        decode_ms: The tokens after the first. What a caller does between two tokens of a stream, or
            in a callback, does not count.
        providers: What each stage of the package runs on, by stem, in pipeline order.
        token_ms: Time inside the step of each generated token: first `time_to_first_token_ms`, then
            the parts of `decode_ms`. 0 for the later tokens of a choice, which take no step.
    """

    stages: Mapping[str, StageStats]
    num_prefill_tokens: int
    num_reused_tokens: int
    num_generated_tokens: int
    time_to_first_token_ms: float
    decode_ms: float
    providers: Mapping[str, StageProviders] = field(default_factory=dict)
    token_ms: tuple[float, ...] = ()

    @property
    def tokens_per_s(self) -> float | None:
        """Decoding speed after the first token; None for an answer of fewer than two tokens."""
        if self.num_generated_tokens < 2 or self.decode_ms <= 0:
            return None
        return (self.num_generated_tokens - 1) / (self.decode_ms / 1000)

    def __repr__(self) -> str:
        """One line; the stages are in `stages`."""
        speed = "" if self.tokens_per_s is None else f", {self.tokens_per_s:.1f} tokens/s"
        first = f"first after {self.time_to_first_token_ms:.0f} ms{speed}"
        return (
            f"AnswerStats({counted(self.num_generated_tokens, 'token')}, {first},"
            f" {counted(len(self.stages), 'stage')})"
        )


@dataclass(frozen=True)
class TextEvent:
    """A piece of an answer as it comes.

    Attributes:
        text: The new characters; empty while a character is not complete yet.
        token_id: The token that brought them.
    """

    text: str
    token_id: int


@dataclass(frozen=True, eq=False, repr=False)
class Answer(Result):
    """An answer with everything it refers to.

    Attributes:
        question: The question as it was asked.
        text: The whole answer, special tokens included.
        token_ids: The generated tokens; of an answer that a stop string ended, those that begin
            before it.
        spans: Times the answer names, in seconds of the source, in the order of the text.
        masks: One track for each [SEG] of the answer, in the order of the text.
        stop_reason: Why the answer ended.
        stats: Where the time went.
        clip: What the question was asked about.
        choice: Which of the choices it is, as the caller wrote it (`text` has the letter case that
            the model finds likeliest); None where none were given, or it was cut short.
        choice_probabilities: Probability of each choice, given that the answer is one of them:
            they sum to 1. None where none were given, or it was cancelled before all were scored.
    """

    choice: str | None = None
    choice_probabilities: Mapping[str, float] | None = None

    def _shown_parts(self) -> list[str]:
        return [quoted(self.text), *super()._shown_parts()]
