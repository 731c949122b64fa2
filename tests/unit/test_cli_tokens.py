"""`ufvideo tokens`: a question as the ids that the SDK itself would ask with."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from ufvideo_sdk import UFVideo
from ufvideo_sdk.cli import app
from ufvideo_sdk.package.shipped_package import shipped_package
from ufvideo_sdk.text.prompt import Question
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.video_file import open_source

QUESTION = "What moves?"
FRAME = np.zeros((8, 8, 3), np.uint8)


def run(*arguments: object) -> Any:
    words = [str(a) for a in arguments]
    return CliRunner().invoke(app, words, prog_name="ufvideo", env={"UFVIDEO_PACKAGE": ""})


@pytest.mark.parametrize("image", [False, True], ids=["video", "image"])
def test_ids_are_those_of_the_sdk(image: bool) -> None:
    model = UFVideo.load(shipped_package())
    clip = Clip(open_source(FRAME) if image else open_source(FRAME[None], fps=2.0))
    expected = model.prompts.build(Question(QUESTION), clip)
    facts = model.manifest.tokens
    placeholder = facts.image_placeholder_id if image else facts.video_placeholder_id
    assert expected.count(placeholder) == 1
    options = ["--package", shipped_package(), *(["--image"] if image else [])]
    plain = run("tokens", QUESTION, *options)
    assert plain.exit_code == 0, plain.stderr
    assert [int(word) for word in plain.stdout.split()] == expected
    assert json.loads(run("tokens", QUESTION, *options, "--json").stdout) == {"token_ids": expected}


def test_marks_without_what_fills_them_are_refused() -> None:
    result = run("tokens", "What is <region>?", "--package", shipped_package())
    assert result.exit_code == 3 and "<region>" in result.stderr
