"""`ufvideo segment`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ufvideo_sdk.cli.ask import mask_lines
from ufvideo_sdk.cli.mask_folder import MaskLayoutOption, SaveMasksOption, check_mask_folder
from ufvideo_sdk.cli.options import (
    AllowAbsentOption,
    EndOption,
    FallbackOption,
    FpsOption,
    JsonOption,
    LibraryOption,
    PackageOption,
    ProviderOption,
    SaveOption,
    SegmentFramesOption,
    SourceArgument,
    StartOption,
    StreamOption,
    StrictOption,
    ThreadsOption,
    TrackFromOption,
    TrackOption,
    check_order,
    check_save_paths,
    parse_frames,
    read_by,
    runtime_settings,
)
from ufvideo_sdk.cli.terminal import counted, saved_after, show, spinner
from ufvideo_sdk.results.mask_layouts import MASK_LAYOUTS
from ufvideo_sdk.results.not_found import NOT_FOUND

if TYPE_CHECKING:
    from ufvideo_sdk.results.segment_result import SegmentResult
    from ufvideo_sdk.results.track_result import TrackResult


def segment(
    source: SourceArgument,
    expression: Annotated[
        str, typer.Argument(metavar="EXPRESSION", help="What to segment, e.g. 'the red car'.")
    ],
    package: PackageOption = None,
    as_json: JsonOption = False,
    save: SaveOption = None,
    save_masks: SaveMasksOption = None,
    mask_layout: MaskLayoutOption = MASK_LAYOUTS[0],
    start: StartOption = None,
    end: EndOption = None,
    fps: FpsOption = None,
    stream: StreamOption = None,
    strict: StrictOption = False,
    frames: SegmentFramesOption = None,
    track: TrackOption = False,
    track_from: TrackFromOption = None,
    allow_absent: AllowAbsentOption = False,
    threads: ThreadsOption = None,
    provider: ProviderOption = None,
    allow_fallback: FallbackOption = False,
    onnxruntime_library: LibraryOption = None,
) -> None:
    """Find the pixels of an object, on each frame by itself or, with --track, by SAM 2's memory.

    Example: ufvideo segment street.mp4 "the red car" --package pkg --track --save car.mp4
    """
    from ufvideo_sdk._native import CancellationToken
    from ufvideo_sdk.cli.interruptible import interruptible
    from ufvideo_sdk.cli.one_pass import one_pass_video
    from ufvideo_sdk.cli.opened import Request, opened
    from ufvideo_sdk.cli.unknown_words import say_unknown_words
    from ufvideo_sdk.results.track_result import TrackResult

    check_order(source, expression, "EXPRESSION")
    paths = check_save_paths(save, inputs=read_by(source, package))
    folder = check_mask_folder(save_masks, mask_layout)
    if track_from is not None and not track:
        raise typer.BadParameter("expected --track beside it", param_hint="--track-from")
    wanted = parse_frames(frames or ("all" if track else "sampled"))
    runtime = runtime_settings(
        threads, provider, onnxruntime_library, allow_fallback=allow_fallback
    )
    with opened(Request(package, source, start, end, runtime, fps, stream, strict)) as (
        model,
        session,
    ):
        say_unknown_words(model, package, expression)
        check_save_paths(paths, clip=session.clip)
        cancel = CancellationToken()
        doing = "tracking" if track else "segmenting"
        with one_pass_video(paths, wanted, session.clip) as video, spinner(doing) as label:
            common: dict[str, Any] = {
                "frames": wanted,
                "allow_absent": allow_absent,
                "cancel": cancel,
                "on_progress": counted(label, doing),
                "on_masks": None if video.path is None else video.write,
            }

            def find() -> SegmentResult | TrackResult:
                if track:
                    return session.track(expression, start_s=track_from, **common)
                return session.segment(expression, **common)

            found = interruptible(find, cancel)
        with saved_after(found, paths, video, folder):
            lines = mask_lines(found) or [found.caption or NOT_FOUND]
            events = event_lines(found) if isinstance(found, TrackResult) else []
            show(found, [*lines, *events], as_json=as_json)


def event_lines(found: TrackResult) -> list[str]:
    """One line for each event, in the order of their times, with the number `mask_lines` has."""
    numbers = {track.id: number for number, track in enumerate(found, start=1)}
    return [
        f"object {numbers[event.track_id]}: {event.kind.value} at {event.time_s:.2f} s"
        for event in found.events
    ]
