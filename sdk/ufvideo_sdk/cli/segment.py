"""`ufvideo segment`."""

from __future__ import annotations

from typing import Annotated

import typer

from ufvideo_sdk.cli.ask import mask_lines
from ufvideo_sdk.cli.mask_folder import MaskLayoutOption, SaveMasksOption, check_mask_folder
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
from ufvideo_sdk.results.mask_layouts import MASK_LAYOUTS
from ufvideo_sdk.results.not_found import NOT_FOUND


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
    from ufvideo_sdk.cli.opened import Request, opened

    check_order(source, expression, "EXPRESSION")
    paths = check_save_paths(save, inputs=read_by(source, package))
    folder = check_mask_folder(save_masks, mask_layout)
    wanted = parse_frames(frames)
    runtime = runtime_settings(
        threads, provider, onnxruntime_library, allow_fallback=allow_fallback
    )
    with opened(Request(package, source, start, end, runtime, fps, stream, strict)) as (_, session):
        check_save_paths(paths, clip=session.clip)
        cancel = CancellationToken()
        with (
            one_pass_video(paths, wanted, session.clip) as video,
            spinner("segmenting") as label,
        ):
            found = interruptible(
                lambda: session.segment(
                    expression,
                    frames=wanted,
                    allow_absent=allow_absent,
                    cancel=cancel,
                    on_progress=counted(label, "segmenting"),
                    on_masks=None if video.path is None else video.write,
                ),
                cancel,
            )
        with saved_after(found, paths, video, folder):
            lines = mask_lines(found) or [found.caption or NOT_FOUND]
            show(found, lines, as_json=as_json)
