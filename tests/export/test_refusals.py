"""What the exporter refuses, and with which words; nothing is left behind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the export extra")
from safetensors.torch import load_file, save_file  # noqa: E402

from ufvideo_export import export_package  # noqa: E402
from ufvideo_sdk.errors import CapacityError, ConfigError, InputError, UFVideoError  # noqa: E402

pytestmark = pytest.mark.torch
Change = Callable[[Path], Any]


@pytest.fixture
def checkpoint(tmp_path: Path, tiny_checkpoint: Path) -> Path:
    return Path(shutil.copytree(tiny_checkpoint, tmp_path / "input" / "tiny"))


def refused(checkpoint: Path, kind: type[UFVideoError], *words: str, **options: Any) -> None:
    """Export must raise and leave nothing beside the checkpoint."""
    out = checkpoint.parents[1] / "out" / "package"
    out.parent.mkdir()
    with pytest.raises(kind) as caught:
        export_package(checkpoint, out, **options)
    for word in words:
        assert word in str(caught.value), str(caught.value)
    assert list(out.parent.iterdir()) == []


def edit_json(name: str, **values: Any) -> Change:
    def change(folder: Path) -> None:
        path = folder / name
        content = json.loads(path.read_text(encoding="utf-8"))
        for key, value in values.items():
            content.pop(key, None) if value is ... else content.update({key: value})
        path.write_text(json.dumps(content), encoding="utf-8")

    return change


def edit_tensors(
    change: Callable[[dict[str, Any]], Any], name: str = "model.safetensors"
) -> Change:
    def edit(folder: Path) -> None:
        tensors = load_file(folder / name)
        change(tensors)
        save_file(tensors, folder / name)

    return edit


def write(name: str, text: str) -> Change:
    return lambda folder: (folder / name).write_text(text, encoding="utf-8")


def remove(name: str) -> Change:
    return lambda folder: (folder / name).unlink()


NECK = "model.mask_encoder.sam2_model.image_encoder.neck.convs.0.conv.weight"
PROJ = "model.layers.0.self_attn.q_proj.weight"
POINT = "model.mask_encoder.sam2_model.sam_prompt_encoder.point_embeddings.2.weight"
REFUSALS: dict[str, tuple[Change, tuple[str, ...]]] = {
    "no_config": (remove("config.json"), ("config.json", "found none")),
    "config_no_json": (write("config.json", "{"), ("config.json", "cannot be read")),
    "config_no_object": (write("config.json", "[]"), ("JSON object", "list")),
    "model_type": (edit_json("config.json", model_type="llava"), ("model_type", '"llava"')),
    "model_type_missing": (edit_json("config.json", model_type=...), ("model_type", "nothing")),
    "projector": (edit_json("config.json", mm_projector_type="mlp2x"), ("stc_connector", "mlp2x")),
    "projector_missing": (edit_json("config.json", mm_projector_type=...), ("mm_projector_type",)),
    "missing_size": (edit_json("config.json", num_frames=...), ("num_frames", "none")),
    "size_as_text": (edit_json("config.json", hidden_size="64"), ("hidden_size", '"64"')),
    "size_as_bool": (edit_json("config.json", num_frames=True), ("num_frames", "true")),
    "size_zero": (edit_json("config.json", num_hidden_layers=0), ("num_hidden_layers", "0")),
    "rope_scaling": (edit_json("config.json", rope_scaling={"type": "yarn"}), ("yarn",)),
    "sliding": (edit_json("config.json", use_sliding_window=True), ("use_sliding_window",)),
    "activation": (edit_json("config.json", hidden_act="gelu"), ("hidden_act", '"gelu"')),
    "kv_heads": (edit_json("config.json", num_key_value_heads=3), ("multiple", "4 and 3")),
    "head_dim": (edit_json("config.json", num_attention_heads=8), ("multiple of 16", "8")),
    "select_layer": (edit_json("config.json", mm_vision_select_layer=-9), ("select_layer", "-9")),
    "sam_out_dim": (edit_json("config.json", sam_out_dim=99), ("sam_out_dim", "64", "99")),
    "seg_token_id": (edit_json("config.json", seg_token_id=7), ("seg_token_id", "[SEG]", "7")),
    "sam2_key": (edit_json("sam2_config.json", head_count=2), ("head_count",)),
    "sam2_missing": (edit_json("sam2_config.json", stages=...), ("stages",)),
    "sam2_block": (edit_json("sam2_config.json", global_att_blocks=[77]), ("global_att_blocks",)),
    "sam2_pooling": (edit_json("sam2_config.json", global_att_blocks=[1]), ("[1, 2, 4]", "[1]")),
    "sam2_window": (edit_json("sam2_config.json", window_spec=[8, 5, 4, 2]), ("window_spec",)),
    "sam2_size": (edit_json("sam2_config.json", image_size=100), ("image_size", "32")),
    "lora": (write("adapter_config.json", "{}"), ("adapter_config.json", "merge")),
    "lora_rest": (write("non_lora_trainables.bin", ""), ("non_lora_trainables.bin", "merge")),
    "no_weights": (remove("model.safetensors"), ("model.safetensors", "found none")),
    "weights_unreadable": (write("model.safetensors", "junk"), ("model.safetensors", "readable")),
    "tensor_missing": (edit_tensors(lambda t: t.pop(NECK)), (NECK, "[64, 64, 1, 1]", "none")),
    "tensor_shape": (
        edit_tensors(lambda t: t.update({PROJ: torch.ones(3, 5)})),
        (PROJ, "[64, 64]", "[3, 5]", "model.safetensors"),
    ),
    "tensor_part": (edit_tensors(lambda t: t.pop(POINT)), (POINT, "[1, 64]")),
    "siglip_tensor": (
        edit_tensors(
            lambda t: t.pop("vision_model.encoder.layers.0.mlp.fc1.bias"),
            "siglip/model.safetensors",
        ),
        ("vision_model.encoder.layers.0.mlp.fc1.bias", "siglip"),
    ),
    "siglip_config": (
        edit_json("siglip/config.json", num_attention_heads=...),
        ("siglip", "heads"),
    ),
    "no_siglip": (lambda folder: shutil.rmtree(folder / "siglip"), ("SigLIP", "--vision-tower")),
    "no_tokenizer": (remove("vocab.json"), ("vocab.json", "merges.txt")),
    "bad_merges": (write("merges.txt", "#version: 0.2\nthree parts here\n"), ("merges.txt",)),
    "added_id": (edit_json("added_tokens.json", **{"[SEG]": 3}), ("[SEG]", "3")),
    "index": (
        write("model.safetensors.index.json", '{"weight_map": {"a": "model-9.safetensors"}}'),
        ("model-9.safetensors", "index"),
    ),
    "index_no_map": (write("model.safetensors.index.json", "{}"), ("weight_map",)),
    "index_wrong": (
        write("model.safetensors.index.json", '{"weight_map": {"a": "model.safetensors"}}'),
        ("expected a in", "no file"),
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refused_checkpoint(checkpoint: Path, case: str) -> None:
    change, words = REFUSALS[case]
    change(checkpoint)
    refused(checkpoint, InputError, *words)


@pytest.mark.parametrize("num_frames", [1, 5000])
def test_size_beyond_the_package_format(checkpoint: Path, num_frames: int) -> None:
    """One frame gives no pair to join, and so no video token."""
    edit_json("config.json", num_frames=num_frames)(checkpoint)
    refused(checkpoint, InputError, "num_frames: expected 2 to 4096", f"got {num_frames}")


def test_no_folder(checkpoint: Path) -> None:
    refused(checkpoint / "nowhere", InputError, "nowhere", "checkpoint folder")


def test_missing_last_time_token(checkpoint: Path) -> None:
    for name in ("added_tokens.json", "tokenizer_config.json"):
        path = checkpoint / name
        text = path.read_text(encoding="utf-8").replace("<TEMP-050>", "<TIME-050>")
        path.write_text(text, encoding="utf-8")
    refused(checkpoint, InputError, "<TEMP-000>", "consecutive")


def test_truncated_weights(checkpoint: Path) -> None:
    path = checkpoint / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    refused(checkpoint, InputError, "model.safetensors")


def test_pickled_weights_are_no_weights(checkpoint: Path) -> None:
    (checkpoint / "model.safetensors").rename(checkpoint / "pytorch_model.bin")
    refused(checkpoint, InputError, "model.safetensors", "found pytorch_model.bin")


@pytest.mark.parametrize("folder", ["absent", "empty"])
def test_vision_tower_without_siglip(checkpoint: Path, tmp_path: Path, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    refused(checkpoint, InputError, "--vision-tower", folder, vision_tower=tmp_path / folder)


@pytest.mark.parametrize(
    ("option", "value"), [("precision", "int3"), ("seg_hidden_state", "following")]
)
def test_unknown_option(checkpoint: Path, option: str, value: str) -> None:
    refused(checkpoint, ConfigError, option, value, **{option: value})


def test_no_space(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(checkpoint)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=5 << 20))
    refused(checkpoint, CapacityError, "MiB", "found 5 MiB")


def test_siglip_is_found_by_its_name_beside_the_checkpoint(checkpoint: Path) -> None:
    from ufvideo_export.checkpoint.checkpoint import Checkpoint

    edit_json("config.json", mm_vision_tower="hub/siglip-named")(checkpoint)
    (checkpoint / "siglip").rename(checkpoint.parent / "siglip-named")
    assert Checkpoint(checkpoint).siglip.hidden_size == 32
    (checkpoint.parent / "siglip-named").rename(checkpoint.parent / "siglip")
    assert Checkpoint(checkpoint).siglip.hidden_size == 32
    (checkpoint.parent / "siglip").rename(checkpoint.parent / "elsewhere")
    with pytest.raises(InputError, match="--vision-tower"):
        Checkpoint(checkpoint)
    assert Checkpoint(checkpoint, checkpoint.parent / "elsewhere").siglip.hidden_size == 32


def test_inner_siglip_of_unknown_width_needs_its_config(
    odd_checkpoint: Path, tmp_path: Path
) -> None:
    from ufvideo_export.checkpoint.checkpoint import Checkpoint

    copy = Path(shutil.copytree(odd_checkpoint, tmp_path / "inner"))
    config = (copy / "siglip" / "config.json").read_text(encoding="utf-8")
    shutil.rmtree(copy / "siglip")
    with pytest.raises(InputError, match="number of heads"):
        Checkpoint(copy)
    (copy / "siglip_config.json").write_text(config, encoding="utf-8")
    assert Checkpoint(copy).siglip.num_attention_heads == 3


def test_sam2_defaults_to_hiera_large(checkpoint: Path) -> None:
    from ufvideo_export.checkpoint.config import read_sam2_sizes

    (checkpoint / "sam2_config.json").unlink()
    sizes = read_sam2_sizes(checkpoint)
    assert (sizes.image_size_px, sizes.embed_dim, sizes.stages) == (1024, 144, (2, 6, 36, 4))
