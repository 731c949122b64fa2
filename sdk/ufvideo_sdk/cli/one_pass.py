"""A video that is written in the pass that segments its frames."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.cli.termination import tidied_on_termination
from ufvideo_sdk.errors import UFVideoError
from ufvideo_sdk.results.object_mask import FrameMasks
from ufvideo_sdk.results.result import Result
from ufvideo_sdk.video.clip import Clip

if TYPE_CHECKING:
    from ufvideo_sdk.render.answer_video import AnswerVideo


class OnePassVideo:
    """Writes the first `.mp4` of `--save` while frames are segmented, if `--frames all` is given.

    An error of drawing or encoding is stored in `problem`; segmentation goes on.

    Attributes:
        path: Where it is written; None: no video is written in one pass.
        problem: Why it could not be written.
    """

    def __init__(self, path: Path | None) -> None:
        """Begin without a frame."""
        self.path = path
        self.problem: UFVideoError | None = None
        self.video: AnswerVideo | None = None

    @property
    def is_written(self) -> bool:
        """Whether the video needs no second attempt: it was written, or `problem` says why not."""
        return self.problem is not None or (self.video is not None and self.video.num_frames > 0)

    def write(self, answer: Result, found: FrameMasks, pixels: NDArray[np.uint8]) -> None:
        """Append a frame; the answer's `on_masks`."""
        if self.video is None or self.problem is not None:
            return
        try:
            self.video.write(answer, found, pixels)
        except UFVideoError as error:
            self.problem = error


@contextmanager
def one_pass_video(paths: list[Path], frames: object, clip: Clip) -> Iterator[OnePassVideo]:
    """Write a video while the block segments.

    Args:
        paths: Where to save.
        frames: Which frames are segmented; only "all" and "tracked" are a video of their own.
        clip: What is segmented.
    """
    videos = [path for path in paths if path.suffix.lower() == ".mp4"]
    one_pass = OnePassVideo(videos[0] if videos and frames in ("all", "tracked") else None)
    if one_pass.path is None:
        yield one_pass
        return
    # Drawing loads OpenCV and PyAV: only for those who want a picture.
    from ufvideo_sdk.render.answer_video import AnswerVideo

    with tidied_on_termination():
        try:
            with ExitStack() as stack:
                one_pass.video = stack.enter_context(AnswerVideo(one_pass.path, clip))
                yield one_pass
        except UFVideoError as error:
            if one_pass.video is None or error is not one_pass.video.failure:
                raise
            one_pass.problem = error
