"""What `locate` and `segment` return: sequences that say why they are empty."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.conftest import SHORT
from tests.unit.drawn_answers import drawn_answer, drawn_clip, drawn_image, emptied
from tests.unit.drawn_answers import located as drawn_located
from tests.unit.drawn_answers import segmented as drawn_segmented
from tests.unit.test_session_work import Watched, opened
from ufvideo_sdk import (
    CancellationToken,
    FrameMasks,
    GenerationConfig,
    InputError,
    LocateResult,
    MaskTrack,
    SegmentResult,
    StateError,
    StopReason,
    TimeSpan,
)
from ufvideo_sdk.cli.ask import mask_lines
from ufvideo_sdk.results.answer_json import masks_from_json

SPAN = TimeSpan(10.5, 11.75)


def cancelled() -> CancellationToken:
    token = CancellationToken()
    token.cancel()
    return token


def test_located_is_a_sequence_of_spans() -> None:
    found = drawn_located(drawn_clip(), [SPAN])
    (span,) = found
    assert span is SPAN and found[0] is SPAN and found[-1:] == (SPAN,) and len(found) == 1
    assert SPAN in found and found.index(SPAN) == 0 and list(reversed(found)) == [SPAN]
    assert found == [SPAN] and found == [SPAN] and found == (SPAN,)
    assert found == drawn_located(drawn_clip(), [SPAN]) and found != [] and found != [SPAN, SPAN]
    assert found != SPAN and found is not None and bool(found)
    assert found.event == found.question == "the bright square stops"
    with pytest.raises(TypeError, match="unhashable"):
        hash(found)
    with pytest.raises(IndexError):
        found[1]


def test_segmented_is_a_sequence_of_tracks() -> None:
    clip = drawn_clip()
    tracks = drawn_answer(clip, num_objects=2).masks
    found = drawn_segmented(clip, tracks)
    first, second = found
    assert (first, second) == tracks == found.masks and found[0] is tracks[0]
    assert found[1:] == tracks[1:] and len(found) == 2
    assert found == list(tracks) == found and found != list(tracks[:1])
    assert found != [second, first] and found != (second, first)
    assert found == drawn_segmented(clip, tracks, StopReason.STOPPED)
    assert found.expression == found.question == "the bright square" and found.spans == ()
    assert found != drawn_located(clip, []) and drawn_segmented(clip) == []
    with pytest.raises(TypeError, match="unhashable"):
        hash(found)


def test_results_refuse_masks_of_another_clip() -> None:
    clip = drawn_clip()
    (track,) = drawn_answer(clip).masks
    with pytest.raises(InputError, match="expected masks of 60 x 80 px"):
        drawn_segmented(drawn_clip(height=60, width=80), [track])
    with pytest.raises(InputError, match=r"expected frame 8 at .* s \(the clip's time\), got 99"):
        times_s = track.times_s.copy()
        times_s[2] = 99.0
        drawn_segmented(clip, [replace(track, times_s=times_s)])


@pytest.mark.parametrize(
    ("stop_reason", "caption", "flags"),
    [
        (StopReason.END, "not found", (True, False, False)),
        (StopReason.CANCELLED, "cancelled", (False, True, False)),
        (StopReason.MAX_NEW_TOKENS, "cut short by max_new_tokens", (False, False, True)),
        (StopReason.CONTEXT_FULL, "cut short: the model's context is full", (False, False, True)),
    ],
)
def test_nothing_says_why(
    stop_reason: StopReason, caption: str, flags: tuple[bool, bool, bool]
) -> None:
    clip = drawn_clip()
    is_absent = stop_reason is StopReason.END
    for found in (
        drawn_located(clip, [], stop_reason),
        drawn_segmented(clip, [], stop_reason, is_absent=is_absent),
    ):
        assert (found.is_absent, found.is_cancelled, found.is_cut_short) == flags
        assert found.caption == caption and not found
        assert repr(found).endswith(f"', {caption})")
        content = json.loads(found.to_json())
        assert content["is_absent"] is is_absent and content["stop_reason"] == stop_reason.value


def test_an_empty_track_is_not_absent() -> None:
    (track,) = drawn_answer().masks
    found = drawn_segmented(drawn_clip(), [emptied(track)])
    assert not found.is_absent and found[0].is_empty and found.caption == ""
    assert repr(found) == "SegmentResult('the bright square', empty, 1 mask on 3 frames)"


def test_a_representation_is_one_short_line() -> None:
    clip = drawn_clip()
    answer = drawn_answer(clip, num_objects=2, text="a \x1b[2J\n" + "long text " * 300)
    shown = repr(answer)
    assert shown.startswith("Answer('What does the bright squ...e do? Please segment it.', ")
    assert shown.endswith("1 span, 2 masks on 3 frames)") and len(shown) < 200
    assert "\x1b" not in shown and "\n" not in shown
    cut = replace(answer, text="It", spans=(), masks=(), stop_reason=StopReason.MAX_NEW_TOKENS)
    assert repr(cut).endswith("'It', max_new_tokens)")
    assert repr(drawn_located(clip, [SPAN])) == (
        "LocateResult('the bright square stops', 10.50 - 11.75 s)"
    )
    assert repr(drawn_segmented(clip, answer.masks)) == (
        "SegmentResult('the bright square', 2 masks on 3 frames)"
    )
    track, frame = answer.masks[0], next(answer.by_frame())
    parts = [track, track[0], frame, answer.stats, clip, answer.spans[0]]
    for part in parts:
        assert len(repr(part)) < 100 and "\n" not in repr(part), type(part)
    assert repr(frame) == "FrameMasks(frame 0, 10.000 s, 2 objects, 2 found)"
    assert repr(track[0]) == "ObjectMask(160 x 120 px, box (0, 22, 30, 52), score 0.90)"
    assert repr(answer.stats) == "AnswerStats(3 tokens, first after 20 ms, 200.0 tokens/s, 1 stage)"


def test_one_frame_is_no_plural() -> None:
    answer = drawn_answer(drawn_image(), spans=(), mask_every=1)
    (track,) = answer.masks
    assert repr(track) == "MaskTrack(1 frame, 160 x 120 px)"
    assert repr(answer).endswith("1 mask on 1 frame)")
    (line,) = mask_lines(answer)
    assert line.startswith("object 1: 1 frame, ")
    (line,) = mask_lines(replace(answer, masks=(emptied(track),)))
    assert line == "object 1: not found on 1 frame"


def test_frames_come_one_by_one_with_all_objects() -> None:
    clip = drawn_clip(start_s=10.5)
    answer = drawn_answer(clip, num_objects=2)
    frames = list(answer.by_frame())
    assert all(isinstance(frame, FrameMasks) for frame in frames)
    first, second = answer.masks
    assert [frame.frame_idx for frame in frames] == first.frame_idxs.tolist()
    assert [frame.time_s for frame in frames] == first.times_s.tolist()
    assert first.times_s.tolist() == clip.timestamps_s[clip.positions(first.frame_idxs)].tolist()
    assert [frame.objects for frame in frames] == list(zip(first, second, strict=True))
    assert [frame.objects for frame in second.by_frame()] == [(mask,) for mask in second]
    assert list(replace(answer, masks=()).by_frame()) == []
    with pytest.raises(InputError, match="expected tracks on the same frames"):
        replace(answer, masks=(first, second[1:])).by_frame()


def test_json_is_that_of_an_answer_and_one_key_more(tmp_path: Path) -> None:
    clip = drawn_clip()
    answer = drawn_answer(clip)
    keys = list(answer.to_dict())
    found = drawn_segmented(clip, answer.masks, text="Sure, [SEG].")
    for each in (found, drawn_located(clip, [SPAN])):
        own = list(each.to_dict())
        assert [key for key in own if key != "is_absent"] == keys
        assert json.loads(each.to_json()) == each.to_dict()
    assert found.to_dict()["text"] == "Sure, [SEG]."
    assert masks_from_json(found.to_json()) == found.masks
    found.save(tmp_path / "found.json")
    assert (tmp_path / "found.json").read_text(encoding="utf-8") == found.to_json()
    given = found.to_dict()
    given["stats"]["stages"]["vision_encoder"]["num_calls"] = 99
    given["masks"][0]["frames"][0]["rle"]["size"].append(7)
    assert found.stats.stages["vision_encoder"].num_calls == 1
    assert found.to_dict() != given and given["masks"][0]["size"] == [120, 160]


def test_located_and_segmented_are_saved_as_answers_are(tmp_path: Path) -> None:
    clip = drawn_clip()
    (track,) = drawn_answer(clip).masks
    kinds = [drawn_located(clip, [SPAN]), drawn_located(clip), drawn_segmented(clip, [track])]
    for number, found in enumerate(kinds):
        for suffix in (".json", ".png", ".mp4"):
            found.save(tmp_path / f"{number}{suffix}")
            assert (tmp_path / f"{number}{suffix}").stat().st_size > 100
    with pytest.raises(InputError, match=r"\.png or \.json for an answer about an image"):
        drawn_segmented(drawn_image()).save(tmp_path / "image.mp4")


def test_what_a_session_locates(session: Any) -> None:
    found = session.locate("The ball moves.", config=SHORT)
    assert isinstance(found, LocateResult) and len(found) == 1
    assert found.stop_reason is StopReason.END and not found.is_absent
    assert found.event == "The ball moves." and found.clip is session.clip
    # The span as it is written, and the ids of it.
    assert found.text.startswith("{<TEMP-") and found.text.endswith(">}")
    assert found.stats.num_generated_tokens == len(found.token_ids) == 4
    assert found.stats.stages["language_model"].num_calls > 0
    assert found.stats.time_to_first_token_ms > 0 and found.stats.decode_ms > 0
    assert found.stats.num_prefill_tokens + found.stats.num_reused_tokens > 0
    assert found.stats.providers == session.stage_providers
    again = session.locate("The ball moves.", config=SHORT)
    assert again == found and again.stats.num_reused_tokens > found.stats.num_reused_tokens


def test_what_was_not_located_says_why(session: Any) -> None:
    ended = session.locate("x", cancel=cancelled())
    assert ended == [] and ended.is_cancelled and not ended.is_absent and not ended.is_cut_short
    reasons = set()
    for seed in range(40):
        for tokens in (1, 12):
            config = GenerationConfig(max_new_tokens=tokens, temperature=50.0, seed=seed)
            found = session.locate("x", allow_absent=True, config=config)
            reasons.add((len(found), found.is_absent, found.is_cut_short))
            assert found.is_absent == (not found and found.stop_reason is StopReason.END)
            assert len(found.token_ids) <= tokens
    assert (0, False, True) in reasons, "an answer that a limit cut short is not absent"


def test_what_a_session_segments(session: Any) -> None:
    found = session.segment("ball", frames=[0, 5, 9])
    assert isinstance(found, SegmentResult) and isinstance(found[0], MaskTrack)
    assert found.stop_reason is StopReason.END and not found.is_absent
    assert found.text == "" and found.token_ids == ()
    # The answer was given, not generated.
    assert found.stats.num_generated_tokens == 0 and found.stats.decode_ms == 0
    assert found.stats.time_to_first_token_ms > 0
    stages = found.stats.stages
    assert stages["mask_encoder"].num_items == 3 and stages["language_model"].num_calls > 0
    assert found[0].times_s.tolist() == session.clip.timestamps_s[[0, 5, 9]].tolist()
    with pytest.raises(ValueError, match="read-only"):
        found[0].times_s[0] = 1


def test_a_model_that_names_no_object_says_so(segmenting: Any) -> None:
    found = segmenting.segment("ball", allow_absent=True, config=SHORT)
    assert found.text and len(found.token_ids) == found.stats.num_generated_tokens
    assert found.is_absent == (not found and found.stop_reason is StopReason.END)
    assert found.is_cut_short == (found.stop_reason is StopReason.MAX_NEW_TOKENS)
    one = segmenting.segment("ball", allow_absent=True, config=GenerationConfig(1))
    assert one == [] and one.is_cut_short and not one.is_absent


def test_masks_are_handed_on_as_they_are_made(session: Any) -> None:
    seen: list[FrameMasks] = []

    def on_masks(result: SegmentResult, found: FrameMasks, pixels: Any) -> None:
        assert result.expression == "ball" and result.masks == () and result.caption == ""
        assert not result.is_absent and result.clip is session.clip
        assert np.array_equal(pixels, session.clip.read([found.frame_idx])[0])
        seen.append(found)

    result = session.segment("ball", frames=[0, 5, 9], on_masks=on_masks)
    assert seen == list(result.by_frame())
    with pytest.raises(InputError, match="on_masks: expected a callable"):
        session.segment("ball", on_masks=3)


def test_a_segmentation_that_is_cancelled_has_the_frames_until_then(model: Any) -> None:
    session = opened(model, Watched(40))
    whole = session.segment("ball", frames="all")
    token = CancellationToken()
    found = session.segment("ball", frames="all", cancel=token, on_masks=lambda *_: token.cancel())
    assert found.is_cancelled and found.stop_reason is StopReason.CANCELLED and not found.is_absent
    assert 0 < len(found[0]) < 40 and found[0].runs == whole[0].runs[: len(found[0])]
    none = session.segment("ball", cancel=cancelled())
    assert none == [] and none.is_cancelled and none.caption == "cancelled"


def test_a_stream_ends_with_the_result_of_segment(session: Any) -> None:
    whole = session.segment("ball", frames="all")
    stream = session.segment_stream("ball", frames="all")
    with pytest.raises(StateError, match="exhaust or close the stream first"):
        _ = stream.result
    assert len(list(stream)) == 40
    found = stream.result
    assert found == whole and found.stop_reason is StopReason.END
    assert (found.text, found.token_ids) == (whole.text, whole.token_ids)
    assert found.stats.stages["mask_decoder"].num_items == 40
    with session.segment_stream("ball", frames="all") as stream:
        next(stream)
        next(stream)
    found = stream.result
    assert found.stop_reason is StopReason.STOPPED and len(found[0]) == 2 and not found.is_absent


def test_a_stream_without_a_result_says_why(model: Any) -> None:
    source = Watched(40)
    session = opened(model, source)
    with session.segment_stream("ball") as stream:
        pass
    with pytest.raises(StateError, match="closed before the first frame was asked for"):
        _ = stream.result

    def fail(idx: int) -> None:
        raise InputError("it is gone")

    source.on_read = fail
    stream = session.segment_stream("ball", frames=[39])
    with pytest.raises(InputError):
        next(stream)
    with pytest.raises(StateError, match="it failed: it is gone"):
        _ = stream.result
    source.on_read = lambda _: None
    stream = session.segment_stream("ball", frames="all")
    next(stream)
    session.reset()
    stream.close()
    with pytest.raises(StateError, match="the session was reset or closed"):
        _ = stream.result
    token = cancelled()
    stream = session.segment_stream("ball", cancel=token)
    assert list(stream) == [] and stream.result.is_cancelled and stream.cancelled


def test_sessions_and_streams_show_what_they_are_about(session: Any) -> None:
    stream = session.segment_stream("the ball")
    assert repr(stream) == "MaskStream('the ball', under way)"
    stream.close()
    assert repr(stream) == "MaskStream('the ball', ended)"
    with session.stream("Why?", config=SHORT) as stream:
        assert repr(stream) == "AnswerStream('Why?', under way)"
    assert repr(stream) == "AnswerStream('Why?', ended)"
    assert repr(session).startswith("Session(") and repr(session.clip) in repr(session)
    assert "\n" not in repr(session) and len(repr(session)) < 150
    session.close()
    assert repr(session).endswith(", closed)")


def test_copies_share_the_clip_and_pickles_are_refused() -> None:
    clip = drawn_clip()
    answer = drawn_answer(clip)
    located, found = drawn_located(clip, [SPAN]), drawn_segmented(clip, answer.masks)
    for result in (answer, located, found):
        for again in (copy.copy(result), copy.deepcopy(result)):
            assert type(again) is type(result) and again.clip is clip
            assert again.to_json() == result.to_json()
        with pytest.raises(InputError, match=r"can be pickled.*to_dict\(\) or store to_json"):
            pickle.dumps(result)
        assert pickle.loads(pickle.dumps(result.to_dict())) == result.to_dict()
