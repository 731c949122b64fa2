"""From the shared options to an open session, and from a session's parts to an answer."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ufvideo_sdk.cli.options import package_or_nano
from ufvideo_sdk.cli.say import say
from ufvideo_sdk.cli.terminal import engine_label, spinner
from ufvideo_sdk.config import RuntimeConfig
from ufvideo_sdk.errors import DamagedVideoWarning
from ufvideo_sdk.model import UFVideo
from ufvideo_sdk.results import Answer, AnswerStats, MaskTrack, StopReason, TimeSpan
from ufvideo_sdk.session import Session

Result = TypeVar("Result")


@dataclass(frozen=True)
class Request:
    """What every command that looks at a source needs."""

    package: Path | None
    source: str
    start_s: float | None
    end_s: float | None
    runtime: dict[str, Any]
    fps: float | None = None
    stream: int | None = None
    strict: bool = False


@contextmanager
def opened(request: Request) -> Iterator[tuple[UFVideo, Session]]:
    """Load the package and open the source, with spinners meanwhile.

    Raises:
        UFVideoError: As `UFVideo.load` and `UFVideo.open`.
    """
    runtime = RuntimeConfig(**request.runtime)
    package = package_or_nano(request.package)
    with spinner("loading the package") as say:
        model = UFVideo.load(
            package, runtime=runtime, on_engine=lambda progress: say(engine_label(progress))
        )
    said: set[str] = set()
    with warnings.catch_warnings():
        # Said as lines for a person.
        warnings.simplefilter("ignore", DamagedVideoWarning)
        with spinner("looking at the video"):
            session = model.open(
                request.source,
                start_s=request.start_s,
                end_s=request.end_s,
                fps=request.fps,
                stream=request.stream,
                strict=request.strict,
            )
        _say_damage(session, said)
        with session:
            yield model, session
            # Masks of all frames may have met more.
            _say_damage(session, said)


def _say_damage(session: Session, said: set[str]) -> None:
    for line in session.clip.damage:
        if line not in said:
            say(f"{session.clip.name}: {line}", err=True)
            said.add(line)


def interruptible(session: Session, work: Callable[[], Result]) -> Result:
    """Do work of a session in another thread, so that an interrupt ends it at its next token.

    Python handles a signal between its own instructions only, and a whole answer is one of them.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        try:
            return pool.submit(work).result()
        except KeyboardInterrupt:
            session.cancel()
            raise


def answer_of(
    session: Session,
    question: str,
    *,
    spans: tuple[TimeSpan, ...] = (),
    masks: tuple[MaskTrack, ...] = (),
) -> Answer:
    """Spans or masks that came without words, as an answer that can be saved and printed."""
    return Answer(
        question=question,
        text="",
        token_ids=(),
        spans=spans,
        masks=masks,
        stop_reason=StopReason.END,
        stats=AnswerStats(
            stages=session.stats,
            num_prefill_tokens=0,
            num_reused_tokens=0,
            num_generated_tokens=0,
            time_to_first_token_ms=0.0,
            decode_ms=0.0,
            providers=session.stage_providers,
        ),
        clip=session.clip,
    )
