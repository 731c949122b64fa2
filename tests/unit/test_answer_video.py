"""Videos that are written in the pass that segments them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.conftest import SHORT
from tests.unit.drawn_answers import drawn_answer, drawn_clip, emptied
from tests.unit.test_session_work import Watched, opened
from ufvideo_sdk import (
    Answer,
    AnswerVideo,
    CapacityError,
    Clip,
    FrameMasks,
    InputError,
    StateError,
    StopReason,
)
from ufvideo_sdk.results.object_mask import ObjectMask
from ufvideo_sdk.video.frames_in_memory import FrameArray


def _read(path: Path) -> tuple[NDArray[np.float64], list[NDArray[np.uint8]]]:
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    times_s = np.array([float(frame.time) for frame in frames])
    return times_s, [frame.to_ndarray(format="rgb24") for frame in frames]


def _written(path: Path, answer: Answer) -> None:
    """All frames of the clip with the answer's masks, as a session would give them."""
    clip = answer.clip
    with AnswerVideo(path, clip) as video:
        for position, frame_idx in enumerate(clip.frame_idxs):
            time_s = float(clip.timestamps_s[position])
            objects = tuple(track[position] for track in answer.masks)
            found = FrameMasks(int(frame_idx), time_s, objects)
            video.write(answer, found, clip.read([int(frame_idx)])[0])
    assert video.num_frames == len(clip.frame_idxs)


def test_its_pictures_are_those_of_a_saved_answer(tmp_path: Path) -> None:
    """But for the legend, and marks of frames that are still to come."""
    clip = drawn_clip(12, height=240, width=480)
    answer = drawn_answer(clip, num_objects=2, mask_every=1)
    answer.save(tmp_path / "saved.mp4")
    _written(tmp_path / "written.mp4", answer)
    saved_s, saved = _read(tmp_path / "saved.mp4")
    written_s, written = _read(tmp_path / "written.mp4")
    assert written_s.tolist() == saved_s.tolist() and len(written) == 12
    for ours, theirs in zip(written, saved, strict=True):
        error = np.abs(ours[:240].astype(int) - theirs[:240].astype(int))
        assert error.mean() < 1
    # Behind the last frame all is known: the bars are the same.
    assert np.abs(written[-1][240:290].astype(int) - saved[-1][240:290].astype(int)).mean() < 1
    assert {path.name for path in tmp_path.iterdir()} == {"saved.mp4", "written.mp4"}


def test_an_object_is_not_found_until_it_is(tmp_path: Path) -> None:
    from ufvideo_sdk.render.frame_painter import FramePainter

    answer = drawn_answer(drawn_clip(4, height=240, width=480), num_objects=0, text="", spans=())
    full = drawn_answer(answer.clip, mask_every=1).masks[0]
    empty = emptied(full)
    painter = FramePainter(answer, 1)
    frame = np.zeros((240, 480, 3), np.uint8)
    pictures = [
        painter.paint_found(FrameMasks(i, float(i), (track[i],)), frame).copy()
        for i, track in enumerate((empty, empty, full, empty))
    ]
    captions = [picture[300:] for picture in pictures]
    assert np.array_equal(captions[0], captions[1])
    assert not np.array_equal(captions[1], captions[2])
    assert np.array_equal(captions[2], captions[3]), "it has been found"


def test_a_question_is_saved_while_its_masks_are_made(segmenting: Any, tmp_path: Path) -> None:
    seen: list[FrameMasks] = []
    with AnswerVideo(tmp_path / "answer.mp4", segmenting.clip) as video:

        def on_masks(answer: Answer, found: FrameMasks, pixels: NDArray[np.uint8]) -> None:
            assert answer.text and answer.masks == ()
            seen.append(found)
            video.write(answer, found, pixels)

        answer = segmenting.ask("segment", segment_frames="all", config=SHORT, on_masks=on_masks)
    assert [found.frame_idx for found in seen] == segmenting.clip.frame_idxs.tolist()
    for number, track in enumerate(answer.masks):
        assert tuple(found.objects[number].runs for found in seen) == track.runs
    times_s, _ = _read(tmp_path / "answer.mp4")
    assert len(times_s) == len(segmenting.clip.frame_idxs)


def test_a_stream_hands_its_masks_on_too(segmenting: Any) -> None:
    seen: list[FrameMasks] = []
    stream = segmenting.stream(
        "segment", config=SHORT, on_masks=lambda _, found, pixels: seen.append(found)
    )
    list(stream)
    assert [found.frame_idx for found in seen] == stream.answer.masks[0].frame_idxs.tolist()
    with pytest.raises(InputError, match="on_masks: expected a callable or None, got int 3"):
        segmenting.stream("segment", on_masks=3)


