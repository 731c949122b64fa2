"""The sizes of a checkpoint, read from its JSON files and checked."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ufvideo_export.checkpoint.other_formats import (
    names_in,
    refuse_other_files,
    refuse_quantized_config,
)
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.hub.hub_name import hub_remedy
from ufvideo_sdk.package.file_names import MANIFEST_NAME

ARCHITECTURE = "videorefer_qwen2"
ALIGNER_PADDING = {"stc_connector_v35": 0, "stc_connector": 1}


class JsonFields:
    """A JSON object whose fields are read with their type and bounds checked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.values = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"expected a JSON file, {path} cannot be read: {error}") from error
        if not isinstance(self.values, dict):
            raise InputError(f"expected a JSON object in {path}, found {_kind(self.values)}")

    def integer(self, key: str, default: int | None = None, *, low: int = 1) -> int:
        """An integer of at least `low`."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            raise self.wrong(key, f"an integer of at least {low}")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """A positive number."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
            raise self.wrong(key, "a positive number")
        return float(value)

    def text(self, key: str, default: str | None = None) -> str:
        """A text."""
        value = self._get(key, default)
        if not isinstance(value, str):
            raise self.wrong(key, "a text")
        return value

    def integers(self, key: str, default: tuple[int, ...] | None = None) -> tuple[int, ...]:
        """A list of integers of at least 0."""
        value = self._get(key, default)
        valid = isinstance(value, (list, tuple)) and all(
            isinstance(item, int) and not isinstance(item, bool) and item >= 0 for item in value
        )
        if not valid:
            raise self.wrong(key, "a list of integers of at least 0")
        return tuple(value)

    def only(self, key: str, allowed: tuple[Any, ...], default: Any) -> None:
        """Refuse a value that this exporter has no computation for."""
        if self.values.get(key, default) not in allowed:
            choices = " or ".join(json.dumps(value) for value in allowed)
            raise self.wrong(key, choices)

    def wrong(self, key: str, expected: str) -> InputError:
        """The error for a field that is not what it should be."""
        found = json.dumps(self.values[key]) if key in self.values else "nothing"
        return InputError(f"expected {key} to be {expected}, found {found} in {self.path}")

    def _get(self, key: str, default: Any) -> Any:
        if key not in self.values and default is None:
            raise InputError(f"expected the key {key}, found none in {self.path}")
        return self.values.get(key, default)


def _kind(value: Any) -> str:
    return type(value).__name__


@dataclass(frozen=True)
class ModelSizes:
    """What `config.json` says of the language model, the aligner and the frames."""

    hidden_size: int
    intermediate_size: int
    num_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    vocab_size: int
    max_position_embeddings: int
    rms_norm_eps: float
    rope_theta: float
    tie_word_embeddings: bool
    aligner_padding: int
    num_frames: int
    vision_select_layer: int
    vision_tower: str
    sam_out_dim: int
    seg_token_id: int | None

    @property
    def layer_values(self) -> int:
        """Values in the matrices of one decoder layer."""
        width, heads = self.hidden_size, self.num_attention_heads + self.num_key_value_heads
        return width * (2 * heads * self.head_dim + 3 * self.intermediate_size)


@dataclass(frozen=True)
class SiglipSizes:
    """SigLIP's `config.json`."""

    hidden_size: int
    intermediate_size: int
    num_layers: int
    num_attention_heads: int
    image_size_px: int
    patch_size_px: int
    layer_norm_eps: float
    hidden_act: str

    @property
    def patch_grid(self) -> int:
        """Patches along one side of a frame."""
        return self.image_size_px // self.patch_size_px


@dataclass(frozen=True)
class Sam2Sizes:
    """SAM 2's sizes; the defaults are hiera-large, what the released checkpoint holds."""

    image_size_px: int = 1024
    embed_dim: int = 144
    num_heads: int = 2
    stages: tuple[int, ...] = (2, 6, 36, 4)
    global_att_blocks: tuple[int, ...] = (23, 33, 43)
    window_spec: tuple[int, ...] = (8, 4, 16, 8)
    window_pos_embed_bkg_spatial_size: tuple[int, ...] = (7, 7)
    mask_decoder_mlp_dim: int = 2048
    memory_attention_layers: int = 4
    memory_attention_feedforward: int = 2048

    @property
    def feature_grid(self) -> int:
        """Side of the coarsest feature map, in cells."""
        return self.image_size_px // 16

    @property
    def mask_logits_size_px(self) -> int:
        """Side of the low-resolution masks."""
        return self.image_size_px // 4


