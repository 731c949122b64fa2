"""SAM 2's memory path as three modules that become graphs (docs/package_format.md, Tracking).

They compute what `propagate` computes with transformers' modules, and take `image_features` as
`mask_encoder` returns them, with `no_mem_embed` added: the two that need the map without subtract
it.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import embedding, interpolate
from transformers import Sam2VideoModel

from ufvideo_export.torch_model.mask_model import decode_candidates


class MemoryEncoder(nn.Module):
    """What later frames remember of O objects on one frame."""

    no_memory: torch.Tensor

    def __init__(self, sam: Sam2VideoModel) -> None:
        super().__init__()
        self.sam = sam
        self.register_buffer("no_memory", _no_memory(sam), persistent=False)

    def forward(self, image_features: torch.Tensor, mask_logits: torch.Tensor) -> torch.Tensor:
        """Remember masks.

        Args:
            image_features: Coarsest map, float32 [1, C, h, w].
            mask_logits: Masks, float32 [O, 4h, 4w].

        Returns:
            Memory features, float32 [O, M, h, w].
        """
        config, encoder = self.sam.config, self.sam.memory_encoder
        # By a factor: a size would hold the number of objects, which a graph computes as it runs.
        factor = config.image_size / mask_logits.shape[1]
        masks = mask_logits.unsqueeze(1)
        full = interpolate(masks, scale_factor=factor, mode="bilinear", align_corners=False)
        soft = torch.sigmoid(full) * config.sigmoid_scale_for_mem_enc
        masks = encoder.mask_downsampler(soft + config.sigmoid_bias_for_mem_enc)
        # The frame is the same for all objects.
        frame = encoder.feature_projection(image_features - self.no_memory)
        features: torch.Tensor = encoder.projection(encoder.memory_fuser(frame + masks))
        return features


class MemoryAttention(nn.Module):
    """One frame's coarsest map, conditioned on what is remembered of O objects."""

    no_memory: torch.Tensor
    frame_places: torch.Tensor
    memory_places: torch.Tensor
    times: torch.Tensor

    def __init__(self, sam: Sam2VideoModel) -> None:
        super().__init__()
        self.sam = sam
        attention, grid = sam.memory_attention, sam.config.memory_attention_rope_feat_sizes
        times = sam.memory_temporal_positional_encoding.detach().flatten(1)
        float32 = {"device": times.device, "dtype": times.dtype}
        width = sam.config.memory_attention_hidden_size
        frame = sam.vision_encoder.neck.position_encoding(torch.Size((1, width, *grid)), **float32)
        memory = sam.memory_encoder.position_encoding(
            torch.Size((1, times.shape[1], *grid)), **float32
        )
        constants = {
            "no_memory": _no_memory(sam),
            "frame_places": 0.1 * _tokens(frame),
            "memory_places": _tokens(memory),
            "times": times,
        }
        for name, value in constants.items():
            self.register_buffer(name, value.clone(), persistent=False)
        rotation = Rotation(*attention.rotary_emb())
        self.layers = nn.ModuleList(_Layer(layer, rotation) for layer in attention.layers)
        self.norm = attention.layer_norm

    def forward(
        self,
        image_features: torch.Tensor,
        memory_features: torch.Tensor,
        memory_ages: torch.Tensor,
        object_pointers: torch.Tensor,
    ) -> torch.Tensor:
        """Recall.

        Args:
            image_features: Coarsest map, float32 [1, C, h, w].
            memory_features: Of K frames, float32 [O, K, M, h, w].
            memory_ages: Rows of the temporal encoding, int64 [O, K].
            object_pointers: Of Q frames, float32 [O, Q, C].

        Returns:
            The map for each object, float32 [O, C, h, w].
        """
        memories = memory_features.flatten(3).transpose(2, 3)
        places = self.memory_places + embedding(memory_ages, self.times).unsqueeze(2)
        # A pointer is C wide and a memory token M: it is cut into C / M tokens.
        pointers = object_pointers.unflatten(2, (-1, memories.shape[3])).flatten(1, 2)
        values = torch.cat([memories.flatten(1, 2), pointers], dim=1)
        frame = _tokens(image_features - self.no_memory) + self.frame_places
        for layer in self.layers:
            frame = layer(frame, memories + places, pointers, values)
        found = self.norm(frame)
        return found.transpose(1, 2).unflatten(2, image_features.shape[2:])


