"""A released checkpoint on disk: with `sam2_names`, all that knows upstream key names.

Modules are filled by name: each names its own tensors, a function here says how the checkpoint
spells them. Nothing is loaded that no module asks for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import torch
from torch import nn

from ufvideo_export.checkpoint.config import (
    Sam2Sizes,
    SiglipSizes,
    read_model_sizes,
    read_sam2_sizes,
    read_siglip_sizes,
)
from ufvideo_export.checkpoint.other_formats import foreign_weights, names_in
from ufvideo_export.checkpoint.sam2_names import sam2_keys
from ufvideo_export.checkpoint.siglip_pixels import refuse_other_pixels
from ufvideo_export.checkpoint.tensor_files import TensorFiles, has_weights
from ufvideo_sdk.errors import ConfigError, InputError
from ufvideo_sdk.hub.hub_name import hub_remedy

EMBEDDING_KEY = "model.embed_tokens.weight"
HEAD_KEY = "lm_head.weight"
FINAL_NORM_KEY = "model.norm.weight"
ALIGNER_PREFIX = "model.mm_projector."
REGION_ENCODER_PREFIX = "model.region_encoder.feat_linear."
SEG_PROJECTION_PREFIX = "model.text_hidden_fcs.0."
INNER_SIGLIP_PREFIX = "model.vision_tower.vision_tower."
SIGLIP_PREFIX = "vision_model."

# Attention heads of the published SigLIP widths, for a checkpoint that holds SigLIP's weights and
# no config of it: a head count cannot be read off the tensors.
SIGLIP_HEADS = {768: 12, 1024: 16, 1152: 16}

Keys = Callable[[str], Sequence[str]]
Part = tuple[str, tuple[int, ...]]


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

    _name: str | None = None

    def __init__(
        self,
        folder: Path,
        vision_tower: Path | None = None,
        *,
        ignore_tensors: Sequence[str] = (),
        name: str | None = None,
    ) -> None:
        """Open a checkpoint; see `read_model_sizes` for what is refused.

        Args:
            folder: The checkpoint.
            vision_tower: Folder of SigLIP; without it the checkpoint itself, then the folder that
                `mm_vision_tower` names and a folder `siglip`, both beside the checkpoint.
            ignore_tensors: Patterns of names to leave out, with `*`, `?` and `[...]`.
            name: What it is called; None: as its folder.

        Raises:
            ConfigError: When a pattern matches no tensor.
            InputError: For a folder that is no whole, merged and plain checkpoint.
        """
        self.folder = folder
        self._name = name
        self.sizes = read_model_sizes(folder)
        self._ignore = tuple(ignore_tensors)
        self.tensors = TensorFiles(folder, self._ignore)
        self.sam2: Sam2Sizes = read_sam2_sizes(folder)
        self._siglip, self._siglip_prefix, self.siglip = self._find_siglip(vision_tower)
        self._check_ignored()

    @property
    def siglip_tensors(self) -> TensorFiles:
        """Where SigLIP's tensors are: `tensors` itself if the checkpoint holds them."""
        return self._siglip

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where its files lie: the checkpoint, and SigLIP where it is not inside."""
        return tuple(dict.fromkeys((self.folder, self._siglip.folder)))

    @property
    def ignored_tensors(self) -> tuple[str, ...]:
        """Names that `ignore_tensors` leaves out, of the checkpoint and of SigLIP's folder."""
        files = dict.fromkeys((self.tensors, self._siglip))
        return tuple(name for tensors in files for name in tensors.ignored)

    @property
    def num_used_siglip_layers(self) -> int:
        """Layers of SigLIP up to the one whose output the aligner reads.

        Raises:
            InputError: When `mm_vision_select_layer` names none of its layers.
        """
        select, num_layers = self.sizes.vision_select_layer, self.siglip.num_layers
        # hidden_states has the embeddings first, so N layers give N + 1 states.
        used = select + num_layers + 1 if select < 0 else select
        if not 1 <= used <= num_layers:
            raise InputError(
                f"expected mm_vision_select_layer to name one of SigLIP's {num_layers} layers,"
                f" found {select} in {self.folder / 'config.json'}"
            )
        return used

    @property
    def size_bytes(self) -> int:
        """What its weights take on disk, SigLIP's folder included."""
        files = {path for tensors in (self.tensors, self._siglip) for path in tensors.files()}
        return sum(path.stat().st_size for path in files)

    @property
    def name(self) -> str:
        """Its name, else the folder's, or its parent's where that is just called `checkpoint`."""
        if self._name is not None:
            return self._name
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
        return self.tensors.read_rows(key, begin, end).to(torch.float32)

    def sam2_shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor of SAM 2, named as in transformers' Sam2VideoModel."""
        key = sam2_keys(name)[0]
        if key not in self.tensors:
            raise _missing(self.tensors, key, None)
        return self.tensors.shape(key)

    def num_aligner_blocks(self, stage: str) -> int:
        """Bottlenecks of one aligner stage (`s1`, `s2`), counted from the keys up to a gap."""
        return max(_num_numbered(self.tensors, f"{ALIGNER_PREFIX}{stage}.b", 1), 1)

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
        return self._count(self._siglip, part, self.siglip_keys(name))

    @staticmethod
    def _count(tensors: TensorFiles, module: nn.Module, keys: Keys) -> int:
        count = 0
        for target, parts in tensor_parts(module, keys):
            for key, shape in parts:
                _require(tensors, key, shape)
            count += target.numel()
        return count

    def _check_ignored(self) -> None:
        """Refuse a pattern without a match: it is a mistake of the one who wrote it."""
        for pattern in self._ignore:
            if not any(fnmatchcase(name, pattern) for name in self.ignored_tensors):
                raise ConfigError(
                    f"expected ignore_tensors to match a tensor, {pattern!r} matches none in"
                    f" {' and '.join(str(folder) for folder in self.folders)}"
                )

    def siglip_keys(self, name: str) -> Keys:
        """Keys of one part of SigLIP (`embeddings`, `encoder`); of all of it with an empty name."""
        name = f"{name}." if name else ""
        return prefixed_keys(f"{self._siglip_prefix}{SIGLIP_PREFIX}{name}")

    def fill_siglip(self, part: nn.Module, name: str) -> nn.Module:
        """Load one part of SigLIP (`embeddings`, `encoder`)."""
        _fill(part, self.siglip_keys(name), self._siglip)
        return part.eval()

    def _find_siglip(self, vision_tower: Path | None) -> tuple[TensorFiles, str, SiglipSizes]:
        folders = self._siglip_folders(vision_tower)
        inner = any(name.startswith(INNER_SIGLIP_PREFIX) for name in self.tensors.names())
        own = next((folder for folder in folders if has_weights(folder)), None)
        if vision_tower is not None and not vision_tower.is_dir():
            raise InputError(
                f"expected a SigLIP folder (--vision-tower), {vision_tower} is"
                f" none{hub_remedy(os.fspath(vision_tower))}"
            )
        if vision_tower is not None and own is None and not inner:
            raise InputError(
                f"expected SigLIP's model.safetensors in {vision_tower} (--vision-tower),"
                f" {foreign_weights(names_in(vision_tower)) or 'found none'}"
            )
        if own is None and not inner:
            instead = {each: foreign_weights(names_in(each)) for each in folders}
            found = "; ".join(f"{each}: {what}" for each, what in instead.items() if what)
            raise InputError(
                f"expected SigLIP inside {self.folder} or in one of"
                f" {', '.join(dict.fromkeys(map(str, folders)))},"
                f" {found or 'found none: name its folder with --vision-tower'}"
            )
        if inner and vision_tower is not None and own is not None:
            raise InputError(
                f"expected one SigLIP, found {INNER_SIGLIP_PREFIX}* inside {self.folder} and"
                f" another one in {own}: drop --vision-tower to export the checkpoint's own, or"
                f" leave that out with --ignore-tensors '{INNER_SIGLIP_PREFIX}*'"
            )
        if inner:
            return self.tensors, INNER_SIGLIP_PREFIX, self._inner_siglip_sizes(folders)
        assert own is not None
        return TensorFiles(own, self._ignore), "", _checked_siglip_sizes(own / "config.json")

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
                return _checked_siglip_sizes(path)
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
        return SiglipSizes(
            hidden_size=width,
            intermediate_size=self.tensors.shape(first_layer)[0],
            num_layers=_num_numbered(self.tensors, f"{prefix}encoder.layers.", 0),
            num_attention_heads=SIGLIP_HEADS[width],
            image_size_px=round(num_positions**0.5) * patch_size,
            patch_size_px=patch_size,
            layer_norm_eps=1e-6,
            hidden_act="gelu_pytorch_tanh",
        )


