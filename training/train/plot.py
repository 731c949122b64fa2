"""Losses and scores of a run as pictures."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

_WIDTH, _HEIGHT, _MARGIN = 760, 260, 46
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_COLORS = (
    (200, 90, 30), (40, 130, 230), (60, 160, 60), (180, 60, 160), (30, 30, 200), (150, 150, 30),
    (110, 110, 110), (20, 90, 120),
)  # fmt: skip


def plot_logs(folder: Path) -> list[Path]:
    """Draw the log of each stage, `STAGE.jsonl`, as `STAGE.png`: one chart a figure.

    Returns:
        The pictures.
    """
    pictures = []
    for path in sorted(folder.glob("*.jsonl")):
        series: dict[str, list[tuple[float, float]]] = {}
        for line in path.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            for key, value in entry.items():
                if key not in ("step", "seconds"):
                    series.setdefault(key, []).append((entry["step"], value))
        scores = {key: points for key, points in series.items() if key.startswith("val_")}
        charts = [_chart(key, {key: points}) for key, points in series.items() if key not in scores]
        names = list(scores)
        for first in range(0, len(names), len(_COLORS)):
            part = {name: scores[name] for name in names[first : first + len(_COLORS)]}
            charts.append(_chart("validation", part))
        if charts:
            picture = path.with_suffix(".png")
            cv2.imwrite(str(picture), np.concatenate(charts))
            pictures.append(picture)
    return pictures


def _chart(title: str, series: dict[str, list[tuple[float, float]]]) -> NDArray[np.uint8]:
    """One chart, uint8 [_HEIGHT, _WIDTH, 3], BGR."""
    canvas = np.full((_HEIGHT, _WIDTH, 3), 255, np.uint8)
    points = np.array([point for line in series.values() for point in line], float)
    low, high = points.min(0), points.max(0)
    high = np.maximum(high, low + 1e-9)
    size = np.array([_WIDTH - 5 * _MARGIN, _HEIGHT - 2 * _MARGIN])
    corner = (_MARGIN, _MARGIN)
    cv2.rectangle(canvas, corner, (_MARGIN + int(size[0]), _MARGIN + int(size[1])), (200,) * 3)
    _write(canvas, title, (_MARGIN, 28), (0, 0, 0))
    _write(canvas, f"{high[1]:.3g}", (4, _MARGIN + 10), (90, 90, 90))
    _write(canvas, f"{low[1]:.3g}", (4, _HEIGHT - _MARGIN), (90, 90, 90))
    _write(canvas, f"{high[0]:.0f} steps", (_WIDTH - 5 * _MARGIN - 60, _HEIGHT - 20), (90, 90, 90))
    for k, (name, line) in enumerate(series.items()):
        at = (np.array(line, float) - low) / (high - low)
        at[:, 1] = 1 - at[:, 1]
        pixels = np.rint(at * size + _MARGIN).astype(np.int32)
        cv2.polylines(canvas, [pixels], False, _COLORS[k], 2, cv2.LINE_AA)
        if len(series) > 1:
            legend = (_WIDTH - 4 * _MARGIN + 8, _MARGIN + 14 + 18 * k)
            _write(canvas, name.removeprefix("val_")[:24], legend, _COLORS[k])
    return canvas


def _write(
    canvas: NDArray[np.uint8], text: str, at: tuple[int, int], color: tuple[int, int, int]
) -> None:
    cv2.putText(canvas, text, at, _FONT, 0.42, color, 1, cv2.LINE_AA)
