"""The same questions in the words that people type."""

from training.wordings import verbs
from training.wordings.asked import Asked, read_question
from training.wordings.reword import reword, reworded_tasks

__all__ = ["Asked", "read_question", "reword", "reworded_tasks", "verbs"]
