"""`ufvideo locate`."""

from __future__ import annotations

from typing import Annotated

import typer

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
    SourceArgument,
    StartOption,
    StreamOption,
    StrictOption,
    ThreadsOption,
    check_order,
    check_save_paths,
    read_by,
    runtime_settings,
)
from ufvideo_sdk.cli.terminal import counted, saved_after, show, spinner


def locate(
    source: SourceArgument,
    event: Annotated[
        str, typer.Argument(metavar="EVENT", help="What happens, e.g. 'a car stops'.")
    ],
    package: PackageOption = None,
    as_json: JsonOption = False,
    save: SaveOption = None,
    start: StartOption = None,
    end: EndOption = None,
    fps: FpsOption = None,
    stream: StreamOption = None,
    strict: StrictOption = False,
    allow_absent: AllowAbsentOption = False,
    threads: ThreadsOption = None,
    provider: ProviderOption = None,
    allow_fallback: FallbackOption = False,
    onnxruntime_library: LibraryOption = None,
) -> None:
    """Say when something happens, in seconds of the source.

    Example: ufvideo locate street.mp4 "a car stops" --package pkg
    """
    from ufvideo_sdk._native import CancellationToken
    from ufvideo_sdk.cli.interruptible import interruptible
    from ufvideo_sdk.cli.opened import Request, opened
    from ufvideo_sdk.cli.unknown_words import say_unknown_words

    check_order(source, event, "EVENT")
    paths = check_save_paths(save, inputs=read_by(source, package))
    runtime = runtime_settings(
        threads, provider, onnxruntime_library, allow_fallback=allow_fallback
    )
    with opened(Request(package, source, start, end, runtime, fps, stream, strict)) as (
        model,
        session,
    ):
        say_unknown_words(model, package, event)
        check_save_paths(paths, clip=session.clip)
        cancel = CancellationToken()
        with spinner("looking for the event") as label:
            found = interruptible(
                lambda: session.locate(
                    event,
                    allow_absent=allow_absent,
                    cancel=cancel,
                    on_progress=counted(label, "looking for the event"),
                ),
                cancel,
            )
        with saved_after(found, paths):
            show(found, map(str, found.spans) if found else [found.caption], as_json=as_json)
