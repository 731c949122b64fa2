"""`python -m training.demo_picture FILE`: the moving picture of nano's demonstration.

The README shows docs/assets/demo.webp. The picture has three parts, each a call and what nano
answers: words, a time, pixels. Needs what the SDK needs, and no PyTorch.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ufvideo_sdk import Answer, Session, UFVideo, demo_clip
from ufvideo_sdk.render.frame_painter import FramePainter
from ufvideo_sdk.render.timeline import BACKGROUND

QUESTION = "What does the orange circle do?"
EVENT = "the purple triangle moves up"
EXPRESSION = "purple triangle"
MAX_BYTES = 600_000
"""What a page that shows it should not have to load more of."""
# Every second frame, a little faster than it happens: each part takes three seconds.
_STEP = 2
_FRAME_MS = 130
_LAST_MS = 1300
_COLOURS = 128
# Differences of a pixel that nobody sees, of 255.
_NOISE = 12


@dataclass(frozen=True)
class Picture:
    """Frames and how long each is shown.

    Attributes:
        frames: RGB, uint8 [H, W, 3], all of one size.
        durations_ms: One for each frame.
    """

    frames: list[NDArray[np.uint8]]
    durations_ms: list[int]


def draw(session: Session) -> Picture:
    """Ask a session of the demonstration's clip, and draw what it answers."""
    parts = [list(_painted(answer)) for answer in _answers(session)]
    height = max(frame.shape[0] for part in parts for frame in part)
    frames = _steady([_padded(frame, height) for part in parts for frame in part])
    durations = [_LAST_MS if frame is part[-1] else _FRAME_MS for part in parts for frame in part]
    return Picture(frames, durations)


def save(picture: Picture, path: Path) -> None:
    """Write an animated GIF or WebP, by the suffix; it plays again and again."""
    images = [Image.fromarray(frame) for frame in picture.frames]
    options: dict[str, Any] = {"save_all": True, "duration": picture.durations_ms, "loop": 0}
    if path.suffix == ".gif":
        # One palette and no dithering: what does not move stays the same from frame to frame.
        tall = Image.fromarray(np.concatenate(picture.frames[:: len(images) // 6]))
        palette = tall.quantize(_COLOURS, Image.Quantize.MEDIANCUT)
        images = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
        images[0].save(path, append_images=images[1:], optimize=False, **options)
    else:
        images[0].save(path, append_images=images[1:], quality=80, method=6, **options)


def _answers(session: Session) -> Iterator[Answer]:
    """One answer for each part: words, a time, masks."""
    said = session.ask(QUESTION)
    yield replace(said, question=f'session.ask("{QUESTION}")')
    spans = tuple(session.locate(EVENT))
    yield replace(said, question=f'session.locate("{EVENT}")', text="", spans=spans)
    masks = tuple(session.segment(EXPRESSION, frames="all"))
    asked = f'session.segment("{EXPRESSION}", frames="all")'
    yield replace(said, question=asked, text="", masks=masks)


def _painted(answer: Answer) -> Iterator[NDArray[np.uint8]]:
    painter = FramePainter(answer)
    clip = answer.clip
    for frame_idxs, frames in clip.chunks(clip.frame_idxs[::_STEP], len(clip.frame_idxs)):
        for position, frame in zip(clip.positions(frame_idxs).tolist(), frames, strict=True):
            yield painter.paint(position, frame).copy()


def _steady(frames: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """Keep each pixel that hardly differs from the frame before: a decoder's noise costs bytes."""
    steady = frames[:1]
    for frame in frames[1:]:
        apart = np.abs(frame.astype(np.int16) - steady[-1]).max(axis=2, keepdims=True)
        steady.append(np.where(apart > _NOISE, frame, steady[-1]))
    return steady


def _padded(frame: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    padded = np.full((height, *frame.shape[1:]), BACKGROUND, np.uint8)
    padded[: len(frame)] = frame
    return padded


def main() -> int:
    """Draw the picture, and say how large it is."""
    parser = argparse.ArgumentParser(prog="python -m training.demo_picture", description=__doc__)
    parser.add_argument("file", type=Path, help="where to: docs/assets/demo.webp, or a .gif")
    path = parser.parse_args().file
    with UFVideo.load().open(demo_clip()) as session:
        picture = draw(session)
    save(picture, path)
    size_bytes = path.stat().st_size
    height, width, _ = picture.frames[0].shape
    print(f"{path}: {len(picture.frames)} frames, {width} x {height} px, {size_bytes:,} bytes")
    return 0 if size_bytes <= MAX_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
