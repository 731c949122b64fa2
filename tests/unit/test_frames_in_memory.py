"""Arrays, tensors, images and iterables of them: what is taken, and what a refusal advises."""

from __future__ import annotations

import itertools
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageSequence

from tests.compare import EXACT, assert_close
from tests.unit.written_videos import numbered_frame
from ufvideo_sdk import CancellationToken, CancelledError, CapacityError, Region, _native
from ufvideo_sdk.cancellation import reading_for
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.video import given_frames
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.video_container import SourceOptions
from ufvideo_sdk.video.video_file import open_source

FRAMES = np.stack([numbered_frame(number, 20, 30) for number in range(5)])
FRAMES[..., 1] //= 2
FRAMES[..., 2] //= 4


class Dataset:
    """As datasets in HDF5 and Zarr files: read by parts, and whole only if it must be."""

    shape, dtype = FRAMES.shape, FRAMES.dtype

    def __init__(self) -> None:
        self.read: list[int] = []

    def __getitem__(self, idx: int) -> np.ndarray:
        self.read.append(idx)
        return FRAMES[idx]

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise AssertionError("read whole")


class OnGpu:
    """As a tensor of CuPy."""

    shape, dtype = (5, 20, 30, 3), np.dtype("uint8")

    def __getitem__(self, idx: int) -> OnGpu:
        return self

    def __dlpack__(self, **_: object) -> object:
        raise AssertionError("copied")

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, 1


def frames_of(source: Any, **options: Any) -> np.ndarray:
    opened = open_source(source, fps=2, **options)
    return np.stack(list(opened.frames(range(len(opened.timestamps_s)))))


def torch() -> Any:
    return pytest.importorskip("torch", reason="needs PyTorch: pip install '.[export]'")


def test_arrays_and_sequences_share_the_callers_memory() -> None:
    for source in (FRAMES, list(FRAMES), tuple(FRAMES), deque(FRAMES)):
        for frame in open_source(source, fps=2).frames([0, 4]):
            assert np.shares_memory(frame, FRAMES)
    tensor = torch().from_numpy(FRAMES.copy())
    for source in (tensor, list(tensor), tensor.flip(0).flip(0)):
        for frame in open_source(source, fps=2).frames([4]):
            assert_close(frame, FRAMES[4], EXACT, where="tensor")
    (frame,) = open_source(tensor, fps=2).frames([4])
    assert frame.ctypes.data == tensor[4].data_ptr()


def test_a_dataset_is_read_frame_by_frame() -> None:
    dataset = Dataset()
    clip = Clip(open_source(dataset, fps=2))
    assert_close(clip.read([3, 1]), FRAMES[[3, 1]], EXACT, where="dataset")
    assert dataset.read == [1, 3]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (FRAMES[0, :9], r"frames\[2\]: expected uint8 \[20, 30, 3\], got uint8 \[9, 30, 3\]"),
        (FRAMES[0] / 255, r"got float64 \[20, 30, 3\]"),
        (
            OSError("the disk is on fire"),
            r"frames\[2\]: expected a frame, got: the disk is on fire",
        ),
    ],
)
def test_a_dataset_that_is_not_what_it_says(frame: Any, message: str) -> None:
    class Broken(Dataset):
        def __getitem__(self, idx: int) -> np.ndarray:
            if isinstance(frame, Exception):
                raise frame
            return frame

    with pytest.raises(InputError, match=message):
        next(open_source(Broken(), fps=2).frames([2]))


@pytest.mark.parametrize("form", ["array", "list", "iterator"])
def test_bgr(form: str) -> None:
    bgr = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2BGR) for frame in FRAMES])
    source: Any = {"array": bgr, "list": list(bgr), "iterator": iter(bgr)}[form]
    assert_close(frames_of(source, frames_format="bgr"), FRAMES, EXACT, where=form)
    image = open_source(bgr[1], frames_format="bgr")
    assert image.is_image
    assert_close(next(image.frames([0])), FRAMES[1], EXACT, where="image")


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "CMYK", "LA"])
def test_pillow_images_are_read_as_their_files_are(tmp_path: Path, mode: str) -> None:
    images = [Image.fromarray(frame).convert(mode) for frame in FRAMES]
    expected = np.stack([np.asarray(image.convert("RGB")) for image in images])
    assert_close(frames_of(images), expected, EXACT, where=mode)
    assert_close(frames_of(iter(images)), expected, EXACT, where=f"iterator of {mode}")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(FRAMES[3]).save(tmp_path / "turned.png", exif=exif)
    with Image.open(tmp_path / "turned.png") as image:
        for source in (open_source(image), open_source([image], fps=1)):
            assert (source.height, source.width) == (30, 20)
            by_path = next(open_source(tmp_path / "turned.png").frames([0]))
            assert_close(next(source.frames([0])), by_path, EXACT, where="turned")


