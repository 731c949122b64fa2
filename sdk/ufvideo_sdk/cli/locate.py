"""`ufvideo locate`."""

from __future__ import annotations

from typing import Annotated

import typer

from ufvideo_sdk.cli.options import (
    EndOption,
    FallbackOption,
    JsonOption,
    LibraryOption,
    PackageOption,
    ProviderOption,
    SaveOption,
    SourceArgument,
    StartOption,
    ThreadsOption,
    check_save_paths,
    runtime_settings,
)
from ufvideo_sdk.cli.terminal import counted, note, save_all, show, spinner


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
    allow_absent: Annotated[
        bool,
        typer.Option(
            "--allow-absent", help="Let the model say that it does not happen (nano can), no span."
        ),
    ] = False,
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
    from ufvideo_sdk.cli.opened import Request, answer_of, opened

    paths = check_save_paths(save)
    runtime = runtime_settings(
        threads, provider, onnxruntime_library, allow_fallback=allow_fallback
    )
    with opened(Request(package, source, start, end, runtime)) as (_, session):
        check_save_paths(paths, is_image=session.clip.is_image)
        cancel = CancellationToken()
        with spinner("looking for the event") as say:
            spans = tuple(
                interruptible(
                    lambda: session.locate(
                        event,
                        allow_absent=allow_absent,
                        cancel=cancel,
                        on_progress=counted(say, "looking for the event"),
                    ),
                    cancel,
                )
            )
        answer = answer_of(session, event, spans=spans)
        show(answer, map(str, spans), as_json=as_json)
        if not spans and not as_json:
            note("the model named no time")
        save_all(answer, paths)
