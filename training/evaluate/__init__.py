"""How well a package answers about clips of the rendered world that nobody trained on."""

from training.evaluate.ask import Outcome, ask_all
from training.evaluate.clips import DrawnClip, drawn_clips
from training.evaluate.rows import Row, rows_of

__all__ = ["DrawnClip", "Outcome", "Row", "ask_all", "drawn_clips", "rows_of"]
