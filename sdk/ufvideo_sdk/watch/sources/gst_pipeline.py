"""A camera behind a GStreamer pipeline, such as a board's own with its hardware decoder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk.errors import ConfigError
from ufvideo_sdk.watch.sources.connection import NothingSentError, SessionParts
from ufvideo_sdk.watch.sources.frame_encoder import FrameEncoder
from ufvideo_sdk.watch.sources.options import CaptureOptions
from ufvideo_sdk.watch.sources.redaction import Redactor

PREFIX = "gst:"
_NANOSECOND = Fraction(1, 1_000_000_000)
_PULL_NS = 50_000_000
# Few: whoever reads is quick, and memory of a camera's buffers is scarce.
_MAX_BUFFERS = 8
_SINK = "videoconvert ! video/x-raw,format=RGB ! appsink"
_INSTALL = (
    "apt install python3-gi gir1.2-gstreamer-1.0, and an environment that sees Debian's packages:"
    " python3 -m venv --system-site-packages"
)


class GstPipeline:
    """Opens a pipeline, and reads the frames of its appsink.

    A pipeline without an appsink gets one, behind a conversion to RGB.
    """

    is_segmented = False

    def __init__(self, source: str, options: CaptureOptions) -> None:
        """Check a pipeline.

        Args:
            source: `gst:` and the pipeline, as of gst-launch-1.0.
            options: How a source is captured.

        Raises:
            ConfigError: When python3-gi is missing, or GStreamer does not know the pipeline.
        """
        self._gst = _gstreamer()
        self._options = options
        self._redactor = Redactor(source)
        pipeline = source[len(PREFIX) :].strip()
        self._pipeline = pipeline if "appsink" in pipeline else f"{pipeline} ! {_SINK}"
        self._made()

    @property
    def read_limit_s(self) -> float:
        """How long a read may take."""
        return self._options.read_timeout_s

    def opened(self, beat: Callable[[], None]) -> GstStream:
        """Start the pipeline; see `Camera.opened`."""
        return GstStream(self._gst, self._made())

    def steps(self, container: GstStream, parts: SessionParts) -> Iterator[None]:
        """Read it, a frame a step, as `Camera.steps` does."""
        from av import VideoFrame

        encoder = None if parts.listener is None else FrameEncoder(parts.listener)
        size, section = (0, 0), -1
        last_frame = time.monotonic()
        while not container.is_over:
            pulled = container.pulled()
            yield
            if pulled is None:
                if time.monotonic() - last_frame > self.read_limit_s:
                    raise NothingSentError("the pipeline sends nothing")
                continue
            last_frame = time.monotonic()
            pixels, pts = pulled
            if pixels.shape[:2] != size:
                size, section = (pixels.shape[0], pixels.shape[1]), next(parts.sections)
            times = parts.times.of(pts, _NANOSECOND, None)
            frame = VideoFrame.from_ndarray(pixels, format="rgb24")
            taken = parts.intake.frame(frame, times, section, pts, parts.admit)
            if taken is not None and encoder is not None:
                encoder.frame(taken, _NANOSECOND)

    def is_recorded(self, container: GstStream) -> bool:
        """Never: its own clock decides when frames come."""
        return False

    def is_over(self, container: GstStream) -> bool:
        """Whether it said that its stream has ended."""
        return container.is_over

    def __repr__(self) -> str:
        """Without the pipeline, which may hold a password."""
        return "GstPipeline()"

    def _made(self) -> Any:
        try:
            return self._gst.parse_launch(self._pipeline)
        except Exception as error:
            # GLib's error, whose class is not known before it is imported.
            said = self._redactor(getattr(error, "message", error))
            raise ConfigError(f"source: expected a pipeline of GStreamer, got: {said}") from None


class GstStream:
    """A running pipeline."""

    def __init__(self, gst: Any, pipeline: Any) -> None:
        """Start it.

        Args:
            gst: GStreamer's module.
            pipeline: The pipeline.

        Raises:
            NothingSentError: When it has no appsink, or does not start.
        """
        self._gst = gst
        self._pipeline = pipeline
        self.is_over = False
        self._sink = _appsink(gst, pipeline)
        if self._sink is None:
            raise NothingSentError("expected a pipeline with an appsink")
        self._sink.set_property("max-buffers", _MAX_BUFFERS)
        self._sink.set_property("drop", True)
        if pipeline.set_state(gst.State.PLAYING) == gst.StateChangeReturn.FAILURE:
            text = self._error() or "it does not start"
            self.close()
            raise NothingSentError(text)

    def pulled(self) -> tuple[NDArray[np.uint8], int] | None:
        """The next frame, RGB uint8 [H, W, 3], and its time in nanoseconds; None if none came yet.

        Raises:
            NothingSentError: When the pipeline failed, or its pixels are no RGB.
        """
        sample = self._sink.emit("try-pull-sample", _PULL_NS)
        if sample is None:
            text = self._error()
            if text:
                raise NothingSentError(text)
            self.is_over = bool(self._sink.get_property("eos"))
            return None
        shape = sample.get_caps().get_structure(0)
        pixel_format = shape.get_value("format")
        if pixel_format not in ("RGB", "BGR"):
            raise NothingSentError(
                f"expected RGB or BGR at the appsink, got {pixel_format}: put videoconvert !"
                " video/x-raw,format=RGB in front of it"
            )
        width, height = shape.get_value("width"), shape.get_value("height")
        buffer = sample.get_buffer()
        content = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), np.uint8)
        # GStreamer's lines are multiples of four bytes.
        line_bytes = (3 * width + 3) // 4 * 4
        lines = content[: height * line_bytes].reshape(height, line_bytes)
        pixels = lines[:, : 3 * width].reshape(height, width, 3)
        if pixel_format == "BGR":
            pixels = pixels[..., ::-1]
        pts = buffer.pts
        return np.ascontiguousarray(pixels), (
            time.monotonic_ns() if pts == self._gst.CLOCK_TIME_NONE else int(pts)
        )

    def close(self) -> None:
        """Stop it."""
        self._pipeline.set_state(self._gst.State.NULL)

    def __enter__(self) -> GstStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _error(self) -> str:
        """What the pipeline says that went wrong; empty without."""
        message = self._pipeline.get_bus().pop_filtered(self._gst.MessageType.ERROR)
        if message is None:
            return ""
        error, details = message.parse_error()
        # The last line of the details is for people, the others are for GStreamer's developers.
        reason = str(details or "").strip().rpartition("\n")[2]
        return f"{error.message} {reason}".strip()


def _appsink(gst: Any, pipeline: Any) -> Any:
    elements = pipeline.iterate_sinks()
    while True:
        result, element = elements.next()
        if result != gst.IteratorResult.OK:
            return None
        if element.get_factory().get_name() == "appsink":
            return element


def _gstreamer() -> Any:
    """GStreamer's module.

    Raises:
        ConfigError: When it cannot be imported, saying what to install.
    """
    try:
        import gi

        gi.require_version("Gst", "1.0")
        from gi.repository import Gst
    except (ImportError, ValueError) as error:
        raise ConfigError(
            f"source: a pipeline of GStreamer needs python3-gi, got: {error}; {_INSTALL}"
        ) from None
    Gst.init(None)
    return Gst
