"""`ufvideo segment`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ufvideo_sdk.cli.ask import mask_lines
from ufvideo_sdk.cli.options import (
    AllowAbsentOption,
    EndOption,
    FallbackOption,
    FpsOption,
    FramesOption,
    JsonOption,
    LibraryOption,
    PackageOption,
    ProviderOption,
    SaveOption,
    SourceArgument,
    StartOption,
    StreamOption,
    StrictOption,
    ThreadsOption,
    check_order,
    check_save_paths,
    parse_frames,
    read_by,
    runtime_settings,
)
from ufvideo_sdk.cli.terminal import counted, saved_after, show, spinner
from ufvideo_sdk.results.not_found import NOT_FOUND

if TYPE_CHECKING:
    from ufvideo_sdk.results.masks import MaskTrack


def segment(
    source: SourceArgument,
    expression: Annotated[
        str, typer.Argument(metavar="EXPRESSION", help="What to segment, e.g. 'the red car'.")
    ],
    package: PackageOption = None,
    as_json: JsonOption = False,
    save: SaveOption = None,
    start: StartOption = None,
    end: EndOption = None,
    fps: FpsOption = None,
    stream: StreamOption = None,
    strict: StrictOption = False,
    frames: FramesOption = "sampled",
    allow_absent: AllowAbsentOption = False,
    threads: ThreadsOption = None,
    provider: ProviderOption = None,
    allow_fallback: FallbackOption = False,
    onnxruntime_library: LibraryOption = None,
) -> None:
    """Find the pixels of an object.

    Example: ufvideo segment street.mp4 "the red car" --package pkg --frames all --save car.mp4
    """
    from ufvideo_sdk._native import CancellationToken
    from ufvideo_sdk.cli.interruptible import interruptible
    from ufvideo_sdk.cli.one_pass import one_pass_video
    from ufvideo_sdk.cli.opened import Request, answer_of, opened

    check_order(source, expression, "EXPRESSION")
    paths = check_save_paths(save, inputs=read_by(source, package))
    wanted = parse_frames(frames)
    runtime = runtime_settings(
        threads, provider, onnxruntime_library, allow_fallback=allow_fallback
    )
    with opened(Request(package, source, start, end, runtime, fps, stream, strict)) as (_, session):
        check_save_paths(paths, clip=session.clip)
        cancel = CancellationToken()
        # The text of an answer without masks is 'not found', which must not be drawn.
        shown = replace(answer_of(session, expression), text="")
        with (
            one_pass_video(paths, wanted, session.clip) as video,
            spinner("segmenting") as label,
        ):

            def segmented() -> list[MaskTrack]:
                options: dict[str, Any] = {
                    "frames": wanted,
                    "allow_absent": allow_absent,
                    "cancel": cancel,
                    "on_progress": counted(label, "segmenting"),
                }
                if video.path is None:
                    return session.segment(expression, **options)
                with session.segment_stream(expression, **options) as found:
                    for masks in found:
                        video.write(shown, masks, found.pixels)
                return found.tracks

            tracks = interruptible(segmented, cancel)
        answer = answer_of(session, expression, masks=tuple(tracks))
        with saved_after(answer, paths, video):
            show(answer, mask_lines(answer) or [NOT_FOUND], as_json=as_json)