def read_model_sizes(folder: Path) -> ModelSizes:
    """Read and check `config.json` of a checkpoint folder.

    Raises:
        InputError: For a folder that is no mergeable UFVideo checkpoint, naming what is wrong.
    """
    path = folder / "config.json"
    if not folder.is_dir():
        raise InputError(
            f"expected a checkpoint folder, {folder} is none{hub_remedy(os.fspath(folder))}"
        )
    refuse_other_files(names_in(folder), folder)
    if not path.is_file():
        if (folder / MANIFEST_NAME).is_file():
            raise InputError(
                f"expected a checkpoint folder, found a package, exported already, in {folder}:"
                " UFVideo.load opens it"
            )
        raise InputError(f"expected a checkpoint folder with config.json, found none in {folder}")
    fields = JsonFields(path)
    fields.only("model_type", (ARCHITECTURE,), None)
    refuse_quantized_config(fields.values, path)
    projector = fields.text("mm_projector_type")
    if projector not in ALIGNER_PADDING:
        raise fields.wrong("mm_projector_type", " or ".join(ALIGNER_PADDING))
    _refuse_variants(fields)
    num_heads = fields.integer("num_attention_heads")
    hidden_size = fields.integer("hidden_size")
    sizes = ModelSizes(
        hidden_size=hidden_size,
        intermediate_size=fields.integer("intermediate_size"),
        num_layers=fields.integer("num_hidden_layers"),
        num_attention_heads=num_heads,
        num_key_value_heads=fields.integer("num_key_value_heads"),
        head_dim=fields.integer("head_dim", hidden_size // num_heads),
        vocab_size=fields.integer("vocab_size"),
        max_position_embeddings=fields.integer("max_position_embeddings"),
        rms_norm_eps=fields.number("rms_norm_eps"),
        rope_theta=_rope_theta(fields),
        tie_word_embeddings=fields.values.get("tie_word_embeddings", False) is True,
        aligner_padding=ALIGNER_PADDING[projector],
        num_frames=fields.integer("num_frames"),
        vision_select_layer=_select_layer(fields),
        vision_tower=fields.text("mm_vision_tower", ""),
        sam_out_dim=fields.integer("sam_out_dim", 256),
        seg_token_id=fields.integer("seg_token_id", low=0)
        if fields.values.get("seg_token_id") is not None
        else None,
    )
    _check_heads(sizes, path)
    return sizes


def _refuse_variants(fields: JsonFields) -> None:
    fields.only("hidden_act", ("silu",), "silu")
    fields.only("use_sliding_window", (False,), False)
    fields.only("partial_rotary_factor", (None, 1), None)
    layer_types = fields.values.get("layer_types")
    if layer_types is not None and (
        not isinstance(layer_types, list) or any(each != "full_attention" for each in layer_types)
    ):
        raise fields.wrong("layer_types", 'null or "full_attention" for each layer')
    fields.only("tie_word_embeddings", (True, False), False)
    fields.only("mm_vision_select_feature", ("patch",), "patch")
    fields.only("mm_region_encoder_type", ("pooling",), "pooling")
    for key in ("rope_scaling", "rope_parameters"):
        rope = fields.values.get(key)
        kind = rope.get("rope_type", rope.get("type")) if isinstance(rope, dict) else rope
        if kind not in (None, "default"):
            raise fields.wrong(key, "null or of type default")


def _rope_theta(fields: JsonFields) -> float:
    rope = fields.values.get("rope_parameters")
    if "rope_theta" not in fields.values and isinstance(rope, dict) and "rope_theta" in rope:
        fields.values["rope_theta"] = rope["rope_theta"]
    return fields.number("rope_theta")


def _select_layer(fields: JsonFields) -> int:
    value = fields.values.get("mm_vision_select_layer", -2)
    if isinstance(value, bool) or not isinstance(value, int):
        raise fields.wrong("mm_vision_select_layer", "an integer")
    return value


def _check_heads(sizes: ModelSizes, path: Path) -> None:
    if sizes.num_attention_heads % sizes.num_key_value_heads:
        raise InputError(
            f"expected num_attention_heads to be a multiple of num_key_value_heads, found"
            f" {sizes.num_attention_heads} and {sizes.num_key_value_heads} in {path}"
        )
    if sizes.head_dim % 16:
        raise InputError(
            "expected a head size (head_dim, or hidden_size / num_attention_heads) that is a"
            f" multiple of 16, as the attention operator needs; found {sizes.head_dim} in {path}"
        )


def read_siglip_sizes(path: Path) -> SiglipSizes:
    """Read and check SigLIP's `config.json` (a vision config, or one that holds it).

    Raises:
        InputError: When a key is missing or wrong.
    """
    fields = JsonFields(path)
    refuse_quantized_config(fields.values, path)
    nested = fields.values.get("vision_config")
    if isinstance(nested, dict):
        fields.values = nested
        refuse_quantized_config(nested, path)
    sizes = SiglipSizes(
        hidden_size=fields.integer("hidden_size"),
        intermediate_size=fields.integer("intermediate_size"),
        num_layers=fields.integer("num_hidden_layers"),
        num_attention_heads=fields.integer("num_attention_heads"),
        image_size_px=fields.integer("image_size"),
        patch_size_px=fields.integer("patch_size"),
        layer_norm_eps=fields.number("layer_norm_eps", 1e-6),
        hidden_act=fields.text("hidden_act", "gelu_pytorch_tanh"),
    )
    fields.only("num_channels", (3,), 3)
    if sizes.hidden_size % sizes.num_attention_heads:
        raise fields.wrong("hidden_size", f"a multiple of {sizes.num_attention_heads} heads")
    if sizes.image_size_px < sizes.patch_size_px:
        raise fields.wrong("image_size", f"at least the patch size {sizes.patch_size_px}")
    return sizes


def read_sam2_sizes(folder: Path) -> Sam2Sizes:
    """Read `sam2_config.json` beside `config.json`; without it the sizes are hiera-large's.

    Raises:
        InputError: When a key is unknown, missing or wrong.
    """
    path = folder / "sam2_config.json"
    if not path.is_file():
        return Sam2Sizes()
    fields = JsonFields(path)
    lists = ("stages", "global_att_blocks", "window_spec", "window_pos_embed_bkg_spatial_size")
    names = [name.removesuffix("_px") for name in Sam2Sizes.__dataclass_fields__]
    unknown = sorted(set(fields.values) - set(names))
    if unknown:
        raise InputError(f"expected the keys {', '.join(names)}, found {unknown[0]} in {path}")
    values = {
        "image_size_px" if name == "image_size" else name: fields.integers(name)
        if name in lists
        else fields.integer(name)
        for name in names
    }
    sizes = Sam2Sizes(**values)
    if len(sizes.stages) != 4 or not all(sizes.stages):
        raise fields.wrong("stages", "four numbers of blocks")
    if len(sizes.window_spec) != 4 or not all(sizes.window_spec):
        raise fields.wrong("window_spec", "four window sizes")
    if len(sizes.window_pos_embed_bkg_spatial_size) != 2:
        raise fields.wrong("window_pos_embed_bkg_spatial_size", "a height and a width")
    # The first block of a later stage halves the map inside its windows, those of the stage before.
    pooling = {sum(sizes.stages[:stage]) for stage in (1, 2, 3)}
    allowed = set(range(sum(sizes.stages))) - pooling
    if not allowed.issuperset(sizes.global_att_blocks):
        raise fields.wrong(
            "global_att_blocks", f"blocks below {sum(sizes.stages)} but {sorted(pooling)}"
        )
    if any(window % 2 for window in sizes.window_spec[:3]):
        raise fields.wrong("window_spec", "window sizes that are even in the first three stages")
    if sizes.image_size_px % 32 or sizes.image_size_px // 4 % sizes.window_spec[0]:
        raise fields.wrong("image_size", f"a multiple of 32 and of {4 * sizes.window_spec[0]}")
    if sizes.embed_dim % sizes.num_heads:
        raise fields.wrong("embed_dim", f"a multiple of {sizes.num_heads} heads")
    return sizes
