"""What gives way when a watch may use a part of the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")

from tests.watch.scripted import END, ScriptedCapture, clip_frames, opener, taken
from ufvideo_sdk import ConfigError, demo_clip
from ufvideo_sdk.watch import Rules, WatchOptions, WindowOptions, open_watch, watch
from ufvideo_sdk.watch.engine.fact_log import read_facts
from ufvideo_sdk.watch.engine.facts import Answered, Dropped, Frame
from ufvideo_sdk.watch.watcher import budget as budget_module
from ufvideo_sdk.watch.watcher.budget import Budget, MachineUse

RULES = """
rules:
  first: {text: What does the purple triangle do?, matches: ., every_s: 0.25}
  second: {locate: the purple triangle moves up, every_s: 0.25}
  third: {yes_no: Is there a red circle?, every_s: 0.25}
"""


class Machine:
    """A clock and a use that a test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.used_s = 10.0

    def __call__(self) -> MachineUse:
        return MachineUse(self.now_s, self.used_s)

    def spend(self, passed_s: float, used_s: float) -> None:
        self.now_s += passed_s
        self.used_s += used_s


def test_questions_give_way_from_the_last_to_the_first() -> None:
    machine = Machine()
    budget = Budget(0.5, machine)
    names = ["first", "second", "third"]
    assert budget.affordable(names) == 3
    budget.spent(["first"], 0.2)
    budget.spent(["second", "third"], 1.2)
    machine.spend(1.0, 0.75)
    budget.settle()
    # 0.75 s are saved: the first costs 0.2 s, the second 0.6 s.
    assert budget.affordable(names) == 2
    machine.spend(1.0, 1.15)
    budget.settle()
    assert budget.affordable(names) == 1
    assert budget.giving_way == ()
    machine.spend(0.0, 0.2)
    budget.settle()
    assert budget.affordable(names) == 0
    assert budget.giving_way == ("questions",)


def test_frames_give_way_by_what_is_owed_and_come_back() -> None:
    machine = Machine()
    budget = Budget(0.5, machine)
    strides = []
    for _ in range(10):
        machine.spend(1.0, 1.5)
        budget.settle()
        strides.append(budget.stride)
    assert strides == [1, 1, 2, 2, 4, 4, 4, 8, 8, 8]
    assert [budget.takes_frame() for _ in range(16)].count(True) == 2
    assert budget.giving_way == ("questions", "frames: one of 8 is looked at")
    machine.spend(30.0, 0.0)
    budget.settle()
    assert (budget.stride, budget.giving_way) == (1, ())


def test_a_long_quiet_time_saves_no_more_than_two_seconds() -> None:
    machine = Machine()
    budget = Budget(0.5, machine)
    machine.spend(3600.0, 0.0)
    budget.settle()
    machine.spend(0.0, 2.1)
    budget.settle()
    assert budget.is_in_debt


def test_the_share_of_the_latest_ten_seconds() -> None:
    machine = Machine()
    budget = Budget(None, machine)
    assert budget.used_share is None
    for _ in range(20):
        machine.spend(1.0, 0.9)
        budget.settle()
    for _ in range(10):
        machine.spend(1.0, 0.2)
        budget.settle()
    assert budget.used_share == pytest.approx(0.2)
    assert budget.affordable(["a"]) == 1 and budget.stride == 1 and not budget.is_in_debt


@pytest.mark.parametrize("share", [0, -1, 1.01, "half", True, float("nan")])
def test_a_share_that_is_none_is_refused(share: Any) -> None:
    with pytest.raises(ConfigError, match="budget: expected a part of the machine"):
        Budget(share)


def test_what_gives_way_is_told(nano: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine()
    monkeypatch.setattr(budget_module, "machine_use", machine)
    monkeypatch.setattr(Budget, "__init__", _with_measure(machine))
    items: list[Any] = []
    for number, pixels in enumerate(clip_frames()):
        items += [taken(pixels, number / 8), None]
    capture = ScriptedCapture([*items, END])
    options = WatchOptions(record=tmp_path, budget=0.5, window=WindowOptions(frames=4))
    notices: list[Any] = []
    run = open_watch(nano, opener(capture), Rules.parse(RULES), options=options)
    for number, told in enumerate(iter(_ticking(run, machine))):
        del number
        notices.append(told)
    (log,) = tmp_path.glob("camera/*/facts.jsonl")
    facts = list(read_facts(log))
    dropped = [fact.question for fact in facts if isinstance(fact, Dropped)]
    assert dropped and all(fact.cause == "budget" for fact in facts if isinstance(fact, Dropped))
    # The first of the file gives way last.
    assert dropped.count("first") <= dropped.count("second") <= dropped.count("third")
    assert any(isinstance(fact, Answered) for fact in facts)
    assert sum(isinstance(fact, Frame) for fact in facts) < 46
    kinds = [str(each) for each in notices if not hasattr(each, "edge")]
    assert any("frames give way: one of 2 is looked at" in kind for kind in kinds)
    (capture_log,) = tmp_path.glob("camera/*/capture.jsonl")
    assert '"what":"drops","cause":"budget"' in capture_log.read_text()


def _with_measure(machine: Machine) -> Any:
    original = Budget.__init__

    def made(self: Budget, share: Any, measure: Any = machine) -> None:
        del measure
        original(self, share, machine)

    return made


def _ticking(run: Any, machine: Machine) -> Any:
    """The watch, on a machine of which every round of turns takes more than it may."""
    settle = run._budget.settle

    def settled() -> None:
        machine.spend(0.1, 0.15)
        settle()

    run._budget.settle = settled
    return run


def test_a_file_waits_in_place_of_giving_way(nano: Any, tmp_path: Path) -> None:
    rules = Rules.parse(RULES)
    free = WatchOptions(record=tmp_path / "free", window=WindowOptions(frames=4))
    bound = WatchOptions(record=tmp_path / "bound", window=WindowOptions(frames=4), budget=0.2)
    for options in (free, bound):
        list(watch(nano, demo_clip(), rules, options=options))
    logs = [next(tmp_path.glob(f"{name}/camera/*/facts.jsonl")) for name in ("free", "bound")]
    assert logs[0].read_text() == logs[1].read_text()
