"""`python -m training.track_picture FILE`: an object behind another, by memory and frame by frame.

docs/guides/tracking.md shows docs/assets/tracking.webp. The clip is the first of the test scenes in
which something that can be named goes out of sight behind a larger thing. Needs what the SDK needs,
and no PyTorch.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.tasks.asker import Asker
from training.world import TEST_SEEDS, Rendered, Truth, make_scene, render, write_clip
from ufvideo_sdk import ObjectTrack, UFVideo
from ufvideo_sdk.render.draw import draw_objects
from ufvideo_sdk.render.text import TEXT, label, paste
from ufvideo_sdk.render.timeline import BACKGROUND

MAX_BYTES = 150_000
"""What a page that shows it should not have to load more of."""
_NUM_FRAMES = 48
# Before, going behind, out of sight, coming out, behind: fractions of the way.
_COLUMNS = 6
_TILE_PX = 200
_GAP_PX = 4
_FONT_PX = 15


@dataclass(frozen=True)
class Occlusion:
    """A clip in which something goes behind something else.

    Attributes:
        rendered: The clip, and the truth of its pixels.
        thing: Index of what is hidden.
        name: What it is called.
    """

    rendered: Rendered
    thing: int
    name: str


def find_occlusion() -> Occlusion:
    """The first test scene in which something that has a name is hidden, in sight before and after.

    Raises:
        LookupError: When there is none.
    """
    for seed in TEST_SEEDS:
        truth = Truth(make_scene(seed, num_frames=_NUM_FRAMES))
        hidden = [span.thing for span in truth.spans if span.event.kind == "hide"]
        if not hidden:
            continue
        names = {r.thing: r.noun.text for r in Asker(truth, np.random.default_rng(seed)).references}
        rendered = render(truth.scene)
        for thing in hidden:
            seen = rendered.masks[thing].any(axis=(1, 2))
            if thing in names and seen[0] and seen[-1] and not seen.all():
                return Occlusion(rendered, thing, f"the {names[thing].removeprefix('the ')}")
    raise LookupError("expected a test scene in which something is hidden, found none")


def draw(occlusion: Occlusion, tracked: ObjectTrack, segmented: NDArray[np.bool_]) -> Image.Image:
    """Two rows of frames: masks by memory, and each frame by itself.

    Args:
        occlusion: What was tracked.
        tracked: Its track on every frame.
        segmented: Its mask on every frame by itself, bool [F, H, W].

    Returns:
        An RGB picture.
    """
    columns = _columns(occlusion)
    by_memory = np.stack([tracked[position].pixels() for position in columns])
    rows = []
    for title, masks in (("track", by_memory), ("segment", segmented[columns])):
        frames = occlusion.rendered.frames[columns]
        times_s = tracked.times_s[columns].tolist()
        rows.append(np.hstack(list(_tiles(frames, masks, title, times_s))))
    return Image.fromarray(np.vstack(rows))


def _columns(occlusion: Occlusion) -> list[int]:
    """Frames from shortly before the object is hidden to shortly after, as many inside as out."""
    hidden = np.flatnonzero(~occlusion.rendered.masks[occlusion.thing].any(axis=(1, 2)))
    first, last = int(hidden[0]), int(hidden[-1])
    around = max((last - first) // 2, 4)
    last_frame = len(occlusion.rendered.frames) - 1
    begin, end = max(first - 2 * around, 0), min(last + 2 * around, last_frame)
    return np.rint(np.linspace(begin, end, _COLUMNS)).astype(int).tolist()


def _tiles(
    frames: NDArray[np.uint8], masks: NDArray[np.bool_], title: str, times_s: list[float]
) -> Iterator[NDArray[np.uint8]]:
    height_px = round(_TILE_PX * frames.shape[1] / frames.shape[2])
    for frame, mask, time_s in zip(frames, masks, times_s, strict=True):
        tile = np.array(cv2.resize(frame, (_TILE_PX, height_px), interpolation=cv2.INTER_CUBIC))
        draw_objects(tile, [(0, mask)] if mask.any() else [], tags=False)
        plate = label(f"{title}  {time_s:.1f} s", _FONT_PX, TEXT, BACKGROUND)
        paste(tile, plate, left_px=0, top_px=0)
        border = ((0, _GAP_PX), (0, _GAP_PX), (0, 0))
        yield np.pad(tile, border, constant_values=255)


def main() -> int:
    """Draw the picture, and say what was tracked and how large it is."""
    parser = argparse.ArgumentParser(prog="python -m training.track_picture", description=__doc__)
    parser.add_argument("file", type=Path, help="where to: docs/assets/tracking.webp")
    parser.add_argument("--package", type=Path, help="default: nano, which ships")
    given = parser.parse_args()
    occlusion = find_occlusion()
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        write_clip(clip, occlusion.rendered)
        with UFVideo.load(given.package).open(clip) as session:
            (tracked,) = session.track(occlusion.name)
            (segmented,) = session.segment(occlusion.name, frames="all")
            draw(occlusion, tracked, segmented.masks).save(given.file, quality=80)
    truth = occlusion.rendered.masks[occlusion.thing].any(axis=(1, 2))
    times_s = tracked.times_s
    hidden_s = times_s[~truth]
    print(f"{occlusion.name}: out of sight from {hidden_s[0]:.2f} s to {hidden_s[-1]:.2f} s")
    for event in tracked.events:
        print(event)
    size_bytes = given.file.stat().st_size
    print(f"{given.file}: {size_bytes:,} bytes")
    return 0 if size_bytes <= MAX_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
