"""JSON of answers, from which masks are read back."""

from __future__ import annotations

import random
from pathlib import Path

from tests.mutation import blind, json_fields
from tests.mutation.case import Entries
from tests.mutation.kinds import use

NAME = "answer.json"


class Answers:
    """An answer of the tiny package with masks."""

    name = "answers"
    share = 0.5
    links_shared = False

    def __init__(self) -> None:
        self._text = ""

    def prepare(self, folder: Path) -> None:
        """Write the answer that is mutated."""
        from dataclasses import replace

        session = use.load(use.TINY).open(use.frames(), fps=use.FPS)
        masks = tuple(session.segment("ball"))
        from ufvideo_sdk import GenerationConfig

        answer = session.ask("Why?", config=GenerationConfig(max_new_tokens=2))
        self._text = replace(answer, masks=masks).to_json()

    def set_up(self, folder: Path) -> None:
        """Nothing is shared by trials."""

    def entries(self, chance: random.Random) -> Entries:
        """One text."""
        if chance.random() < 0.2:
            return {NAME: blind.mutated(self._text.encode(), chance)}
        return {NAME: json_fields.mutated(self._text, chance).encode("utf-8", "surrogatepass")}

    def trial(self, folder: Path) -> None:
        """Read the masks."""
        from ufvideo_sdk.results.answer_json import masks_from_json

        with use.errors_hold():
            masks_from_json((folder / NAME).read_bytes().decode("utf-8", "replace"))
