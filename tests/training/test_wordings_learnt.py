"""The last stage of training: more words, questions in other words, fewer frames, long clips."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the export extra")
import torch

from tests.compare import assert_close
from training.tasks import draw_tasks
from training.train.conversation import NUM_VIDEO_TOKENS, WEIGHTS, Conversation, converse
from training.train.more_words import add_wordings, add_words, carried_rows
from training.train.nano import Nano
from training.train.pretrain_language import Reader, conversations, right_by_kind
from training.train.sizes import NUM_FRAMES
from training.train.turns import TurnTokenizer
from training.train.variety import LAST, PLAIN, Variety, of_batch
from training.train.world_tokenizer import tokenizer_sizes
from training.wordings.vocabulary import first_words, words_behind_spaces
from training.world import VALIDATION_SEEDS, Truth, make_scene

pytestmark = pytest.mark.torch
CHECKPOINT = Path(__file__).parents[2] / "training" / "nano" / "checkpoint"
FILES = ("vocab.json", "merges.txt", "added_tokens.json", "tokenizer_config.json")


def _copied(folder: Path) -> Path:
    folder.mkdir()
    for name in FILES:
        shutil.copyfile(CHECKPOINT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def old_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _copied(tmp_path_factory.mktemp("old") / "tokenizer")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = _copied(tmp_path_factory.mktemp("new") / "tokenizer")
    add_wordings(folder)
    return folder


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> TurnTokenizer:
    return TurnTokenizer(folder)


@pytest.fixture(scope="module")
def reader(folder: Path, tokenizer: TurnTokenizer) -> Reader:
    torch.manual_seed(0)
    return Reader(Nano(tokenizer_sizes(folder)).eval(), tokenizer, train_vision=False)


def _ids(folder: Path, text: str) -> list[int]:
    ids: list[int] = TurnTokenizer(folder).tokenizer.encode(text, add_special_tokens=False).ids
    return ids


def test_each_word_is_one_token_and_old_ones_stay(old_folder: Path, folder: Path) -> None:
    old, new = (json.loads((f / "vocab.json").read_text()) for f in (old_folder, folder))
    assert {token: new[token] for token in old} == old
    tokenizer = TurnTokenizer(folder).tokenizer
    texts = [*(f" {word}" for word in words_behind_spaces()), *first_words()]
    several = [t for t in texts if len(tokenizer.encode(t, add_special_tokens=False).ids) != 1]
    assert not several
    text = "Is there a small red circle in the video? When does the object stop?"
    assert _ids(old_folder, text) == _ids(folder, text)
    # A package of 12 MB has room for no more: each new row is stored twice in int8.
    assert 150 < len(new) - len(old) < 600
    before = (folder / "merges.txt").read_text()
    assert add_wordings(folder) == 0 and (folder / "merges.txt").read_text() == before
    with pytest.raises(ValueError, match="one token"):
        add_words(folder, ["two words"])


def test_rows_follow_their_tokens(old_folder: Path, folder: Path) -> None:
    sizes = tokenizer_sizes(old_folder)
    rows = torch.randn(sizes.vocab_size, 4, generator=torch.Generator().manual_seed(0))
    carried = carried_rows(rows, old_folder, folder)
    assert len(carried) == tokenizer_sizes(folder).vocab_size
    assert torch.equal(carried[tokenizer_sizes(folder).seg_id], rows[sizes.seg_id])
    for text in (" circle", "Is", "?"):
        assert torch.equal(carried[_ids(folder, text)[0]], rows[_ids(old_folder, text)[0]])
    colour = carried[_ids(folder, " colour")[0]]
    wanted = rows[_ids(old_folder, " colour")].mean(0)
    assert_close(colour.numpy(), wanted.numpy(), max_abs=1e-6, max_rel=1e-5, where="colour")


def _conversations(tokenizer: TurnTokenizer, variety: Variety) -> list[Conversation]:
    return [
        converse(seed, level=3, num_questions=6, tokenizer=tokenizer, variety=variety)
        for seed in VALIDATION_SEEDS[:3]
    ]


@pytest.mark.parametrize("num_frames", [2, 4, 8, 14])
def test_fewer_frames_are_fewer_video_tokens(
    tokenizer: TurnTokenizer, reader: Reader, num_frames: int
) -> None:
    batch = _conversations(tokenizer, Variety(num_frames=num_frames))
    for clip in batch:
        assert len(clip.frames) == num_frames
        assert clip.num_video_tokens == NUM_VIDEO_TOKENS * num_frames // NUM_FRAMES
        assert len(clip.video_facts.times) == clip.num_video_tokens
        assert np.isnan(clip.video_facts.times).all()
    with torch.no_grad():
        states = reader(batch)
        total, figures = reader.fact_loss(states, batch)
    assert np.isfinite(float(total)) and "video_clock_error" not in figures
    asked = right_by_kind(reader, states, batch)
    assert sum(map(len, asked.values())) == sum(len(clip.tasks) for clip in batch)


def test_plain_clips_are_asked_in_canonical_words_over_all_frames(tokenizer: TurnTokenizer) -> None:
    plain, other = (_conversations(tokenizer, Variety(reworded=r)) for r in (0.0, 1.0))
    for seed, clip, reworded in zip(VALIDATION_SEEDS[:3], plain, other, strict=True):
        truth = Truth(make_scene(seed, level=3))
        assert clip.tasks == draw_tasks(truth, 6, seed=seed, weights=WEIGHTS)
        assert clip.num_video_tokens == NUM_VIDEO_TOKENS
        # Other words change no pixel.
        assert np.array_equal(clip.frames, reworded.frames)


def test_questions_in_other_words_know_the_same_before_the_answer(
    tokenizer: TurnTokenizer,
) -> None:
    plain, other = (_conversations(tokenizer, Variety(reworded=r)) for r in (0.0, 1.0))
    for first, second in zip(plain, other, strict=True):
        assert [t.question for t in first.tasks] != [t.question for t in second.tasks]
        late = [c.mention_facts.classes[c.late][:, 1:].tolist() for c in (first, second)]
        assert late[0] == late[1]


def test_the_last_stage_mixes_frames_and_lengths(folder: Path) -> None:
    counts = [of_batch(LAST, number).num_frames for number in range(400)]
    assert 0.5 < np.mean([count == NUM_FRAMES for count in counts]) < 0.75
    assert {4, 8} <= set(counts) and all(count % 2 == 0 for count in counts)
    assert of_batch(PLAIN, 3) is PLAIN
    few = replace(LAST, num_frames=NUM_FRAMES)
    assert of_batch(LAST, 5) == replace(few, num_frames=counts[5])
    batch = next(conversations(folder, 5, batch_size=2, num_questions=3, late=True, variety=LAST))
    assert len({clip.num_video_tokens for clip in batch}) == 1
