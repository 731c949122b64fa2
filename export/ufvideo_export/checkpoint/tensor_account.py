"""Every tensor of a checkpoint is read, left out by name, or refused.

A comparison with PyTorch cannot do this: PyTorch is filled from the same tensors as the graphs, so
what neither of them reads is missing on both sides, and both agree.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from transformers import SiglipVisionModel

from ufvideo_export.checkpoint.checkpoint import EMBEDDING_KEY, HEAD_KEY, Checkpoint
from ufvideo_export.checkpoint.sam2_names import SAM2_PREFIX
from ufvideo_export.checkpoint.siglip_config import siglip_config
from ufvideo_export.checkpoint.tensor_files import TensorFiles
from ufvideo_sdk.errors import InputError

# Parts of SAM 2 that no graph uses: without tracking, and with it. PyTorch's modules hold them, so
# a checkpoint must have them.
_MEMORY_PATH = (
    "SAM 2's memory path",
    re.compile(
        rf"{re.escape(SAM2_PREFIX)}(memory_attention\.|memory_encoder\.|mask_downsample\."
        r"|(maskmem_tpos_enc|no_mem_pos_enc)$)"
    ),
)
_MASKS_GIVEN = (
    "SAM 2's memory of masks that are given",
    re.compile(rf"{re.escape(SAM2_PREFIX)}(mask_downsample\.|no_mem_pos_enc$)"),
)
_SAM2_LEFT_OUT = (
    (
        "SAM 2's point and mask prompts",
        re.compile(
            rf"{re.escape(SAM2_PREFIX)}sam_prompt_encoder\.(point_embeddings|mask_downscaling)\."
        ),
    ),
)
# SigLIP's own repository holds its text tower too.
_TEXT_TOWER = re.compile(
    r"(text_model\.(embeddings\.(token|position)_embedding\.weight"
    r"|encoder\.layers\.\d+\.(layer_norm[12]|mlp\.fc[12]|self_attn\.([qkv]|out)_proj)\.(weight|bias)"
    r"|final_layer_norm\.(weight|bias)|head\.(weight|bias))|logit_scale|logit_bias)"
)
# SAM 2.1 adds these to 2.0 and computes something else.
_SAM2_1 = re.compile(rf"{re.escape(SAM2_PREFIX)}(obj_ptr_tpos_proj\.|no_obj_embed_spatial$)")
_MAX_LISTED = 40
# Of a table that is compared with another one, at a time.
_ROWS = 8192


@dataclass(frozen=True)
class LeftOut:
    """Tensors that no graph needs.

    Attributes:
        part: What they are, for a reader: "SigLIP's text tower".
        names: As the checkpoint spells them.
        patterns: The same in short: `text_model.*` if all that begins so is left out.
    """

    part: str
    names: tuple[str, ...]
    patterns: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.part} ({len(self.names)}): {', '.join(self.patterns)}"


def left_out_tensors(checkpoint: Checkpoint, *, track: bool = False) -> tuple[LeftOut, ...]:
    """Tensors of the released format that no graph needs, and those the caller leaves out.

    Args:
        checkpoint: Whose headers are looked at.
        track: Whether the graphs of tracking are written.

    Returns:
        What is there; a part without tensors is not listed.
    """
    names = checkpoint.tensors.names()
    parts = {
        part: ([name for name in names if pattern.match(name)], names)
        for part, pattern in (_MASKS_GIVEN if track else _MEMORY_PATH, *_SAM2_LEFT_OUT)
    }
    siglip = checkpoint.siglip_tensors.names()
    parts |= {part: (found, siglip) for part, found in _siglip_left_out(checkpoint).items()}
    listed = [
        LeftOut(part, tuple(found), tuple(_covering(found, among)))
        for part, (found, among) in parts.items()
        if found
    ]
    ignored = checkpoint.ignored_tensors
    if ignored:
        listed.append(LeftOut("left out by --ignore-tensors", ignored, tuple(short_list(ignored))))
    return tuple(listed)


def _covering(names: list[str], among: list[str]) -> list[str]:
    """The shortest `prefix.*` for each name under which `among` has these names alone."""

    def counted(all_names: list[str]) -> Counter[str]:
        return Counter(name[: dot.end()] for name in all_names for dot in re.finditer(r"\.", name))

    ours, everyone = counted(names), counted(among)
    found = (
        next(
            (
                f"{name[: dot.end()]}*"
                for dot in re.finditer(r"\.", name)
                if ours[name[: dot.end()]] == everyone[name[: dot.end()]]
            ),
            name,
        )
        for name in names
    )
    return list(dict.fromkeys(found))


def refuse_unread_tensors(checkpoint: Checkpoint, required: Mapping[TensorFiles, set[str]]) -> None:
    """Refuse a checkpoint with tensors that nobody reads: it is another model than it seems.

    Args:
        checkpoint: Whose headers are looked at.
        required: Names that PyTorch's modules are filled from, by the files that hold them.

    Raises:
        InputError: Listing the tensors, with the likely cause and what to do.
    """
    siglip = {name for names in _siglip_left_out(checkpoint).values() for name in names}
    for tensors in dict.fromkeys((checkpoint.tensors, checkpoint.siglip_tensors)):
        known = required.get(tensors, set()) | (
            siglip if tensors is checkpoint.siglip_tensors else set()
        )
        unread = [name for name in tensors.names() if name not in known]
        if checkpoint.sizes.tie_word_embeddings and HEAD_KEY in unread:
            _refuse_untied_head(checkpoint)
            unread.remove(HEAD_KEY)
        if unread:
            raise InputError(
                f"expected every tensor to be read, found {len(unread)} that no graph reads in"
                f" {tensors.folder}: {', '.join(short_list(unread))}."
                f" {_likely_cause(checkpoint, unread)}, or leave out what is no part of the"
                " model with --ignore-tensors PATTERN"
            )


def short_list(names: Iterable[str]) -> list[str]:
    """Names; those that differ in numbers alone become one, with `*` there and their count."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(re.sub(r"\d+", "0", name), []).append(name)
    listed = [_merged(group) for group in groups.values()]
    rest = len(listed) - _MAX_LISTED
    return [*listed[:_MAX_LISTED], f"and {rest} more kinds"] if rest > 0 else listed


