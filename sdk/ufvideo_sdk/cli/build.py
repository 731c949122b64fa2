"""`ufvideo build`."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn

from ufvideo_sdk.cli.info import readable_bytes
from ufvideo_sdk.cli.options import JsonOption, LibraryOption, PackageArgument
from ufvideo_sdk.cli.package import named_package
from ufvideo_sdk.cli.say import say
from ufvideo_sdk.cli.terminal import progress_bar
from ufvideo_sdk.package.file_names import MANIFEST_NAME
from ufvideo_sdk.validation.display_name import display_name

if TYPE_CHECKING:
    from ufvideo_sdk.package.manifest import Manifest
    from ufvideo_sdk.tensorrt.engines import EngineProgress, Engines

_PROVIDERS = ("tensorrt", "cuda", "cpu")


def build(
    package: PackageArgument = None,
    as_json: JsonOption = False,
    force: Annotated[
        bool, typer.Option("--force", help="Build engines again that are there already.")
    ] = False,
    clean: Annotated[
        bool,
        typer.Option(
            "--clean", help="Then remove all other engines of the folder, other packages' too."
        ),
    ] = False,
    device: Annotated[
        int | None, typer.Option("--device", metavar="NUMBER", help="Which GPU. Default: 0.")
    ] = None,
    engine_cache: Annotated[
        Path | None,
        typer.Option(
            "--engine-cache",
            metavar="DIR",
            help="Where engines are kept. Default: ufvideo/tensorrt in the user's cache folder.",
        ),
    ] = None,
    onnxruntime_library: LibraryOption = None,
) -> None:
    """Build TensorRT's engines of a package ahead of time, which takes minutes.

    Example: ufvideo build pkg
    """
    from ufvideo_sdk.package.manifest import read_manifest
    from ufvideo_sdk.runtime.config import RuntimeConfig
    from ufvideo_sdk.runtime.nvidia_libraries import load_installed_libraries
    from ufvideo_sdk.runtime.onnxruntime_library import find_library
    from ufvideo_sdk.tensorrt.engines import Engines, limited_to_tensorrt_stages, require_tensorrt

    folder = named_package(package).folder
    manifest = read_manifest(folder / MANIFEST_NAME)
    runtime = RuntimeConfig(providers=_PROVIDERS, device_id=device or 0, engine_cache=engine_cache)
    library = find_library(onnxruntime_library)
    load_installed_libraries(runtime.all_providers)
    require_tensorrt(library, runtime.device_id)
    engines = Engines(folder, manifest, limited_to_tensorrt_stages(runtime, manifest), library)
    with _progress(len(engines.options)) as on_engine, _interruptible():
        built = engines.build(on_engine, replace=force)
    facts = build_facts(manifest, engines, built)
    facts["removed"] = engines.clean() if clean else {}
    if as_json:
        say(json.dumps(facts, indent=2))
        return
    for line in _lines(facts):
        say(line)


def build_facts(manifest: Manifest, engines: Engines, folder: Path) -> dict[str, Any]:
    """What `ufvideo build --json` prints of engines.

    Args:
        manifest: Of the package.
        engines: Built or found.
        folder: Where they are.
    """
    from ufvideo_sdk.tensorrt.stage_support import tensorrt_stages

    return {
        "folder": display_name(str(folder)),
        "onnxruntime": engines.key.onnxruntime,
        "tensorrt": engines.key.tensorrt,
        "device": engines.key.device,
        "compute_capability": engines.key.compute_capability,
        "engines": {
            stem: {
                "size_bytes": sum(p.stat().st_size for p in (folder / stem).glob("*.engine")),
                # None: it was there already.
                "seconds": engines.build_seconds.get(stem),
                # By provider; an engine is one. None: it was there already.
                "num_nodes": engines.num_nodes.get(stem),
                "options": dict(options),
            }
            for stem, options in engines.options.items()
        },
        "left_out": {
            stage.stem: stage.reason
            for stage in tensorrt_stages(manifest)
            if stage.reason is not None
        },
    }


@contextmanager
def _progress(num_engines: int) -> Iterator[Any]:
    """A bar over the engines on a terminal, and a line for each elsewhere."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with progress_bar(*columns, transient=False) as bar:
        console = bar.console
        # An interrupt ends the process without a chance to show the cursor again.
        console.show_cursor(True)
        task = bar.add_task("looking for engines", total=num_engines)

        def on_engine(progress: EngineProgress) -> None:
            label = "done" if progress.stem is None else f"building {progress.stem}"
            bar.update(task, description=label, completed=progress.num_built)
            if not console.is_terminal and progress.stem is not None:
                number = f"{progress.num_built + 1} of {progress.num_engines}"
                say(f"{label} ({number})", err=True)

        yield on_engine


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let an interrupt end the process at once: one engine takes minutes in which Python cannot.

    What was built so far is no entry of the cache, and the next builder removes it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _lines(facts: dict[str, Any]) -> list[str]:
    lines = [
        f"TensorRT {facts['tensorrt']} (ONNX Runtime {facts['onnxruntime']}) on {facts['device']}"
        f" (compute capability {facts['compute_capability']})",
        "",
    ]
    for stem, engine in facts["engines"].items():
        seconds = engine["seconds"]
        when = "was there" if seconds is None else f"built in {seconds:.0f} s"
        half = "fp16" if engine["options"]["trt_fp16_enable"] == "1" else "fp32"
        lines.append(f"{stem:<17} {half:<5} {readable_bytes(engine['size_bytes']):>11}  {when}")
    lines += [f"left out: {stem}: {reason}" for stem, reason in facts["left_out"].items()]
    if facts["removed"]:
        size = readable_bytes(sum(facts["removed"].values()))
        lines.append(f"removed {len(facts['removed'])} others, {size}")
    return [*lines, f"in {facts['folder']}"]
