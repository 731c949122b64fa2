"""The public surface on a small random model and a real H.264 file."""

from __future__ import annotations

import gc
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.compare import EXACT, assert_close
from tests.unit.conftest import SHORT, TIMES_MS
from ufvideo_sdk import (
    CapacityError,
    DeviceError,
    InputError,
    PackageError,
    Region,
    RuntimeConfig,
    StateError,
    StopReason,
    TextEvent,
    TimeSpan,
)
from ufvideo_sdk.package.manifest import STAGE_STEMS
from ufvideo_sdk.video import clip as clip_module


def test_model_says_what_it_is(model: Any, small_package: Path) -> None:
    assert model.package == small_package
    assert set(model.stage_providers) == set(STAGE_STEMS)
    assert all(stage.used == ("cpu",) for stage in model.stage_providers.values())
    assert model.manifest.video.num_frames == 8


def test_answer_about_a_real_file(session: Any) -> None:
    answer = session.ask("What color is the ball?", config=SHORT)
    assert answer.question == "What color is the ball?"
    assert len(answer.token_ids) == 12 == answer.stats.num_generated_tokens
    assert answer.stop_reason is StopReason.MAX_NEW_TOKENS
    assert answer.clip is session.clip
    assert answer.stats.time_to_first_token_ms > 0
    stages = answer.stats.stages
    assert list(stages)[:2] == ["token_embedder", "language_model"]
    assert stages["language_model"].num_calls == 12
    assert session.stats["vision_encoder"].num_items == 8
    assert answer.stats.providers == session.stage_providers
    assert session.memory_bytes() > 0


def test_spans_are_times_of_the_file(session: Any) -> None:
    """Time tokens count positions among the frames, whose gaps here differ."""
    answer = session.ask("What color is the ball?", config=SHORT)
    first_id = session._model.manifest.tokens.time_first_id
    token = next(i for i in answer.token_ids if first_id <= i < first_id + 100)
    position = (token - first_id) / 99 * 39
    before, after = (TIMES_MS[min(int(position) + step, 39)] / 1000 for step in (0, 1))
    expected = before + (position - int(position)) * (after - before)
    assert answer.spans[0].start_s == pytest.approx(expected, abs=1e-9)


def test_bounds_limit_frames_and_times(model: Any, video: Path) -> None:
    start_s, end_s = TIMES_MS[10] / 1000, TIMES_MS[29] / 1000
    session = model.open(video, start_s=start_s, end_s=end_s)
    assert session.clip.frame_idxs.tolist() == list(range(10, 30))
    answer = session.ask("What color is the ball?", segment_frames="all", config=SHORT)
    assert answer.spans
    for span in answer.spans:
        assert start_s <= span.start_s <= span.end_s <= end_s
    assert session.segment("ball", frames="all")[0].frame_idxs.tolist() == list(range(10, 30))
    with pytest.raises(InputError, match="frames of the clip, 10 to 29, got 3"):
        session.segment("ball", frames=[3])


def test_a_file_and_its_frames_give_the_same(model: Any, video: Path, session: Any) -> None:
    frames = session.clip.read(range(40))
    same = model.open(frames, timestamps_s=np.array(TIMES_MS) / 1000)
    ours, theirs = (s.ask("What moves?", config=SHORT) for s in (session, same))
    assert ours.token_ids == theirs.token_ids and ours.spans == theirs.spans
    masks = [s.segment("ball", frames=[3, 30])[0].masks for s in (session, same)]
    assert_close(masks[0], masks[1], EXACT, where="masks")


def test_stream_equals_ask(segmenting: Any) -> None:
    asked = segmenting.ask("segment", config=SHORT)
    stream = segmenting.stream("segment", config=SHORT)
    with pytest.raises(StateError, match="exhaust or close"):
        _ = stream.answer
    events = list(stream)
    assert all(isinstance(event, TextEvent) for event in events)
    assert "".join(event.text for event in events) == asked.text == stream.answer.text
    assert stream.answer.token_ids == asked.token_ids
    assert_close(stream.answer.masks[0].masks, asked.masks[0].masks, EXACT, where="masks")
    assert list(stream) == []


