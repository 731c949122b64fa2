"""A checkpoint as PyTorch modules, one for each stage."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn
from transformers import Qwen2Config, Qwen2ForCausalLM, Sam2VideoModel

from ufvideo_export.checkpoint.checkpoint import (
    ALIGNER_PREFIX,
    HEAD_KEY,
    REGION_ENCODER_PREFIX,
    SEG_PROJECTION_PREFIX,
    Checkpoint,
    Keys,
    language_model_keys,
    module_keys,
    prefixed_keys,
)
from ufvideo_export.checkpoint.config import ModelSizes
from ufvideo_export.checkpoint.sam2_names import sam2_keys
from ufvideo_export.checkpoint.tensor_account import refuse_unread_tensors
from ufvideo_export.checkpoint.tensor_files import TensorFiles
from ufvideo_export.torch_model.aligner import Aligner, RegionEncoder
from ufvideo_export.torch_model.mask_model import (
    MaskDecoder,
    MaskEncoder,
    Sam2Widths,
    build_sam2_video,
)
from ufvideo_export.torch_model.track_model import MemoryAttention, MemoryEncoder, TrackDecoder
from ufvideo_export.torch_model.vision_encoder import VisionEncoder
from ufvideo_sdk.errors import InputError


def build_vision_encoder(checkpoint: Checkpoint) -> VisionEncoder:
    """SigLIP up to the layer that the checkpoint selects, without its weights.

    Raises:
        InputError: When the layer does not exist.
    """
    return VisionEncoder(checkpoint.siglip, checkpoint.num_used_siglip_layers)


def load_vision_encoder(checkpoint: Checkpoint) -> VisionEncoder:
    """SigLIP up to the layer that the checkpoint selects."""
    encoder = build_vision_encoder(checkpoint)
    checkpoint.fill_siglip(encoder.embeddings, "embeddings")
    checkpoint.fill_siglip(encoder.encoder, "encoder")
    return encoder.eval()


def build_aligner(checkpoint: Checkpoint) -> Aligner:
    """The aligner without its weights."""
    return Aligner(
        checkpoint.siglip.hidden_size,
        checkpoint.sizes.hidden_size,
        num_blocks=(checkpoint.num_aligner_blocks("s1"), checkpoint.num_aligner_blocks("s2")),
        padding=checkpoint.sizes.aligner_padding,
    )


def load_aligner(checkpoint: Checkpoint) -> Aligner:
    """The aligner with the checkpoint's weights."""
    aligner = build_aligner(checkpoint)
    checkpoint.fill(aligner, prefixed_keys(ALIGNER_PREFIX))
    return aligner


def build_region_encoder(checkpoint: Checkpoint) -> RegionEncoder:
    """The region MLP without its weights."""
    return RegionEncoder(checkpoint.siglip.hidden_size, checkpoint.sizes.hidden_size)


def load_region_encoder(checkpoint: Checkpoint) -> RegionEncoder:
    """The region MLP with the checkpoint's weights."""
    encoder = build_region_encoder(checkpoint)
    checkpoint.fill(encoder, prefixed_keys(REGION_ENCODER_PREFIX))
    return encoder


def build_sam2(checkpoint: Checkpoint) -> Sam2VideoModel:
    """SAM 2, memory path included, without its weights.

    Raises:
        InputError: When its width is not `sam_out_dim`.
    """
    hidden_size = checkpoint.sam2_shape("no_memory_embedding")[-1]
    if hidden_size != checkpoint.sizes.sam_out_dim:
        raise InputError(
            f"expected sam_out_dim to be SAM 2's width {hidden_size}, found"
            f" {checkpoint.sizes.sam_out_dim} in {checkpoint.folder / 'config.json'}"
        )
    memories = checkpoint.sam2_shape("memory_temporal_positional_encoding")
    widths = Sam2Widths(hidden_size, memories[-1], memories[0])
    return build_sam2_video(checkpoint.sam2, widths)


def load_sam2(checkpoint: Checkpoint) -> Sam2VideoModel:
    """SAM 2 with the checkpoint's weights."""
    sam = build_sam2(checkpoint)
    checkpoint.fill(sam, sam2_keys)
    return sam


def load_mask_encoder(checkpoint: Checkpoint) -> MaskEncoder:
    """SAM 2's frame side with the checkpoint's weights."""
    return MaskEncoder(load_sam2(checkpoint)).eval()


def build_seg_projection(width: int, out_width: int) -> nn.Sequential:
    """The [SEG] projection without its weights."""
    layers = OrderedDict(
        [("0", nn.Linear(width, width)), ("1", nn.ReLU()), ("2", nn.Linear(width, out_width))]
    )
    return nn.Sequential(layers)


