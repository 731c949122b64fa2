"""`ufvideo tokens`."""

from __future__ import annotations

import json
from typing import Annotated

import numpy as np
import typer

from ufvideo_sdk.cli.options import JsonOption, PackageOption
from ufvideo_sdk.cli.package import named_package
from ufvideo_sdk.cli.say import say


def tokens(
    question: Annotated[str, typer.Argument(metavar="QUESTION", show_default=False)],
    package: PackageOption = None,
    is_image: Annotated[
        bool, typer.Option("--image", help="The question is about an image, not a video.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the token ids of a question, for a program in C++; runs nothing.

    One placeholder id stands for the video or image. Regions and times are not taken.

    Example: ufvideo tokens "What happens?" --package pkg > ids.txt
    """
    from ufvideo_sdk.model import CHAT_TEMPLATE_NAME, TOKENIZER_NAME
    from ufvideo_sdk.package.file_names import MANIFEST_NAME
    from ufvideo_sdk.package.manifest import read_manifest
    from ufvideo_sdk.text.chat_template import read_chat_template
    from ufvideo_sdk.text.prompt import PromptBuilder, Question
    from ufvideo_sdk.text.tokenizer import TextTokenizer
    from ufvideo_sdk.video.clip import Clip
    from ufvideo_sdk.video.video_file import open_source

    folder = named_package(package).folder
    tokens = read_manifest(folder / MANIFEST_NAME).tokens
    tokenizer = TextTokenizer(folder / TOKENIZER_NAME, tokens)
    prompts = PromptBuilder(tokenizer, read_chat_template(folder / CHAT_TEMPLATE_NAME), tokens)
    # Of the clip a prompt without times needs the kind alone.
    picture = np.zeros((1, 1, 3), np.uint8)
    source = open_source(picture) if is_image else open_source(picture[None], fps=1.0)
    ids = prompts.build(Question(question), Clip(source))
    say(json.dumps({"token_ids": ids}) if as_json else " ".join(map(str, ids)))
