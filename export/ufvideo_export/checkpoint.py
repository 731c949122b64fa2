"""A released checkpoint on disk: the only file that knows upstream key names.

Modules are filled by name: each names its own tensors, a function here says how the checkpoint
spells them. Nothing is loaded that no module asks for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from torch import nn

from ufvideo_export.checkpoint_config import (
    Sam2Sizes,
    SiglipSizes,
    read_model_sizes,
    read_sam2_sizes,
    read_siglip_sizes,
)
from ufvideo_export.tensor_files import TensorFiles, has_weights
from ufvideo_sdk.errors import InputError

EMBEDDING_KEY = "model.embed_tokens.weight"
HEAD_KEY = "lm_head.weight"
FINAL_NORM_KEY = "model.norm.weight"
ALIGNER_PREFIX = "model.mm_projector."
REGION_ENCODER_PREFIX = "model.region_encoder.feat_linear."
SEG_PROJECTION_PREFIX = "model.text_hidden_fcs.0."
SAM2_PREFIX = "model.mask_encoder.sam2_model."
INNER_SIGLIP_PREFIX = "model.vision_tower.vision_tower."
SIGLIP_PREFIX = "vision_model."

# Attention heads of the published SigLIP widths, for a checkpoint that holds SigLIP's weights and
# no config of it: a head count cannot be read off the tensors.
SIGLIP_HEADS = {768: 12, 1024: 16, 1152: 16}

Keys = Callable[[str], Sequence[str]]
Part = tuple[str, tuple[int, ...]]

# What transformers' Sam2VideoModel calls a tensor -> what SAM 2's own release calls it. Each row is
# applied in turn.
_THREE_LAYERS = (("proj_in", "layers.0"), ("layers.0", "layers.1"), ("proj_out", "layers.2"))
_HEADS = (
    (r"mask_decoder\.(output_hypernetworks_mlps\.\d+)", r"mask_decoder.\1"),
    (r"mask_decoder\.iou_prediction_head", "mask_decoder.iou_prediction_head"),
    (r"mask_decoder\.pred_obj_score_head", "mask_decoder.pred_obj_score_head"),
    (r"object_pointer_proj", "obj_ptr_proj"),
)
_SAM2_NAMES: tuple[tuple[str, str], ...] = (
    *(
        (rf"^{module}\.{re.escape(ours)}\.", rf"{theirs}.@{released}.")
        for module, theirs in _HEADS
        for ours, released in _THREE_LAYERS
    ),
    ("@", ""),
    (r"^vision_encoder\.backbone\.patch_embed\.projection", "image_encoder.trunk.patch_embed.proj"),
    (r"^vision_encoder\.backbone\.", "image_encoder.trunk."),
    (r"^vision_encoder\.neck\.convs\.(\d+)", r"image_encoder.neck.convs.\1.conv"),
    (r"\.mlp\.proj_in\.", ".mlp.layers.0."),
    (r"\.mlp\.proj_out\.", ".mlp.layers.1."),
    (r"^memory_attention\.layer_norm\.", "memory_attention.norm."),
    (r"\.layer_norm_final_attn\.", ".norm_final_attn."),
    (r"\.upscale_conv1\.", ".output_upscaling.0."),
    (r"\.upscale_layer_norm\.", ".output_upscaling.1."),
    (r"\.upscale_conv2\.", ".output_upscaling.3."),
    *(
        (rf"\.mask_downsampler\.layers\.{n}\.{ours}", f".mask_downsampler.encoder.{3 * n + offset}")
        for n in range(4)
        for offset, ours in enumerate(("conv", "layer_norm"))
    ),
    (r"\.mask_downsampler\.final_conv", ".mask_downsampler.encoder.12"),
    (r"\.memory_fuser\.", ".fuser."),
    (r"\.depthwise_conv\.", ".dwconv."),
    (r"\.pointwise_conv(\d)\.", r".pwconv\1."),
    (r"(\.fuser\.layers\.\d+)\.scale$", r"\1.g_weight"),
    (r"(\.fuser\.layers\.\d+)\.layer_norm\.", r"\1.norm."),
    (r"^memory_encoder\.feature_projection", "memory_encoder.pix_feat_proj"),
    (r"^memory_encoder\.projection", "memory_encoder.out_proj"),
    (
        r"^(shared_image_embedding|prompt_encoder\.shared_embedding)\.positional_embedding",
        "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
    ),
    (r"\.mask_embed\.conv1\.", ".mask_downscaling.0."),
    (r"\.mask_embed\.layer_norm1\.", ".mask_downscaling.1."),
    (r"\.mask_embed\.conv2\.", ".mask_downscaling.3."),
    (r"\.mask_embed\.layer_norm2\.", ".mask_downscaling.4."),
    (r"\.mask_embed\.conv3\.", ".mask_downscaling.6."),
    (r"\.layer_norm(\d)\.", r".norm\1."),
    (r"\.o_proj\.", ".out_proj."),
    (r"^prompt_encoder\.", "sam_prompt_encoder."),
    (r"^mask_decoder\.", "sam_mask_decoder."),
    (r"^memory_temporal_positional_encoding$", "maskmem_tpos_enc"),
    (r"^no_memory_embedding$", "no_mem_embed"),
    (r"^no_memory_positional_encoding$", "no_mem_pos_enc"),
    (r"^no_object_pointer$", "no_obj_ptr"),
)


def sam2_keys(name: str) -> Sequence[str]:
    """Keys whose concatenation is a tensor of `Sam2VideoModel`."""
    if name == "prompt_encoder.point_embed.weight":
        prefix = f"{SAM2_PREFIX}sam_prompt_encoder.point_embeddings"
        return [f"{prefix}.{kind}.weight" for kind in range(4)]
    for pattern, replacement in _SAM2_NAMES:
        name = re.sub(pattern, replacement, name)
    return [SAM2_PREFIX + name]


def prefixed_keys(prefix: str) -> Keys:
    """Keys of a module whose own names the checkpoint keeps behind a prefix."""
    return lambda name: [prefix + name]


def language_model_keys(name: str) -> Sequence[str]:
    """Keys of transformers' Qwen2ForCausalLM, which the checkpoint keeps as they are."""
    return [name]