def load_mask_decoder(checkpoint: Checkpoint) -> MaskDecoder:
    """The [SEG] projection and SAM 2's prompt side with the checkpoint's weights."""
    sizes = checkpoint.sizes
    projection = build_seg_projection(sizes.hidden_size, sizes.sam_out_dim)
    checkpoint.fill(projection, prefixed_keys(SEG_PROJECTION_PREFIX))
    return MaskDecoder(load_sam2(checkpoint), projection).eval()


def load_memory_encoder(checkpoint: Checkpoint) -> MemoryEncoder:
    """What SAM 2 remembers a frame by, with the checkpoint's weights."""
    return MemoryEncoder(load_sam2(checkpoint)).eval()


def load_memory_attention(checkpoint: Checkpoint) -> MemoryAttention:
    """What SAM 2 recalls on a frame, with the checkpoint's weights."""
    return MemoryAttention(load_sam2(checkpoint)).eval()


def load_track_decoder(checkpoint: Checkpoint) -> TrackDecoder:
    """SAM 2's mask decoder without a prompt, with the checkpoint's weights."""
    return TrackDecoder(load_sam2(checkpoint)).eval()


def qwen2_config(sizes: ModelSizes) -> Qwen2Config:
    """The language model's configuration for transformers."""
    return Qwen2Config(
        vocab_size=sizes.vocab_size,
        hidden_size=sizes.hidden_size,
        intermediate_size=sizes.intermediate_size,
        num_hidden_layers=sizes.num_layers,
        num_attention_heads=sizes.num_attention_heads,
        num_key_value_heads=sizes.num_key_value_heads,
        head_dim=sizes.head_dim,
        max_position_embeddings=sizes.max_position_embeddings,
        rms_norm_eps=sizes.rms_norm_eps,
        rope_theta=sizes.rope_theta,
        tie_word_embeddings=sizes.tie_word_embeddings,
        attn_implementation="sdpa",
    )


def load_language_model(checkpoint: Checkpoint) -> Qwen2ForCausalLM:
    """The whole language model in memory, float32; the exporter itself streams it by layer."""
    model = Qwen2ForCausalLM(qwen2_config(checkpoint.sizes))
    with torch.no_grad():
        for name, target in model.state_dict().items():
            if name == HEAD_KEY and checkpoint.sizes.tie_word_embeddings:
                continue
            target.copy_(checkpoint.tensor(name, target.shape))
    model.tie_weights()
    return model.eval()


def check_tensors(checkpoint: Checkpoint) -> dict[str, int]:
    """Check that the checkpoint holds every tensor the stages need and no unknown one.

    Headers alone are read, but for a head beside tied embeddings.

    Returns:
        The number of values of each part. `mask_encoder` is all of SAM 2; `mask_decoder` is the
        projection in front of it, and the embedding table is the language model's.

    Raises:
        InputError: Naming the first tensor that is missing, has another shape or a quantised
            weight's dtype, or all that nobody reads; see `refuse_unread_tensors`.
    """
    sizes = checkpoint.sizes
    with torch.device("meta"):
        vision = build_vision_encoder(checkpoint)
        modules: dict[str, tuple[nn.Module, Keys]] = {
            "aligner": (build_aligner(checkpoint), prefixed_keys(ALIGNER_PREFIX)),
            "region_encoder": (
                build_region_encoder(checkpoint),
                prefixed_keys(REGION_ENCODER_PREFIX),
            ),
            "mask_decoder": (
                build_seg_projection(sizes.hidden_size, sizes.sam_out_dim),
                prefixed_keys(SEG_PROJECTION_PREFIX),
            ),
            "mask_encoder": (build_sam2(checkpoint), sam2_keys),
            "language_model": (build_language_model(sizes), language_model_keys),
        }
    counts = {"vision_encoder": 0}
    required: dict[TensorFiles, set[str]] = {}
    siglip = required.setdefault(checkpoint.siglip_tensors, set())
    for part, name in ((vision.embeddings, "embeddings"), (vision.encoder, "encoder")):
        counts["vision_encoder"] += checkpoint.require_siglip(part, name)
        siglip |= module_keys(part, checkpoint.siglip_keys(name))
    own = required.setdefault(checkpoint.tensors, set())
    for stem, (module, keys) in modules.items():
        counts[stem] = checkpoint.require(module, keys)
        own |= module_keys(module, keys)
    refuse_unread_tensors(checkpoint, required)
    return counts


def build_language_model(sizes: ModelSizes) -> nn.Module:
    """The language model with exactly the tensors a checkpoint holds: a tied head has none."""
    model = Qwen2ForCausalLM(qwen2_config(sizes))
    if sizes.tie_word_embeddings:
        model.lm_head = nn.Identity()
    return model