class Rotation(nn.Module):
    """Rotary position encoding in real form: pairs of channels turn by their place's angles.

    The channels come ordered as `halves` orders them, the first of every pair in the first half, so
    that a rotation is two products and a sum of halves.
    """

    cos: torch.Tensor
    sin: torch.Tensor

    def __init__(self, cos: torch.Tensor, sin: torch.Tensor) -> None:
        """Take transformers' tables, float32 [h w, D], in which a pair has its angle twice."""
        super().__init__()
        self.register_buffer("cos", cos[:, ::2].clone(), persistent=False)
        self.register_buffer("sin", sin[:, ::2].clone(), persistent=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Float32 [..., h w, D] -> the same, rotated."""
        half = self.cos.shape[1]
        first, second = tokens[..., :half], tokens[..., half:]
        return torch.cat(
            [
                first * self.cos - second * self.sin,
                second * self.cos + first * self.sin,
            ],
            dim=-1,
        )


def halves(projection: nn.Linear) -> nn.Linear:
    """A projection whose outputs are ordered as 0, 2, 4 ... 1, 3, 5 ...

    Queries and keys are only ever multiplied with each other, so that any order of their channels
    gives the same scores.
    """
    width = projection.out_features
    order = torch.cat([torch.arange(0, width, 2), torch.arange(1, width, 2)])
    ordered = nn.Linear(projection.in_features, width)
    ordered.load_state_dict(
        {"weight": projection.weight[order].detach(), "bias": projection.bias[order].detach()}
    )
    return ordered


class _Layer(nn.Module):
    """A layer of transformers' memory attention: to the frame itself, to the memories, an MLP."""

    def __init__(self, layer: nn.Module, rotation: Rotation) -> None:
        super().__init__()
        self.layer, self.rotation = layer, rotation
        own, cross = layer.self_attn, layer.cross_attn_image
        assert own.num_attention_heads == cross.num_attention_heads == 1, "SAM 2 has one head here"
        self.scaling = own.scaling
        self.own_query, self.own_key = halves(own.q_proj), halves(own.k_proj)
        self.cross_query, self.cross_key = halves(cross.q_proj), halves(cross.k_proj)

    def forward(
        self,
        frame: torch.Tensor,
        placed_memories: torch.Tensor,
        pointers: torch.Tensor,
        values: torch.Tensor,
    ) -> torch.Tensor:
        """One layer.

        Args:
            frame: Tokens of the frame, float32 [1 or O, h w, C].
            placed_memories: Memory tokens with their places, float32 [O, K, h w, M].
            pointers: Pointer tokens, float32 [O, P, M].
            values: Both without places, float32 [O, K h w + P, M].

        Returns:
            Float32 [O, h w, C].
        """
        layer, own, cross = self.layer, self.layer.self_attn, self.layer.cross_attn_image
        normed = layer.layer_norm1(frame)
        query, key = self.rotation(self.own_query(normed)), self.rotation(self.own_key(normed))
        frame = frame + own.o_proj(self._attend(query, key, own.v_proj(normed)))
        query = self.rotation(self.cross_query(layer.layer_norm2(frame)))
        # Pointers have no place that a rotation could tell.
        key = self.rotation(self.cross_key(placed_memories)).flatten(1, 2)
        keys = torch.cat([key, self.cross_key(pointers)], dim=1)
        frame = frame + cross.o_proj(self._attend(query, keys, cross.v_proj(values)))
        normed = layer.layer_norm3(frame)
        return frame + layer.linear2(layer.activation(layer.linear1(normed)))

    def _attend(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        scores = (query * self.scaling) @ key.transpose(1, 2)
        return torch.softmax(scores, dim=-1) @ value


class TrackDecoder(nn.Module):
    """Masks of O objects on one frame, which the conditioned map alone speaks of."""

    def __init__(self, sam: Sam2VideoModel) -> None:
        super().__init__()
        self.sam = sam

    def forward(
        self,
        conditioned_features: torch.Tensor,
        high_res_features_0: torch.Tensor,
        high_res_features_1: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        """Decode all three candidates.

        Args:
            conditioned_features: Coarsest map for each object, float32 [O, C, h, w].
            high_res_features_0: Finest map, float32 [1, C/8, 4h, 4w].
            high_res_features_1: Middle map, float32 [1, C/4, 2h, 2w].

        Returns:
            Mask logits [O, 3, 4h, 4w], their predicted IoU [O, 3], object scores [O, 1] and object
            pointers [O, 3, C], those of an absent object replaced; float32.
        """
        maps = (conditioned_features, high_res_features_0, high_res_features_1)
        masks, iou, tokens, scores = (
            each.squeeze(1) for each in decode_candidates(self.sam, None, maps)
        )
        present = (scores > 0).to(tokens.dtype).unsqueeze(2)
        absent = (1 - present) * self.sam.no_object_pointer
        return masks, iou, scores, present * self.sam.object_pointer_proj(tokens) + absent


def _no_memory(sam: Sam2VideoModel) -> torch.Tensor:
    """`no_mem_embed`, float32 [1, C, 1, 1]."""
    return sam.no_memory_embedding.detach().reshape(1, -1, 1, 1).clone()


def _tokens(maps: torch.Tensor) -> torch.Tensor:
    """[B, C, h, w] -> [B, h w, C]."""
    return maps.flatten(2).transpose(1, 2)
