"""Video files in every container."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.mutation import blind, container_layouts, layout
from tests.mutation.case import Entries, Special
from tests.mutation.kinds import use
from tests.unit.written_videos import numbered_frame

_SPECIALS = (
    Special("missing"),
    Special("folder"),
    Special("fifo"),
    Special("link", "/dev/zero"),
    Special("link", "nowhere"),
    Special("sparse", num_bytes=20_000_000_000),
)
_PARSERS: dict[str, Callable[[bytes], layout.Layout]] = {
    ".mp4": container_layouts.boxes,
    ".mov": container_layouts.boxes,
    ".mkv": container_layouts.elements,
    ".webm": container_layouts.elements,
    ".avi": container_layouts.riff,
    ".ts": container_layouts.packets,
    ".mpg": container_layouts.start_codes,
    ".flv": container_layouts.tags,
    ".gif": container_layouts.gif,
}
_NUM_FRAMES, _HEIGHT, _WIDTH = 16, 48, 64
_WRITTEN: dict[str, dict[str, Any]] = {
    "plain.mp4": {},
    "front.mp4": {"container_options": {"movflags": "faststart"}},
    "fragments.mp4": {"container_options": {"movflags": "frag_keyframe+empty_moov"}},
    "mpeg4.mp4": {"codec": "mpeg4"},
    "plain.mov": {},
    "plain.mkv": {},
    "lossless.mkv": {"codec": "ffv1", "b_frames": 0},
    "hidden.webm": {
        "codec": "libvpx",
        "b_frames": 0,
        "options": {"auto-alt-ref": "1", "lag-in-frames": "8"},
    },
    "vp9.webm": {"codec": "libvpx-vp9", "b_frames": 0},
    "mpeg4.avi": {"codec": "mpeg4"},
    "h264.avi": {},
    "pictures.avi": {"codec": "mjpeg", "pixels": "yuvj420p", "b_frames": 0},
    "h264.ts": {},
    "mpeg2.ts": {"codec": "mpeg2video"},
    "flash.flv": {"b_frames": 0},
    "program.mpg": {"codec": "mpeg2video"},
    "few.gif": {"codec": "gif", "pixels": "rgb8", "b_frames": 0},
}


class Videos:
    """Videos that PyAV writes."""

    name = "videos"
    share = 2.5
    links_shared = False

    def __init__(self) -> None:
        self._whole: dict[str, bytes] = {}
        self._layouts: dict[str, layout.Layout] = {}

    def prepare(self, folder: Path) -> None:
        """Write the videos that are mutated."""
        for name, how in _WRITTEN.items():
            path = folder / name
            _write(path, **how)
            self._whole[name] = path.read_bytes()
            if path.suffix in _PARSERS:
                self._layouts[name] = _PARSERS[path.suffix](self._whole[name])

    def set_up(self, folder: Path) -> None:
        """Load the model that all trials share."""
        self._model = use.load(use.TINY)

    def entries(self, chance: random.Random) -> Entries:
        """One video."""
        name = chance.choice(sorted(self._whole))
        suffix = Path(name).suffix
        if chance.random() < 0.02:
            return {f"video{suffix}": chance.choice(_SPECIALS)}
        content = self._whole[name]
        if name in self._layouts and chance.random() < 0.6:
            return {f"video{suffix}": layout.mutated(content, self._layouts[name], chance)}
        return {f"video{suffix}": blind.mutated(content, chance)}

    def trial(self, folder: Path) -> None:
        """Open the video, ask about it, and read its frames in order, singly and in part."""
        path = next(iter(folder.iterdir()), folder / "missing.mp4")
        with use.errors_hold():
            session = self._model.open(path)
            use.question(session)
            clip = session.clip
            middle = float(clip.timestamps_s[len(clip.timestamps_s) // 2])
            for _idxs, frames in clip.chunks(clip.frame_idxs):
                del frames
            clip.read(clip.frame_idxs[-1:])
            self._model.open(path, start_s=middle)


def _write(
    path: Path,
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    b_frames: int = 2,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> None:
    """Write the same few frames; with one thread an encoder's bytes are always the same."""
    import av

    with av.open(str(path), "w", options=container_options or {}) as container:
        stream: Any = container.add_stream(
            codec, rate=25, options={"threads": "1", **(options or {})}
        )
        stream.width, stream.height, stream.pix_fmt = _WIDTH, _HEIGHT, pixels
        stream.codec_context.gop_size = 6
        stream.codec_context.max_b_frames = b_frames
        for number in range(_NUM_FRAMES):
            pixels_of = numbered_frame(number, _HEIGHT, _WIDTH)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels_of, "rgb24")))
        container.mux(stream.encode(None))