def test_pillow_images_are_loaded_when_they_are_read(tmp_path: Path) -> None:
    Image.fromarray(FRAMES[0]).save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        source = open_source([image, image], fps=1)
        assert image.fp is not None
        assert_close(next(source.frames([1])), FRAMES[0], EXACT, where="lazy")
    cut = (tmp_path / "a.png").read_bytes()[:-40]
    (tmp_path / "cut.png").write_bytes(cut)
    with Image.open(tmp_path / "cut.png") as image:
        source = open_source([image], fps=1)
        with pytest.raises(InputError, match=r"frames\[0\]: expected an image that loads"):
            next(source.frames([0]))


def test_frames_of_an_animation(tmp_path: Path) -> None:
    pictures = [Image.fromarray(frame) for frame in FRAMES]
    path = tmp_path / "a.webp"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], lossless=True)
    with Image.open(path) as image:
        # An iterator, whose one image changes from frame to frame.
        assert_close(frames_of(ImageSequence.Iterator(image)), FRAMES, EXACT, where="iterator")
        copies = [frame.copy() for frame in ImageSequence.Iterator(image)]
        assert_close(frames_of(copies), FRAMES, EXACT, where="copies")
        with pytest.raises(InputError, match=r"one animated image several times.*frame\.copy\(\)"):
            open_source(list(ImageSequence.Iterator(image)), fps=2)
        with pytest.raises(InputError, match="an animated one of 5 frames: open its file"):
            open_source(image)


def test_paths_in_the_order_given(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.png" for name in "ebdca"]
    for path, frame in zip(paths, FRAMES, strict=True):
        Image.fromarray(frame).save(path)
    for given in (paths, [str(path) for path in paths]):
        assert_close(frames_of(given), FRAMES, EXACT, where="paths")
    assert open_source(paths, fps=2).files == tuple(path.absolute() for path in paths)
    Image.fromarray(FRAMES[0][:10]).save(paths[3])
    with pytest.raises(InputError, match=r"e\.png has 20 x 30 px and c\.png 10 x 30 px"):
        open_source(paths, fps=2)
    with pytest.raises(InputError, match=r"missing\.png"):
        open_source([tmp_path / "missing.png"], fps=2)


def test_an_iterator_is_read_once_and_copied() -> None:
    buffer = np.empty_like(FRAMES[0])

    def reused() -> Iterator[np.ndarray]:
        for frame in FRAMES:
            buffer[:] = frame
            yield buffer

    assert_close(frames_of(reused()), FRAMES, EXACT, where="one buffer")
    # Only as many as there are times, plus one.
    endless = map(lambda number: FRAMES[number % 5], itertools.count())
    with pytest.raises(InputError, match="expected 3, one for each of timestamps_s, got more"):
        open_source(endless, timestamps_s=[0, 1, 2])
    assert next(endless) is not None


def test_an_iterator_without_end_ends_where_memory_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given_frames, "_CHECK_BYTES", FRAMES.nbytes)
    free = iter([1 << 30, 1 << 20, 100])
    monkeypatch.setattr(_native, "available_memory_bytes", lambda: next(free))
    with pytest.raises(CapacityError, match=r"the first 15 take 27,000 bytes, 100 are free"):
        open_source(itertools.cycle(FRAMES), fps=2)


