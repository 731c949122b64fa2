"""A session from a file answers as the one that was saved, and a hostile file is refused."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.conftest import GOLDEN, SHORT
from ufvideo_sdk import CapacityError, InputError, Region, RuntimeConfig, UFVideo, UFVideoError
from ufvideo_sdk.session.session_header import SessionFacts

HEAD = struct.Struct("<8sIIQ32s")
QUESTIONS = ("What color is the ball?", "Why?", "segment")


@pytest.fixture(scope="module")
def saved(model: Any, video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "ball.session"
    model.open(video).save(path)
    return path


def with_facts(content: bytes, **changes: Any) -> bytes:
    """The file with other facts, the arrays behind them, lengths and checksum right."""
    _, _, num_bytes, _, _ = HEAD.unpack_from(content)
    end = HEAD.size + num_bytes
    facts = json.loads(content[HEAD.size : end])
    for key, value in changes.items():
        if value is None:
            del facts[key]
        else:
            facts[key] = value
    text = json.dumps(facts).encode()
    arrays = content[end + -end % 64 :]
    new_end = HEAD.size + len(text)
    body = text + bytes(-new_end % 64) + arrays
    return sealed(HEAD.pack(content[:8], 2, len(text), HEAD.size + len(body), bytes(32)) + body)


def sealed(content: bytes) -> bytes:
    """The content with the checksum of what it is."""
    digest = hashlib.sha256(content[:24] + content[HEAD.size :]).digest()
    return content[:24] + digest + content[HEAD.size :]


def refused(model: Any, path: Path, content: bytes, message: str) -> None:
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        model.load_session(path)
    assert str(path) in str(caught.value)


def test_answers_are_those_of_the_session_that_was_saved(
    model: Any, video: Path, saved: Path
) -> None:
    session, loaded = model.open(video), model.load_session(saved)
    assert loaded.clip.timestamps_s.tolist() == session.clip.timestamps_s.tolist()
    assert (loaded.clip.name, loaded.clip.height) == (session.clip.name, session.clip.height)
    box = Region.from_box(int(session._requests.sampled[2]), (5, 5, 20, 20), height=64, width=96)
    for question in QUESTIONS[:2]:
        ours, theirs = (s.ask(question, config=SHORT) for s in (loaded, session))
        assert (ours.token_ids, ours.spans) == (theirs.token_ids, theirs.spans)
    ours, theirs = (
        s.ask("What is <region>?", regions=[box], config=SHORT) for s in (loaded, session)
    )
    assert ours.token_ids == theirs.token_ids
    assert loaded.locate("the ball moves", config=SHORT) == session.locate(
        "the ball moves", config=SHORT
    )
    assert [a.token_ids for a in loaded.ask_many(QUESTIONS[:2], config=SHORT)] == [
        a.token_ids for a in session.ask_many(QUESTIONS[:2], config=SHORT)
    ]


def test_nothing_is_encoded_or_prefilled_again(model: Any, saved: Path) -> None:
    loaded = model.load_session(saved)
    answer = loaded.ask("Why?", config=SHORT)
    assert "vision_encoder" not in loaded.stats and "aligner" not in loaded.stats
    assert answer.stats.num_reused_tokens > 16


def test_a_session_that_was_asked_saves_the_same(model: Any, video: Path, tmp_path: Path) -> None:
    session = model.open(video)
    before = session.ask("Why?", config=SHORT)
    session.save(tmp_path / "asked.session")
    assert session.ask("Why?", config=SHORT).token_ids == before.token_ids
    loaded = model.load_session(tmp_path / "asked.session")
    loaded.save(tmp_path / "again.session")
    first, again = ((tmp_path / f"{n}.session").read_bytes() for n in ("asked", "again"))
    assert first == again
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again.session", "asked.session"]


def test_a_session_of_every_frame_comes_back(model: Any, tmp_path: Path) -> None:
    frames = np.random.default_rng(3).integers(0, 256, (5, 40, 50, 3), np.uint8)
    session = model.open(frames, fps=2.0, sampling="every")
    expected = session.ask("Why?", config=SHORT)
    session.save(tmp_path / "every.session")
    loaded = model.load_session(tmp_path / "every.session")
    answer = loaded.ask("Why?", config=SHORT)
    assert (answer.token_ids, answer.spans) == (expected.token_ids, expected.spans)
    assert answer.stats.num_reused_tokens > 16 and "vision_encoder" not in loaded.stats
    box = Region.from_box(4, (5, 5, 20, 20), height=40, width=50)
    ours, theirs = (s.ask("<region>?", regions=[box], config=SHORT) for s in (loaded, session))
    assert ours.token_ids == theirs.token_ids, "the odd last frame has features too"


def test_a_file_of_format_1_is_read(model: Any, video: Path, saved: Path, tmp_path: Path) -> None:
    content = with_facts(saved.read_bytes(), sampling=None)
    (tmp_path / "old.session").write_bytes(sealed(content[:8] + b"\1\0\0\0" + content[12:]))
    answer = model.load_session(tmp_path / "old.session").ask("Why?", config=SHORT)
    assert answer.token_ids == model.open(video).ask("Why?", config=SHORT).token_ids
    refused(model, tmp_path / "x", content, "sampling: expected this key")


def test_bounds_and_images_come_back(model: Any, video: Path, tmp_path: Path) -> None:
    session = model.open(video, start_s=0.5, end_s=1.2)
    session.save(tmp_path / "part.session")
    loaded = model.load_session(tmp_path / "part.session", video=video)
    assert loaded.clip.frame_idxs.tolist() == session.clip.frame_idxs.tolist()
    assert loaded.segment("ball")[0].frame_idxs.tolist() == (
        session.segment("ball")[0].frame_idxs.tolist()
    )
    image = model.open(np.full((40, 50, 3), 90, np.uint8))
    image.save(tmp_path / "image.session")
    of_image = model.load_session(tmp_path / "image.session")
    assert of_image.clip.is_image
    assert (
        of_image.ask("What?", config=SHORT).token_ids == image.ask("What?", config=SHORT).token_ids
    )


def test_masks_need_the_video_again(model: Any, tmp_path: Path) -> None:
    with np.load(GOLDEN / "segment_generated_0.npz") as arrays:
        frames = arrays["frames"]
    session = model.open(frames, fps=4.0)
    whole = session.ask("segment", config=SHORT)
    session.save(tmp_path / "s")
    loaded = model.load_session(tmp_path / "s")
    with pytest.raises(InputError, match="without its video") as caught:
        loaded.ask("segment", config=SHORT)
    assert caught.value.answer.text == whole.text
    outside = Region.from_box(1, (0, 0, 9, 9), height=frames.shape[1], width=frames.shape[2])
    assert loaded.ask("<region>?", regions=[outside], config=SHORT).text
    with pytest.raises(InputError, match="without its video"):
        loaded.segment("ball")
    given = model.load_session(tmp_path / "s", video=frames, fps=4.0)
    answer = given.ask("segment", config=SHORT)
    assert np.array_equal(answer.masks[0].masks, whole.masks[0].masks)


def test_another_video_is_refused(model: Any, saved: Path, video: Path) -> None:
    frames = model.open(video).clip.read(range(40))
    for other, times, message in (
        (frames[:-1], {"fps": 25.0}, "number of frames there 40, here 39"),
        (frames[:, :-2], {"fps": 25.0}, "height in px there 64, here 62"),
        (frames, {"fps": 25.0}, "frame 1 was at"),
        (frames[0], {}, "a video there False, here True"),
    ):
        with pytest.raises(InputError, match=message):
            model.load_session(saved, video=other, **times)
    with pytest.raises(InputError, match="with video= only"):
        model.load_session(saved, fps=4.0)


def test_another_package_is_refused(saved: Path) -> None:
    with pytest.raises(InputError, match="expected a session of the package nano"):
        UFVideo.load().load_session(saved)


def test_a_file_that_is_none_is_refused(model: Any, saved: Path, tmp_path: Path) -> None:
    path, content = tmp_path / "x.session", saved.read_bytes()
    with pytest.raises(InputError, match="No such file"):
        model.load_session(path)
    with pytest.raises(InputError, match="expected a path"):
        model.load_session(3)
    with pytest.raises(InputError, match="expected a session file, found a folder"):
        model.load_session(tmp_path)
    refused(model, path, b"", "another kind of file")
    refused(model, path, b"PK\3\4" * 100, "another kind of file")
    refused(model, path, content.replace(b"\r\n", b"\n"), "another kind of file")
    refused(model, path, content[:8] + b"\3\0\0\0" + content[12:], "format 1 or 2, .* got 3")
    refused(model, path, content[:-1], "it was cut off or added to")
    refused(model, path, content + b"\0", "it was cut off or added to")
    middle = len(content) // 2
    changed = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    refused(model, path, changed, "its checksum says it was changed")
    facts = content.replace(b'"num_frames"', b'"num_frame_"')
    refused(model, path, facts, "num_frame_: unknown key")


def test_what_is_no_plain_file_is_refused_and_not_waited_for(model: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.session"
    os.mkfifo(path)
    # Somebody who would write, so that the test ends even where it is opened for reading.
    writer = os.open(path, os.O_RDWR)
    try:
        with pytest.raises(InputError, match=r"x\.session: expected a session file, found a FIFO"):
            model.load_session(path)
    finally:
        os.close(writer)
    for wrong in ("a\0b", "x" * 5000, "y/" * 2500, "\ud800", ""):
        with pytest.raises(InputError):
            model.load_session(wrong)


def test_sizes_are_looked_at_before_a_byte_is_hashed(
    model: Any, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, num_bytes = tmp_path / "sparse.session", 20 << 30
    content = saved.read_bytes()
    path.write_bytes(content[:16] + struct.pack("<Q", num_bytes) + content[24:])
    os.truncate(path, num_bytes)

    def sha256(_: bytes) -> None:
        pytest.fail("a file of a size that no session has is hashed")

    monkeypatch.setattr("ufvideo_sdk.session.session_file.hashlib.sha256", sha256)
    with pytest.raises(InputError, match=f"by its own facts, got {num_bytes}"):
        model.load_session(path)


def test_facts_that_are_wrong_are_refused(model: Any, saved: Path, tmp_path: Path) -> None:
    path, content = tmp_path / "x.session", saved.read_bytes()
    facts = SessionFacts.from_json(
        content[HEAD.size : HEAD.size + HEAD.unpack_from(content)[2]].decode(), 2
    )
    ids = list(facts.prefix_ids)
    for changes, message in (
        ({"height_px": 0}, "height_px: expected an integer from 1"),
        ({"height_px": True}, "height_px"),
        ({"is_image": 0}, "is_image: expected true or false"),
        ({"is_image": True}, "num_source_frames: expected 1 for an image"),
        ({"sampling": "some"}, 'sampling: expected "uniform" or "every", got "some"'),
        ({"sampling": "every"}, 'expected 2 to 8 frames with sampling="every"'),
        ({"more": 1}, "more: unknown key"),
        ({"source_name": None}, "source_name: expected this key"),
        ({"manifest_sha256": "0" * 64}, "got one of another package"),
        ({"num_frames": 41}, "num_frames: expected at most 40, got 41"),
        ({"num_source_frames": 2**25}, "by its own facts"),
        ({"num_source_frames": 2**25 + 1}, "num_source_frames: expected an integer from 1 to 3355"),
        ({"num_video_tokens": 2**24}, r"num_video_tokens: expected at most \d+ positions, got"),
        ({"num_features": 4096}, r"num_features: expected at most \d+, got 4096"),
        ({"num_features": facts.num_features - 1}, "by its own facts"),
        ({"prefix_ids": []}, r"prefix_ids: expected a list of 1"),
        ({"prefix_ids": [*ids[:-2], 1.5, ids[-1]]}, r"prefix_ids\[\d+\]: expected an integer"),
        ({"prefix_ids": [*ids[:-1], ids[0]]}, "expected -201 .* at their end"),
        ({"prefix_ids": [10**6, *ids[1:]]}, r"prefix_ids\[0\]: expected a word"),
        ({"first_frame_idx": 38, "num_frames": 2}, "features: expected|frame_idxs|features"),
    ):
        refused(model, path, with_facts(content, **changes), message)
    array = len(content) - 64
    broken = sealed(content[:array] + struct.pack("<f", float("nan")) * 4 + content[array + 16 :])
    refused(model, path, broken, "values: expected finite numbers")
    start = HEAD.size + HEAD.unpack_from(content)[2]
    start += -start % 64
    disorder = sealed(content[:start] + struct.pack("<d", 99.0) + content[start + 8 :])
    refused(model, path, disorder, "never decrease")


def test_a_prefix_that_does_not_fit_is_refused(small_package: Path, saved: Path) -> None:
    tight = UFVideo.load(small_package, runtime=RuntimeConfig(kv_cache_bytes=1000))
    with pytest.raises(CapacityError, match="kv_cache_bytes"):
        tight.load_session(saved)


def test_saving_fails_as_other_files_do(
    session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="expected a folder that exists"):
        session.save(tmp_path / "missing" / "x.session")
    with pytest.raises(InputError, match="expected a path"):
        session.save(3)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "x.session").write_bytes(b"older")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CapacityError, match="expected room"):
        session.save(tmp_path / "x.session")
    assert [p.name for p in tmp_path.iterdir()] == ["x.session"]
    assert (tmp_path / "x.session").read_bytes() == b"older"


def test_a_session_never_replaces_what_it_was_made_from(
    model: Any, video: Path, tmp_path: Path, small_package: Path
) -> None:
    copy = tmp_path / "ball.mp4"
    copy.write_bytes(video.read_bytes())
    session = model.open(copy)
    link = tmp_path / "link"
    link.symlink_to(copy)
    for path in (copy, link, small_package / "manifest.json"):
        before = path.read_bytes()
        with pytest.raises(InputError, match="expected another file than"):
            session.save(path)
        assert path.read_bytes() == before


def test_a_name_that_is_not_utf8_is_saved(model: Any, video: Path, tmp_path: Path) -> None:
    copy = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    copy.write_bytes(video.read_bytes())
    model.open(copy).save(tmp_path / "x.session")
    assert model.load_session(tmp_path / "x.session").clip.name == "caf\ufffd.mp4"


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Bytes changed, a stretch cut out or doubled, the end cut off; mostly near the front."""
    changed = bytearray(content)
    near = chance.choice([HEAD.size + 900, len(content)])
    kind = chance.randrange(4)
    if kind == 0:
        for _ in range(chance.randint(1, 8)):
            changed[chance.randrange(8, near)] = chance.randrange(256)
    elif kind == 1:
        del changed[chance.randrange(near) :]
    elif kind == 2:
        at = chance.randrange(near)
        del changed[at : at + chance.randint(1, 200)]
    else:
        at = chance.randrange(near)
        changed[at:at] = changed[at : at + chance.randint(1, 200)]
    return bytes(changed)


@pytest.mark.parametrize("with_checksum", [False, True])
def test_a_thousand_hostile_files_are_refused_or_read(
    model: Any, saved: Path, tmp_path: Path, with_checksum: bool
) -> None:
    """With the checksum and the length made right again the parser itself is what refuses."""
    chance = random.Random(7)
    content, path = saved.read_bytes(), tmp_path / "x.session"
    num_refused = 0
    for number in range(500):
        hostile = mutated(content, chance)
        if with_checksum and len(hostile) > HEAD.size:
            hostile = sealed(hostile[:16] + struct.pack("<Q", len(hostile)) + hostile[24:])
        path.write_bytes(hostile)
        try:
            loaded = model.load_session(path)
        except InputError:
            num_refused += 1
            continue
        assert with_checksum or hostile == content, number
        with contextlib.suppress(UFVideoError):
            loaded.ask("Why?", config=SHORT)
    assert num_refused > (300 if with_checksum else 490)
