"""One round of everything that is measured about a clip."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ufvideo_sdk import (
    Answer,
    CancellationToken,
    GenerationConfig,
    InputError,
    Region,
    Session,
    StopReason,
    TextEvent,
    UFVideo,
)
from ufvideo_sdk.bench.figures import TRACK_STEMS
from ufvideo_sdk.bench.measured_round import Round, digest, since
from ufvideo_sdk.bench.stream_workload import measure_stream


@dataclass(frozen=True)
class Workload:
    """What is asked in a round.

    Attributes:
        first_question: Asked first about a new clip.
        second_question: Asked next.
        region_question: With one `<region>`, a box in the middle of a frame.
        event: What is located.
        expression: What is segmented and tracked.
        batch: Asked at once.
        num_mask_frames: Frames to segment, at most.
        num_track_frames: Frames to track on, at most.
        max_new_tokens: Longest answer.
        num_decode_tokens: Tokens of the answer that times decoding; it does not end before.

    Raises:
        InputError: When a number is below 1, or a text is missing.
    """

    first_question: str = "What does the orange circle do?"
    second_question: str = "What does the purple triangle do?"
    region_question: str = "Please describe the object [<region>]."
    event: str = "the purple triangle moves up"
    expression: str = "purple triangle"
    batch: tuple[str, ...] = (
        "What does the orange circle do?",
        "What does the purple triangle do?",
        "What does the ring do?",
        "How many objects are there?",
    )
    num_mask_frames: int = 4
    num_track_frames: int = 8
    max_new_tokens: int = 32
    num_decode_tokens: int = 64

    def __post_init__(self) -> None:
        """Check what needs no model."""
        for name in (
            "num_mask_frames",
            "num_track_frames",
            "max_new_tokens",
            "num_decode_tokens",
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InputError(f"{name}: expected 1 or more, got {value!r}")
        if not self.batch:
            raise InputError("batch: expected one question or more, got none")


def run_round(model: UFVideo, source: Any, workload: Workload) -> Round:
    """Open the source anew, ask everything of it, and close it.

    Raises:
        UFVideoError: As `UFVideo.open` and the session's methods.
    """
    measured = Round(begin_s=time.monotonic())
    began = time.perf_counter()
    with model.open(source) as session:
        _add_opening(measured, session, since(began))
        config = GenerationConfig(max_new_tokens=workload.max_new_tokens)
        _ask_in_turn(measured, session, workload, config)
        _decode(measured, session, workload)
        _ask_about_region(measured, session, workload, config)
        _ask_many(measured, session, workload, config)
        _ask_each(measured, session, workload, config)
        _cancel(measured, session, workload)
        _locate(measured, session, workload)
        if "segment" in model.manifest.capabilities:
            _segment(measured, session, workload)
        if not session.clip.is_image:
            if "track" in model.manifest.capabilities:
                _track(measured, session, workload)
            measure_stream(measured, model, session, workload)
    measured.add("round_ms", since(began))
    measured.end_s = time.monotonic()
    return measured


def _add_opening(measured: Round, session: Session, open_ms: float) -> None:
    stats = session.stats
    measured.add("open_ms", open_ms)
    for step in ("source_open", "frame_wait", "aligner"):
        measured.add(f"{step}_ms", stats[step].total_ms)
    for step in ("frame_reading", "resize", "vision_encoder"):
        measured.add(f"{step}_ms", stats[step].total_ms / max(stats[step].num_items, 1))


def _timed_ask(
    session: Session, question: str, config: GenerationConfig, regions: Iterable[Region] = ()
) -> tuple[Answer, float]:
    begin = time.perf_counter()
    answer = session.ask(question, regions=tuple(regions), config=config)
    return answer, since(begin)


def _ask_in_turn(
    measured: Round, session: Session, workload: Workload, config: GenerationConfig
) -> None:
    first, first_ms = _timed_ask(session, workload.first_question, config)
    second, second_ms = _timed_ask(session, workload.second_question, config)
    ttft_ms = first.stats.time_to_first_token_ms
    measured.add("ttft_ms", ttft_ms)
    measured.add("open_to_first_token_ms", measured.samples["open_ms"][-1] + ttft_ms)
    measured.add("prefill_tokens_per_s", 1e3 * first.stats.num_prefill_tokens / ttft_ms)
    measured.add("ttft_second_ms", second.stats.time_to_first_token_ms)
    measured.add("e2el_ms", first_ms)
    measured.add("e2el_second_ms", second_ms)
    for stem in ("token_embedder", "language_model"):
        measured.add(f"{stem}_ms", first.stats.stages[stem].total_ms)
    for name, answer in (("first_question", first), ("second_question", second)):
        measured.answers[name] = digest(answer.token_ids)


def _decode(measured: Round, session: Session, workload: Workload) -> None:
    """Time single tokens: a small model's own answers are too short to tell a tenth more."""
    count = workload.num_decode_tokens
    config = GenerationConfig(max_new_tokens=count, min_new_tokens=count)
    begin = time.perf_counter()
    answer = session.ask(workload.first_question, segment_frames="none", config=config)
    measured.add("e2el_decode_ms", since(begin))
    measured.answers["decoding"] = digest(answer.token_ids)
    behind = answer.stats.token_ms[1:]
    if behind:
        tpot_ms = sum(behind) / len(behind)
        measured.add("tpot_ms", tpot_ms)
        measured.add("decode_tokens_per_s", 1e3 / tpot_ms)
        measured.add("itl_ms", *behind)


