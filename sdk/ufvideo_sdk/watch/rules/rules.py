"""The rules of a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.questions.document_error import DocumentError, Place, Problem
from ufvideo_sdk.questions.yaml_document import MAX_CHARACTERS, read_yaml
from ufvideo_sdk.validation.arguments import described
from ufvideo_sdk.validation.display_name import display_name
from ufvideo_sdk.validation.paths import as_path, open_plain_file, reading_failed, shown
from ufvideo_sdk.watch.rules.file_reader import read_file
from ufvideo_sdk.watch.rules.rule import Rule, WatchedQuestion
from ufvideo_sdk.watch.rules.sink_settings import SinkSettings

_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class Rules:
    """A checked file of rules. `Rules.load` and `Rules.parse` make it.

    Attributes:
        name: Name of the file, such as "rules.yaml".
        text: Its text, as it was read.
        questions: What is asked, in the order of the file.
        rules: What makes events, in the order of the file.
        sinks: Where events go.
    """

    name: str
    text: str
    questions: tuple[WatchedQuestion, ...]
    rules: tuple[Rule, ...]
    sinks: SinkSettings = field(default_factory=SinkSettings)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Rules:
        """Read a file.

        Args:
            path: A YAML 1.2 file in UTF-8 (docs/live.md).

        Raises:
            ConfigError: When ruamel.yaml is not installed.
            DocumentError: When the file does not hold; `problems` has all that is wrong.
            InputError: When it cannot be read.
        """
        file = as_path(path, "path")
        name = display_name(file.name)
        with open_plain_file(file, "a file of rules") as opened:
            try:
                content = opened.read(4 * MAX_CHARACTERS + 1)
            except OSError as error:
                raise reading_failed(error, file, "a file of rules") from None
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            problem = Problem(
                "",
                "UTF-8",
                f"the byte 0x{content[error.start]:02x} at {error.start} of {shown(file)}",
                "save the file as UTF-8",
                Place(line, 1),
            )
            raise DocumentError(name, [problem]) from None
        return cls.parse(text, name=name)

    @classmethod
    def parse(cls, text: str, *, name: str = "rules") -> Rules:
        """Read a text.

        Args:
            text: YAML 1.2 (docs/live.md).
            name: Name of the text for messages.

        Raises:
            ConfigError: When ruamel.yaml is not installed.
            DocumentError: When the text does not hold; `problems` has all that is wrong.
            InputError: When it is no text.
        """
        if not isinstance(text, str):
            raise InputError(f"text: expected YAML as a str, got {described(text)}")
        document = read_yaml(text.removeprefix(_BYTE_ORDER_MARK), name)
        return cls(name, text, *read_file(document, name))

    def for_camera(self, camera: str) -> Rules:
        """Return the rules that are about a camera, with their questions and the whole text.

        Args:
            camera: Name of the camera.
        """
        rules = tuple(rule for rule in self.rules if not rule.cameras or camera in rule.cameras)
        if len(rules) == len(self.rules):
            return self
        used = {rule.question for rule in rules}
        questions = tuple(each for each in self.questions if each.name in used)
        return replace(self, questions=questions, rules=rules)

    def check_cameras(self, cameras: Sequence[str]) -> None:
        """Refuse a rule that is about a camera that nobody watches.

        Args:
            cameras: Names of all cameras.

        Raises:
            InputError: When a rule names another one.
        """
        for rule in self.rules:
            for name in rule.cameras:
                if name not in cameras:
                    raise InputError(
                        f"{self.name}: rules.{rule.name}.cameras: expected names of cameras that"
                        f' are watched, {", ".join(cameras)}, got "{name}"'
                    )

    def question(self, name: str) -> WatchedQuestion:
        """Return a question by its name.

        Raises:
            KeyError: When the file has none of that name.
        """
        for each in self.questions:
            if each.name == name:
                return each
        raise KeyError(name)