def test_an_iterator_can_be_cancelled_and_may_fail() -> None:
    cancel = CancellationToken()

    def frames() -> Iterator[np.ndarray]:
        yield FRAMES[0]
        cancel.cancel()
        yield from itertools.cycle(FRAMES)

    with reading_for(cancel), pytest.raises(CancelledError):
        open_source(frames(), fps=2)
    with pytest.raises(ZeroDivisionError):
        open_source((FRAMES[0] * (1 // number) for number in (1, 0)), fps=2)


GREY = np.zeros((5, 20, 30), np.uint8)


class VideoReader:
    """As decord's."""


VideoReader.__module__ = "decord.video_reader"


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        (FRAMES.transpose(0, 3, 1, 2), "channels come last, frames.transpose(0, 2, 3, 1)"),
        (FRAMES.transpose(3, 0, 1, 2), "channels come last, frames.transpose(1, 2, 3, 0)"),
        (FRAMES[0].transpose(2, 0, 1), "channels come last, frames.transpose(1, 2, 0)"),
        (FRAMES / 255, "float64 [5, 20, 30, 3]: pixels are 0 to 255"),
        (FRAMES.astype(np.float16), "(frames * 255).round().astype(numpy.uint8)"),
        (FRAMES.astype(np.uint16), "(frames >> 8).astype(numpy.uint8)"),
        (FRAMES.astype(np.int64), "frames.astype(numpy.uint8), if its numbers are from 0 to 255"),
        (GREY, "numpy.repeat(frames[..., None], 3, axis=-1)"),
        (GREY[0], "numpy.repeat(frames[..., None], 3, axis=-1)"),
        (GREY[..., None], "numpy.repeat(frames, 3, axis=-1)"),
        (np.zeros((5, 20, 30, 4), np.uint8), "frames[..., :3]"),
        (FRAMES[None], "of a batch each clip is opened by itself, frames[0]"),
        (FRAMES[:0], "expected frames with pixels"),
        (np.array([FRAMES[0], FRAMES[1][:9], None], object), "give them one size"),
        ([], "expected one frame or more, got an empty list"),
        (iter([]), "the iterable yielded none"),
        ([FRAMES[0], FRAMES[1][:9]], "frames[0] has 20 x 30 px (height x width) and frames[1] 9 x"),
        (iter([FRAMES[0], FRAMES[1][:9]]), "frames[1] 9 x 30 px"),
        ([Image.new("RGB", (30, 20)), Image.new("RGB", (20, 30))], "frames[1] 30 x 20 px"),
        ([FRAMES, FRAMES], "it is several frames: give it alone, or list(frames)"),
        ([FRAMES[0], "a.png"], "frames[1]: expected all frames as paths or none"),
        ((path for path in ("b.png", "a.png")), "give sorted(...) of it"),
        ([FRAMES[0], None], "frames[1]: expected an array uint8 [H, W, 3] or a Pillow image"),
        ([Image.new("I;16", (30, 20))], "at most 8 bits a channel"),
        ({"bytes": b"", "path": "a.mp4"}, 'example["path"]'),
        ({1, 2}, "source: expected a path, a binary file, an array"),
        (b"\0\0\0\x18ftypmp42", "the content of a file goes into io.BytesIO(...)"),
        (None, "source: expected a path, a binary file, an array"),
        (float("nan"), "source: expected a path or frames, got float nan"),
        (0, "got int 0: of a camera, read frames into a list"),
        (VideoReader(), "decord.VideoReader, which reads them by itself: give the path"),
        (OnGpu(), "got a OnGpu on cuda:1: copy it there first, with .cpu()"),
    ],
)
def test_refusals_say_what_to_do(source: Any, advice: str) -> None:
    with pytest.raises(InputError) as caught:
        frames_of(source)
    assert advice in str(caught.value)


def test_refused_tensors() -> None:
    frames = torch().from_numpy(FRAMES.copy())
    for tensor, advice in (
        (frames.permute(0, 3, 1, 2), "channels come last, frames.permute(0, 2, 3, 1)"),
        (frames[0].permute(2, 0, 1), "channels come last, frames.permute(1, 2, 0)"),
        (frames / 255, "(frames * 255).round().to(torch.uint8)"),
        (frames[..., 0], "grey becomes RGB with frames[..., None].expand(-1, -1, -1, 3)"),
        (frames[..., :1], "grey becomes RGB with frames.expand(-1, -1, -1, 3)"),
        (frames.to("meta"), "got a Tensor on meta: copy it there first, with .cpu() in PyTorch"),
    ):
        with pytest.raises(InputError) as caught:
            frames_of(tensor)
        assert advice in str(caught.value)
        # The advice works as it is given.
        call = re.search(r"(frames\S*\.(permute|expand)\([^)]*\))", advice)
        if call is not None:
            taken = eval(call[1], {"frames": tensor})
            assert open_source(taken, fps=None if taken.ndim == 3 else 2).width == 30


def test_times_and_formats_that_are_refused(tmp_path: Path) -> None:
    Image.fromarray(FRAMES[0]).save(tmp_path / "a.png")
    pillow = Image.fromarray(FRAMES[0])
    spans = np.arange(5) * np.timedelta64(125, "ms")
    dates, buffer = np.datetime64("2024-01-01", "ms") + spans, FRAMES[0].copy()
    cases: list[tuple[Any, dict[str, Any], str]] = [
        (list(FRAMES), {}, "expected fps= or timestamps_s= with frames"),
        (iter(FRAMES), {}, "expected fps= or timestamps_s= with frames"),
        (pillow, {"fps": 2}, "no fps and timestamps_s for an image"),
        (list(FRAMES), {"timestamps_s": dates}, "dates - dates[0]"),
        (list(FRAMES), {"timestamps_s": list(dates)}, "dates - dates[0]"),
        (list(FRAMES), {"timestamps_s": dates.tolist()}, "dates - dates[0]"),
        (FRAMES, {"timestamps_s": spans}, 'spans / numpy.timedelta64(1, "s")'),
        (FRAMES, {"timestamps_s": list(spans)}, "got dates or spans of time"),
        (FRAMES, {"timestamps_s": [0.0, *spans[1:]]}, "got dates or spans of time"),
        ([FRAMES[0]] * 5, {"fps": 2}, "expected arrays that differ"),
        ([buffer, buffer], {"fps": 2}, "one array 2 times, as a buffer"),
        (list(FRAMES), {"timestamps_s": [0, 1]}, "expected 5 timestamps_s"),
        (FRAMES, {"fps": 2, "frames_format": "BGR"}, '"rgb" or "bgr", got str \'BGR\''),
        (FRAMES, {"fps": 2, "frames_format": None}, '"rgb" or "bgr", got NoneType'),
        (tmp_path / "a.png", {"frames_format": "bgr"}, '"rgb" for a file'),
        ([tmp_path / "a.png"], {"fps": 1, "frames_format": "bgr"}, '"rgb" for files'),
        (pillow, {"frames_format": "bgr"}, '"rgb" for Pillow images'),
        ([pillow], {"fps": 1, "frames_format": "bgr"}, '"rgb" for Pillow images'),
        (iter([pillow]), {"fps": 1, "frames_format": "bgr"}, '"rgb" for Pillow images'),
        (FRAMES, {"fps": 1, "options": SourceOptions(stream=1)}, "None for frames in memory"),
    ]
    for source, options, message in cases:
        with pytest.raises(InputError) as caught:
            open_source(source, **options)
        assert message in str(caught.value)


def test_spans_and_dates_are_seconds_as_the_refusal_advises() -> None:
    spans = np.arange(5) * np.timedelta64(125, "ms")
    dates = np.datetime64("2024-01-01", "us") + spans
    for given in (spans, dates - dates[0]):
        source = open_source(FRAMES, timestamps_s=given / np.timedelta64(1, "s"))
        assert_close(source.timestamps_s, np.arange(5) / 8, EXACT)
    # A frame that is shown twice is no buffer.
    assert len(open_source([FRAMES[0], FRAMES[0], FRAMES[1]], fps=2).timestamps_s) == 3


def test_the_largest_image_is_bounded() -> None:
    large = Image.new("RGB", (100, 100))
    small = SourceOptions(max_frame_pixels=9999)
    for source in ([large], iter([large])):
        with pytest.raises(InputError, match="at most 9999 pixels"):
            list(open_source(source, fps=1, options=small).frames([0]))


def test_masks_of_regions_say_what_to_do() -> None:
    mask = np.zeros((1, 20, 30), np.uint8)
    mask[0, 3:6, 4:9] = 255
    for masks, advice in (
        (mask, "masks > 0 is where they are not zero"),
        (mask[0] > 0, "masks[None] is one frame's"),
        (torch().zeros(1, 20, 30, device="meta"), "a Tensor that NumPy cannot read"),
    ):
        with pytest.raises(InputError) as caught:
            Region([0], masks)  # type: ignore[arg-type]
        assert advice in str(caught.value)
    region = Region([0], torch().from_numpy(mask > 0))  # type: ignore[arg-type]
    assert region.masks.sum() == 15
