"""What nano is trained on is what the runtime gives it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the export extra")
import torch

from tests.compare import assert_close
from training.tasks import vocabulary
from training.tasks.positions import to_positions, to_times
from training.tasks.task import TaskKind
from training.train.cells import label_cells, label_outlines
from training.train.conversation import Conversation, converse
from training.train.looks import LooksPrompt
from training.train.mask_losses import mask_losses
from training.train.nano import Nano
from training.train.packed_attention import run_layers
from training.train.pretrain_language import Reader, prompt_loss, right_by_kind
from training.train.pretrain_vision import vision_batch
from training.train.sizes import SAM2_WIDTHS
from training.train.stages import PLANS
from training.train.start_from import CHECKPOINT_FOLDER, HEADS_FILE, start_from, write_heads
from training.train.telling_scenes import hits_or_recolors, shares_a_color, telling_scene
from training.train.thing_facts import unknown
from training.train.train_jointly import JointTraining
from training.train.train_tracking import tracking_batch
from training.train.turns import TurnTokenizer
from training.train.workplace import Workplace
from training.train.world_tokenizer import tokenizer_sizes, train_tokenizer
from training.train.write_checkpoint import write_checkpoint
from training.world import (
    MORE_TRAIN_SEEDS,
    TEST_SEEDS,
    TRAIN_SEEDS,
    VALIDATION_SEEDS,
    make_scene,
    render,
)
from training.world.scene import KINDS
from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.checkpoint.tokenizer import CHAT_TEMPLATE, read_tokenizer
from ufvideo_export.torch_model.model import (
    load_aligner,
    load_language_model,
    load_sam2,
    load_vision_encoder,
)
from ufvideo_export.torch_model.region_pooling import covered_patches, merge_tokens
from ufvideo_sdk.text.tokenizer import TextTokenizer

pytestmark = pytest.mark.torch
LEVEL = 3
# The input embedding, which is the output layer too.
_EMBEDDINGS = ("embed_tokens.weight", "lm_head.weight")


@pytest.fixture(scope="module")
def tokenizer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    train_tokenizer(folder)
    return folder


@pytest.fixture(scope="module")
def tokenizer(tokenizer_folder: Path) -> TurnTokenizer:
    return TurnTokenizer(tokenizer_folder)


@pytest.fixture(scope="module")
def nano(tokenizer_folder: Path) -> Nano:
    torch.manual_seed(0)
    return Nano(tokenizer_sizes(tokenizer_folder)).eval()


def _conversations(tokenizer: TurnTokenizer, count: int, **given: int) -> list[Conversation]:
    return [
        converse(seed, level=LEVEL, num_questions=6, tokenizer=tokenizer, **given)
        for seed in VALIDATION_SEEDS[:count]
    ]


def test_no_seed_is_trained_on_and_tested():
    assert not set(TRAIN_SEEDS) & set(TEST_SEEDS[:1]) and TRAIN_SEEDS.stop <= VALIDATION_SEEDS.start
    assert VALIDATION_SEEDS.stop <= TEST_SEEDS.start and TEST_SEEDS.stop <= MORE_TRAIN_SEEDS.start


def test_every_word_of_the_world_is_one_token(tokenizer: TurnTokenizer):
    words = [word for word in vocabulary() if word.isalpha()]
    for word in words:
        for form in (word, f" {word}"):
            assert len(tokenizer.tokenizer.encode(form, add_special_tokens=False).ids) == 1, form


def test_a_turn_has_the_ids_of_the_runtimes_prompt(
    tokenizer: TurnTokenizer, tokenizer_folder: Path, nano: Nano, tmp_path: Path
):
    read = read_tokenizer(tokenizer_folder, nano.sizes)
    read.write(tmp_path / "tokenizer.json")
    runtime = TextTokenizer(tmp_path / "tokenizer.json", read.facts)
    for conversation in _conversations(tokenizer, 3):
        for k, task in enumerate(conversation.tasks):
            if task.regions or "<TEMP" in task.question:
                continue
            ids = conversation.ids[conversation.parts == k + 1].tolist()
            template = CHAT_TEMPLATE
            text = f"\n{task.question}<|im_end|>\n{template['generation_prompt']}"
            asked = runtime.encode_pieces(runtime.split_special(text))
            assert ids[: len(asked)] == asked
            assert ids[-1] == read.facts.end_ids[0]
    prefix = f"<|im_start|>system\n{CHAT_TEMPLATE['default_system']}<|im_end|>\n<|im_start|>user\n"
    assert tokenizer.prefix_ids.tolist() == runtime.encode_pieces(runtime.split_special(prefix))


def test_a_packed_question_is_answered_as_if_it_stood_alone(tokenizer: TurnTokenizer, nano: Nano):
    reader = Reader(nano, tokenizer, train_vision=False)
    packed = _conversations(tokenizer, 2)
    with torch.no_grad():
        together = reader(packed)
        for b, conversation in enumerate(packed):
            for k in range(len(conversation.tasks)):
                own = (together.owners == torch.tensor([b, k + 1])).all(-1)
                alone = reader([_only(conversation, k + 1)])
                assert_close(
                    together.hidden[own].numpy(),
                    alone.hidden.numpy(),
                    max_abs=2e-4,
                    max_rel=2e-4,
                    where=f"clip {b}, question {k}",
                )


def _tokens(folder: Path) -> dict[str, int]:
    return {
        **json.loads((folder / "vocab.json").read_text()),
        **json.loads((folder / "added_tokens.json").read_text()),
    }


def _only(conversation: Conversation, part: int) -> Conversation:
    """The same clip with one of its questions."""
    kept = np.flatnonzero(np.isin(conversation.parts, (0, part)))
    moved = {int(old): new for new, old in enumerate(kept)}
    starts = [int(s) for s in conversation.region_starts]
    regions = [
        (r, moved[s]) for r, s in zip(conversation.regions, starts, strict=True) if s in moved
    ]
    fields = {name: getattr(conversation, name)[kept] for name in
              ("ids", "positions", "parts", "targets", "weights")}  # fmt: skip
    fields["parts"] = np.minimum(fields["parts"], 1)
    return Conversation(
        frames=conversation.frames,
        **fields,
        regions=tuple(r for r, _ in regions),
        region_starts=np.array([s for _, s in regions], np.int64),
        seg_places=np.zeros(0, np.int64),
        seg_looks=np.zeros((0, 4), np.int64),
        seg_things=np.zeros(0, np.int64),
        mention_places=np.zeros(0, np.int64),
        mention_facts=unknown(0),
        late=np.zeros(0, np.bool_),
        video_facts=conversation.video_facts,
        looks_shown=None,
        tasks=(conversation.tasks[part - 1],),
        mask_frames=None,
    )


def test_masks_are_learnt_where_the_kind_must_tell():
    seeds = TRAIN_SEEDS[:60]
    plain = np.mean([shares_a_color(make_scene(seed)) for seed in seeds])
    telling = [shares_a_color(telling_scene(s, shares_a_color, level=LEVEL)) for s in seeds]
    assert np.mean(telling) > 2 * plain


def test_packed_layers_equal_a_mask_over_the_whole_sequence(nano: Nano):
    parts = torch.tensor([[0, 0, 1, 1, 1, 2, 3, 3], [0, 0, 1, 2, 2, 2, 2, -1]])
    positions = torch.tensor([[0, 1, 2, 3, 4, 2, 2, 3], [0, 1, 2, 2, 3, 4, 5, 0]])
    before = torch.ones(8, 8, dtype=torch.bool).tril()
    same = (parts[:, :, None] == parts[:, None, :]) | (parts == 0)[:, None, :]
    mask = torch.where((same & before)[:, None], 0.0, torch.finfo(torch.float32).min)
    model = nano.language_model.model
    embeddings = torch.randn(
        2, 8, nano.sizes.hidden_size, generator=torch.Generator().manual_seed(1)
    )
    with torch.no_grad():
        packed = run_layers(model, embeddings, positions, parts)
        model.config._attn_implementation = "eager"
        whole = model(
            inputs_embeds=embeddings,
            attention_mask={"full_attention": mask},
            position_ids=positions,
            use_cache=False,
        ).last_hidden_state
    real = parts >= 0
    assert_close(
        packed[-1][real].numpy(), whole[real].numpy(), max_abs=1e-5, max_rel=1e-4, where="states"
    )


def test_seg_states_are_those_that_predict_it(tokenizer: TurnTokenizer):
    seg_id = tokenizer.facts.seg_id
    found = 0
    for conversation in _conversations(tokenizer, 6):
        for place in conversation.seg_places:
            assert conversation.ids[place + 1] == seg_id == conversation.targets[place]
            found += 1
        assert len(conversation.seg_looks) == len(conversation.seg_places)
    assert found


def test_merge_tokens_joins_the_most_similar_neighbours():
    base = torch.eye(6)
    vectors = torch.stack(
        [base[0], base[0] + 0.1 * base[1], base[2], base[3], base[3] + 0.2 * base[4], base[5]]
    )
    merged = merge_tokens(vectors, 4)
    wanted = torch.stack([vectors[:2].mean(0), vectors[2], vectors[3:5].mean(0), vectors[5]])
    assert torch.equal(merged, wanted)
    assert torch.equal(merge_tokens(vectors[:4], 4), vectors[:4])


def test_cells_tell_what_is_there():
    scene = make_scene(5, level=0)
    drawn = render(scene, [0, 1])
    cells = label_cells(drawn, 8, pairs=False)
    weights = covered_patches(torch.from_numpy(drawn.masks[0]), 8).numpy() > 0
    kind = 1 + KINDS.index(scene.things[0].kind)
    assert set(np.unique(cells.kinds)) == {0, kind}
    # A cell whose middle is covered is shown as covered, save at the thing's rim.
    assert (cells.kinds[weights] == kind).mean() > 0.8
    outlines = label_outlines(drawn, 8)
    assert abs(outlines.mean() - drawn.masks.any(0).mean()) < 0.01


def test_vision_batches_are_the_same_for_the_same_number():
    first, second = (vision_batch(3, level=2) for _ in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_mask_losses_prefer_the_best_candidate():
    truth = torch.zeros(1, 32, 32)
    truth[:, 8:24, 8:24] = 1
    right = (truth * 20 - 10)[:, None, ::4, ::4]
    candidates = torch.cat([-right, right, -right], 1)
    sure = torch.tensor([[0.0, 1.0, 0.0]])
    losses = mask_losses(candidates, sure, torch.full((1,), 9.0), truth)
    unsure = mask_losses(candidates, sure.flip(1).roll(1), torch.full((1,), 9.0), truth)
    assert losses.iou == 1.0 and unsure.iou == 0.0
    assert float(losses.total) < float(unsure.total)


def test_position_tokens_go_there_and_back():
    fractions = np.concatenate([np.linspace(0, 0.2, 30), np.linspace(0.25, 1, 15)])
    text = "{<TEMP-010><TEMP-080>} and <TEMP-099>"
    moved = to_positions(text, fractions)
    assert moved != text and moved.endswith("<TEMP-099>")
    back = [int(token[:3]) for token in to_times(moved, fractions).split("<TEMP-")[1:]]
    assert max(abs(a - b) for a, b in zip(back, [10, 80, 99], strict=True)) <= 1
    assert to_positions(text, np.linspace(0, 1, 45)) == text


def test_one_joint_step_reaches_every_stage_but_the_vision_stages(
    tokenizer: TurnTokenizer, nano: Nano
):
    module = JointTraining(nano, tokenizer).train()
    clips = _conversations(tokenizer, 3, num_mask_frames=1)
    loss, figures = module((clips, tracking_batch(1, level=2)), time_spread=1.0)
    loss.backward()
    assert np.isfinite(list(figures.values())).all()
    # Points, boxes, mask prompts and the single-mask token are no part of this model.
    unused = ("point_embed", "mask_embed", "shared", "mask_downsample", "no_memory_positional",
              "occlusion")  # fmt: skip
    silent = [
        name
        for name, value in nano.named_parameters()
        if value.grad is None and not any(word in name for word in unused)
    ]
    assert {name.split(".")[0] for name in silent} == {"vision_encoder", "aligner"}
    nano.zero_grad(set_to_none=True)
    kinds = right_by_kind(module.reader, module.reader(clips), clips)
    assert sum(map(len, kinds.values())) == sum(len(c.tasks) for c in clips)


def test_the_stand_in_prompts_are_aimed_at(tokenizer: TurnTokenizer, nano: Nano):
    torch.manual_seed(0)
    reader = Reader(nano, tokenizer, train_vision=False)
    clips = _conversations(tokenizer, 3)
    states = reader(clips)
    prompt = LooksPrompt(SAM2_WIDTHS.hidden_size)
    assert float(prompt_loss(states, clips, prompt).detach()) > 0.5
    looks = torch.from_numpy(np.concatenate([c.seg_looks for c in clips]))
    exact = replace(states, prompts=prompt(looks))
    assert float(prompt_loss(exact, clips, prompt).detach()) == 0


def test_a_checkpoint_holds_what_was_trained(nano: Nano, tokenizer_folder: Path, tmp_path: Path):
    write_checkpoint(nano, tokenizer_folder, tmp_path / "checkpoint")
    checkpoint = Checkpoint(tmp_path / "checkpoint")
    for ours, theirs in (
        (nano.vision_encoder, load_vision_encoder(checkpoint)),
        (nano.aligner, load_aligner(checkpoint)),
        (nano.language_model.model, load_language_model(checkpoint).model),
        (nano.sam, load_sam2(checkpoint)),
    ):
        written = theirs.state_dict()
        for name, value in ours.state_dict().items():
            assert torch.equal(value.half().float(), written[name]), name
    size = sum(path.stat().st_size for path in (tmp_path / "checkpoint").rglob("*"))
    assert size < 20e6


def test_a_run_goes_on_from_a_trained_checkpoint(
    nano: Nano, tokenizer: TurnTokenizer, tokenizer_folder: Path, tmp_path: Path
):
    reader = Reader(nano, tokenizer, train_vision=False)
    prompt = LooksPrompt(SAM2_WIDTHS.hidden_size)
    trained = tmp_path / "nano"
    write_checkpoint(nano, tokenizer_folder, trained / CHECKPOINT_FOLDER)
    write_heads(reader, prompt, trained / HEADS_FILE)
    place = Workplace(tmp_path / "run")
    start_from(trained, place)
    assert [name for name in PLANS if not place.is_done(name)] == [
        "occluded",
        "memory",
        "wordings",
    ]
    answers = torch.load(place.weights("answers"), weights_only=True)
    for part, module in (("reader", reader), ("sam", nano.sam), ("looks", prompt)):
        for name, value in module.state_dict().items():
            if not name.endswith(_EMBEDDINGS):
                assert torch.equal(value.half().float(), answers[part][name]), name
    old, new = (_tokens(folder) for folder in (tokenizer_folder, place.tokenizer))
    embedding = nano.language_model.get_input_embeddings().weight.half().float()
    rows = answers["reader"]["language_model.model.embed_tokens.weight"]
    assert len(rows) == max(new.values()) + 1 > len(embedding)
    for token, token_id in old.items():
        assert torch.equal(rows[new[token]], embedding[token_id]), token
    with pytest.raises(FileExistsError, match="stage masks"):
        start_from(trained, place)


def test_the_last_stage_tells_what_is_mixed_up(tokenizer: TurnTokenizer):
    seeds = TRAIN_SEEDS[:60]
    shown = [hits_or_recolors(telling_scene(s, hits_or_recolors, level=3, tries=6)) for s in seeds]
    plain = [hits_or_recolors(make_scene(s, level=3)) for s in seeds]
    assert sum(shown) > 2 * sum(plain)
    late, usual = (
        Counter(
            task.kind
            for seed in range(70_000_000, 70_000_008)
            for task in converse(
                seed, level=3, num_questions=12, tokenizer=tokenizer, late=late
            ).tasks
        )
        for late in (True, False)
    )
    marked = (TaskKind.REGION_QUESTION, TaskKind.PIXRQA)
    assert sum(late[k] for k in marked) > 1.2 * sum(usual[k] for k in marked)
