"""What is measured: a name, a unit, and what it means, for every figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

STEMS = (
    "vision_encoder",
    "aligner",
    "region_encoder",
    "token_embedder",
    "language_model",
    "mask_encoder",
    "mask_decoder",
)
# Of packages that can track.
TRACK_STEMS = ("memory_encoder", "memory_attention", "track_decoder")
LOAD_PHASES = ("manifest", "libraries", "engines", "package", *STEMS, *TRACK_STEMS, "text")
MEMORY_KINDS = (
    "kv_cache",
    "clip_features",
    "region_cache",
    "mask_cache",
    "pixel_cache",
    "track_memory",
)
ENERGY = "energy_j"
ENERGY_ABOVE_IDLE = "energy_above_idle_j"


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        name: As in the JSON; the unit is its end.
        unit: "ms", "tokens/s", "frames/s", "bytes" or "J".
        what: What is measured, from where to where.
        higher_is_better: For rates.
        is_compared: Whether `--compare` judges it. Parts of a figure that is judged, and rates that
            say the same as a time, are not: each figure more makes it harder to see a change.
    """

    name: str
    unit: str
    what: str
    higher_is_better: bool = False
    is_compared: bool = True


def _ms(name: str, what: str, is_compared: bool = True) -> Figure:
    return Figure(name, "ms", what, is_compared=is_compared)


def _rate(name: str, unit: str, what: str) -> Figure:
    return Figure(name, unit, what, higher_is_better=True, is_compared=False)


def _load_figures() -> list[Figure]:
    cold = "first load of a fresh process, after the system was asked to drop the package's files"
    figures = [
        _ms("start_ms", "starting Python and importing the SDK, in a fresh process"),
        _ms("load_cold_ms", f"`UFVideo.load`: {cold}"),
        _ms("load_warm_ms", "`UFVideo.load` again, in the same process"),
    ]
    for phase in LOAD_PHASES:
        figures.append(_ms(f"load_cold_{phase}_ms", f"part of load_cold_ms: {phase}", False))
    for phase in LOAD_PHASES:
        figures.append(_ms(f"load_warm_{phase}_ms", f"part of load_warm_ms: {phase}", False))
    return figures


