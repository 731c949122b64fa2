"""What every trial does with a session: the public calls, and a check of what they raise."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ufvideo_sdk import Session, UFVideo

TINY = Path(__file__).parents[2] / "data" / "tiny" / "package"
HEIGHT, WIDTH, NUM_FRAMES, FPS = 24, 32, 6, 4.0


def frames() -> NDArray[np.uint8]:
    """A clip, uint8 [T, H, W, 3]."""
    rng = np.random.default_rng(5)
    return rng.integers(0, 256, (NUM_FRAMES, HEIGHT, WIDTH, 3), np.uint8)


def load(package: Path) -> UFVideo:
    """Open a package with one thread."""
    from ufvideo_sdk import RuntimeConfig, UFVideo

    return UFVideo.load(package, runtime=RuntimeConfig(num_threads=1))


def question(session: Session) -> None:
    """Ask a short question."""
    from ufvideo_sdk import GenerationConfig

    session.ask("Why?", config=GenerationConfig(max_new_tokens=4))


def everything(session: Session, *, has_pixels: bool = True) -> None:
    """Ask in all ways: text, choices, regions, several at once, times, masks.

    Args:
        session: The session.
        has_pixels: Whether masks can be asked for.

    Raises:
        UFVideoError: The first refusal, once all calls were made.
    """
    from ufvideo_sdk import GenerationConfig, Region, UFVideoError

    short = GenerationConfig(max_new_tokens=6)
    # A frame the tiny model looks at, whose features a saved session has.
    frame_idx = int(session.clip.sampled_idxs(4)[0])
    sides = {"height": session.clip.height, "width": session.clip.width}

    def about_a_region() -> None:
        box = Region.from_box(frame_idx, (0, 0, sides["width"], sides["height"]), **sides)
        session.ask("What is <region>?", regions=[box], config=short)

    calls: tuple[Callable[[], object], ...] = (
        lambda: question(session),
        lambda: session.ask("Is it?", choices=["yes", "no"]),
        about_a_region,
        lambda: session.ask_many(["Why?", "What?"], config=short),
        lambda: session.clip.is_image or session.locate("it moves"),
        lambda: has_pixels and session.segment("ball", frames=[frame_idx]),
    )
    refusal: UFVideoError | None = None
    for call in calls:
        try:
            call()
        except UFVideoError as error:
            refusal = refusal or error
            session.reset()
    if refusal is not None:
        raise refusal


@contextlib.contextmanager
def errors_hold() -> Iterator[None]:
    """Check that an error of the SDK can be printed and sent to another process.

    Raises:
        UnicodeEncodeError: When its message is no Unicode text.
        RuntimeError: When it does not come back from pickle as it was.
    """
    from ufvideo_sdk import UFVideoError

    try:
        yield
    except UFVideoError as error:
        str(error).encode()
        again = pickle.loads(pickle.dumps(error))
        if (type(again), str(again)) != (type(error), str(error)):
            raise RuntimeError(f"{error!r} came back from pickle as {again!r}") from error
        raise
