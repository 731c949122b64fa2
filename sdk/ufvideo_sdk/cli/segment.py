"""`ufvideo segment`."""

from __future__ import annotations

from typing import Annotated

import typer

from ufvideo_sdk.cli.ask import mask_lines
from ufvideo_sdk.cli.options import (
    EndOption,
    FallbackOption,
    FramesOption,
    JsonOption,
    LibraryOption,
    PackageOption,
    ProviderOption,
    SaveOption,
    SourceArgument,
    StartOption,
    ThreadsOption,
    check_save_paths,
    parse_frames,
    runtime_settings,
)
from ufvideo_sdk.cli.terminal import counted, save_all, show, spinner


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
    frames: FramesOption = "sampled",
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
    from ufvideo_sdk.cli.opened import Request, answer_of, opened

    paths = check_save_paths(save)
    wanted = parse_frames(frames)
    runtime = runtime_settings(
        threads, provider, onnxruntime_library, allow_fallback=allow_fallback
    )
    with opened(Request(package, source, start, end, runtime)) as (_, session):
        check_save_paths(paths, is_image=session.clip.is_image)
        cancel = CancellationToken()
        with spinner("segmenting") as say:
            tracks = tuple(
                interruptible(
                    lambda: session.segment(
                        expression,
                        frames=wanted,
                        cancel=cancel,
                        on_progress=counted(say, "segmenting"),
                    ),
                    cancel,
                )
            )
        answer = answer_of(session, expression, masks=tracks)
        show(answer, mask_lines(answer), as_json=as_json)
        save_all(answer, paths)
