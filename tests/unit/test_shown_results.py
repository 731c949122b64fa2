"""Results that show themselves: a picture, and HTML in which no text is markup."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.unit.drawn_answers import (
    drawn_answer,
    drawn_clip,
    drawn_image,
    emptied,
    located,
    segmented,
)
from ufvideo_sdk import InputError, Region, StopReason, TimeSpan, UFVideo
from ufvideo_sdk.render.draw import draw_objects, object_colour, object_line
from ufvideo_sdk.render.frame_painter import FramePainter
from ufvideo_sdk.render.html import still_idx
from ufvideo_sdk.render.text import wrap
from ufvideo_sdk.render.timeline import SPAN_COLOUR
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.frames_in_memory import FrameArray
from ufvideo_sdk.video.video_file import open_source

HOSTILE = (
    '<script>alert(1)</script> <img src=x onerror="alert(2)"> \' " & &lt;b&gt; </div></div>'
    " \x1b[2J \u202eevil\u2066 {<TEMP-010>} [SEG]"
)


MEDIA = Path(__file__).parent.parent / "data" / "media"


class Tags(HTMLParser):
    """Tags, attributes and text of a piece of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.depth = 0
        self.least_depth = 1
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        self.depth += tag != "img"

    def handle_endtag(self, tag: str) -> None:
        self.depth -= 1
        if self.depth == 0:
            self.least_depth -= 1

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def picture(self) -> Image.Image:
        (source,) = [attributes["src"] for tag, attributes in self.tags if tag == "img"]
        assert source is not None and source.startswith("data:image/jpeg;base64,")
        return Image.open(io.BytesIO(base64.b64decode(source.split(",")[1])))


def colour_count(picture: Image.Image, colour: tuple[int, int, int]) -> int:
    distance = np.abs(np.array(picture).astype(int) - np.array(colour)).max(axis=-1)
    return int((distance <= 30).sum())


def test_plot_is_the_picture_that_save_writes(tmp_path: Path) -> None:
    answer = drawn_answer(num_objects=2)
    picture = answer.plot()
    assert isinstance(picture, Image.Image) and picture.mode == "RGB"
    answer.save(tmp_path / "answer.png")
    with Image.open(tmp_path / "answer.png") as saved:
        assert np.array_equal(np.array(picture), np.array(saved))
    for colour in (object_colour(0), object_colour(1), SPAN_COLOUR):
        assert colour_count(picture, colour) > 200


def test_plot_shows_the_frames_that_are_asked_for() -> None:
    answer = drawn_answer(num_objects=1)
    alone = answer.plot([4])
    assert alone.size != answer.plot().size and colour_count(alone, object_colour(0)) > 200
    assert colour_count(answer.plot([5]), object_colour(0)) < colour_count(alone, object_colour(0))
    assert answer.plot(np.array([4, 5])).size == answer.plot([5, 4]).size
    wrong: list[tuple[Any, str]] = [
        ([99], "frame_idxs: expected frames of the clip, 0 to 11, got 99"),
        ([], "frame_idxs: expected a list of one or more integers"),
        ([0.5], "frame_idxs: expected a list of one or more integers"),
        ([0] * 257, "frame_idxs: expected at most 256 frames, got 257"),
    ]
    for frame_idxs, message in wrong:
        with pytest.raises(InputError, match=message):
            answer.plot(frame_idxs)


def test_every_kind_of_result_is_plotted_and_shown() -> None:
    clip, image = drawn_clip(), drawn_image()
    (track,) = drawn_answer(clip).masks
    portrait = drawn_clip(height=320, width=90)
    kinds = [
        drawn_answer(portrait, num_objects=2),
        drawn_answer(num_objects=0, spans=()),
        drawn_answer(image, spans=(), mask_every=1),
        located(clip, [TimeSpan(10.5, 11.0)]),
        located(clip, [], StopReason.CANCELLED),
        segmented(clip, [track]),
        segmented(clip, [emptied(track)]),
        segmented(clip, is_absent=True),
    ]
    for kind in kinds:
        assert kind.plot().width >= 640
        tags = Tags(kind._repr_html_())
        assert tags.depth == 0 and tags.least_depth == 0, "one element, and every tag is closed"
        width, height = tags.picture.size
        assert width <= 640 and height <= 480 and (width == 640 or height == 480)
        assert kind.question in tags.text and kind.caption in tags.text
        assert kind.clip.name in tags.text


