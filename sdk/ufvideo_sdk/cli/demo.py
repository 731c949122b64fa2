"""`ufvideo demo`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ufvideo_sdk.cli.exit_codes import INCOMPLETE
from ufvideo_sdk.cli.options import (
    FallbackOption,
    JsonOption,
    LibraryOption,
    ProviderOption,
    SaveOption,
    ThreadsOption,
    check_save_paths,
    read_by,
    runtime_settings,
)
from ufvideo_sdk.cli.say import print_json, say
from ufvideo_sdk.cli.terminal import note, saved_after
from ufvideo_sdk.validation.display_name import display_name

if TYPE_CHECKING:
    from ufvideo_sdk.demo.questions import Comparison


def demo(
    package: Annotated[
        str | None,
        # Not from UFVIDEO_PACKAGE: only a model of nano's world knows the answers.
        typer.Option("--package", metavar="PACKAGE", help="Another package. Default: nano."),
    ] = None,
    as_json: JsonOption = False,
    save: SaveOption = None,
    threads: ThreadsOption = None,
    provider: ProviderOption = None,
    allow_fallback: FallbackOption = False,
    onnxruntime_library: LibraryOption = None,
) -> None:
    """Ask nano about a clip that ships, and print its answers beside the truth.

    Writes no file unless --save names one.

    Example: ufvideo demo --save demo.mp4
    """
    from ufvideo_sdk._native import CancellationToken
    from ufvideo_sdk.cli.interruptible import interruptible_items
    from ufvideo_sdk.cli.opened import Request, opened
    from ufvideo_sdk.demo.files import demo_clip
    from ufvideo_sdk.demo.run import compare, summary
    from ufvideo_sdk.package.shipped_package import WHAT_IT_IS, shipped_package

    clip = demo_clip()
    paths = check_save_paths(save, inputs=read_by(str(clip), package))
    runtime = runtime_settings(
        threads, provider, onnxruntime_library, allow_fallback=allow_fallback
    )
    named = str(shipped_package()) if package is None else package
    if not as_json and package is None:
        say(f"This is {WHAT_IT_IS}.")
    with opened(Request(named, str(clip), None, None, runtime)) as (model, session):
        check_save_paths(paths, clip=session.clip)
        cancel = CancellationToken()

        def compared(hand_on: Callable[[Comparison], None]) -> list[Comparison]:
            comparisons = []
            for each in compare(session, cancel):
                hand_on(each)
                comparisons.append(each)
            return comparisons

        def print_one(each: Comparison) -> None:
            if not as_json:
                _print(each)

        comparisons = interruptible_items(compared, print_one, cancel)
        name = model.manifest.model.name
        answer = summary(comparisons, f"{name} is asked about {clip.name}:")
        num_right = sum(each.is_right for each in comparisons)
        with saved_after(answer, paths):
            if as_json:
                print_json(_as_json(name, clip, comparisons))
            else:
                say(f"\n{num_right} of {len(comparisons)} right. The clip: {clip}")
                if not paths:
                    note("ufvideo demo --save demo.mp4 draws the answers on the clip")
    if num_right < len(comparisons):
        raise typer.Exit(INCOMPLETE)


def _print(each: Comparison) -> None:
    overlap = "" if each.overlap is None else f", overlap (IoU) {each.overlap:.2f}"
    say(f"\n{each.question}\n  answer  {each.answer}\n  truth   {each.truth}")
    say(f"  {'right' if each.is_right else 'WRONG'}{overlap}")


def _as_json(model: str, clip: Path, comparisons: list[Comparison]) -> str:
    content = {
        "model": model,
        "clip": display_name(str(clip)),
        "num_right": sum(each.is_right for each in comparisons),
        "questions": [
            {
                "question": each.question,
                "answer": each.answer,
                "truth": each.truth,
                "right": each.is_right,
                "overlap": each.overlap,
            }
            for each in comparisons
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