def layer_key(layer: int, name: str) -> str:
    """Key of a tensor of one decoder layer, named as in transformers' Qwen2."""
    return f"model.layers.{layer}.{name}"


class Checkpoint:
    """A checkpoint folder, its sizes, and where its SigLIP lies."""

    def __init__(self, folder: Path, vision_tower: Path | None = None) -> None:
        """Open a checkpoint; see `read_model_sizes` for what is refused.

        Args:
            folder: The checkpoint.
            vision_tower: Folder of SigLIP; without it the checkpoint itself, then the folder that
                `mm_vision_tower` names and a folder `siglip`, both beside the checkpoint.
        """
        self.folder = folder
        self.sizes = read_model_sizes(folder)
        self.tensors = TensorFiles(folder)
        self.sam2: Sam2Sizes = read_sam2_sizes(folder)
        self._siglip, self._siglip_prefix, self.siglip = self._find_siglip(vision_tower)

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where its files lie: the checkpoint, and SigLIP where it is not inside."""
        return tuple(dict.fromkeys((self.folder, self._siglip.folder)))

    @property
    def size_bytes(self) -> int:
        """What its weights take on disk, SigLIP's folder included."""
        files = {path for tensors in (self.tensors, self._siglip) for path in tensors.files()}
        return sum(path.stat().st_size for path in files)

    @property
    def name(self) -> str:
        """The folder's name, or its parent's where it is just called `checkpoint`."""
        folder = self.folder.resolve()
        return (folder.parent.name if folder.name == "checkpoint" else folder.name) or "checkpoint"

    def tensor(self, key: str, shape: Sequence[int]) -> torch.Tensor:
        """A tensor in float32.

        Raises:
            InputError: When it is missing or has another shape, naming it, both shapes and where.
        """
        return _read(self.tensors, key, shape)

    def rows(self, key: str, shape: Sequence[int], begin: int, end: int) -> torch.Tensor:
        """Rows `begin` to `end` of a tensor of `shape`, float32, without reading the others.

        Raises:
            InputError: As `tensor`.
        """
        _require(self.tensors, key, tuple(shape))
        return _as_float(self.tensors, key, self.tensors.read_rows(key, begin, end))

    def sam2_shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor of SAM 2, named as in transformers' Sam2VideoModel."""
        key = sam2_keys(name)[0]
        if key not in self.tensors:
            raise _missing(self.tensors, key, None)
        return self.tensors.shape(key)

    def num_aligner_blocks(self, stage: str) -> int:
        """Bottlenecks of one aligner stage (`s1`, `s2`), counted from the keys."""
        pattern = re.compile(rf"{re.escape(ALIGNER_PREFIX)}{stage}\.b(\d+)\.")
        found = (pattern.match(name) for name in self.tensors.names())
        return max((int(match[1]) for match in found if match), default=1)

    def fill(self, module: nn.Module, keys: Keys) -> nn.Module:
        """Load every tensor of a module and put it into evaluation mode."""
        _fill(module, keys, self.tensors)
        return module.eval()

    def require(self, module: nn.Module, keys: Keys) -> int:
        """Check the headers for every tensor of a module, without reading any.

        Args:
            module: May lie on the meta device.
            keys: How the checkpoint spells the module's names.

        Returns:
            The number of values.
        """
        return self._count(self.tensors, module, keys)

    def require_siglip(self, part: nn.Module, name: str) -> int:
        """The same for one part of SigLIP."""
        return self._count(self._siglip, part, self._siglip_keys(name))

    @staticmethod
    def _count(tensors: TensorFiles, module: nn.Module, keys: Keys) -> int:
        count = 0
        for target, parts in tensor_parts(module, keys):
            for key, shape in parts:
                _require(tensors, key, shape)
            count += target.numel()
        return count

    def _siglip_keys(self, name: str) -> Keys:
        return prefixed_keys(f"{self._siglip_prefix}{SIGLIP_PREFIX}{name}.")

    def fill_siglip(self, part: nn.Module, name: str) -> nn.Module:
        """Load one part of SigLIP (`embeddings`, `encoder`)."""
        _fill(part, self._siglip_keys(name), self._siglip)
        return part.eval()

    def _find_siglip(self, vision_tower: Path | None) -> tuple[TensorFiles, str, SiglipSizes]:
        folders = self._siglip_folders(vision_tower)
        inner = any(name.startswith(INNER_SIGLIP_PREFIX) for name in self.tensors.names())
        own = next((folder for folder in folders if has_weights(folder)), None)
        if vision_tower is not None and not vision_tower.is_dir():
            raise InputError(f"expected a SigLIP folder (--vision-tower), {vision_tower} is none")
        if vision_tower is not None and own is None and not inner:
            raise InputError(
                f"expected SigLIP's model.safetensors in {vision_tower} (--vision-tower), found"
                " none"
            )
        if own is None and not inner:
            raise InputError(
                f"expected SigLIP inside {self.folder} or in one of"
                f" {', '.join(str(folder) for folder in folders)}, found none:"
                " name its folder with --vision-tower"
            )
        if inner and (vision_tower is None or own is None):
            return self.tensors, INNER_SIGLIP_PREFIX, self._inner_siglip_sizes(folders)
        assert own is not None
        return TensorFiles(own), "", read_siglip_sizes(own / "config.json")

    def _siglip_folders(self, vision_tower: Path | None) -> list[Path]:
        if vision_tower is not None:
            return [vision_tower]
        beside = self.folder.resolve().parent
        folders = [beside / "siglip", self.folder / "siglip"]
        named = Path(self.sizes.vision_tower).name
        return [beside / named, self.folder / named, *folders] if named else folders

    def _inner_siglip_sizes(self, folders: list[Path]) -> SiglipSizes:
        configs = [self.folder / "siglip_config.json", *(f / "config.json" for f in folders)]
        for path in configs:
            if path.is_file():
                return read_siglip_sizes(path)
        prefix = f"{INNER_SIGLIP_PREFIX}{SIGLIP_PREFIX}"
        patches = f"{prefix}embeddings.patch_embedding.weight"
        positions = f"{prefix}embeddings.position_embedding.weight"
        first_layer = f"{prefix}encoder.layers.0.mlp.fc1.weight"
        for key in (patches, positions, first_layer):
            if key not in self.tensors:
                raise _missing(self.tensors, key, None)
        num_positions, width = self.tensors.shape(positions)
        if width not in SIGLIP_HEADS:
            raise InputError(
                f"expected SigLIP's config.json, needed for its number of heads, in"
                f" {', '.join(str(path) for path in configs)}; found none:"
                " name its folder with --vision-tower"
            )
        patch_size = self.tensors.shape(patches)[-1]
        layers = re.compile(rf"{re.escape(prefix)}encoder\.layers\.(\d+)\.")
        found = (layers.match(name) for name in self.tensors.names())
        return SiglipSizes(
            hidden_size=width,
            intermediate_size=self.tensors.shape(first_layer)[0],
            num_layers=max(int(match[1]) for match in found if match) + 1,
            num_attention_heads=SIGLIP_HEADS[width],
            image_size_px=round(num_positions**0.5) * patch_size,
            patch_size_px=patch_size,
            layer_norm_eps=1e-6,
            hidden_act="gelu_pytorch_tanh",
        )


