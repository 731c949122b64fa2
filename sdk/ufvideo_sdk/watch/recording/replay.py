"""Watch a recording once more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ufvideo_sdk._native import CancellationToken
from ufvideo_sdk.errors import CancelledError, InputError
from ufvideo_sdk.model import UFVideo
from ufvideo_sdk.validation.paths import open_plain_file, reading_failed, shown
from ufvideo_sdk.watch.engine.fact_log import FACTS_NAME, fact_of
from ufvideo_sdk.watch.engine.facts import Ended, Fact, Opened, Output
from ufvideo_sdk.watch.recording.header import RecordingHeader, read_header
from ufvideo_sdk.watch.recording.recorded_frames import RecordedFrames
from ufvideo_sdk.watch.recording.replayed_facts import (
    AskedAnew,
    AsLogged,
    FramesByIndex,
    ReplayReport,
)
from ufvideo_sdk.watch.rules.rules import Rules
from ufvideo_sdk.watch.watcher.camera_view import CameraView, WindowOptions
from ufvideo_sdk.watch.watcher.follower import Follower, tracked_of
from ufvideo_sdk.watch.watcher.open_camera import check_can_answer, recording_header
from ufvideo_sdk.watch.watcher.options import WatchOptions

_MAX_LINE = 1 << 24


class Replay:
    """Looks at the frames of a recording again, and tells the facts that follow.

    With the questions of the recording, what was asked is asked again and what was dropped is
    dropped; rules about these questions may differ. With other questions, they are asked as a
    machine would that is fast enough.
    """

    def __init__(
        self,
        model: UFVideo,
        folder: Path,
        rules: Rules | None = None,
        *,
        window: WindowOptions | None = None,
        cancel: CancellationToken | None = None,
    ) -> None:
        """Open a recording.

        Args:
            model: What is asked.
            folder: The folder of the recording.
            rules: Other rules; None: those of the recording.
            window: What a question looks at where other questions are asked; None: the recording's
                window.
            cancel: What ends it early.

        Raises:
            InputError: When the recording does not hold.
            PackageError: When the package cannot answer a question of the rules.
        """
        self._folder = folder
        self._facts = _whole_facts(folder / FACTS_NAME)
        first = next(self._facts, None)
        if not isinstance(first, Opened):
            raise InputError(f"{shown(folder / FACTS_NAME)}: expected the fact opened first")
        self._opened = first
        recorded = Rules.parse(first.rules, name=first.rules_name)
        recorded = recorded.for_camera(first.camera)
        self.rules = recorded if rules is None else rules.for_camera(first.camera)
        check_can_answer(model, self.rules)
        header = read_header(folder)
        self.report = ReplayReport(
            differences=_differences(header, model),
            is_as_logged=self.rules.questions == recorded.questions,
        )
        options = window or WindowOptions(header.window_frames, header.first_frames)
        self._view = CameraView(model, options, tracked_of(self.rules))
        self._cancel = cancel or CancellationToken()
        self._told: list[Fact] = []

    def __iter__(self) -> Iterator[Fact]:
        """Every fact, in the order of a log.

        Raises:
            InputError: When the recording does not hold.
            CancelledError: When it was cancelled.
            UFVideoError: As the model's calls.
        """
        follower = Follower(self._opened.camera, self.rules, self._view, self._told.append)
        frames = FramesByIndex(iter(RecordedFrames(self._folder)))
        kind = AsLogged if self.report.is_as_logged else AskedAnew
        following = kind(follower, frames, self.report, self._cancel)
        try:
            follower.open()
            yield from self._drained()
            has_ended = False
            for fact in self._facts:
                if self._cancel.is_cancelled:
                    raise CancelledError("replay: expected to go on to the end, it was cancelled")
                if isinstance(fact, (Opened, Output)):
                    continue
                has_ended = isinstance(fact, Ended)
                following.take(fact)
                yield from self._drained()
            following.finish()
            yield from self._drained()
            self.report.is_broken_off = not has_ended
        finally:
            self._view.close()

    def _drained(self) -> Iterator[Fact]:
        told, self._told[:] = list(self._told), []
        yield from told


def _whole_facts(path: Path) -> Iterator[Fact]:
    """Read a log up to its last whole line: a killed process may leave a part of one.

    Raises:
        InputError: When it cannot be read, or a whole line is none of a log.
    """
    with open_plain_file(path, "a log of facts") as file:
        number = 0
        while True:
            number += 1
            try:
                content = file.readline(_MAX_LINE)
            except OSError as error:
                raise reading_failed(error, path, "a log of facts") from None
            if not content.endswith(b"\n"):
                return
            try:
                yield fact_of(content.decode("utf-8"))
            except (UnicodeDecodeError, InputError) as error:
                raise InputError(f"{shown(path)}, line {number}: {error}") from None


def _differences(header: RecordingHeader, model: UFVideo) -> list[str]:
    here = recording_header(model, header.camera, header.source, WatchOptions())
    return header.differences(here)