_CLIP = [
    _ms("source_open_ms", "opening the source and listing its frames"),
    _ms("frame_reading_ms", "reading and decoding a frame of the source, up to RGB"),
    _ms("frame_wait_ms", "waiting for the frames of a clip: reading less what goes on beside it"),
    _ms("resize_ms", "resizing a frame to the size of an encoder"),
    _ms("vision_encoder_ms", "SigLIP, a frame"),
    _ms("aligner_ms", "video tokens of a clip"),
    _ms("open_ms", "`UFVideo.open` as a whole: listing, reading, encoding"),
]
_QUESTIONS = [
    _ms("ttft_ms", "time to first token: first question about an open clip"),
    _ms("ttft_second_ms", "time to first token: another question about the same clip"),
    _ms("open_to_first_token_ms", "open_ms and ttft_ms together: from the file to the first token"),
    _ms(
        "tpot_ms",
        "time per output token: mean of 64 tokens behind the first, whatever the model would say",
    ),
    _ms("e2el_decode_ms", "end-to-end latency: `Session.ask` for 64 tokens", False),
    Figure("itl_ms", "ms", "inter-token latency: each token behind the first", is_compared=False),
    _ms("e2el_ms", "end-to-end latency: the first `Session.ask`, from call to answer"),
    _ms("e2el_second_ms", "end-to-end latency: the second `Session.ask`"),
    _rate("prefill_tokens_per_s", "tokens/s", "prompt positions of the first question / ttft_ms"),
    _rate("decode_tokens_per_s", "tokens/s", "one token / tpot_ms"),
    _ms("token_embedder_ms", "token embedder, all of the first question"),
    _ms("language_model_ms", "language model, all of the first question: prefill and decoding"),
    _ms("region_encoder_ms", "region encoder, an object pointed at"),
    _ms("e2el_region_ms", "end-to-end latency: `Session.ask` about a region"),
    _ms("ask_many_ms", "`Session.ask_many`: a batch of questions, from call to answers"),
    _rate("ask_many_tokens_per_s", "tokens/s", "tokens of all answers of the batch / ask_many_ms"),
    _ms("ask_each_ms", "the same questions one by one: `Session.ask` for each", False),
    _ms("cancel_ms", "from a cancel while tokens are decoded to the end of the call", False),
]
_TASKS = [
    _ms("locate_ms", "`Session.locate`, from call to span"),
    _ms("segment_ms", "`Session.segment` on a few frames, from call to masks"),
    _ms("mask_encoder_ms", "SAM 2's encoder, a frame"),
    _ms("mask_decoder_ms", "SAM 2's decoder, an object on a frame"),
    _ms("mask_resize_ms", "a mask to the size of the source"),
    _rate("masked_frames_per_s", "frames/s", "frames / segment_ms"),
    _ms("push_ms", "`Stream.push`, a frame: encoding it, and half of its pair"),
    _ms("stream_ms", "a streaming session: a window filled from the source, four questions", False),
    _ms("stream_ttft_ms", "time to first token: another question about a window that stayed"),
    _ms("stream_ttft_pair_ms", "the same, behind a new pair of frames", False),
    _ms("stream_ttft_drop_ms", "the same, if the window has dropped its oldest pairs", False),
    _ms("track_ms", "`Session.track` on some frames, from call to tracks"),
    _ms("memory_attention_ms", "SAM 2's memory attention, an object on a frame", False),
    _ms("track_decoder_ms", "SAM 2's decoder without a prompt, an object on a frame", False),
    _ms("memory_encoder_ms", "SAM 2's memory encoder, an object on a frame", False),
    _rate("tracked_frames_per_s", "frames/s", "frames / track_ms"),
    _ms("first_round_ms", "all of the above once, the first time in a fresh process"),
    _ms("round_ms", "all of the above once, every time after the first"),
]
_MEMORY = [
    Figure("peak_memory_bytes", "bytes", "most memory of the process and its children"),
    Figure(
        "resident_memory_bytes", "bytes", "memory of the process after a round", is_compared=False
    ),
    Figure(
        "memory_growth_bytes",
        "bytes",
        "memory after the last round less that after the first that counts",
        is_compared=False,
    ),
    *(
        Figure(
            f"peak_{kind}_bytes",
            "bytes",
            f"most of it that the sessions held at once, as the memory budget counts: {kind}",
            is_compared=False,
        )
        for kind in MEMORY_KINDS
    ),
    Figure("peak_sessions_bytes", "bytes", "most that the sessions held at once, of all kinds"),
    Figure("peak_device_memory_bytes", "bytes", "most device memory beyond what was used before"),
]
FIGURES: tuple[Figure, ...] = (*_load_figures(), *_CLIP, *_QUESTIONS, *_TASKS, *_MEMORY)
_BY_NAME = {figure.name: figure for figure in FIGURES}


def energy_figures(rails: Sequence[str]) -> list[Figure]:
    """Two figures for each rail that is measured: all of a round, and what is above idling."""
    return [
        figure
        for rail in rails
        for figure in (
            Figure(f"{ENERGY}.{rail}", "J", f"energy of a round on the rail {rail}"),
            Figure(
                f"{ENERGY_ABOVE_IDLE}.{rail}",
                "J",
                f"the same less what {rail} takes while the machine idles",
                is_compared=False,
            ),
        )
    ]


def figure_of(name: str) -> Figure:
    """The figure of that name; energies are named after rails, which machines choose.

    Raises:
        KeyError: When there is none.
    """
    base, _, rail = name.partition(".")
    if rail and base in (ENERGY, ENERGY_ABOVE_IDLE):
        gross, net = energy_figures([rail])
        return gross if base == ENERGY else net
    return _BY_NAME[name]


def listed() -> list[Figure]:
    """Every figure, the energies with RAIL for a rail's name."""
    return [*FIGURES, *energy_figures(["RAIL"])]
