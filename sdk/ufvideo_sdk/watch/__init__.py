"""Rules of a camera that is watched, and the events that follow from them.

rules = Rules.load("rules.yaml")
engine = Engine(rules)

`Rules` reads a file of rules strictly; `Engine` tells which questions are due and which events
happen (`ufvideo_sdk.watch.engine` has its contract). Needs the extra `watch`.
"""

from __future__ import annotations

from ufvideo_sdk.watch.engine.engine import Engine
from ufvideo_sdk.watch.engine.facts import Event
from ufvideo_sdk.watch.rules.rules import Rules

__all__ = ["Engine", "Event", "Rules"]
