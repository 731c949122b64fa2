"""Every tensor of a checkpoint is read, left out by name, or refused."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the export extra")
from safetensors.torch import load_file, save_file  # noqa: E402

from testing.ufvideo_testing.full_size import FULL_SIZE  # noqa: E402
from testing.ufvideo_testing.random_checkpoint import (  # noqa: E402
    RandomSizes,
    make_random_checkpoint,
    write_config_files,
)
from tests.export.changed_checkpoints import add, refused  # noqa: E402
from tests.export.checkpoint_headers import write_headers  # noqa: E402
from tests.released_tensors import released_tensors  # noqa: E402
from ufvideo_export import export_package  # noqa: E402
from ufvideo_export.checkpoint.checkpoint import Checkpoint  # noqa: E402
from ufvideo_export.checkpoint.sam2_names import sam2_keys  # noqa: E402
from ufvideo_export.checkpoint.tensor_account import left_out_tensors, short_list  # noqa: E402
from ufvideo_export.torch_model import model  # noqa: E402
from ufvideo_export.torch_model.track_model import (  # noqa: E402
    MemoryAttention,
    MemoryEncoder,
    TrackDecoder,
)
from ufvideo_sdk.errors import ConfigError, InputError, UFVideoError  # noqa: E402
from ufvideo_sdk.package.manifest_fields import ALL_STEMS  # noqa: E402

pytestmark = pytest.mark.torch
Shapes = dict[str, tuple[int, ...]]

SAM2 = "model.mask_encoder.sam2_model."
QUERY = "model.layers.0.self_attn.q_proj"
TEXT_LAYERS = 27


def text_tower() -> Shapes:
    """What SigLIP so400m's own repository holds beside the vision tower."""
    width, inner = 1152, 4304
    shapes: Shapes = {
        "logit_bias": (1,),
        "logit_scale": (1,),
        "text_model.embeddings.position_embedding.weight": (64, width),
        "text_model.embeddings.token_embedding.weight": (32000, width),
    }
    for layer in range(TEXT_LAYERS):
        prefix = f"text_model.encoder.layers.{layer}"
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes[f"{prefix}.self_attn.{name}.weight"] = (width, width)
            shapes[f"{prefix}.self_attn.{name}.bias"] = (width,)
        for name, sides in (("fc1", (inner, width)), ("fc2", (width, inner))):
            shapes[f"{prefix}.mlp.{name}.weight"] = sides
            shapes[f"{prefix}.mlp.{name}.bias"] = sides[:1]
        for name in ("layer_norm1", "layer_norm2"):
            shapes[f"{prefix}.{name}.weight"] = shapes[f"{prefix}.{name}.bias"] = (width,)
    for name in ("final_layer_norm", "head"):
        shapes[f"text_model.{name}.bias"] = (width,)
    shapes["text_model.final_layer_norm.weight"] = (width,)
    shapes["text_model.head.weight"] = (width, width)
    return shapes


