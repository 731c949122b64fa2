"""Questions about rendered scenes, their one right answer each, and how answers are scored."""

from training.tasks.draw import all_tasks, draw_tasks
from training.tasks.score import Score, score
from training.tasks.task import RegionPrompt, Task, TaskKind
from training.tasks.vocabulary import corpus, count_words, vocabulary

__all__ = [
    "RegionPrompt",
    "Score",
    "Task",
    "TaskKind",
    "all_tasks",
    "corpus",
    "count_words",
    "draw_tasks",
    "score",
    "vocabulary",
]
