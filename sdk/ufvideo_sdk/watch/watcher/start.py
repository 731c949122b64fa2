"""`watch`: what programs call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar, overload

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.model import UFVideo
from ufvideo_sdk.validation.arguments import check_callback, check_instance, described
from ufvideo_sdk.watch.rules.rules import Rules
from ufvideo_sdk.watch.sinks.sink import CameraPictures, Sink
from ufvideo_sdk.watch.watcher.camera_event import CameraEvent, CameraNotice
from ufvideo_sdk.watch.watcher.camera_names import Sources, named_sources
from ufvideo_sdk.watch.watcher.open_camera import SinkOpener
from ufvideo_sdk.watch.watcher.options import WatchOptions
from ufvideo_sdk.watch.watcher.run import Watch

Self = TypeVar("Self", bound="EventIterator")
CameraRules = Rules | Mapping[str, Rules]
_DEFAULT = WatchOptions()


class EventIterator:
    """The events of a watch, as they become known.

    Attributes:
        watch: The run: its `status`, and `stop`.
    """

    def __init__(self, watch: Watch, on_notice: Callable[[CameraNotice], Any] | None) -> None:
        """Use `watch`."""
        self.watch = watch
        self._on_notice = on_notice
        self._told: Iterator[CameraEvent | CameraNotice] | None = None

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[CameraEvent]:
        """The iterator itself."""
        return self

    def __next__(self) -> CameraEvent:
        """Watch until the next edge of an event."""
        if self._told is None:
            self._told = iter(self.watch)
        for told in self._told:
            if isinstance(told, CameraEvent):
                return told
            if self._on_notice is not None:
                self._on_notice(told)
        raise StopIteration

    def close(self) -> None:
        """End the watch: what is under way is finished, and every thread has ended after it."""
        self.watch.stop()
        told = self._told
        if told is not None:
            for _ in told:
                pass


@overload
def watch(
    model: UFVideo,
    sources: Sources,
    rules: CameraRules,
    *,
    options: WatchOptions = ...,
    on_event: None = None,
    on_notice: Callable[[CameraNotice], Any] | None = None,
    open_sinks: SinkOpener | None = None,
) -> EventIterator: ...


@overload
def watch(
    model: UFVideo,
    sources: Sources,
    rules: CameraRules,
    *,
    options: WatchOptions = ...,
    on_event: Callable[[CameraEvent], Any],
    on_notice: Callable[[CameraNotice], Any] | None = None,
    open_sinks: SinkOpener | None = None,
) -> None: ...


def watch(
    model: UFVideo,
    sources: Sources,
    rules: CameraRules,
    *,
    options: WatchOptions = _DEFAULT,
    on_event: Callable[[CameraEvent], Any] | None = None,
    on_notice: Callable[[CameraNotice], Any] | None = None,
    open_sinks: SinkOpener | None = None,
) -> EventIterator | None:
    """Watch cameras, files or folders, and tell the events of rules.

        for event in watch(model, "rtsp://camera/stream", Rules.load("rules.yaml")):
            print(event)

    The calling thread does the work while it iterates: a program that wants to go on beside it
    watches in a thread of its own. Leaving the loop, an exception in it and
    `close` end the watch; what is under way is finished first.

    Args:
        model: What is asked.
        sources: One, a list of them, or a mapping of names to sources: a file, a folder that grows,
            /dev/videoN, an rtsp(s) or http(s) address, or a function that opens a `Capture`.
        rules: The rules of all cameras, or those of each by its name.
        options: How: frames a second, window, budget, recording.
        on_event: Called with each edge of an event; the call then watches until all sources have
            ended, and returns None. Its exceptions end the watch and are raised unchanged.
        on_notice: Called with what else a person wants to know, such as a camera that is dark.
        open_sinks: Makes sinks of a camera, from its pictures and its rules, beside those of the
            file of rules (docs/live.md). Nothing is printed.

    Returns:
        An iterator over the edges of events of all cameras; None with `on_event`.

    Raises:
        InputError: When sources or rules cannot be used.
        ConfigError: When an option is not allowed, or a library is missing.
        PackageError: When the package cannot answer a question of the rules.
    """
    check_callback(on_event, "on_event")
    check_callback(on_notice, "on_notice")
    run = open_watch(model, sources, rules, options=options, open_sinks=open_sinks)
    events = EventIterator(run, on_notice)
    if on_event is None:
        return events
    try:
        for event in events:
            on_event(event)
    finally:
        events.close()
    return None


def open_watch(
    model: UFVideo,
    sources: Sources,
    rules: CameraRules,
    *,
    options: WatchOptions = _DEFAULT,
    open_sinks: SinkOpener | None = None,
    has_stdout: bool = False,
) -> Watch:
    """Return a watch that has not begun: its iteration tells events and notices in order.

    Arguments and errors are those of `watch`; with `has_stdout` the sink `json_lines` of the rules
    may print.
    """
    check_instance(model, "model", UFVideo)
    check_instance(options, "options", WatchOptions)
    named = named_sources(sources)
    by_camera = _rules_of(named, rules)
    sinks = open_sinks or _no_sinks
    return Watch(model, named, by_camera, options, sinks, has_stdout=has_stdout)


def _rules_of(cameras: Mapping[str, object], rules: CameraRules) -> dict[str, Rules]:
    if isinstance(rules, Rules):
        rules.check_cameras(list(cameras))
        return dict.fromkeys(cameras, rules)
    if not isinstance(rules, Mapping):
        raise InputError(f"rules: expected Rules, or Rules by camera, got {described(rules)}")
    for name in cameras:
        check_instance(rules.get(name), f"rules[{name!r}]", Rules)
    unknown = [name for name in rules if name not in cameras]
    if unknown:
        raise InputError(f"rules: expected cameras of sources, got {', '.join(map(str, unknown))}")
    return {name: rules[name] for name in cameras}


def _no_sinks(pictures: CameraPictures, rules: Rules) -> Sequence[Sink]:
    return ()
