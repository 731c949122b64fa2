"""A streaming session on the frames of a clip: pushes, and questions about its window."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ufvideo_sdk import GenerationConfig, Session, Stream, UFVideo
from ufvideo_sdk.bench.measured_round import Round, digest, since

if TYPE_CHECKING:
    from ufvideo_sdk.bench.workload import Workload

_FIRST_TOKEN = GenerationConfig(max_new_tokens=1)


def measure_stream(measured: Round, model: UFVideo, session: Session, workload: Workload) -> None:
    """Fill a window but for its last pair, then push pair by pair and ask.

    A model whose aligner looks across pairs has no streams.

    Args:
        measured: What the round measured so far.
        model: The model.
        session: Whose clip's frames are pushed, one a second of the stream, again and again.
        workload: Its first two questions are asked.
    """
    video = model.manifest.video
    if video.aligner_padding:
        return
    num_pairs = max(video.num_frames // 2, 1)
    tokens: list[int] = []
    began = time.perf_counter()
    with model.open_stream(fps=1.0) as stream:

        def push_pair(number: int) -> None:
            measured.add("push_ms", sum(_push(stream, session, 2 * number + i) for i in (0, 1)) / 2)

        def add_ttft(name: str, question: str) -> None:
            begin = time.perf_counter()
            answer = stream.ask(question, segment_frames="none", config=_FIRST_TOKEN)
            measured.add(name, since(begin))
            tokens.extend(answer.token_ids)

        for number in range(num_pairs - 1):
            push_pair(number)
        if num_pairs > 1:
            # The window's prefix, which the next question goes on from.
            stream.ask(workload.second_question, segment_frames="none", config=_FIRST_TOKEN)
        push_pair(num_pairs - 1)
        add_ttft("stream_ttft_pair_ms", workload.first_question)
        add_ttft("stream_ttft_ms", workload.second_question)
        push_pair(num_pairs)
        add_ttft("stream_ttft_drop_ms", workload.first_question)
        window = [int(idx) for idx in stream.window.frame_idxs]
    measured.add("stream_ms", since(began))
    measured.answers["stream"] = digest([tokens, window])


def _push(stream: Stream, session: Session, number: int) -> float:
    """Push a frame, and return how long that took, ms; reading it is not counted."""
    clip = session.clip
    idx = int(clip.frame_idxs[number % len(clip.frame_idxs)])
    frame = clip.read([idx])[0]
    begin = time.perf_counter()
    stream.push(frame, float(number))
    return since(begin)
