"""`ufvideo ask`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from ufvideo_sdk.cli.options import (
    ChoiceOption,
    EndOption,
    FallbackOption,
    FpsOption,
    FramesOption,
    JsonOption,
    LibraryOption,
    MaxNewTokensOption,
    PackageOption,
    ProviderOption,
    RepetitionPenaltyOption,
    SaveOption,
    SeedOption,
    SourceArgument,
    StartOption,
    StopOption,
    StreamOption,
    StrictOption,
    TemperatureOption,
    ThreadsOption,
    TopKOption,
    TopPOption,
    check_save_paths,
    only_given,
    parse_frames,
    read_by,
    runtime_settings,
)
from ufvideo_sdk.cli.region_option import RegionOption, parse_region, region_of
from ufvideo_sdk.cli.say import plain_text, print_json, say
from ufvideo_sdk.cli.terminal import note, saved_after, spinner
from ufvideo_sdk.results import Answer

if TYPE_CHECKING:
    from ufvideo_sdk.answer_stream import AnswerStream


def ask(
    source: SourceArgument,
    question: Annotated[
        str,
        typer.Argument(metavar="QUESTION", help="The question; <region> stands for a --region."),
    ],
    package: PackageOption = None,
    as_json: JsonOption = False,
    save: SaveOption = None,
    region: RegionOption = None,
    choice: ChoiceOption = None,
    start: StartOption = None,
    end: EndOption = None,
    fps: FpsOption = None,
    stream: StreamOption = None,
    strict: StrictOption = False,
    frames: FramesOption = "sampled",
    max_new_tokens: MaxNewTokensOption = None,
    temperature: TemperatureOption = None,
    top_k: TopKOption = None,
    top_p: TopPOption = None,
    seed: SeedOption = None,
    repetition_penalty: RepetitionPenaltyOption = None,
    stop: StopOption = None,
    threads: ThreadsOption = None,
    provider: ProviderOption = None,
    allow_fallback: FallbackOption = False,
    onnxruntime_library: LibraryOption = None,
) -> None:
    """Ask a question; the text comes as it is made.

    Example: ufvideo ask street.mp4 "What is object_1: [<region>] doing?" --package pkg
    --region "0:120,80,64,48" --save answer.mp4
    """
    from ufvideo_sdk.cli.opened import Request, opened
    from ufvideo_sdk.config import GenerationConfig

    marks = [parse_region(text) for text in region or []]
    masks = [mark.mask_path for marked in marks for mark in marked if mark.mask_path is not None]
    paths = check_save_paths(save, inputs=[*read_by(source, package), *masks])
    segment_frames = parse_frames(frames)
    config = GenerationConfig(
        **only_given(
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            repetition_penalty=repetition_penalty,
            stop_strings=tuple(stop) if stop else None,
        )
    )
    runtime = runtime_settings(
        threads, provider, onnxruntime_library, allow_fallback=allow_fallback
    )
    with opened(Request(package, source, start, end, runtime, fps, stream, strict)) as (
        model,
        session,
    ):
        clip = session.clip
        check_save_paths(paths, clip=clip)
        answering = session.stream(
            question,
            regions=[region_of(mark, height=clip.height, width=clip.width) for mark in marks],
            segment_frames=segment_frames,
            choices=choice or None,
            config=config,
        )
        is_live = not as_json and sys.stdout.isatty()
        last_ids = model.manifest.tokens.end_ids
        answer = (
            _print_live(answering, last_ids, config.max_new_tokens) if is_live else _wait(answering)
        )
        with saved_after(answer, paths):
            if as_json:
                print_json(answer.to_json())
            else:
                _print(answer, with_text=not is_live)


def _wait(stream: AnswerStream) -> Answer:
    with spinner("thinking"):
        for _ in stream:
            pass
    return stream.answer


def _print_live(stream: AnswerStream, last_ids: Sequence[int], max_tokens: int) -> Answer:
    """Print the pieces as they come, with spinners before the first and after the last."""
    num_tokens, at_line_start = 0, False
    with ExitStack() as waiting:
        waiting.enter_context(spinner("thinking"))
        for event in stream:
            waiting.close()
            sys.stdout.write(plain_text(event.text))
            sys.stdout.flush()
            num_tokens += 1
            at_line_start = event.token_id in last_ids or num_tokens == max_tokens
            if at_line_start:
                sys.stdout.write("\n")
                sys.stdout.flush()
                # The next step of the stream makes the masks.
                waiting.enter_context(spinner("segmenting"))
    if not at_line_start:
        say("")
    return stream.answer


def _print(answer: Answer, *, with_text: bool) -> None:
    if with_text:
        say(answer.text)
    for span in answer.spans:
        say(f"time: {span}")
    for line in mask_lines(answer):
        say(line)
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