def _ask_about_region(
    measured: Round, session: Session, workload: Workload, config: GenerationConfig
) -> None:
    clip = session.clip
    box = (clip.width // 4, clip.height // 4, max(clip.width // 2, 1), max(clip.height // 2, 1))
    region = Region.from_box(int(clip.frame_idxs[0]), box, height=clip.height, width=clip.width)
    before = session.stats
    answer, ms = _timed_ask(session, workload.region_question, config, [region])
    measured.add("e2el_region_ms", ms)
    measured.add_stage("region_encoder", before, session.stats)
    measured.answers["region_question"] = digest(answer.token_ids)


def _ask_many(
    measured: Round, session: Session, workload: Workload, config: GenerationConfig
) -> None:
    begin = time.perf_counter()
    answers = session.ask_many(list(workload.batch), config=config)
    ms = since(begin)
    num_tokens = sum(answer.stats.num_generated_tokens for answer in answers)
    measured.add("ask_many_ms", ms)
    measured.add("ask_many_tokens_per_s", 1e3 * num_tokens / ms)
    measured.answers["batch"] = digest([answer.token_ids for answer in answers])


def _ask_each(
    measured: Round, session: Session, workload: Workload, config: GenerationConfig
) -> None:
    begin = time.perf_counter()
    answers = [session.ask(question, config=config) for question in workload.batch]
    measured.add("ask_each_ms", since(begin))
    measured.answers["one_by_one"] = digest([answer.token_ids for answer in answers])


def _cancel(measured: Round, session: Session, workload: Workload) -> None:
    """Cancel from another thread within a token; an answer that ends first is no sample."""
    half_s = measured.samples.get("tpot_ms", [0.0])[-1] / 2e3
    count = workload.num_decode_tokens
    config = GenerationConfig(max_new_tokens=count, min_new_tokens=count)
    token, is_decoding = CancellationToken(), threading.Event()
    cancelled_s: list[float] = []

    def cancel() -> None:
        is_decoding.wait()
        time.sleep(half_s)
        cancelled_s.append(time.perf_counter())
        token.cancel()

    def decoding(_: TextEvent) -> None:
        is_decoding.set()

    thread = threading.Thread(target=cancel, name="ufvideo-bench-cancel", daemon=True)
    thread.start()
    try:
        answer = session.ask(
            workload.first_question,
            segment_frames="none",
            config=config,
            on_text=decoding,
            cancel=token,
        )
        ended_s = time.perf_counter()
    finally:
        is_decoding.set()  # also if there was no text
        thread.join()
    if answer.stop_reason is StopReason.CANCELLED:
        measured.add("cancel_ms", 1e3 * (ended_s - cancelled_s[0]))


def _locate(measured: Round, session: Session, workload: Workload) -> None:
    if session.clip.is_image:
        return
    begin = time.perf_counter()
    spans = session.locate(workload.event)
    measured.add("locate_ms", since(begin))
    measured.answers["locate"] = digest([[span.start_s, span.end_s] for span in spans])


def _mask_frames(session: Session, workload: Workload) -> list[int]:
    idxs = session.clip.frame_idxs
    count = min(workload.num_mask_frames, len(idxs))
    return [int(idxs[i * (len(idxs) - 1) // max(count - 1, 1)]) for i in range(count)]


def _segment(measured: Round, session: Session, workload: Workload) -> None:
    frames = _mask_frames(session, workload)
    count = len(frames)
    before = session.stats
    begin = time.perf_counter()
    tracks = session.segment(workload.expression, frames=frames)
    ms = since(begin)
    measured.add("segment_ms", ms)
    measured.add("masked_frames_per_s", 1e3 * count / ms)
    after = session.stats
    for stem in ("mask_encoder", "mask_decoder", "mask_resize"):
        measured.add_stage(stem, before, after)
    measured.answers["segment"] = digest([list(track.runs) for track in tracks])


def _track(measured: Round, session: Session, workload: Workload) -> None:
    """Track on frames that were not segmented: SAM 2's features of those are kept."""
    kept = set(_mask_frames(session, workload))
    idxs = sorted({int(idx) for idx in session.clip.frame_idxs} - kept)
    frames = idxs[: workload.num_track_frames]
    if not frames:
        return
    before = session.stats
    begin = time.perf_counter()
    tracks = session.track(workload.expression, frames=frames, reprompt=None)
    ms = since(begin)
    measured.add("track_ms", ms)
    measured.add("tracked_frames_per_s", 1e3 * len(frames) / ms)
    after = session.stats
    for stem in TRACK_STEMS:
        measured.add_stage(stem, before, after)
    measured.answers["track"] = digest([list(track.runs) for track in tracks])
