"""Text on pictures: nothing is lost, nothing is cut off."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.drawn_answers import drawn_answer
from ufvideo_sdk.render.draw import caption_band
from ufvideo_sdk.render.text import Word, font_for, label, paste, text_width_px, words_of, wrap
from ufvideo_sdk.render.timeline import Timeline
from ufvideo_sdk.results.time_span import TimeSpan

WHITE = (255, 255, 255)


@pytest.mark.parametrize("width_px", [60, 300])
def test_wrapped_lines_fit_and_keep_every_character(width_px: int) -> None:
    text = "one two\n\nthree " + "unbreakable" * 12 + " end"
    font = font_for(text, 16)
    lines = wrap(words_of(text, WHITE), font, width_px)
    for line in lines:
        assert text_width_px(" ".join(word.text for word in line), font) <= width_px
    joined = "".join(word.text for line in lines for word in line)
    assert joined == text.replace("\n", "").replace(" ", "")


def test_unprintable_characters_become_blanks() -> None:
    assert words_of("a\tb\x00c", WHITE) == [[Word("a", WHITE), Word("b", WHITE), Word("c", WHITE)]]


def test_a_plate_is_as_wide_as_its_text() -> None:
    short, long = label("1.00 s", 16, WHITE, (0, 0, 0)), label("1000.00 s", 16, WHITE, (0, 0, 0))
    assert short.shape[0] == long.shape[0] and short.shape[1] < long.shape[1]
    for plate in (short, long):
        edges = np.concatenate([plate[0], plate[-1], plate[:, 0], plate[:, -1]])
        assert not edges.any(), "letters touch the edge"
        assert plate.max() > 200


def test_pasting_moves_inside() -> None:
    picture = np.zeros((10, 20, 3), np.uint8)
    paste(picture, np.full((4, 6, 3), 9, np.uint8), left_px=18, top_px=-3)
    assert picture[:4, 14:].min() == 9
    assert np.count_nonzero(picture) == 4 * 6 * 3


def test_a_long_caption_is_cut_but_keeps_the_legend() -> None:
    answer = drawn_answer(num_objects=2, text="words and more words " * 400)
    whole = caption_band(answer, width_px=480, font_px=16)
    cut = caption_band(answer, width_px=480, font_px=16, max_height_px=300)
    assert cut.shape[0] <= 300 < whole.shape[0]
    # The last lines are the times (amber) and the objects.
    amber = (cut[..., 0] > 200) & (cut[..., 2] < 90)
    assert amber[200:].any()


@pytest.mark.parametrize("num_spans", [0, 30, 500])
@pytest.mark.parametrize("num_words", [1, 30, 2000])
def test_a_limited_caption_never_exceeds_its_height(num_spans: int, num_words: int) -> None:
    spans = [TimeSpan(10 + i / 200, 13.0) for i in range(num_spans)]
    answer = drawn_answer(num_objects=9, spans=spans, text="word " * num_words)
    assert caption_band(answer, width_px=480, font_px=16, max_height_px=240).shape[0] <= 240


@pytest.mark.parametrize(("start_s", "end_s"), [(0.0, 0.0), (-1.0, 3.0), (0, 36000.0), (5, 5.04)])
def test_time_lines_of_any_length(start_s: float, end_s: float) -> None:
    line = Timeline(start_s, end_s, [], [], width_px=480, font_px=15, has_marker=True)
    for time_s in (start_s, (start_s + end_s) / 2, end_s):
        assert line.at(time_s).shape == (line.height_px, 480, 3)
