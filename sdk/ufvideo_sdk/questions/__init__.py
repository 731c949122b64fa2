"""What may be asked of a video, read strictly from a mapping or from YAML 1.2.

question = Question.from_mapping({"count": "How many cars are there?"})

A question is a mapping with one of the keys `yes_no`, `choice`, `count`, `text`, `locate`,
`segment` and `track`, whose value is the words. Reading a question needs no model.
"""

from __future__ import annotations

from ufvideo_sdk.questions.document_error import DocumentError, Place, Problem
from ufvideo_sdk.questions.question import Question, QuestionKind
from ufvideo_sdk.questions.shapes import Area, Line

__all__ = ["Area", "DocumentError", "Line", "Place", "Problem", "Question", "QuestionKind"]
