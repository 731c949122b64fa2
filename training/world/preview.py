"""Draw a contact sheet of one scene: frames, masks, events on a time line, the caption.

Run as `python -m training.world.preview OUT.png --seed N [--level L] [--flat]`. Prints how long
drawing a frame took.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.world.levels import MAX_LEVEL
from training.world.make_scene import make_scene
from training.world.render import PALETTE, render
from training.world.render_flat import render_flat
from training.world.rendered import Rendered
from training.world.scene import Scene
from training.world.sentences import action_sentence
from training.world.truth import EventSpan, Truth

_COLUMNS = 8
_CELL_PX = 176
_GAP_PX = 8
_INK = (40, 40, 40)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
# Marks of the first, second and third thing, apart from every colour of the world's palette.
_MARKS = ((255, 0, 140), (0, 120, 255), (120, 200, 0))


def draw_sheet(rendered: Rendered) -> NDArray[np.uint8]:
    """Draw frames with outlines of all masks above the masks alone, and a time line below.

    Args:
        rendered: Every frame of a scene.

    Returns:
        RGB, uint8 [rows, columns, 3].
    """
    scene = rendered.scene
    shown = np.rint(np.linspace(0, scene.num_frames - 1, _COLUMNS)).astype(int)
    scale = _CELL_PX / scene.width
    cells = [[_frame_cell(rendered, int(f), scale) for f in shown]]
    cells.append([_mask_cell(rendered, int(f), scale) for f in shown])
    rows = [np.concatenate([_framed(cell) for cell in row], axis=1) for row in cells]
    width = rows[0].shape[1]
    labels = _strip(28, width)
    for column, f in enumerate(shown):
        left = column * (_CELL_PX + _GAP_PX) + _GAP_PX
        _write(labels, f"{scene.times_s[f]:.2f} s (frame {f})", (left, 20))
    return np.concatenate([_title(scene, width), rows[0], labels, rows[1], _lines(scene, width)])


def _title(scene: Scene, width: int) -> NDArray[np.uint8]:
    strip = _strip(40, width)
    text = (
        f"seed {scene.seed}: {scene.width} x {scene.height} px, {scene.num_frames} frames,"
        f" {scene.duration_s:.2f} s, {scene.background.kind} background"
    )
    _write(strip, text, (_GAP_PX, 26), size=0.6)
    return strip


def _frame_cell(rendered: Rendered, f: int, scale: float) -> NDArray[np.uint8]:
    cell = _enlarged(rendered.frames[f], scale)
    for i in range(len(rendered.masks)):
        mask = _enlarged(rendered.masks[i, f].astype(np.uint8), scale)
        outlines, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(cell, outlines, -1, _MARKS[i], 1)
    return cell


def _mask_cell(rendered: Rendered, f: int, scale: float) -> NDArray[np.uint8]:
    picture = np.full((*rendered.frames.shape[1:3], 3), 225, np.uint8)
    for i in range(len(rendered.masks)):
        picture[rendered.masks[i, f]] = _MARKS[i]
    return _enlarged(picture, scale)


def _lines(scene: Scene, width: int) -> NDArray[np.uint8]:
    """One row for each thing: what it does, and a bar for each event."""
    truth = Truth(scene)
    strips = []
    for i, thing in enumerate(scene.things):
        head = _strip(30, width)
        cv2.rectangle(head, (_GAP_PX, 8), (_GAP_PX + 16, 24), _MARKS[i], -1)
        cv2.rectangle(head, (_GAP_PX + 22, 8), (_GAP_PX + 38, 24), PALETTE[thing.color], -1)
        size = thing.size or "changing"
        _write(head, f"{action_sentence(scene, i)}  ({size})", (_GAP_PX + 48, 22), size=0.55)
        strips.append(head)
        spans = [span for span in truth.spans if span.thing == i]
        strips += [_bar(span, width, _MARKS[i]) for span in spans]
    return np.concatenate([*strips, _strip(10, width)])


def _bar(span: EventSpan, width: int, color: tuple[int, int, int]) -> NDArray[np.uint8]:
    """The span on a line that runs from the middle of the first to that of the last picture."""
    strip = _strip(22, width)
    first, last = _GAP_PX + _CELL_PX // 2, width - _CELL_PX // 2
    cv2.line(strip, (first, 11), (last, 11), (205, 205, 205), 2)
    start = round(first + span.event.start * (last - first))
    end = round(first + span.event.end * (last - first))
    cv2.rectangle(strip, (start - 1, 4), (max(end, start + 2), 17), color, -1)
    times = f"{span.start_s:.2f}" + (f"-{span.end_s:.2f}" if end > start else "")
    name = f"{span.event.kind} {span.event.direction or span.event.color or ''}".strip()
    text = f"{name} {times} s"
    left = max(end, start + 2) + 8
    room = 7 * len(text) + 8
    at = left if left + room < width else max(start - room, 2)
    cv2.rectangle(strip, (at - 4, 2), (at + room - 8, 20), (255, 255, 255), -1)
    _write(strip, text, (at, 16), size=0.45)
    return strip


def _enlarged(picture: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    size = (_CELL_PX, round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def _framed(cell: NDArray[np.uint8]) -> NDArray[np.uint8]:
    gaps = ((4, 4), (_GAP_PX // 2, _GAP_PX // 2), (0, 0))
    return np.pad(cell, gaps, constant_values=255)


def _strip(height: int, width: int) -> NDArray[np.uint8]:
    return np.full((height, width, 3), 255, np.uint8)


def _write(
    canvas: NDArray[np.uint8], text: str, at: tuple[int, int], *, size: float = 0.42
) -> None:
    cv2.putText(canvas, text, at, _FONT, size, _INK, 1, cv2.LINE_AA)


def main(arguments: list[str] | None = None) -> int:
    """Write the sheet of a seed."""
    parser = argparse.ArgumentParser(prog="python -m training.world.preview")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--level", type=int, default=MAX_LEVEL, choices=range(MAX_LEVEL + 1))
    parser.add_argument("--flat", action="store_true", help="the second renderer")
    options = parser.parse_args(arguments)
    scene = make_scene(options.seed, level=options.level)
    begin = time.perf_counter()
    rendered = (render_flat if options.flat else render)(scene)
    frame_ms = (time.perf_counter() - begin) * 1000 / scene.num_frames
    options.out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(options.out), draw_sheet(rendered)[..., ::-1])
    print(
        f"wrote {options.out}: seed {scene.seed}, {scene.num_frames} frames of {scene.width} x"
        f" {scene.height} px, {frame_ms:.2f} ms a frame with masks"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
