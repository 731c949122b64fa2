"""`ufvideo ask`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from ufvideo_sdk.cli.mask_folder import MaskLayoutOption, SaveMasksOption, check_mask_folder
from ufvideo_sdk.cli.options import (
    ChoiceCaseOption,
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
    check_order,
    check_save_paths,
    only_given,
    parse_frames,
    read_by,
    runtime_settings,
)
from ufvideo_sdk.cli.region_option import RegionOption, parse_region, region_of
from ufvideo_sdk.cli.say import plain_text, print_json, say
from ufvideo_sdk.cli.terminal import counted, note, saved_after, spinner
from ufvideo_sdk.results.mask_layouts import MASK_LAYOUTS
from ufvideo_sdk.results.not_found import NOT_FOUND
from ufvideo_sdk.validation import short_text

if TYPE_CHECKING:
    from ufvideo_sdk.results.answer import Answer, TextEvent
    from ufvideo_sdk.results.result import Result


def ask(
    source: SourceArgument,
    question: Annotated[
        str,
        typer.Argument(metavar="QUESTION", help="The question; <region> stands for a --region."),
    ],
    package: PackageOption = None,
    as_json: JsonOption = False,
    save: SaveOption = None,
    save_masks: SaveMasksOption = None,
    mask_layout: MaskLayoutOption = MASK_LAYOUTS[0],
    region: RegionOption = None,
    choice: ChoiceOption = None,
    choice_case: ChoiceCaseOption = "model",
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
    from ufvideo_sdk._native import CancellationToken
    from ufvideo_sdk.cli.interruptible import interruptible_items
    from ufvideo_sdk.cli.one_pass import one_pass_video
    from ufvideo_sdk.cli.opened import Request, opened
    from ufvideo_sdk.cli.unknown_words import say_unknown_words
    from ufvideo_sdk.runtime.config import GenerationConfig

    check_order(source, question, "QUESTION")
    marks = [parse_region(text) for text in region or []]
    masks = [mark.mask_path for marked in marks for mark in marked if mark.mask_path is not None]
    paths = check_save_paths(save, inputs=[*read_by(source, package), *masks])
    folder = check_mask_folder(save_masks, mask_layout)
    segment_frames = parse_frames(frames, may_track=True)
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
        say_unknown_words(model, package, question)
        clip = session.clip
        check_save_paths(paths, clip=clip)
        cancel = CancellationToken()
        shown = _Shown(model.manifest.tokens.end_ids, config.max_new_tokens)
        # Of choices the caller's own text is printed, and nothing until all are scored.
        is_live = not as_json and not choice and sys.stdout.isatty()

        def answered(hand_on: Callable[[TextEvent], None]) -> Answer:
            answering = session.stream(
                question,
                regions=[region_of(mark, height=clip.height, width=clip.width) for mark in marks],
                segment_frames=segment_frames,
                choices=choice or None,
                choice_case=choice_case,
                config=config,
                cancel=cancel,
                on_progress=shown.on_progress,
                on_masks=None if video.path is None else video.write,
            )
            for event in answering:
                if is_live:
                    hand_on(event)
            return answering.answer

        with one_pass_video(paths, segment_frames, clip) as video, shown:
            answer = interruptible_items(answered, shown.on_text, cancel)
        with saved_after(answer, paths, video, folder):
            if as_json:
                print_json(answer.to_json())
            else:
                _print(answer, with_text=not is_live)


class _Shown:
    """Text as it comes, with spinners before its first piece and while masks are made."""

    def __init__(self, last_ids: Sequence[int], max_tokens: int) -> None:
        """Begin with no text.

        Args:
            last_ids: Tokens that end an answer.
            max_tokens: How many end it.
        """
        self._last_ids = last_ids
        self._max_tokens = max_tokens
        self._num_tokens = 0
        self._is_line_open = False
        self._waiting = ExitStack()
        self._label = ""
        self._say: Callable[[str], None] = lambda text: None

    def __enter__(self) -> _Shown:
        self._wait("thinking")
        return self

    def __exit__(self, *error: object) -> None:
        self._waiting.close()
        if self._is_line_open:
            say("")

    def on_progress(self, done: int, total: int) -> None:
        """Show how much of the prompt, then of the masks, is done; from another thread."""
        counted(self._say, self._label)(done, total)

    def on_text(self, event: TextEvent) -> None:
        """Print a piece of text."""
        self._waiting.close()
        sys.stdout.write(plain_text(event.text))
        self._num_tokens += 1
        is_last = event.token_id in self._last_ids or self._num_tokens == self._max_tokens
        if is_last:
            sys.stdout.write("\n")
        sys.stdout.flush()
        self._is_line_open = not is_last
        if is_last:
            # The next step of the stream makes the masks.
            self._wait("segmenting")

    def _wait(self, label: str) -> None:
        self._label = label
        self._say = self._waiting.enter_context(spinner(label))


def _print(answer: Answer, *, with_text: bool) -> None:
    if with_text:
        say(answer.text if answer.choice is None else answer.choice)
    for span in answer.spans:
        say(f"time: {span}")
    for line in mask_lines(answer):
        say(line)
    for text, probability in (answer.choice_probabilities or {}).items():
        note(f"{probability:.3f}  {text}")
    stats = answer.stats
    speed = "" if stats.tokens_per_s is None else f", {stats.tokens_per_s:.1f} tokens/s"
    note(
        f"{short_text.counted(stats.num_generated_tokens, 'token')}{speed}, first after"
        f" {stats.time_to_first_token_ms:.0f} ms, ended by: {answer.stop_reason.value}"
    )


def mask_lines(answer: Result) -> list[str]:
    """One line for each object that was segmented."""
    lines = []
    for idx, track in enumerate(answer.masks, start=1):
        frames = short_text.counted(len(track), "frame")
        if track.is_empty:
            lines.append(f"object {idx}: {NOT_FOUND} on {frames}")
            continue
        share = track.num_pixels.mean() / (track.height * track.width)
        lines.append(
            f"object {idx}: {frames}, {100 * share:.1f} % of the picture,"
            f" score {track.scores.mean():.2f}"
        )
    return lines