def test_closing_a_stream_early_keeps_the_answer_so_far(segmenting: Any) -> None:
    whole = segmenting.ask("segment", config=SHORT)
    with segmenting.stream("segment", config=SHORT) as stream:
        ids = [next(stream).token_id for _ in range(3)]
    assert tuple(ids) == stream.answer.token_ids == whole.token_ids[:3]
    assert stream.answer.stop_reason is StopReason.STOPPED
    assert segmenting.ask("segment", config=SHORT).token_ids == whole.token_ids


def test_one_stream_at_a_time(segmenting: Any) -> None:
    stream = segmenting.stream("segment", config=SHORT)
    next(stream)
    with pytest.raises(StateError, match="stream under way"):
        segmenting.ask("segment", config=SHORT)
    segmenting.reset()
    with pytest.raises(StateError, match="reset or closed"):
        next(stream)
    with pytest.raises(StateError):
        _ = stream.answer
    abandoned = segmenting.stream("segment", config=SHORT)
    next(abandoned)
    del abandoned
    gc.collect()
    assert segmenting.ask("segment", config=SHORT).token_ids


def test_on_text_sees_everything_and_may_end_it(segmenting: Any) -> None:
    from ufvideo_sdk import StreamAction

    events: list[TextEvent] = []
    answer = segmenting.ask("segment", config=SHORT, on_text=events.append)
    assert tuple(event.token_id for event in events) == answer.token_ids
    assert answer.text.startswith("".join(event.text for event in events))
    stopped = segmenting.ask("segment", config=SHORT, on_text=lambda _: StreamAction.STOP)
    assert stopped.token_ids == answer.token_ids[:1]
    assert stopped.stop_reason is StopReason.STOPPED
    cancelled = segmenting.ask("segment", config=SHORT, on_text=lambda _: StreamAction.CANCEL)
    assert cancelled.stop_reason is StopReason.CANCELLED


def test_exception_of_on_text_is_raised_unchanged(segmenting: Any) -> None:
    error = KeyError("mine")

    def fail(event: TextEvent) -> None:
        raise error

    with pytest.raises(KeyError) as caught:
        segmenting.ask("segment", config=SHORT, on_text=fail)
    assert caught.value is error
    assert segmenting.ask("segment", config=SHORT).token_ids


def test_masks_on_the_frames_asked_for(segmenting: Any) -> None:
    sampled = segmenting.ask("segment", config=SHORT)
    assert sampled.masks[0].frame_idxs.tolist() == list(range(8))
    assert sampled.masks[0].masks.shape == (8, 90, 120)
    chosen = segmenting.ask("segment", segment_frames=[5, 2], config=SHORT)
    assert chosen.masks[0].frame_idxs.tolist() == [5, 2]
    assert_close(chosen.masks[0].masks, sampled.masks[0].masks[[5, 2]], EXACT, where="masks")
    text_only = segmenting.ask("segment", segment_frames="none", config=SHORT)
    assert text_only.masks == () and text_only.text == sampled.text
    assert "mask_decoder" not in text_only.stats.stages
    with pytest.raises(InputError, match='got "none"'):
        segmenting.segment("ball", frames="none")
    for frames, message in (
        ([2, 2], "each frame once, got 2 again"),
        ([99], "frames of the clip, 0 to 7, got 99"),
        ([], "one or more integers"),
        ("some", '"sampled", "all" or indices, got "some"'),
    ):
        with pytest.raises(InputError, match=message):
            segmenting.ask("segment", segment_frames=frames, config=SHORT)


def test_sampled_frames_are_decoded_and_encoded_once(model: Any, video: Path) -> None:
    session = model.open(video)
    session.segment("ball")
    session.segment("a ball again")
    assert session.stats["mask_encoder"].num_items == 8
    assert session.stats["vision_encoder"].num_items == 8


def test_long_clips_are_segmented_in_pieces(session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = session.segment("ball", frames="all")[0]
    monkeypatch.setattr(clip_module, "CHUNK_BYTES", 7 * 64 * 96 * 3)
    pieces = session.segment("ball", frames="all")[0]
    assert len(whole.frame_idxs) == 40
    assert_close(pieces.masks, whole.masks, EXACT, where="masks")
    assert_close(pieces.scores, whole.scores, EXACT, where="scores")


def test_locate_gives_spans_in_seconds(session: Any) -> None:
    spans = session.locate("The ball moves.", config=SHORT)
    assert spans and all(isinstance(span, TimeSpan) for span in spans)


def test_image_file(model: Any, tmp_path: Path) -> None:
    from PIL import Image

    path = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (50, 70, 3), np.uint8)).save(path)
    session = model.open(path)
    answer = session.ask("What color is the ball?", config=SHORT)
    assert answer.token_ids and answer.spans == ()
    track = session.segment("the ball")[0]
    assert track.frame_idxs.tolist() == [0] and track.masks.shape == (1, 50, 70)
    assert session.stats["vision_encoder"].num_items == 1
    with pytest.raises(InputError, match="image has no times"):
        session.locate("the ball")