@pytest.fixture(scope="module")
def full_size(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Headers of the released model, SigLIP's whole repository in its folder; no values."""
    folder = tmp_path_factory.mktemp("full") / "checkpoint"
    write_config_files(folder, FULL_SIZE)
    write_headers(folder / "model.safetensors", released_tensors("checkpoint"))
    siglip = released_tensors("siglip") | text_tower()
    write_headers(folder / "siglip" / "model.safetensors", siglip)
    return folder


def test_the_released_model_is_read_or_left_out_by_name(full_size: Path) -> None:
    checkpoint = Checkpoint(full_size)
    assert sum(model.check_tensors(checkpoint).values()) > 8e9
    parts = {part.part: part for part in left_out_tensors(checkpoint)}
    assert {name: len(part.names) for name, part in parts.items()} == {
        "SAM 2's memory path": 150,
        "SAM 2's point and mask prompts": 14,
        "SigLIP's layers behind the selected one": 16,
        "SigLIP's head": 13,
        "SigLIP's text tower": len(text_tower()),
    }
    assert set(parts["SigLIP's text tower"].names) == set(text_tower())
    tracking = {part.part: part.patterns for part in left_out_tensors(checkpoint, track=True)}
    assert "SAM 2's memory path" not in tracking
    assert tracking["SAM 2's memory of masks that are given"] == (
        f"{SAM2}mask_downsample.*",
        f"{SAM2}no_mem_pos_enc",
    )
    assert {part: found.patterns for part, found in parts.items()} == {
        "SAM 2's memory path": (
            f"{SAM2}mask_downsample.*",
            f"{SAM2}maskmem_tpos_enc",
            f"{SAM2}memory_attention.*",
            f"{SAM2}memory_encoder.*",
            f"{SAM2}no_mem_pos_enc",
        ),
        "SAM 2's point and mask prompts": (
            f"{SAM2}sam_prompt_encoder.mask_downscaling.*",
            f"{SAM2}sam_prompt_encoder.point_embeddings.*",
        ),
        "SigLIP's layers behind the selected one": ("vision_model.encoder.layers.26.*",),
        "SigLIP's head": ("vision_model.post_layernorm.*", "vision_model.head.*"),
        "SigLIP's text tower": ("logit_bias", "logit_scale", "text_model.*"),
    }


def test_the_released_model_with_siglip_inside(full_size: Path, tmp_path: Path) -> None:
    names = ["model.safetensors"]
    copy = Path(shutil.copytree(full_size, tmp_path / "copy", ignore=lambda *_: names))
    prefix = "model.vision_tower.vision_tower."
    inner = {prefix + name: shape for name, shape in released_tensors("siglip").items()}
    write_headers(copy / "model.safetensors", released_tensors("checkpoint") | inner)
    checkpoint = Checkpoint(copy)
    assert model.check_tensors(checkpoint) == model.check_tensors(Checkpoint(full_size))
    parts = {part.part: part.patterns for part in left_out_tensors(checkpoint)}
    assert parts["SigLIP's layers behind the selected one"] == (
        f"{prefix}vision_model.encoder.layers.26.*",
    )
    assert "SigLIP's text tower" not in parts


@pytest.mark.parametrize(
    ("folder", "name", "shape"),
    [
        (".", "model.mm_projector.s1.b6.conv1.bn.bias", (3584,)),
        (".", "model.vision_model.probe", (1,)),
        ("siglip", "text_model.encoder.layers.0.self_attn.rotary.weight", (1,)),
        ("siglip", "vision_model.pre_layrnorm.weight", (1152,)),
    ],
)
def test_one_more_tensor_of_the_released_model_is_refused(
    full_size: Path, tmp_path: Path, folder: str, name: str, shape: tuple[int, ...]
) -> None:
    copy = Path(
        shutil.copytree(full_size, tmp_path / "copy", ignore=lambda *_: ["model.safetensors"])
    )
    lists = {".": released_tensors("checkpoint"), "siglip": released_tensors("siglip")}
    lists[folder] = lists[folder] | {name: shape}
    for where, shapes in lists.items():
        write_headers(copy / where / "model.safetensors", shapes)
    with pytest.raises(InputError, match=f"found 1 that no graph reads.*{re.escape(name)}"):
        model.check_tensors(Checkpoint(copy))


def test_what_is_left_out_reaches_no_graph(small_checkpoint: Path) -> None:
    """Of SAM 2, exactly the listed tensors have no influence on features, masks or scores."""
    siglip = small_checkpoint.parent / "siglip"
    checkpoint = Checkpoint(small_checkpoint, siglip)
    decoder = model.load_mask_decoder(checkpoint)
    encoder = model.load_mask_encoder(checkpoint)
    side = checkpoint.sam2.image_size_px
    frames = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, side, side, 3), "u1"))
    maps = encoder(frames)
    states = torch.randn(
        2, checkpoint.sizes.hidden_size, generator=torch.Generator().manual_seed(0)
    )
    sum(
        out.sum() for out in (*decoder(states, *(each.detach() for each in maps)), *maps)
    ).backward()
    with_influence = {
        key
        for sam in (encoder.sam, decoder.sam)
        for name, value in sam.named_parameters()
        if value.grad is not None
        for key in sam2_keys(name)
    }
    # A buffer, of which the decoder makes its position embeddings.
    with_influence |= set(sam2_keys("shared_image_embedding.positional_embedding"))
    listed = {
        name for part in left_out_tensors(checkpoint) if "SAM 2" in part.part for name in part.names
    }
    held = {name for name in checkpoint.tensors.names() if name.startswith(SAM2)}
    assert held - with_influence == listed
    assert held - with_influence - _of_tracking(checkpoint) == {
        name
        for part in left_out_tensors(checkpoint, track=True)
        if "SAM 2" in part.part
        for name in part.names
    }


