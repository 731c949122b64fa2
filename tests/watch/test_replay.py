"""Recordings that are watched once more: the same bytes."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path
from typing import Any

import av
import pytest

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")

from tests.watch.scripted import END, ScriptedCapture, clip_frames, opener, taken
from ufvideo_sdk import InputError, demo_clip
from ufvideo_sdk.watch import CaptureOptions, Replay, Rules, WatchOptions, WindowOptions, watch
from ufvideo_sdk.watch.engine import lines_of
from ufvideo_sdk.watch.engine.facts import Answered, Asked, Dropped, Event, Failed, Frame, Tracked
from ufvideo_sdk.watch.engine.replay import log_of
from ufvideo_sdk.watch.recording.folders import the_recording
from ufvideo_sdk.watch.sources import CaptureGap

RULES = """
zones:
  left: [0, 0, 0.5, 1]
rules:
  what: {text: What does the purple triangle do?, matches: still, every_s: 0.5}
  up: {locate: the purple triangle moves up, every_s: 1}
  left: {segment: the purple triangle, in: left, every_s: 1}
  there: {track: the purple triangle, in: left}
  red: {yes_no: Is there a red circle?, on_change: 0.05, every_s: 0.5, force_every_s: 3}
"""


@pytest.fixture(scope="module")
def recording(nano: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo clip, watched as a file."""
    folder = tmp_path_factory.mktemp("recorded")
    options = WatchOptions(
        capture=CaptureOptions(sample_fps=4.0),
        window=WindowOptions(first_frames=4),
        record=folder,
    )
    list(watch(nano, demo_clip(), Rules.parse(RULES), options=options))
    return the_recording(folder)


def replayed(nano: Any, folder: Path, rules: str | None = None) -> tuple[list[Any], Any]:
    replay = Replay(nano, folder, None if rules is None else Rules.parse(rules))
    return list(replay), replay.report


def test_ten_replays_give_the_bytes_of_the_recording(nano: Any, recording: Path) -> None:
    logged = (recording / "facts.jsonl").read_text(encoding="utf-8")
    assert logged.count('"fact":"event"') >= 4
    for _ in range(10):
        facts, report = replayed(nano, recording)
        assert lines_of(facts) == logged
    assert report.differences == []
    assert (report.num_frames, report.num_missing, report.num_changed) == (23, 0, 0)
    assert (report.is_as_logged, report.is_broken_off) == (True, False)
    events = lines_of([fact for fact in facts if isinstance(fact, Event)])
    assert (recording / "events.jsonl").read_text(encoding="utf-8") == events


def test_other_conditions_about_the_same_questions_follow_the_log(
    nano: Any, recording: Path
) -> None:
    facts, report = replayed(nano, recording, RULES.replace("matches: still", "matches: moves"))
    assert report.is_as_logged
    logged = (recording / "facts.jsonl").read_text(encoding="utf-8")
    answers = [fact for fact in facts if isinstance(fact, (Asked, Answered))]
    assert all(lines_of([each]) in logged for each in answers)


def test_other_questions_are_asked_as_a_fast_machine_would(nano: Any, recording: Path) -> None:
    rules = "rules:\n  blue: {yes_no: Is there a blue square?, every_s: 2}\n"
    facts, report = replayed(nano, recording, rules)
    assert not report.is_as_logged
    asked = [fact.time_s for fact in facts if isinstance(fact, Asked)]
    # The first whole pair at which four frames are there; then every two seconds.
    assert asked == [0.75, 2.75, 4.75]
    assert [fact.change for fact in facts if isinstance(fact, Frame)] == [
        fact.change for fact in replayed(nano, recording)[0] if isinstance(fact, Frame)
    ]


def script(options: WatchOptions, nano: Any, *items: Any, rules: str = RULES) -> Path:
    """The recording of a source without packets."""
    capture = ScriptedCapture(items)
    list(watch(nano, opener(capture), Rules.parse(rules), options=options))
    assert options.record is not None
    return the_recording(options.record)


def test_a_source_without_packets_is_recorded_without_loss(nano: Any, tmp_path: Path) -> None:
    frames = clip_frames()
    first = [taken(p, i / 8) for i, p in enumerate(frames[:12])]
    gap = CaptureGap(1.5, 10.0, "stalled")
    second = [taken(p[::2, ::2].copy(), 10 + i / 8, section=1) for i, p in enumerate(frames[12:])]
    options = WatchOptions(record=tmp_path, window=WindowOptions(first_frames=4))
    items = [*first[:5], None, *first[5:], gap, *second[:9], None, *second[9:], None, END]
    folder = script(options, nano, *items)
    assert sorted(path.name for path in folder.glob("*.mkv")) == ["0000.mkv", "0001.mkv"]
    facts, report = replayed(nano, folder)
    assert lines_of(facts) == (folder / "facts.jsonl").read_text(encoding="utf-8")
    assert (report.num_frames, report.num_changed) == (46, 0)


