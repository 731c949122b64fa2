"""`ufvideo rules`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ufvideo_sdk.cli.exit_codes import INCOMPLETE
from ufvideo_sdk.cli.options import JsonOption
from ufvideo_sdk.cli.say import print_json, say

if TYPE_CHECKING:
    from ufvideo_sdk.questions.document_error import Problem
    from ufvideo_sdk.watch.rules.rule import Rule
    from ufvideo_sdk.watch.rules.rules import Rules

rules = typer.Typer(
    name="rules",
    help="Check a file of rules, and explain events. Example: ufvideo rules check rules.yaml",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@rules.command()
def check(
    file: Annotated[
        str, typer.Argument(metavar="RULES", help="A YAML file of rules.", show_default=False)
    ],
    as_json: JsonOption = False,
) -> None:
    """Check a file of rules; exit code 8 if it does not hold.

    Example: ufvideo rules check rules.yaml
    """
    from ufvideo_sdk.questions.document_error import DocumentError
    from ufvideo_sdk.watch.rules.rules import Rules
    from ufvideo_sdk.watch.rules.shown_sinks import shown_sinks

    try:
        found = Rules.load(file)
    except DocumentError as error:
        if as_json:
            problems = [_shown(problem) for problem in error.problems]
            report = {"ok": False, "questions": [], "rules": [], "sinks": []}
            _print_report({**report, "problems": problems})
        else:
            say(str(error))
        raise typer.Exit(INCOMPLETE) from None
    if as_json:
        questions = [each.name for each in found.questions]
        names = [each.name for each in found.rules]
        sinks = [name for name, _ in shown_sinks(found.sinks)]
        report = {"ok": True, "questions": questions, "rules": names, "sinks": sinks}
        _print_report({**report, "problems": []})
        return
    for line in _summary(found):
        say(line)


@rules.command()
def explain(
    folder: Annotated[
        str,
        typer.Argument(metavar="DIR", help="The folder of a recording.", show_default=False),
    ],
    what: Annotated[
        str,
        typer.Argument(
            metavar="EVENT_OR_TIME",
            help="The number of an event, such as 3; or a time: 90s, 90.5 or 1:30.",
            show_default=False,
        ),
    ],
) -> None:
    """Say why an event started and ended, or why there was none at a time.

    Example: ufvideo rules explain recording 3
    """
    from ufvideo_sdk.validation.paths import as_path
    from ufvideo_sdk.watch.engine.explain import explain as explained
    from ufvideo_sdk.watch.engine.replay import load_facts

    for line in explained(load_facts(as_path(folder, "DIR")), what):
        say(line)


def _print_report(report: dict[str, Any]) -> None:
    print_json(json.dumps(report, indent=2, ensure_ascii=False) + "\n")


def _shown(problem: Problem) -> dict[str, Any]:
    value = asdict(problem)
    place = value.pop("place") or {"line": None, "column": None}
    return {**place, **value}


def _summary(found: Rules) -> list[str]:
    """A line for each rule, what is asked and when, and for each sink."""
    from ufvideo_sdk.watch.rules.shown_sinks import shown_sinks
    from ufvideo_sdk.watch.rules.sink_settings import SinkSettings

    lines = []
    for rule in found.rules:
        watched = found.question(rule.question)
        when = "on every frame"
        schedule = watched.schedule
        if schedule is not None and schedule.on_change is not None:
            when = f"on a change of {schedule.on_change:g}"
            if schedule.force_every_s is not None:
                when += f" or after {schedule.force_every_s:g} s"
        elif schedule is not None:
            when = f"every {schedule.every_s:g} s"
        kind = watched.question.kind.value
        line = f"OK  {rule.name:<20} {kind:<8} {when:<20} {watched.question.words}"
        lines.append(f"{line}{_only(rule)}")
    # Lines of JSON on standard output are what there is without a word about it.
    if found.sinks != SinkSettings():
        lines += [f"OK  -> {name:<17} {what}" for name, what in shown_sinks(found.sinks)]
    return lines


def _only(rule: Rule) -> str:
    """Which cameras a rule is about, and where its events go, if these are not all."""
    sinks = f"-> {', '.join(rule.sinks)}" if rule.sinks is not None else ""
    parts = [each for each in (", ".join(rule.cameras), sinks) if each]
    return f"  [{' '.join(parts)}]" if parts else ""
