"""From the shared options to an open session."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ufvideo_sdk._native import CancellationToken
from ufvideo_sdk.cli.interruptible import interruptible
from ufvideo_sdk.cli.package import named_package
from ufvideo_sdk.cli.say import say
from ufvideo_sdk.cli.terminal import counted, engine_label, spinner
from ufvideo_sdk.errors import DamagedVideoWarning
from ufvideo_sdk.model import UFVideo
from ufvideo_sdk.runtime.config import RuntimeConfig
from ufvideo_sdk.session.session import Session


@dataclass(frozen=True)
class Request:
    """What every command that looks at a source needs."""

    package: str | None
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

    The session is closed where the block ends; not if it ends with an error or an interrupt, since
    a thread may still be inside the session, and the process ends.

    Raises:
        UFVideoError: As `UFVideo.load` and `UFVideo.open`.
    """
    runtime = RuntimeConfig(**request.runtime)
    package = named_package(request.package).folder
    with spinner("loading the package") as loading:
        model = interruptible(
            lambda: UFVideo.load(
                package, runtime=runtime, on_engine=lambda progress: loading(engine_label(progress))
            )
        )
    said: set[str] = set()
    cancel = CancellationToken()
    with warnings.catch_warnings():
        # Said as lines for a person.
        warnings.simplefilter("ignore", DamagedVideoWarning)
        with spinner("looking at the video") as looking:
            session = interruptible(
                lambda: model.open(
                    request.source,
                    start_s=request.start_s,
                    end_s=request.end_s,
                    fps=request.fps,
                    stream=request.stream,
                    strict=request.strict,
                    cancel=cancel,
                    on_progress=counted(looking, "looking at the video"),
                ),
                cancel,
            )
        _say_damage(session, said)
        yield model, session
        # Masks of all frames may have met more.
        _say_damage(session, said)
    session.close()


def _say_damage(session: Session, said: set[str]) -> None:
    for line in session.clip.damage:
        if line not in said:
            say(f"{session.clip.name}: {line}", err=True)
            said.add(line)
