"""The JSON of the documents has the keys that the SDK writes."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.docs.fenced_blocks import blocks_of
from ufvideo_sdk import UFVideo, demo_clip
from ufvideo_sdk.package.shipped_package import shipped_package
from ufvideo_sdk.watch.engine.facts import Event, Gap
from ufvideo_sdk.watch.sinks.event_lines import event_line, files_line, gap_line, notice_line
from ufvideo_sdk.watch.sinks.event_message import EventMessage
from ufvideo_sdk.watch.sources.capture import CaptureNotice

ROOT = Path(__file__).parents[2]


def json_blocks(page: str) -> list[Any]:
    return [json.loads(block.code) for block in blocks_of(page) if block.language == "json"]


def keys(value: Any) -> Any:
    """The keys at every level, in order; of a list those of its first item."""
    if isinstance(value, dict):
        return {key: keys(item) for key, item in value.items()}
    return [keys(value[0])] if isinstance(value, list) and value else None


def test_answer() -> None:
    (printed,) = json_blocks("docs/cli.md")
    with UFVideo.load().open(demo_clip()) as session:
        answer = session.ask("Please segment the purple triangle in the video.")
        written = json.loads(answer.to_json())
    for name in ("masks", "stats", "clip"):
        assert list(written[name] if name != "masks" else written[name][0]) == list(
            printed[name] if name != "masks" else printed[name][0]
        )
    assert list(written) == list(printed)
    assert keys(written["masks"]) == keys(printed["masks"])


def test_manifest_and_chat_template() -> None:
    first, second, template = json_blocks("docs/package_format.md")
    # One package of each format version.
    plain = ROOT / "tests" / "data" / "tiny" / "package" / "manifest.json"
    written = json.loads(plain.read_text(encoding="utf-8"))
    assert list(first) == list(written)
    for part in ("model", "video", "tokens"):
        assert list(first[part]) == list(written[part]), part
    (stage,) = (first["stages"][stem] for stem in list(first["stages"])[:1])
    assert list(stage) == list(next(iter(written["stages"].values())))
    tracks = json.loads((shipped_package() / "manifest.json").read_text(encoding="utf-8"))
    assert set(tracks) - set(written) == set(second) - {"format_version", "stages"}
    assert {name: second[name] for name in ("format_version", "capabilities", "tracking")} == {
        name: tracks[name] for name in ("format_version", "capabilities", "tracking")
    }
    (stage,) = second["stages"].values()
    assert list(stage) == list(next(iter(tracks["stages"].values())))
    chat_template = (shipped_package() / "chat_template.json").read_text(encoding="utf-8")
    assert keys(template) == keys(json.loads(chat_template))


def test_lines_of_events() -> None:
    block, _ = (each for each in blocks_of("docs/live.md") if each.language == "json")
    printed = [json.loads(line) for line in block.code.splitlines()]
    frames, why = (50, 150), printed[0]["reason"]
    event = Event("start", 3, "visitor", 15.0, 5.0, None, 0.0, None, why, frames, ())
    lines = (
        event_line("front", event, 0.0),
        files_line("front", event, (), (Path("a.jpg"),)),
        gap_line("front", Gap(61.2, 64.9, "stalled")),
        notice_line("front", CaptureNotice("dark", 70.0, "the picture is dark")),
    )
    assert [keys(json.loads(line)) for line in lines] == [keys(value) for value in printed]
    assert {**json.loads(lines[0]), "at": printed[0]["at"]} == printed[0]


def test_message_of_an_event() -> None:
    _, printed = (each for each in blocks_of("docs/live.md") if each.language == "json")
    value = json.loads(printed.code)
    names = [field.name for field in dataclasses.fields(Event)]
    event = Event(
        **{
            name: tuple(value[name])
            if name.endswith("s") and isinstance(value[name], list)
            else value[name]
            for name in names
        }
    )
    message = EventMessage(
        run="20260504T092959Z-5f1c",
        camera="front",
        camera_name="front",
        rule_name="visitor",
        event=event,
        question=value["question"],
        answer=value["answer"],
        started_at=datetime.fromisoformat(value["started_at"][:-1] + "+00:00").timestamp(),
        ended_at=datetime.fromisoformat(value["ended_at"][:-1] + "+00:00").timestamp(),
        clips=tuple(map(Path, value["clips"])),
        snapshots=tuple(map(Path, value["snapshots"])),
    )
    assert list(json.loads(message.to_json()).items()) == list(value.items())