def test_a_killed_process_leaves_what_can_be_replayed_to_its_last_whole_line(
    nano: Any, recording: Path, tmp_path: Path
) -> None:
    whole = (recording / "facts.jsonl").read_bytes()
    lines = whole.splitlines(keepends=True)
    (over,) = [i for i, line in enumerate(lines) if line.startswith(b'{"fact":"ended"')]
    for number in (3, len(lines) // 2, len(lines) // 2 + 1, len(lines) // 2 + 2, over - 1):
        folder = tmp_path / str(number)
        shutil.copytree(recording, folder)
        kept = b"".join(lines[:number])
        (folder / "facts.jsonl").write_bytes(kept + lines[number][:7])
        facts, report = replayed(nano, folder)
        inputs = [each for each in facts if isinstance(each, (Frame, Asked, Answered, Tracked))]
        assert kept.decode().startswith(lines_of(facts)[: len(kept)])
        assert len(lines_of(facts)) >= len(kept) and inputs
        assert report.is_broken_off


def test_what_was_dropped_and_what_failed_is_so_again(
    nano: Any, recording: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(recording, folder)
    log = folder / "facts.jsonl"
    facts = [fact for fact in replayed(nano, recording)[0] if not isinstance(fact, Event)]
    text = log.read_text(encoding="utf-8")
    answered = next(f for f in facts if isinstance(f, Answered) and f.question == "up")
    failed = Failed("up", answered.frame_idx, "cancelled")
    text = text.replace(lines_of([answered]), lines_of([failed]))
    asked = [f for f in facts if isinstance(f, Asked) and f.question == "left"][-1]
    result = [f for f in facts if isinstance(f, Answered) and f.question == "left"][-1]
    dropped = Dropped("left", asked.frame_idx, asked.time_s, "budget")
    text = text.replace(lines_of([asked]), lines_of([dropped])).replace(lines_of([result]), "")
    log.write_text(text, encoding="utf-8")
    again = replayed(nano, folder)[0]
    assert failed in again and dropped in again
    assert answered not in again and result not in again


def test_packets_that_are_there_no_more_leave_what_the_log_says(nano: Any, tmp_path: Path) -> None:
    frames = clip_frames()
    items = [taken(p, i / 8) for i, p in enumerate(frames)]
    options = WatchOptions(record=tmp_path, window=WindowOptions(frames=8))
    folder = script(options, nano, *(x for item in items for x in (item, None)), END)
    # Files of 8 frames each, as retention would have left them.
    from tests.watch.split_recording import split_frames

    split_frames(folder, 8)
    whole = lines_of(replayed(nano, folder)[0])
    (folder / "0000.mkv").unlink()
    facts, report = replayed(nano, folder)
    assert report.num_missing == 8
    assert lines_of(facts) == whole == (folder / "facts.jsonl").read_text(encoding="utf-8")


def test_a_folder_without_a_recording_is_refused(tmp_path: Path, recording: Path) -> None:
    with pytest.raises(InputError, match="expected a recording in it, found none"):
        the_recording(tmp_path)
    with pytest.raises(InputError, match="found nothing"):
        the_recording(tmp_path / "missing")
    for name in ("a", "b"):
        shutil.copytree(recording, tmp_path / "camera" / name)
    with pytest.raises(InputError, match="found 2: name one of them: camera/a, camera/b"):
        the_recording(tmp_path)
    assert the_recording(tmp_path / "camera" / "a") == tmp_path / "camera" / "a"


def test_another_machine_or_package_is_said(nano: Any, recording: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(recording, folder)
    header = folder / "recording.json"
    text = header.read_text().replace('"num_threads": 1', '"num_threads": 7')
    header.write_text(text.replace(nano.manifest_sha256, "0" * 64))
    assert Replay(nano, folder).report.differences == [
        f"package: recorded with {'0' * 12}, here {nano.manifest_sha256[:12]}",
        "threads: recorded with 7, here 1",
    ]
    header.write_text(text.replace('"sdk"', '"sdks"'))
    with pytest.raises(InputError, match=r"recording\.json: sdks: unknown key"):
        Replay(nano, folder)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_file_that_turns_its_pictures_is_replayed_as_it_was_seen(
    nano: Any, tmp_path: Path, degrees: int
) -> None:
    clip = tmp_path / "phone.mp4"
    turned(clip, degrees)
    options = WatchOptions(record=tmp_path / "recorded", window=WindowOptions(frames=4))
    rules = "rules:\n  what: {text: What is there?, matches: ., every_s: 1}\n"
    list(watch(nano, clip, Rules.parse(rules), options=options))
    folder = the_recording(tmp_path / "recorded")
    facts, report = replayed(nano, folder)
    assert lines_of(facts) == (folder / "facts.jsonl").read_text(encoding="utf-8")
    assert report.num_frames > 4 and report.num_changed == 0


def turned(path: Path, degrees: int) -> None:
    """The demo clip as a phone writes it that is held another way."""
    with av.open(str(demo_clip())) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    # The matrix of the track's header (ISO/IEC 14496-12, 8.3.2), 16.16 fixed point.
    content = path.read_bytes()
    at = content.index(b"tkhd") + 4 + 40
    values = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[degrees]
    a, b, c, d = (value << 16 for value in values)
    matrix = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content[:at] + matrix + content[at + 36 :])


def test_a_log_is_found_below_the_folder_that_was_recorded_to(recording: Path) -> None:
    assert log_of(recording.parent.parent) == recording / "facts.jsonl"
    assert log_of(recording) == recording / "facts.jsonl"


def test_of_several_logs_one_is_to_be_named(recording: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for name in ("a", "b"):
        shutil.copytree(recording, tmp_path / "door" / name)
    with pytest.raises(InputError, match="found 2; name one of its folders: door/a, door/b"):
        log_of(tmp_path)
    with pytest.raises(InputError, match=r"expected one facts\.jsonl in it, found none"):
        log_of(empty)