def tensor_parts(module: nn.Module, keys: Keys) -> Iterator[tuple[torch.Tensor, list[Part]]]:
    """Each tensor of a module with the key and shape of what fills it, row by row."""
    for name, target in module.state_dict().items():
        parts = keys(name)
        rows = target.shape[0] // len(parts) if len(parts) > 1 else 0
        shape = (rows, *target.shape[1:]) if len(parts) > 1 else tuple(target.shape)
        yield target, [(key, shape) for key in parts]


def _fill(module: nn.Module, keys: Keys, tensors: TensorFiles) -> None:
    with torch.no_grad():
        for target, parts in tensor_parts(module, keys):
            read = [_read(tensors, key, shape) for key, shape in parts]
            target.copy_(read[0] if len(read) == 1 else torch.cat(read))


def _require(tensors: TensorFiles, key: str, expected: tuple[int, ...]) -> None:
    if key not in tensors:
        raise _missing(tensors, key, expected)
    found = tensors.shape(key)
    if found != expected:
        raise InputError(
            f"expected {key} of shape {list(expected)}, found shape {list(found)} in"
            f" {tensors.file_of(key)}"
        )


def _read(tensors: TensorFiles, key: str, shape: Sequence[int]) -> torch.Tensor:
    _require(tensors, key, tuple(shape))
    return _as_float(tensors, key, tensors.read(key))


def _as_float(tensors: TensorFiles, key: str, tensor: torch.Tensor) -> torch.Tensor:
    if not tensor.is_floating_point():
        raise InputError(
            f"expected {key} in a floating-point dtype, found {tensor.dtype} in"
            f" {tensors.file_of(key)}"
        )
    return tensor.to(torch.float32)


def _missing(tensors: TensorFiles, key: str, shape: Sequence[int] | None) -> InputError:
    of_shape = f" of shape {list(shape)}" if shape is not None else ""
    return InputError(f"expected the tensor {key}{of_shape}, found none in {tensors.folder}")