def test_a_stream_is_under_way_until_its_masks_are_made(
    segmenting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ufvideo_sdk.session.segmentation._MAX_CHUNK_FRAMES", 3)
    (whole,) = segmenting.ask("segment", segment_frames="all", config=SHORT).masks
    caught: list[BaseException] = []

    def close(*_: object) -> None:
        try:
            stream.close()
        except StateError as error:
            caught.append(error)

    stream = segmenting.stream("segment", segment_frames="all", config=SHORT, on_masks=close)
    list(stream)
    assert len(caught) == len(whole) and stream.answer.masks == (whole,)
    stream = segmenting.stream(
        "segment", segment_frames="all", config=SHORT, on_masks=lambda *_: segmenting.cancel()
    )
    list(stream)
    assert stream.answer.stop_reason is StopReason.CANCELLED
    assert 0 < len(stream.answer.masks[0]) < len(whole)


def test_frames_are_read_once(model: Any, tmp_path: Path) -> None:
    source = Watched(40)
    session = opened(model, source)
    source.reads.clear()
    with session.segment_stream("ball", frames="all") as stream:
        answer = drawn_answer(session.clip, num_objects=0)
        with AnswerVideo(tmp_path / "out.mp4", session.clip) as video:
            for found in stream:
                video.write(answer, found, stream.pixels)
    assert sorted(source.reads) == sorted(set(source.reads))
    assert len(_read(tmp_path / "out.mp4")[0]) == 40


def test_without_a_frame_there_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.write_text("older")
    with AnswerVideo(path, drawn_clip()) as video:
        assert video.num_frames == 0
    assert path.read_text() == "older" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("where", ["caller", "encoder"])
def test_a_failure_leaves_the_older_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    path = tmp_path / "out.mp4"
    path.write_text("older")
    answer = drawn_answer(mask_every=1)

    def fail(*_: object) -> None:
        av.error.err_check(-28)

    if where == "encoder":
        monkeypatch.setattr("ufvideo_sdk.render.h264_file.H264File.write", fail)
    kind: type[BaseException] = KeyError if where == "caller" else CapacityError
    with pytest.raises(kind), AnswerVideo(path, answer.clip) as video:
        for position, frame_idx in enumerate(answer.clip.frame_idxs):
            found = FrameMasks(int(frame_idx), 0.0, (answer.masks[0][position],))
            video.write(answer, found, answer.clip.read([int(frame_idx)])[0])
            if where == "caller":
                raise KeyError
    assert (video.failure is None) == (where == "caller")
    assert path.read_text() == "older" and list(tmp_path.iterdir()) == [path]


def test_refuses_other_files_and_times(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ending in \.mp4, got"):
        AnswerVideo(tmp_path / "out.png", drawn_clip())
    video = AnswerVideo(tmp_path / "out.mp4", drawn_clip())
    answer = drawn_answer()
    with pytest.raises(StateError, match="within the video's with block"):
        video.write(answer, FrameMasks(0, 0.0, ()), np.zeros((120, 160, 3), np.uint8))


def test_a_caller_may_paint_the_pixels_it_has_given(tmp_path: Path) -> None:
    answer = drawn_answer(drawn_clip(6, height=240, width=480), mask_every=1)
    written = []
    for name, is_painted in (("clean.mp4", False), ("painted.mp4", True)):
        with AnswerVideo(tmp_path / name, answer.clip) as video:
            for found, pixels in _frames(answer):
                video.write(answer, found, pixels)
                if is_painted:
                    pixels[:] = 0
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]


def _frames(answer: Answer) -> list[tuple[FrameMasks, NDArray[np.uint8]]]:
    clip = answer.clip
    return [
        (
            FrameMasks(idx, time_s, tuple(track[position] for track in answer.masks)),
            clip.read([idx])[0],
        )
        for position, (idx, time_s) in enumerate(
            zip(clip.frame_idxs.tolist(), clip.timestamps_s.tolist(), strict=True)
        )
    ]


def test_refuses_what_is_not_of_its_clip(tmp_path: Path) -> None:
    answer = drawn_answer(mask_every=1)
    other = drawn_answer(drawn_clip(12), mask_every=1)
    found, pixels = _frames(answer)[3]
    (mask,) = found.objects
    clip: Any = answer
    with pytest.raises(InputError, match="clip: expected a Clip, got Answer"):
        AnswerVideo(tmp_path / "out.mp4", clip)
    wrong: list[tuple[tuple[Any, Any, Any], str]] = [
        ((other, found, pixels), "expected one about the video's own clip"),
        ((3, found, pixels), "answer: expected an Answer or a SegmentResult, got int 3"),
        ((answer, mask, pixels), "found: expected a FrameMasks"),
        (
            (answer, replace(found, frame_idx=99), pixels),
            "expected a frame of frames, got frame 99",
        ),
        (
            (answer, replace(found, objects=(mask, mask)), pixels),
            r"masks of 1 object\(s\) .* got 2",
        ),
        (
            (answer, replace(found, objects=(ObjectMask("6", 0.5, 2, 3),)), pixels),
            "expected masks of 120 x 160 px, got 2 x 3",
        ),
        ((answer, found, pixels[1:]), r"expected uint8 \[120, 160, 3\], got uint8 \[119, 160, 3\]"),
        ((answer, found, pixels / 255), r"got float64 \[120, 160, 3\]"),
        ((answer, found, None), "pixels: expected .* got NoneType"),
        ((answer, _frames(answer)[1][0], pixels), r"at 10\.125 s behind the one at 10\.250 s"),
        ((answer, _frames(answer)[2][0], pixels), r"at 10\.250 s behind the one at 10\.250 s"),
    ]
    with AnswerVideo(tmp_path / "out.mp4", answer.clip) as video:
        video.write(answer, *_frames(answer)[2])
        for arguments, message in wrong:
            with pytest.raises(InputError, match=message):
                video.write(*arguments)
        video.write(answer, found, pixels)
        with pytest.raises(StateError, match="expected a video that is not being written"):
            video.__enter__()
    assert len(_read(tmp_path / "out.mp4")[0]) == video.num_frames == 2


def test_a_video_may_be_written_again(tmp_path: Path) -> None:
    answer = drawn_answer(mask_every=1)
    video = AnswerVideo(tmp_path / "out.mp4", answer.clip)
    with pytest.raises(KeyError), video:
        video.write(answer, *_frames(answer)[0])
        raise KeyError
    for num_frames in (3, 2):
        with video:
            for found, pixels in _frames(answer)[:num_frames]:
                video.write(answer, found, pixels)
        assert len(_read(tmp_path / "out.mp4")[0]) == video.num_frames == num_frames
    assert video.failure is None


@pytest.mark.parametrize("first", [0, 3, 11])
def test_a_video_ends_with_its_clip_wherever_it_begins(tmp_path: Path, first: int) -> None:
    answer = drawn_answer(mask_every=1)
    clip = answer.clip
    with AnswerVideo(tmp_path / "out.mp4", clip) as video:
        for found, pixels in _frames(answer)[first:]:
            video.write(answer, found, pixels)
    times_s = clip.timestamps_s - clip.timestamps_s[0]
    end_s = times_s[-1] + np.median(np.diff(times_s))
    with av.open(str(tmp_path / "out.mp4")) as container:
        (stream,) = container.streams.video
        assert container.duration is not None and stream.duration is not None
        assert stream.start_time is not None and stream.time_base is not None
        assert float(stream.start_time * stream.time_base) == pytest.approx(times_s[first])
        assert container.start_time == pytest.approx(times_s[first] * 1e6, abs=2)
        ends_s = float((stream.start_time + stream.duration) * stream.time_base)
        assert ends_s == pytest.approx(end_s, abs=2e-3)


@pytest.mark.parametrize("num_frames", [1, 2, 7, 40])
def test_a_video_lasts_as_long_as_its_frames(tmp_path: Path, num_frames: int) -> None:
    """The last frame too has its time: until the frame behind the clip, or the median."""
    steps_ms = [40, 200, 10, 70] * 11
    times_s = np.cumsum([0, *steps_ms]) / 1000
    frames = np.zeros((len(times_s), 48, 64, 3), np.uint8)
    whole = FrameArray(frames, timestamps_s=times_s)
    clip = Clip.of_frames(whole, np.arange(num_frames))
    drawn_answer(clip, mask_every=1).save(tmp_path / "part.mp4")
    assert _duration_s(tmp_path / "part.mp4") == pytest.approx(times_s[num_frames], abs=2e-3)
    clip = Clip(FrameArray(frames[:num_frames], timestamps_s=times_s[:num_frames]))
    drawn_answer(clip, mask_every=1).save(tmp_path / "whole.mp4")
    last_s = np.median(np.diff(times_s[:num_frames])) if num_frames > 1 else 1 / 25
    expected = times_s[num_frames - 1] + last_s
    assert _duration_s(tmp_path / "whole.mp4") == pytest.approx(expected, abs=2e-3)


def _duration_s(path: Path) -> float:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.duration is not None and stream.time_base is not None
        assert container.duration is not None
        assert container.duration / 1e6 == pytest.approx(
            float(stream.duration * stream.time_base), abs=2e-3
        )
        return float(stream.duration * stream.time_base)
