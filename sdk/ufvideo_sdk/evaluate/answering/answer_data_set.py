"""All records of a data set put to a model: each video is opened once, answers survive a stop."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

from ufvideo_sdk import (
    CancelledError,
    CapacityError,
    InferenceError,
    InputError,
    PackageError,
    Session,
    UFVideo,
    UFVideoError,
)
from ufvideo_sdk.evaluate.answering.answer_file import AnswerFile
from ufvideo_sdk.evaluate.answering.ask_record import AnswerOptions, ask_record
from ufvideo_sdk.evaluate.answering.record_digest import record_digest
from ufvideo_sdk.evaluate.datasets.record import DataSet, Reason, Record
from ufvideo_sdk.evaluate.scoring.prediction import Prediction

Progress = Callable[[int, int], object]
# Frames of a folder have no times: the released code counts three for a second.
FOLDER_FPS = 3.0
_DEFAULT = AnswerOptions()
# What cannot be asked; a record whose id came before can, and the released scripts do.
_NOT_ASKED = frozenset({Reason.MALFORMED, Reason.MISSING_VIDEO, Reason.UNREADABLE_VIDEO})


def answer_data_set(
    model: UFVideo,
    data_set: DataSet,
    file: str | os.PathLike[str],
    *,
    options: AnswerOptions = _DEFAULT,
    on_progress: Progress | None = None,
) -> tuple[Prediction, ...]:
    """Put all records of a data set to a model.

    Answers are written to a file one by one. Called again with the same file, after a stop of
    whatever kind, it asks only what has no answer there: the package, a record, its video, the
    question and the options are one digest, so that answers of other runs are never taken for
    this one's. An error is asked again, a video that could not be read only if it has changed.

    Args:
        model: The model.
        data_set: What is asked.
        file: JSON lines, made if there are none. One process at a time.
        options: How it is asked.
        on_progress: Called with the number of records that are done and of all, (0, n) first. Its
            exceptions end the run and are raised unchanged.

    Returns:
        A prediction for each record but those that cannot be asked (`Record.problem`), in the
        order of the records.

    Raises:
        InputError: When the file cannot be read or written, or has a line that is no answer.
    """
    answers = AnswerFile(Path(file))
    askable = [each for each in data_set.records if each.problem not in _NOT_ASKED]
    digests = {record.key: record_digest(model, record, options) for record in askable}
    done = [record for record in askable if _is_done(answers.get(digests[record.key]))]
    num_done, total = len(done), len(askable)
    if on_progress is not None:
        on_progress(num_done, total)
    open_keys = {record.key for record in askable} - {record.key for record in done}
    for records in _by_video([record for record in askable if record.key in open_keys]):
        for prediction in _answers_about(model, records, options):
            answers.add(digests[prediction.key], prediction)
            num_done += 1
            if on_progress is not None:
                on_progress(num_done, total)
    found = (answers.get(digests[record.key]) for record in askable)
    return tuple(prediction for prediction in found if prediction is not None)


def _is_done(prediction: Prediction | None) -> bool:
    return prediction is not None and prediction.failure is not Reason.ERROR


def _by_video(records: list[Record]) -> Iterator[list[Record]]:
    """Records of one video together, videos in the order in which they first come."""
    places: dict[object, int] = {}
    for record in records:
        places.setdefault(_video(record), len(places))
    ordered = sorted(records, key=lambda record: places[_video(record)])
    for _, group in groupby(ordered, key=_video):
        yield list(group)


def _video(record: Record) -> object:
    return record.video, record.frames, record.bounds_s


def _answers_about(
    model: UFVideo, records: list[Record], options: AnswerOptions
) -> Iterator[Prediction]:
    """Answers about one video, which is opened and encoded once."""
    try:
        session = _opened(model, records[0])
    except CancelledError:
        raise
    except (CapacityError, InferenceError, PackageError) as error:
        # Not the video's fault: asked again in the next run.
        yield from (_failed(record, Reason.ERROR, error) for record in records)
        return
    except InputError as error:
        yield from (_failed(record, Reason.UNREADABLE_VIDEO, error) for record in records)
        return
    with session:
        for record in records:
            yield _answer(session, record, options)


def _answer(session: Session, record: Record, options: AnswerOptions) -> Prediction:
    try:
        return ask_record(session, record, options)
    except CancelledError:
        raise
    except UFVideoError as error:
        # A graph that failed leaves the session unusable until then.
        session.reset()
        return _failed(record, Reason.ERROR, error)


def _opened(model: UFVideo, record: Record) -> Session:
    """The video of a record as a session, bounded as the released code bounds a clip."""
    fps = FOLDER_FPS if record.frames else None
    source = [*record.frames] if record.frames else record.video
    if record.bounds_s is None:
        return model.open(source, fps=fps)
    # Nothing before its start, and a second at least.
    start_s, end_s = (max(bound, 0.0) for bound in record.bounds_s)
    return model.open(
        source, start_s=start_s, end_s=end_s if end_s > start_s else start_s + 1, fps=fps
    )


def _failed(record: Record, reason: Reason, error: Exception) -> Prediction:
    return Prediction(record.key, failure=reason, failure_text=str(error))