def _checked_siglip_sizes(config: Path) -> SiglipSizes:
    sizes = read_siglip_sizes(config)
    refuse_other_pixels(config.parent, sizes.image_size_px)
    return sizes


def _num_numbered(tensors: TensorFiles, prefix: str, first: int) -> int:
    """How many modules called `prefix` and a number there are, from `first` on without a gap."""
    heads = (name[len(prefix) :] for name in tensors.names() if name.startswith(prefix))
    found = {head.split(".")[0] for head in heads}
    number = first
    while str(number) in found:
        number += 1
    return number - first


def tensor_parts(module: nn.Module, keys: Keys) -> Iterator[tuple[torch.Tensor, list[Part]]]:
    """Each tensor of a module with the key and shape of what fills it, row by row."""
    for name, target in module.state_dict().items():
        parts = keys(name)
        rows = target.shape[0] // len(parts) if len(parts) > 1 else 0
        shape = (rows, *target.shape[1:]) if len(parts) > 1 else tuple(target.shape)
        yield target, [(key, shape) for key in parts]


def module_keys(module: nn.Module, keys: Keys) -> set[str]:
    """Keys of everything a module is filled from."""
    return {key for _, parts in tensor_parts(module, keys) for key, _ in parts}


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
    tensors.check_dtype(key)


def _read(tensors: TensorFiles, key: str, shape: Sequence[int]) -> torch.Tensor:
    _require(tensors, key, tuple(shape))
    return tensors.read(key).to(torch.float32)


def _missing(tensors: TensorFiles, key: str, shape: Sequence[int] | None) -> InputError:
    of_shape = f" of shape {list(shape)}" if shape is not None else ""
    if key in tensors.ignored:
        return InputError(
            f"expected to read the tensor {key}{of_shape} in {tensors.folder}, which a graph needs"
            " and --ignore-tensors leaves out: choose a narrower pattern"
        )
    return InputError(f"expected the tensor {key}{of_shape}, found none in {tensors.folder}")