def test_regions_are_checked_against_the_clip(session: Any) -> None:
    question = "object_1: [<region>] What is it?"
    box = Region.from_box(3, (5, 5, 20, 20), height=64, width=96)
    assert session.ask(question, regions=[box], config=SHORT).token_ids
    for regions, message in (
        ([], "got 1 and 0"),
        ([box, box], "got 1 and 2"),
        ([Region.from_box(3, (0, 0, 5, 5), height=64, width=64)], r"regions\[0\]: expected masks"),
        ([Region.from_box(99, (0, 0, 5, 5), height=64, width=96)], r"regions\[0\].*got 99"),
        ([box.masks], r"regions\[0\]: expected a Region"),
    ):
        with pytest.raises(InputError, match=message):
            session.ask(question, regions=regions, config=SHORT)


def test_an_earlier_answer_may_be_history(session: Any) -> None:
    first = session.ask("What color is the ball?", config=SHORT)
    second = session.ask("Why?", history=[(first.question, first)], config=SHORT)
    assert second.stats.num_reused_tokens > 0


def test_prompt_beyond_the_context_is_a_capacity_error(session: Any) -> None:
    with pytest.raises(CapacityError, match="context"):
        session.ask("why " * 5000)
    assert session.ask("Why?", config=SHORT).token_ids


def test_closed_session_says_so(model: Any, video: Path) -> None:
    session = model.open(video)
    stream = session.stream("Why?", config=SHORT)
    next(stream)
    session.close()
    session.close()
    session.cancel()
    for call in (
        lambda: session.ask("Why?"),
        lambda: session.locate("ball"),
        session.memory_bytes,
        lambda: session.stats,
        lambda: next(stream),
    ):
        with pytest.raises(StateError, match="closed"):
            call()


def test_second_thread_is_refused_and_may_cancel(session: Any) -> None:
    entered, release = threading.Event(), threading.Event()
    answers = []

    def wait(event: TextEvent) -> None:
        entered.set()
        release.wait(10)

    worker = threading.Thread(
        target=lambda: answers.append(session.ask("Why?", config=SHORT, on_text=wait))
    )
    worker.start()
    assert entered.wait(10)
    with pytest.raises(StateError, match="one call at a time"):
        session.ask("Why?", config=SHORT)
    session.cancel()
    release.set()
    worker.join(30)
    assert answers[0].stop_reason is StopReason.CANCELLED
    assert session.ask("Why?", config=SHORT).stop_reason is StopReason.MAX_NEW_TOKENS


def test_callback_cannot_enter_its_own_session(session: Any) -> None:
    with pytest.raises(StateError, match="callback"):
        session.ask("Why?", config=SHORT, on_text=lambda _: session.ask("Again?"))


def test_two_sessions_in_two_threads_equal_one_after_the_other(model: Any, video: Path) -> None:
    def run() -> tuple[int, ...]:
        session = model.open(video)
        return session.ask("What moves?", config=SHORT).token_ids + tuple(
            int(n) for n in session.segment("ball")[0].masks.sum(axis=(1, 2))
        )

    expected = run()
    results: list[tuple[int, ...]] = []
    workers = [threading.Thread(target=lambda: results.append(run())) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert results == [expected, expected]


def test_packages_and_libraries_that_are_refused(small_package: Path, tmp_path: Path) -> None:
    from ufvideo_sdk import UFVideo

    with pytest.raises(PackageError, match="found none at"):
        UFVideo.load(tmp_path / "nothing")
    with pytest.raises(PackageError, match=r"manifest\.json"):
        UFVideo.load(tmp_path)
    with pytest.raises(DeviceError, match=r"gone\.so"):
        UFVideo.load(small_package, runtime=RuntimeConfig(onnxruntime_library=tmp_path / "gone.so"))