def _of_tracking(checkpoint: Checkpoint) -> set[str]:
    """Tensors of SAM 2 with an influence on what an object is remembered by, and on its masks."""
    sam = model.load_sam2(checkpoint)
    # Trained by nothing here: they stand in the graphs as constants.
    constants = {"memory_temporal_positional_encoding", "no_memory_embedding"}
    encoder, attention, decoder = MemoryEncoder(sam), MemoryAttention(sam), TrackDecoder(sam)
    random = torch.Generator().manual_seed(0)
    width, grid = checkpoint.sizes.sam_out_dim, checkpoint.sam2.feature_grid
    features = torch.randn(1, width, grid, grid, generator=random)
    memory = encoder(features, torch.randn(1, 4 * grid, 4 * grid, generator=random))
    ages, pointers = torch.zeros(1, 1, dtype=torch.int64), torch.randn(1, 2, width)
    recalled = attention(features, memory.unsqueeze(1), ages, pointers)
    fine = torch.randn(1, width // 8, 4 * grid, 4 * grid, generator=random)
    middle = torch.randn(1, width // 4, 2 * grid, 2 * grid, generator=random)
    sum(out.sum() for out in decoder(recalled, fine, middle)).backward()
    # Queries and keys are copies in another order.
    copied = {
        name
        for name, _ in sam.named_parameters()
        if name.startswith("memory_attention.") and ("q_proj" in name or "k_proj" in name)
    }
    named = {name for name, value in sam.named_parameters() if value.grad is not None}
    return {key for name in named | copied | constants for key in sam2_keys(name)}


@pytest.fixture
def checkpoint(tmp_path: Path, tiny_checkpoint: Path) -> Path:
    return Path(shutil.copytree(tiny_checkpoint, tmp_path / "input" / "tiny"))


def again(path: Path, old: str, new: str) -> None:
    """Add the tensors of one layer under the next number."""
    tensors = load_file(path)
    found = {name: value.clone() for name, value in tensors.items() if name.startswith(old)}
    assert found
    save_file(tensors | {new + name[len(old) :]: value for name, value in found.items()}, path)


LAYERS = {
    "language": ("model.layers.0.", "model.layers.1.", "num_hidden_layers in"),
    "siglip": (
        "vision_model.encoder.layers.2.",
        "vision_model.encoder.layers.3.",
        "num_hidden_layers in SigLIP's config",
    ),
    "hiera": (
        f"{SAM2}image_encoder.trunk.blocks.4.",
        f"{SAM2}image_encoder.trunk.blocks.5.",
        "stages in",
    ),
    "memory": (
        f"{SAM2}memory_attention.layers.0.",
        f"{SAM2}memory_attention.layers.1.",
        "memory_attention_layers in",
    ),
}


@pytest.mark.parametrize("case", LAYERS)
def test_a_config_with_fewer_layers_than_the_file(checkpoint: Path, case: str) -> None:
    old, new, key = LAYERS[case]
    again(checkpoint / ("siglip" if case == "siglip" else "") / "model.safetensors", old, new)
    refused(checkpoint, new, key, "correct the config", "--ignore-tensors")


def test_any_tensor_nobody_reads(checkpoint: Path) -> None:
    add(checkpoint, **{"model.gate.weight": torch.ones(2)})
    refused(checkpoint, "found 1 that no graph reads", "model.gate.weight", "--ignore-tensors")


def test_sam_2_1(checkpoint: Path) -> None:
    add(checkpoint, **{f"{SAM2}no_obj_embed_spatial": torch.ones(1, 16)})
    refused(checkpoint, "SAM 2.1", "no_obj_embed_spatial")


def test_ignored_tensors_are_left_out_and_named(checkpoint: Path) -> None:
    add(checkpoint, **{"model.gate.0.weight": torch.ones(2), "model.gate.1.weight": torch.ones(2)})
    add(checkpoint, "siglip", **{"vision_model.probe": torch.ones(2)})
    opened = Checkpoint(checkpoint, ignore_tensors=["model.gate.*", "vision_model.probe"])
    model.check_tensors(opened)
    assert opened.ignored_tensors == (
        "model.gate.0.weight",
        "model.gate.1.weight",
        "vision_model.probe",
    )
    assert str(left_out_tensors(opened)[-1]) == (
        "left out by --ignore-tensors (3): model.gate.*.weight (2), vision_model.probe"
    )


def test_the_package_says_what_was_ignored(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.export.test_resume import FakeStage, measured

    monkeypatch.setattr(
        "ufvideo_export.write_stages.STAGES",
        dict.fromkeys(ALL_STEMS, FakeStage),
    )
    monkeypatch.setattr("ufvideo_export.write_stages.verify_stage", measured)
    said: list[Any] = []
    export_package(checkpoint, tmp_path / "plain", on_left_out=said.append)
    assert [len(each) for each in said] == [4]
    add(checkpoint, **{"model.gate.weight": torch.ones(2)})
    manifest = export_package(
        checkpoint, tmp_path / "package", ignore_tensors=["*.gate.*"], on_left_out=said.append
    )
    assert manifest.provenance["ignored_tensors"] == "1: model.gate.weight"
    assert said[1][-1].names == ("model.gate.weight",)


@pytest.mark.parametrize(
    ("patterns", "error", "words"),
    [
        (["model.nothing.*"], ConfigError, "'model.nothing.*' matches none"),
        (["model.norm.*"], InputError, "choose a narrower pattern"),
        ("model.norm.*", ConfigError, "sequence of patterns"),
        ([3], ConfigError, "sequence of patterns"),
    ],
)
def test_patterns_that_are_refused(
    checkpoint: Path, tmp_path: Path, patterns: Any, error: type[UFVideoError], words: str
) -> None:
    with pytest.raises(error, match=re.escape(words)):
        export_package(checkpoint, tmp_path / "package", ignore_tensors=patterns)


@pytest.mark.parametrize("equal", [True, False])
def test_a_head_beside_tied_embeddings(tmp_path: Path, equal: bool) -> None:
    folder = tmp_path / "input" / "tied"
    folder.parent.mkdir()
    sizes = RandomSizes(num_layers=1, num_aligner_blocks=1, tie_word_embeddings=True)
    make_random_checkpoint(folder, sizes, seed=1)
    head = load_file(folder / "model.safetensors")["model.embed_tokens.weight"].clone()
    if not equal:
        head[-1, -1] += 1
    add(folder, **{"lm_head.weight": head})
    if equal:
        model.check_tensors(Checkpoint(folder))
        return
    refused(folder, "lm_head.weight", "tie_word_embeddings")


def test_siglip_inside_and_beside(odd_checkpoint: Path, tmp_path: Path, checkpoint: Path) -> None:
    copy = Path(shutil.copytree(odd_checkpoint, tmp_path / "input" / "inner"))
    refused(copy, "drop --vision-tower", "expected one SigLIP", vision_tower=checkpoint / "siglip")
    assert model.check_tensors(Checkpoint(copy))


def test_files_that_no_index_names(checkpoint: Path) -> None:
    save_file({"model.more": torch.ones(2)}, checkpoint / "mm_projector.safetensors")
    refused(checkpoint, "mm_projector.safetensors", "move it out")


def test_names_are_listed_in_short() -> None:
    assert short_list(["a1.1.b", "a1.2.b", "c", "d.7"]) == ["a1.*.b (2)", "c", "d.7"]
    many = short_list([chr(97 + k % 26) * (1 + k // 26) for k in range(60)])
    assert len(many) == 41 and many[-1] == "and 20 more kinds"
