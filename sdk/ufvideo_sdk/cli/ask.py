"""`ufvideo ask`."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import Annotated, Any

import typer

from ufvideo_sdk.cli.options import (
    EndOption,
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
from ufvideo_sdk.cli.region_option import RegionOption, parse_region
from ufvideo_sdk.cli.terminal import note, save_all, spinner
from ufvideo_sdk.results import Answer


def ask(
    source: SourceArgument,
    question: Annotated[
        str,
        typer.Argument(metavar="QUESTION", help="The question; <region> stands for a --region."),
    ],
    package: PackageOption,
    as_json: JsonOption = False,
    save: SaveOption = None,
    region: RegionOption = None,
    start: StartOption = None,
    end: EndOption = None,
    frames: FramesOption = "sampled",
    max_new_tokens: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Longest answer, tokens.")
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(metavar="NUMBER", help="0 is greedy (the default); above 0 samples."),
    ] = None,
    top_k: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Sample among the k likeliest.")
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(metavar="NUMBER", help="Sample within this share of probability."),
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="NUMBER", help="Seed of the sampler.")] = None,
    threads: ThreadsOption = None,
    provider: ProviderOption = None,
    onnxruntime_library: LibraryOption = None,
) -> None:
    """Ask a question; the text comes as it is made.

    Example: ufvideo ask street.mp4 "What is object_1: [<region>] doing?" --package pkg
    --region "0:120,80,64,48" --save answer.mp4
    """
    from ufvideo_sdk.cli.opened import Request, opened

    paths = check_save_paths(save)
    marks = [parse_region(text) for text in region or []]
    segment_frames = parse_frames(frames)
    generation = {
        "max_new_tokens": max_new_tokens,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "seed": seed,
    }
    runtime = runtime_settings(threads, provider, onnxruntime_library)
    with opened(Request(package, source, start, end, runtime)) as session:
        answer = _answer(
            session,
            question,
            marks=marks,
            segment_frames=segment_frames,
            generation={key: value for key, value in generation.items() if value is not None},
            live=not as_json and sys.stdout.isatty(),
        )
        if as_json:
            typer.echo(answer.to_json(), nl=False)
        else:
            _print(answer, live=sys.stdout.isatty())
        save_all(answer, paths)


def _answer(
    session: Any,
    question: str,
    *,
    marks: list[Any],
    segment_frames: str | tuple[int, ...],
    generation: dict[str, Any],
    live: bool,
) -> Answer:
    """Stream the answer; print its pieces as they come when a person is watching."""
    from ufvideo_sdk.cli.region_option import region_of
    from ufvideo_sdk.config import GenerationConfig

    clip = session.clip
    stream = session.stream(
        question,
        regions=[region_of(mark, height=clip.height, width=clip.width) for mark in marks],
        segment_frames=segment_frames,
        config=GenerationConfig(**generation),
    )
    with ExitStack() as waiting:
        waiting.enter_context(spinner("thinking"))
        for event in stream:
            if live:
                waiting.close()
                sys.stdout.write(event.text)
                sys.stdout.flush()
    answer: Answer = stream.answer
    return answer


def _print(answer: Answer, *, live: bool) -> None:
    typer.echo("" if live else answer.text)
    for span in answer.spans:
        typer.echo(f"time: {span}")
    for line in mask_lines(answer):
        typer.echo(line)
    stats = answer.stats
    speed = "" if stats.tokens_per_s is None else f", {stats.tokens_per_s:.1f} tokens/s"
    note(
        f"{stats.num_generated_tokens} tokens{speed}, first after"
        f" {stats.time_to_first_token_ms:.0f} ms, ended by: {answer.stop_reason.value}"
    )


def mask_lines(answer: Answer) -> list[str]:
    """One line for each object that was segmented."""
    lines = []
    for idx, track in enumerate(answer.masks, start=1):
        covered = 100 * track.masks.mean() if track.masks.size else 0.0
        score = track.scores.mean() if track.scores.size else 0.0
        lines.append(
            f"object {idx}: {len(track.frame_idxs)} frames, {covered:.1f} % of the picture,"
            f" score {score:.2f}"
        )
    return lines
