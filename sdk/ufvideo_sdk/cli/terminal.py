"""What goes to a person: spinners and bars on stderr, and only on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from ufvideo_sdk.cli.say import print_json, say
from ufvideo_sdk.cli.termination import tidied_on_termination
from ufvideo_sdk.errors import UFVideoError

if TYPE_CHECKING:
    from ufvideo_sdk.cli.mask_folder import MaskFolder
    from ufvideo_sdk.cli.one_pass import OnePassVideo
    from ufvideo_sdk.results.result import Result
    from ufvideo_sdk.tensorrt.engines import EngineProgress


@contextmanager
def spinner(label: str) -> Iterator[Callable[[str], None]]:
    """Turn while something of unknown length runs; yields a function that changes the label."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda text: None
        return
    with console.status(label) as status:
        yield lambda text: status.update(text)


@contextmanager
def progress_bar(*columns: ProgressColumn, transient: bool = True) -> Iterator[Progress]:
    """A bar on stderr if that is a terminal; elsewhere one that nobody sees."""
    console = Console(stderr=True)
    bar = Progress(*columns, console=console, transient=transient, disable=not console.is_terminal)
    if not console.is_terminal:
        # Not entered: when it is left, rich before 15 writes an empty line all the same.
        yield bar
        return
    with bar:
        yield bar


def counted(say: Callable[[str], None], label: str) -> Callable[[int, int], None]:
    """What a call's `on_progress` is: puts the share that is done behind a spinner's label."""
    return lambda done, total: say(f"{label}: {100 * done // max(total, 1)} %")


def engine_label(progress: EngineProgress) -> str:
    """What is under way while TensorRT's engines are built."""
    if progress.stem is None:
        return "opening the graphs"
    number = f"{progress.num_built + 1} of {progress.num_engines}"
    return f"building the TensorRT engine of {progress.stem} ({number}), which takes minutes"


def note(text: str) -> None:
    """One line for a person, never for a program."""
    console = Console(stderr=True)
    if console.is_terminal:
        console.print(text, style="dim", highlight=False, markup=False)


def show(answer: Result, lines: Iterable[str], *, as_json: bool) -> None:
    """Print an answer on stdout: as JSON, or line by line."""
    if as_json:
        print_json(answer.to_json())
        return
    for line in lines:
        say(line)


@contextmanager
def saved_after(
    answer: Result,
    paths: list[Path],
    video: OnePassVideo | None = None,
    masks: MaskFolder | None = None,
) -> Iterator[None]:
    """Write an answer to every path after it was printed, also where printing fails.

    Whoever reads what is printed may leave early, such as `head`; the files are wanted all the
    same. If several files cannot be written, stderr names each with its reason.

    Args:
        answer: What to write.
        paths: Where to.
        video: The video written during segmentation; `None` if there is none.
        masks: The folder of its masks; `None` if there is none.

    Raises:
        InputError: As `Answer.save`; of several files, what the first one raised.
        CapacityError: As `Answer.save`.
        DeviceError: As `Answer.save`.
        OSError: What printing raised, if every file was written.
    """
    printing: OSError | None = None
    problems: dict[Path, UFVideoError] = {}
    try:
        yield
    except OSError as error:
        printing = error
    for path in paths:
        try:
            if video is not None and video.is_written and path == video.path:
                if video.problem is not None:
                    raise video.problem
            else:
                with tidied_on_termination():
                    _save(answer, path)
        except UFVideoError as error:
            # The other files are wanted all the same.
            problems[path] = error
            continue
        with suppress(OSError):
            say(f"wrote {path}", err=True)
        _explain_few_masks(answer, path)
    if masks is not None:
        try:
            _save_masks(answer, masks)
        except UFVideoError as error:
            problems[masks.path] = error
    if len(problems) > 1:
        for path, problem in problems.items():
            with suppress(OSError):
                say(f"could not write {path}: {problem}", err=True)
    for problem in problems.values():
        raise problem
    if printing is not None:
        raise printing


def _save(answer: Result, path: Path) -> None:
    from ufvideo_sdk.render.save import save_answer

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with progress_bar(*columns) as bar:
        task = bar.add_task(f"writing {path.name}", total=None)
        save_answer(
            answer,
            path,
            progress=lambda written, total: bar.update(task, completed=written, total=total),
        )


def _save_masks(answer: Result, masks: MaskFolder) -> None:
    """Write the folder of masks. An answer without masks is no error: no folder is written."""
    if not answer.masks:
        said = f"no masks: {masks.path} was not written"
    else:
        with tidied_on_termination():
            answer.save_masks(masks.path, masks.layout)
        said = f"wrote {masks.path}"
    with suppress(OSError):
        say(said, err=True)


def _explain_few_masks(answer: Result, path: Path) -> None:
    """A video with masks on a few frames flickers: say why, and what to do."""
    num_frames = len(answer.clip.frame_idxs)
    most = max((len(track.frame_idxs) for track in answer.masks), default=0)
    if path.suffix.lower() == ".mp4" and 0 < most < num_frames:
        note(
            f"  masks are drawn on the {most} of {num_frames} frames that were segmented; --frames"
            " all segments every frame"
        )
