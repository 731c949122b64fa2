"""`ufvideo watch`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ufvideo_sdk.cli.exit_codes import INCOMPLETE
from ufvideo_sdk.cli.options import (
    FallbackOption,
    LibraryOption,
    PackageOption,
    ProviderOption,
    ThreadsOption,
    only_given,
    runtime_settings,
)

if TYPE_CHECKING:
    from ufvideo_sdk.watch import CameraEvent, CameraNotice, Rules, WatchOptions
    from ufvideo_sdk.watch.sinks.sink import CameraPictures
    from ufvideo_sdk.watch.view.saved_stream import SavedStream
    from ufvideo_sdk.watch.watcher.open_camera import SinkOpener

# Before a scheme's colon there is no "=", and a file of such a name is named with "./".
_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,63})=(.+)", re.DOTALL)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(MB|GB|TB|MiB|GiB|TiB)", re.IGNORECASE)
_SIZES = {"mb": 10**6, "gb": 10**9, "tb": 10**12, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}
_DAY_S = 86400.0

RulesOption = Annotated[
    str, typer.Option("--rules", metavar="RULES", help="A YAML file of rules (docs/live.md).")
]


def watch(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            help="Files, folders that grow, /dev/videoN, rtsp(s):// and http(s):// addresses, and"
            " gst: with a pipeline; each may have a name: door=rtsp://... Their order is that of"
            " their turns.",
            show_default=False,
        ),
    ],
    rules: RulesOption,
    package: PackageOption = None,
    record: Annotated[
        Path | None,
        typer.Option(
            "--record", metavar="DIR", help="Record packets and facts there, to be replayed."
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            metavar="DIR",
            help="Everything in one folder: recordings in DIR/recordings, and what the rules write"
            " to relative paths.",
        ),
    ] = None,
    keep_size: Annotated[
        str | None,
        typer.Option(
            "--keep-size",
            metavar="SIZE",
            help="Most of a camera's recordings that is kept, such as 20GB. Default: all.",
        ),
    ] = None,
    keep_days: Annotated[
        float | None,
        typer.Option(
            "--keep-days", metavar="DAYS", help="Remove packets that are older. Default: none."
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            "--budget", metavar="SHARE", help="Part of the machine to use, such as 0.5: all: 1."
        ),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(
            "--fps",
            metavar="NUMBER",
            help="Frames looked at in a second of stream time. Default: 2.",
        ),
    ] = None,
    window: Annotated[
        int | None,
        typer.Option(
            "--window", metavar="FRAMES", help="Frames of a question. Default: the model's own."
        ),
    ] = None,
    real_time: Annotated[
        bool, typer.Option("--real-time", help="Play files no faster than they were filmed.")
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option(
            "--save",
            metavar="FILE",
            help="Write the annotated stream, .mp4; with the camera's name if there are several.",
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host",
            metavar="HOST",
            help="A host that a webhook of the rules may post to; may be repeated.",
        ),
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Lines in place of the picture in a terminal.")
    ] = False,
    threads: ThreadsOption = None,
    provider: ProviderOption = None,
    allow_fallback: FallbackOption = False,
    onnxruntime_library: LibraryOption = None,
) -> None:
    """Watch cameras and files, and tell the events of rules.

    Events are lines of JSON on stdout, unless the rules say otherwise. What happens is drawn in a
    terminal, and said in lines elsewhere, on stderr. It ends with its sources, or cleanly with
    Ctrl-C or SIGTERM.

    Example: ufvideo watch door=rtsp://camera/stream --rules rules.yaml --record recordings
    """
    from ufvideo_sdk.cli.loaded import loaded
    from ufvideo_sdk.cli.until_signalled import until_signalled
    from ufvideo_sdk.watch import CameraNotice, Rules, open_watch
    from ufvideo_sdk.watch.view.status_view import StatusView

    found = Rules.load(rules)
    options = _options(
        record=record,
        state=state,
        budget=budget,
        keep_size=keep_size,
        keep_days=keep_days,
        sample_fps=fps,
        window=window,
        real_time=real_time,
        allow_hosts=tuple(allow_host or ()),
    )
    named = _named(sources)
    runtime = runtime_settings(
        threads, provider, onnxruntime_library, allow_fallback=allow_fallback
    )
    model = loaded(package, runtime)
    saved: list[SavedStream] = []
    view = StatusView(
        lambda: run.status, lambda: (*run.sinks, *(each.stats for each in saved)), plain=plain
    )
    run = open_watch(
        model,
        named,
        found,
        options=options,
        open_sinks=None if save is None else _saving(save, len(sources), saved),
        has_stdout=view.leaves_stdout,
    )
    is_whole = True

    def told(item: CameraEvent | CameraNotice) -> None:
        nonlocal is_whole
        is_whole &= not isinstance(item, CameraNotice) or item.kind != "disk"

    with view:
        until_signalled(run, told, run.stop)
    if not is_whole:
        raise typer.Exit(INCOMPLETE)


def _saving(path: Path, num_cameras: int, saved: list[SavedStream]) -> SinkOpener:
    """What writes the annotated stream of each camera; each is added to `saved`."""
    from ufvideo_sdk.watch.view.saved_stream import SavedStream, saved_path

    def open_sinks(pictures: CameraPictures, rules: Rules) -> list[SavedStream]:
        target = saved_path(path, pictures.name, num_cameras)
        saved.append(SavedStream(target, pictures, rules))
        return saved[-1:]

    return open_sinks


def _options(
    *,
    record: Path | None,
    state: Path | None,
    budget: float | None,
    keep_size: str | None,
    keep_days: float | None,
    sample_fps: float | None,
    window: int | None,
    real_time: bool,
    allow_hosts: tuple[str, ...],
) -> WatchOptions:
    from ufvideo_sdk.watch import CaptureOptions, Retention, WatchOptions, WindowOptions

    if record is None and state is not None:
        record = state / "recordings"
    if record is None and (keep_size is not None or keep_days is not None):
        raise typer.BadParameter(
            "expected --record or --state with it", param_hint="--keep-size, --keep-days"
        )
    return WatchOptions(
        capture=CaptureOptions(**only_given(sample_fps=sample_fps, real_time=real_time or None)),
        window=WindowOptions(frames=window),
        budget=budget,
        record=record,
        folder=state,
        retention=Retention(
            max_bytes=None if keep_size is None else _num_bytes(keep_size),
            max_age_s=None if keep_days is None else keep_days * _DAY_S,
        ),
        allow_hosts=allow_hosts,
    )


def _num_bytes(text: str) -> int:
    matched = _SIZE.fullmatch(text.strip())
    if matched is None:
        expected = "a size such as 500MB or 20GB"
        raise typer.BadParameter(f"expected {expected}, got {text!r}", param_hint="--keep-size")
    return int(float(matched[1]) * _SIZES[matched[2].lower()])


def _named(sources: list[str]) -> dict[str, str] | list[str]:
    """Sources with names, if they have any; then all of them must."""
    matched = [_NAMED.fullmatch(source) for source in sources]
    if not any(matched):
        return sources
    named: dict[str, str] = {}
    for found in matched:
        if found is None:
            raise typer.BadParameter(
                "expected a name for every source, such as door=rtsp://..., or for none",
                param_hint="SOURCE",
            )
        if found[1] in named:
            raise typer.BadParameter(
                f"expected names that differ, got {found[1]!r} twice", param_hint="SOURCE"
            )
        named[found[1]] = found[2]
    return named