def test_pixels_that_are_no_squares_are_shown_in_their_shape() -> None:
    clip = Clip(open_source(MEDIA / "sar2.mp4"))
    assert clip.pixel_aspect == 2
    answer = drawn_answer(clip, mask_every=1, spans=())
    width, height = Tags(answer._repr_html_()).picture.size
    assert width / height == pytest.approx(2 * clip.width / clip.height, rel=0.02)
    sheet = np.array(answer.plot([0]))
    rows = (np.abs(sheet.astype(int) - object_colour(0)).max(axis=-1) <= 60).any(axis=1)
    columns = (np.abs(sheet.astype(int) - object_colour(0)).max(axis=-1) <= 60).any(axis=0)
    assert columns[: sheet.shape[1]].sum() > 1.5 * rows[: sheet.shape[0] // 2].sum()


def test_html_says_what_was_found() -> None:
    answer = drawn_answer(num_objects=2)
    tags = Tags(answer._repr_html_())
    assert colour_count(tags.picture, object_colour(1)) > 50
    for said in ("10.50 - 11.75 s", "object 1: 3 frames, score 0.75", "object 2", "10.00 s"):
        assert said in tags.text
    styles = [attributes.get("style") or "" for _, attributes in tags.tags]
    marks = [style for style in styles if "position:absolute" in style]
    amber = "#{:02x}{:02x}{:02x}".format(*SPAN_COLOUR)
    (span,) = [style for style in marks if amber in style]
    clip = answer.clip
    duration_s = clip.timestamps_s[-1] - clip.timestamps_s[0]
    assert f"left:min({50 / duration_s:.2f}%" in span
    assert f"width:{125 / duration_s:.2f}%" in span
    # Three frames with masks, and the still's place.
    assert len(marks) == 1 + 3 + 1
    assert "not found" in Tags(segmented(clip, is_absent=True)._repr_html_()).text
    assert "ended by: cancelled" in Tags(located(clip, (), StopReason.CANCELLED)._repr_html_()).text
    assert "position:absolute" not in drawn_answer(drawn_image(), spans=())._repr_html_()


def test_sizes_are_width_times_height() -> None:
    clip = drawn_clip(height=120, width=160)
    answer = drawn_answer(clip)
    assert f"{clip.name}, 160 x 120 px" in Tags(answer._repr_html_()).text
    assert repr(clip) == f"Clip({clip.name}: 12 frames, 160 x 120 px, 10.000 to 12.500 s)"
    assert "1 frame, 160 x 120 px" in repr(drawn_clip(1))
    image = drawn_image(height=120, width=160)
    assert repr(image) == f"Clip({image.name}: 160 x 120 px)", "an image has no times"
    (track,) = answer.masks
    assert "160 x 120 px" in repr(track) and "160 x 120 px" in repr(track[0])
    region = Region([0], np.ones((1, 120, 160), np.bool_))
    assert repr(region) == "Region(frames [0], 160 x 120 px)"


@pytest.mark.parametrize("side", [100, 1000])
def test_a_mask_in_its_own_colour_is_seen(side: int) -> None:
    picture = np.empty((side, side, 3), np.uint8)
    picture[:] = object_colour(0)
    mask = np.zeros((side, side), np.bool_)
    mask[side // 4 : side // 2, side // 4 : side // 2] = True
    draw_objects(picture, [(0, mask)], tags=False)
    dark = picture.max(axis=-1) < 128
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    for lines in (rows, columns):
        assert lines.min() == pytest.approx(side // 4, abs=5)
        assert lines.max() == pytest.approx(side // 2, abs=5)


def test_the_legend_names_the_object(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = drawn_clip()
    result = segmented(clip, drawn_answer(clip).masks)
    assert f"{result.expression}: 3 frames, score 0.75" in Tags(result._repr_html_()).text
    words: list[str] = []

    def record(paragraphs: Any, font: Any, width_px: int) -> Any:
        words.extend(word.text for paragraph in paragraphs for word in paragraph)
        return wrap(paragraphs, font, width_px)

    monkeypatch.setattr("ufvideo_sdk.render.draw.wrap", record)
    result.plot()
    FramePainter(segmented(clip), 1)
    assert f"{result.expression}: 3 frames, score 0.75  " in words
    assert f"{result.expression}: not found  " in words
    FramePainter(drawn_answer(clip, num_objects=0), 2)
    assert "object 2: not found  " in words


def test_a_long_name_is_one_line_of_the_legend() -> None:
    (track,) = drawn_answer().masks
    line = object_line("the \x1b[2J ring\nthat " + "turns and " * 20, track)
    assert line.isprintable() and len(line) < 90 and line.startswith("the [2J ring that turns")


def test_texts_are_never_markup() -> None:
    """A model's text, a question and a file's name come from others."""
    frames = np.zeros((2, 40, 60, 3), np.uint8)
    source = FrameArray(frames, np.arange(2.0))
    source.name = HOSTILE
    clip = Clip(source)
    harmless = Tags(drawn_answer(clip, num_objects=0, spans=())._repr_html_())
    answer = drawn_answer(clip, num_objects=0, spans=(), question=HOSTILE, text=HOSTILE * 2)
    html = answer._repr_html_()
    tags = Tags(html)
    assert [tag for tag, _ in tags.tags] == [tag for tag, _ in harmless.tags]
    assert {name for _, attributes in tags.tags for name in attributes} == {
        *("style", "alt", "width", "height", "src", "dir")
    }
    assert tags.depth == 0 and tags.text.count("<script>alert(1)</script>") == 4
    assert "\x1b" not in html and "\u202e" not in html and "\u2066" not in html
    assert "http" not in html and "<script" not in html and "javascript" not in html


def test_the_text_is_there_where_the_picture_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = drawn_answer()

    def fail(*_: object, **__: object) -> None:
        raise InputError("clip.mp4: expected a video, got: <b>No such file</b>")

    monkeypatch.setattr(Clip, "read", fail)
    tags = Tags(answer._repr_html_())
    assert "got: <b>No such file</b>" in tags.text and answer.text in tags.text
    assert not [tag for tag, _ in tags.tags if tag in ("img", "b")]
    assert tags.depth == 0


def test_the_frame_with_the_most_pixels_stands_for_all() -> None:
    clip = drawn_clip()
    (track,) = drawn_answer(clip, mask_every=1).masks
    masks = np.zeros_like(track.masks)
    masks[7, :50, :50] = masks[3, :40, :40] = True
    large = replace(
        track,
        runs=type(track).from_masks(track.frame_idxs, track.times_s, masks, track.scores).runs,
    )
    assert still_idx(segmented(clip, [large])) == 7
    assert still_idx(segmented(clip, [emptied(track)])) == 6
    moment = float(clip.timestamps_s[9])
    assert still_idx(located(clip, [TimeSpan(moment, moment)])) == 9
    assert still_idx(located(clip)) == 6
    assert still_idx(drawn_answer(drawn_image(), num_objects=0)) == 0


def test_marks_of_a_long_clip_are_few() -> None:
    clip = drawn_clip(600, height=8, width=8)
    html = drawn_answer(clip, mask_every=1)._repr_html_()
    assert html.count("position:absolute") == 3 and len(html) < 40_000
    html = drawn_answer(clip, mask_every=2)._repr_html_()
    assert html.count("position:absolute") < 100


def test_no_plotting_library_is_loaded() -> None:
    code = (
        "from tests.unit.drawn_answers import drawn_answer\nanswer = drawn_answer()\n"
        "answer.plot(); answer._repr_html_(); answer.to_coco(); answer.to_dict()\nimport sys\n"
        "heavy = {'matplotlib', 'pandas', 'supervision', 'scipy', 'IPython'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_session_without_its_video_shows_the_text(tmp_path: Path) -> None:
    model = UFVideo.load()
    frames = np.random.default_rng(0).integers(0, 256, (8, 48, 64, 3), np.uint8)
    with model.open(frames, fps=4.0) as session:
        session.save(tmp_path / "clip.session")
    with model.load_session(tmp_path / "clip.session") as session:
        answer = session.ask("What happens?")
        tags = Tags(answer._repr_html_())
        assert answer.text in tags.text and "video=" in tags.text
        assert not [tag for tag, _ in tags.tags if tag == "img"] and tags.depth == 0
        with pytest.raises(InputError, match="video="):
            answer.plot()


def test_a_clip_of_one_frame_has_a_time_line() -> None:
    clip = drawn_clip(1)
    for result in (drawn_answer(clip, spans=[]), located(clip, [TimeSpan(10.0, 10.0)])):
        assert result.plot().width >= 640
        assert Tags(result._repr_html_()).text.count("10.00 s") >= 2
