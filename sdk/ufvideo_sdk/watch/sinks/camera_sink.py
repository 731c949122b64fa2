"""Where the events of one camera go."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ufvideo_sdk.watch.engine.facts import Ended, Event, Fact, Frame, Gap
from ufvideo_sdk.watch.rules.rule import Rule
from ufvideo_sdk.watch.rules.rules import Rules
from ufvideo_sdk.watch.sinks.clips import ClipJob, Clips
from ufvideo_sdk.watch.sinks.event_lines import event_line, files_line, gap_line, notice_line
from ufvideo_sdk.watch.sinks.event_message import CameraNames, EventMessage, Publisher
from ufvideo_sdk.watch.sinks.event_progress import EventProgress, Files, once
from ufvideo_sdk.watch.sinks.history import History
from ufvideo_sdk.watch.sinks.json_lines import JsonLines
from ufvideo_sdk.watch.sinks.overlay import Overlay
from ufvideo_sdk.watch.sinks.ring_length import ring_s
from ufvideo_sdk.watch.sinks.sink import CameraPictures
from ufvideo_sdk.watch.sinks.snapshots import EvidenceFrame, SnapshotJob, Snapshots
from ufvideo_sdk.watch.sources.capture import CaptureNotice


@dataclass(frozen=True)
class Targets:
    """The sinks that all cameras share; None: not there.

    Attributes:
        run: Which run of the program it is.
        json_lines: Lines of JSON.
        clips: Clips of events.
        snapshots: Frames that are evidence.
        publishers: Programs elsewhere, by the name of the sink.
    """

    run: str
    json_lines: JsonLines | None
    clips: Clips | None
    snapshots: Snapshots | None
    publishers: Mapping[str, Publisher]


@dataclass
class _OpenClip:
    """A clip that is to be written when the stream has passed its end."""

    message: EventMessage
    end_s: float
    progress: EventProgress


class CameraSink:
    """Takes the facts of one camera, and tells every sink what it is to know (`Sink`)."""

    def __init__(
        self, pictures: CameraPictures, rules: Rules, targets: Targets, names: CameraNames
    ) -> None:
        """Begin before the first fact.

        Args:
            pictures: Pictures of the camera.
            rules: The rules of this camera (`Rules.for_camera`).
            targets: The sinks.
            names: Names of the camera and of these rules for files and topics.
        """
        self._pictures, self._targets, self._names = pictures, targets, names
        self._rules = {rule.name: rule for rule in rules.rules}
        self._words = {each.name: each.question.words for each in rules.questions}
        self._overlay = Overlay(rules)
        self._history = History(max(ring_s(rules), 10.0))
        self._progress: dict[int, EventProgress] = {}
        self._open_clips: dict[int, _OpenClip] = {}
        self._unfinished: list[EventProgress] = []
        self._is_over = False
        # Start of each event that is under way, in stream time and as a time of day.
        self._started: dict[int, tuple[float, float | None]] = {}
        self._num_events = dict.fromkeys(self._rules, 0)

    @property
    def names(self) -> CameraNames:
        """Names of the camera and of its rules."""
        return self._names

    @property
    def num_events(self) -> dict[str, int]:
        """Events of each rule that have started, from any thread."""
        return dict(self._num_events)

    def take(self, fact: Fact) -> None:
        """Take a fact, in order."""
        self._history.take(fact)
        if isinstance(fact, Event):
            self._take_event(fact)
        elif isinstance(fact, Frame):
            self._write_clips(lambda opened: fact.time_s > opened.end_s)
        elif isinstance(fact, Gap) and self._targets.json_lines is not None:
            self._targets.json_lines.put(gap_line(self._pictures.name, fact))
        elif isinstance(fact, Ended):
            # Events that are under way end next.
            self._is_over = True
            self._write_clips(lambda opened: opened.message.event.edge == "end")

    def notice(self, notice: CaptureNotice) -> None:
        """Take something that a person wants to know."""
        if self._targets.json_lines is not None:
            self._targets.json_lines.put(notice_line(self._pictures.name, notice))
        for publisher in self._targets.publishers.values():
            publisher.notice(self._names, notice)

    def close(self, timeout_s: float) -> None:
        """Write what is begun within a time. The pictures are not needed any more after it."""
        self._write_clips(lambda opened: True)
        until = time.monotonic() + timeout_s
        for progress in self._unfinished:
            progress.is_over.wait(max(until - time.monotonic(), 0.0))
        self._unfinished.clear()

    def _take_event(self, event: Event) -> None:
        rule = self._rules[event.rule]
        message = self._message(rule, event)
        lines = self._targets.json_lines
        if lines is not None and rule.goes_to("json_lines"):
            wall_s = message.started_at if event.edge == "start" else message.ended_at
            lines.put(event_line(self._pictures.name, event, wall_s))
        for publisher in self._publishers(rule):
            publisher.edge(message)
        if event.edge == "start":
            self._start(rule, event, message)
        else:
            self._end(rule, event, message)

    def _start(self, rule: Rule, event: Event, message: EventMessage) -> None:
        self._num_events[rule.name] += 1
        clips = self._targets.clips if rule.goes_to("clips") else None
        progress = EventProgress(lambda made: self._publish(rule, made), clips is not None)
        self._progress[event.id] = progress
        if clips is not None:
            end_s = event.clip_start_s + clips.max_s
            self._open_clips[event.id] = _OpenClip(message, end_s, progress)
        self._snap(rule, message, progress, progress.start)

    def _end(self, rule: Rule, event: Event, message: EventMessage) -> None:
        progress = self._progress.pop(event.id)
        self._started.pop(event.id, None)
        self._unfinished = [each for each in self._unfinished if not each.is_over.is_set()]
        self._unfinished.append(progress)
        opened = self._open_clips.get(event.id)
        if opened is not None:
            opened.message = message
            opened.end_s = min(opened.end_s, event.clip_end_s or event.known_s)
            if self._is_over:
                self._write_clips(lambda each: each is opened)
        self._snap(rule, message, progress, progress.end)

    def _snap(
        self,
        rule: Rule,
        message: EventMessage,
        progress: EventProgress,
        done: Callable[[EventMessage], None],
    ) -> None:
        """Have snapshots written, and then `done` called; at once if there are none."""
        snapshots = self._targets.snapshots if rule.goes_to("snapshots") else None
        frames: tuple[EvidenceFrame, ...] = ()
        if snapshots is not None:
            new = [idx for idx in message.event.frame_idxs if idx not in progress.frame_idxs]
            frames = snapshots.frames(new, self._pictures, self._history.frame_s)
            progress.frame_idxs.update(frame.frame_idx for frame in frames)
        if snapshots is None or not frames:
            done(message)
            return
        past = self._history.past(message.event.start_s - 60.0, self._history.time_s)

        def written(files: Files, problem: str) -> None:
            self._tell_files(rule, message.event, (), files)
            done(replace(message, snapshots=files, problem=problem))

        snapshots.put(SnapshotJob(message, frames, past, self._overlay, once(written)))

    def _write_clips(self, is_due: Callable[[_OpenClip], bool]) -> None:
        """Have the clips written that are due."""
        for opened in list(filter(is_due, self._open_clips.values())):
            del self._open_clips[opened.message.event.id]
            if self._targets.clips is not None:
                self._targets.clips.put(self._clip_job(opened))

    def _clip_job(self, opened: _OpenClip) -> ClipJob:
        event = opened.message.event
        rule = self._rules[event.rule]

        def written(files: Files, problem: str) -> None:
            self._tell_files(rule, event, files, ())
            opened.progress.clip(files, problem)

        return ClipJob(
            message=opened.message,
            pictures=self._pictures,
            start_s=max(event.clip_start_s, 0.0),
            end_s=opened.end_s,
            past=self._history.past(event.clip_start_s, opened.end_s),
            overlay=self._overlay,
            done=once(written),
        )

    def _message(self, rule: Rule, event: Event) -> EventMessage:
        answer = self._history.latest_answer(rule.question)
        end_s = event.end_s
        return EventMessage(
            run=self._targets.run,
            camera=self._pictures.name,
            camera_name=self._names.plain_name,
            rule_name=self._names.rules[rule.name],
            event=event,
            question=self._words[rule.question],
            answer=None if answer is None else answer.text,
            started_at=self._started_at(event),
            ended_at=None if end_s is None else self._pictures.wall_s(end_s),
        )

    def _started_at(self, event: Event) -> float | None:
        """The time of day of a start: what is known of clocks grows, but it is told once."""
        start_s, wall_s = self._started.get(event.id, (None, None))
        if wall_s is None or start_s != event.start_s:
            wall_s = self._pictures.wall_s(event.start_s)
            self._started[event.id] = (event.start_s, wall_s)
        return wall_s

    def _tell_files(self, rule: Rule, event: Event, clips: Files, snapshots: Files) -> None:
        lines = self._targets.json_lines
        if lines is not None and rule.goes_to("json_lines") and (clips or snapshots):
            lines.put(files_line(self._pictures.name, event, clips, snapshots))

    def _publish(self, rule: Rule, message: EventMessage) -> None:
        for publisher in self._publishers(rule):
            publisher.publish(message)

    def _publishers(self, rule: Rule) -> list[Publisher]:
        publishers = self._targets.publishers
        return [publisher for name, publisher in publishers.items() if rule.goes_to(name)]