def _merged(group: list[str]) -> str:
    if len(group) == 1:
        return group[0]
    columns = zip(*(re.split(r"(\d+)", name) for name in group), strict=True)
    merged = "".join(column[0] if len(set(column)) == 1 else "*" for column in columns)
    return f"{merged} ({len(group)})"


def _siglip_left_out(checkpoint: Checkpoint) -> dict[str, list[str]]:
    """What the vision encoder has behind its selected layer, and the text tower."""
    tensors, sizes = checkpoint.siglip_tensors, checkpoint.siglip
    with torch.device("meta"):
        model = SiglipVisionModel(siglip_config(sizes, sizes.num_layers))
    # The wrapper around the model proper is gone in newer releases of transformers.
    model = getattr(model, "vision_model", model)
    layer, used = re.compile(r"encoder\.layers\.(\d{1,9})\."), checkpoint.num_used_siglip_layers
    keys = checkpoint.siglip_keys("")
    behind: dict[str, list[str]] = {
        "SigLIP's layers behind the selected one": [],
        "SigLIP's head": [],
    }
    for name in model.state_dict():
        found = layer.match(name)
        if found is None and name.startswith("embeddings."):
            continue
        if found is None or int(found[1]) >= used:
            part = "SigLIP's head" if found is None else "SigLIP's layers behind the selected one"
            behind[part] += [key for key in keys(name) if key in tensors]
    own_folder = tensors is not checkpoint.tensors
    text = [name for name in tensors.names() if own_folder and _TEXT_TOWER.fullmatch(name)]
    behind["SigLIP's text tower"] = text
    return behind


def _refuse_untied_head(checkpoint: Checkpoint) -> None:
    """Refuse a head beside a config that ties it to the embedding table, unless they are equal."""
    table = (checkpoint.sizes.vocab_size, checkpoint.sizes.hidden_size)
    for begin in range(0, table[0], _ROWS):
        end = min(begin + _ROWS, table[0])
        head, embedding = (
            checkpoint.rows(key, table, begin, end) for key in (HEAD_KEY, EMBEDDING_KEY)
        )
        if not torch.equal(head, embedding):
            raise InputError(
                f"expected {HEAD_KEY} to equal {EMBEDDING_KEY}, as tie_word_embeddings in"
                f" {checkpoint.folder / 'config.json'} says, found other values in"
                f" {checkpoint.tensors.file_of(HEAD_KEY)}: set tie_word_embeddings to false if"
                " the model was trained with a head of its own"
            )


def _likely_cause(checkpoint: Checkpoint, unread: list[str]) -> str:
    """What to look at first."""
    config, sam2 = checkpoint.folder / "config.json", checkpoint.folder / "sam2_config.json"
    siglip = f"num_hidden_layers in SigLIP's config of {checkpoint.siglip_tensors.folder}"
    layers: tuple[tuple[str, int, str], ...] = (
        (
            r"model\.layers\.(\d{1,9})\.",
            checkpoint.sizes.num_layers,
            f"num_hidden_layers in {config}",
        ),
        (r".*vision_model\.encoder\.layers\.(\d{1,9})\.", checkpoint.siglip.num_layers, siglip),
        (
            rf"{re.escape(SAM2_PREFIX)}image_encoder\.trunk\.blocks\.(\d{{1,9}})\.",
            sum(checkpoint.sam2.stages),
            f"stages in {sam2}",
        ),
        (
            rf"{re.escape(SAM2_PREFIX)}memory_attention\.layers\.(\d{{1,9}})\.",
            checkpoint.sam2.memory_attention_layers,
            f"memory_attention_layers in {sam2}",
        ),
    )
    if any(_SAM2_1.match(name) for name in unread):
        return "They are SAM 2.1's, where SAM 2.0 is computed: use a checkpoint with SAM 2.0"
    for pattern, expected, where in layers:
        numbers = [int(found[1]) for name in unread if (found := re.match(pattern, name))]
        if numbers and max(numbers) >= expected:
            return (
                f"The files hold {max(numbers) + 1} layers, {where} says {expected}: correct the"
                " config"
            )
    return "The package would be another model than this checkpoint: use the released format"
