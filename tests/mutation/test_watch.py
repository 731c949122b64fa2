"""The tool itself: each way a case can end is told from the others, kept, and run again."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from tests.mutation import blind, json_fields, protobuf_fields, summary
from tests.mutation.case import CaseId, Entries, Special, read_finding, write_entries
from tests.mutation.kinds import use
from tests.mutation.protobuf_fields import Message
from tests.mutation.runs import Extent, replay, run
from tests.mutation.watch import Limits

LIMITS = Limits(seconds=3.0, peak_bytes=400 << 20)


class Stand:
    """Trials that end in every way, by the number in their file."""

    name = "stand"
    share = 1.0
    links_shared = False
    ways = ("accepted", "refused", "crash", "hang", "foreign", "memory", "exit", "printing")

    def prepare(self, folder: Path) -> None:
        self._next = 0

    def set_up(self, folder: Path) -> None:
        pass

    def entries(self, chance: random.Random) -> Entries:
        self._next += 1
        return {"way.txt": self.ways[self._next - 1].encode()}

    def trial(self, folder: Path) -> None:
        from ufvideo_sdk.errors import PackageError, PackageVersionError

        way = (folder / "way.txt").read_text()
        if way == "refused":
            raise PackageVersionError("expected another")
        if way == "crash":
            os.abort()
        if way == "hang":
            time.sleep(60)
        if way == "foreign":
            raise ValueError("\ud800")
        if way == "memory":
            bytearray(b"x") * (3 << 30)
        if way == "exit":
            os._exit(3)
        if way == "printing":
            print("a library's words")
            with use.errors_hold():
                raise PackageError("\ud800")


def test_every_way_a_case_ends(tmp_path: Path) -> None:
    tally = run(
        Stand, Extent(num_cases=len(Stand.ways)), tmp_path / "scratch", tmp_path / "kept", LIMITS
    )
    assert dict(tally.outcomes) == {
        ("accepted", ""): 1,
        ("refused", "PackageVersionError"): 1,
        ("crash", "SIGABRT"): 1,
        ("hang", ""): 1,
        ("foreign", "ValueError"): 1,
        ("memory", ""): 1,
        ("crash", "exit status 3"): 1,
        ("foreign", "UnicodeEncodeError"): 1,
    }
    assert 3.0 < tally.slowest_s < 10.0 and tally.peak_bytes > LIMITS.peak_bytes
    assert len(list((tmp_path / "kept").iterdir())) == 6
    case, entries = read_finding(tmp_path / "kept" / "stand-0-3")
    assert (case, entries) == (CaseId("stand", 0, 3), {"way.txt": b"hang"})
    again = replay(Stand, case, entries, tmp_path / "again", LIMITS)
    assert again.status == "hang" and "trial" in again.detail
    row = summary.table([tally]).splitlines()[1].split()
    assert row[:9] == ["stand", "8", "1", "1", "2", "1", "2", "1", f"{tally.slowest_s:.2f}"]
    assert "stand: crash exit status 3" in summary.findings([tally], tmp_path)


def test_a_case_has_the_same_bytes_again() -> None:
    graph = (use.TINY / "region_encoder.onnx").read_bytes()
    text = (use.TINY / "manifest.json").read_text()
    for number in range(30):
        case = CaseId("packages", 3, number)
        for change, content in (
            (blind.mutated, graph),
            (protobuf_fields.mutated, graph),
            (json_fields.mutated, text),
        ):
            first, again = (change(content, case.chance()) for _ in range(2))
            assert first == again
    assert case.chance().random() != CaseId("packages", 4, number).chance().random()


@pytest.mark.parametrize("path", sorted(use.TINY.glob("*.onnx")), ids=lambda path: path.name)
def test_a_graph_is_written_as_it_was_read(path: Path) -> None:
    content = path.read_bytes()
    message = Message.parse(content)
    assert message.serialized() == content
    assert {"Graph", "Node", "Tensor", "TensorType"} <= {m.name for m in message.messages()}


def test_special_entries_come_back(tmp_path: Path) -> None:
    entries: Entries = {"a/b": Special("sparse", num_bytes=5), "c": Special("link", "a/b")}
    write_entries(tmp_path / "case", {**entries, "d": Special("missing")})
    assert sorted(p.name for p in (tmp_path / "case").iterdir()) == ["a", "c"]
    assert (tmp_path / "case" / "c").read_bytes() == bytes(5)
