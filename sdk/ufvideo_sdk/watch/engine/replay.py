"""Facts told once more: the same facts give the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.paths import entries_of, is_file, is_folder, shown
from ufvideo_sdk.watch.engine.engine import Engine
from ufvideo_sdk.watch.engine.fact_log import FACTS_NAME, read_facts
from ufvideo_sdk.watch.engine.facts import Fact, Opened, Output
from ufvideo_sdk.watch.rules.rules import Rules


def replayed(facts: Iterable[Fact], rules: Rules | None = None) -> Iterator[Fact]:
    """Tell an engine the inputs of a log, and return them with what it tells.

    Args:
        facts: Facts of a log; outputs among them are left out.
        rules: Other rules than those of the log; their questions must be the log's.

    Raises:
        InputError: When the facts contradict each other or the rules, or do not begin with Opened.
        StateError: As `Engine.take`.
    """
    engine: Engine | None = None
    for fact in facts:
        if isinstance(fact, Opened):
            followed = rules or Rules.parse(fact.rules, name=fact.rules_name)
            engine = Engine(followed.for_camera(fact.camera))
            yield engine.opened(fact.camera)
        elif engine is None:
            raise InputError(f"expected the fact Opened first, got {type(fact).__name__}")
        elif not isinstance(fact, Output):
            yield fact
            yield from engine.take(fact)


def log_of(folder: Path) -> Path:
    """Return the log of facts in a folder.

    Args:
        folder: The folder of a recording, one that has a single recording below it, or the log
            itself.

    Raises:
        InputError: When there is none, or several.
    """
    if is_file(folder):
        return folder
    if not is_folder(folder):
        raise InputError(f"{shown(folder)}: expected the folder of a recording, found nothing")
    if is_file(folder / FACTS_NAME):
        return folder / FACTS_NAME
    below = [each for each in entries_of(folder) if is_folder(each)]
    below += [deeper for each in below for deeper in entries_of(each) if is_folder(deeper)]
    found = [each / FACTS_NAME for each in below if is_file(each / FACTS_NAME)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(sorted(str(log.parent.relative_to(folder)) for log in found[:8]))
    fix = f"{len(found)}; name one of its folders: {names}" if found else "none"
    raise InputError(f"{shown(folder)}: expected one {FACTS_NAME} in it, found {fix}")


def load_facts(folder: Path) -> list[Fact]:
    """Return all facts of a recording.

    Raises:
        InputError: As `log_of` and `read_facts`.
    """
    return list(read_facts(log_of(folder)))
