"""The same checkpoint in PyTorch: whether it answers the same, and what it tracks.

Only what the runtime does not do yet, or what the runtime is compared with, is computed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from training.train.pixels import resized
from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.torch_model.mask_model import MaskEncoder
from ufvideo_export.torch_model.model import (
    load_aligner,
    load_language_model,
    load_mask_decoder,
    load_region_encoder,
    load_vision_encoder,
)
from ufvideo_export.torch_model.propagate import propagate
from ufvideo_export.torch_model.region_pooling import covered_patches, merge_tokens, pool_features
from ufvideo_sdk import Region, UFVideo
from ufvideo_sdk.text.prompt import Question
from ufvideo_sdk.video.clip import Clip


def use_one_thread() -> None:
    """Let PyTorch use one core: for sizes like nano's a second one costs more than it brings."""
    torch.set_num_threads(1)


class TorchModel:
    """A checkpoint's stages.

    Args:
        folder: The checkpoint.
        package: The package made of it: prompts and tokens are the package's.
        vision_tower: SigLIP's folder, where it is neither inside the checkpoint nor beside it.
    """

    def __init__(self, folder: Path, package: UFVideo, vision_tower: Path | None = None) -> None:
        checkpoint = Checkpoint(folder, vision_tower)
        self._package = package
        self._manifest = package.manifest
        self._vision_encoder = load_vision_encoder(checkpoint)
        self._aligner = load_aligner(checkpoint).eval()
        self._region_encoder = load_region_encoder(checkpoint).eval()
        self._language_model = load_language_model(checkpoint)
        self._mask_decoder = load_mask_decoder(checkpoint)

    @torch.inference_mode()
    def video_tokens(self, clip: Clip) -> torch.Tensor:
        """Video tokens of a clip or an image, float32 [N, D]."""
        num_frames = self._manifest.video.num_frames
        idxs = clip.sampled_idxs(1 if clip.is_image else num_frames)
        features = self._features(clip.read(idxs)).expand(num_frames, -1, -1)
        return self._aligner(features)

    @torch.inference_mode()
    def is_greedy(
        self, clip: Clip, video: torch.Tensor, asked: Question, regions: Sequence[Region],
        answer_ids: Sequence[int],
    ) -> bool:  # fmt: skip
        """Whether greedy decoding gives exactly this answer: each token is the likeliest one.

        Args:
            clip: What was asked about.
            video: Its tokens, of `video_tokens`.
            asked: The question.
            regions: What its `<region>` marks point at.
            answer_ids: The answer, end token included.
        """
        prompt = self._package.prompts.build(asked, clip)
        objects = [self._region_tokens(clip, region) for region in regions]
        states = self._states([*prompt, *answer_ids[:-1]], video, objects)
        said = self._language_model.lm_head(states[-len(answer_ids) :]).argmax(-1)
        return bool((said == torch.tensor(answer_ids)).all())

    @torch.inference_mode()
    def track(
        self, clip: Clip, video: torch.Tensor, expressions: Sequence[str], idxs: Sequence[int]
    ) -> NDArray[np.bool_]:
        """Segment what is named on the first of some frames, and carry it through the others.

        Args:
            clip: The clip.
            video: Its tokens, of `video_tokens`.
            expressions: A name for each object.
            idxs: Frames, the prompted one first.

        Returns:
            bool [O, F, H, W].
        """
        states = torch.stack([self._seg_state(clip, video, text) for text in expressions])
        prompts = self._mask_decoder.seg_projection(states)
        side = self._manifest.video.mask_size_px
        sam = self._mask_decoder.sam
        pixels = MaskEncoder(sam).normalise(torch.from_numpy(resized(clip.read(idxs), side)))
        logits = propagate(sam, pixels, prompts)
        # First to the model's own square, then to the clip's size, as the runtime does.
        for size in ((side, side), (clip.height, clip.width)):
            logits = interpolate(logits, size, mode="bilinear", align_corners=False)
        return (logits > 0).numpy()

    def _seg_state(self, clip: Clip, video: torch.Tensor, expression: str) -> torch.Tensor:
        """The state that predicts [SEG] in the answer the model was trained on, float32 [D]."""
        token_ids, _ = self._package.prompts.build_segmentation(expression, clip)
        behind = len(token_ids) - token_ids.index(self._manifest.tokens.seg_id)
        return self._states(token_ids, video, [])[-behind - 1]

    def _states(
        self, token_ids: Sequence[int], video: torch.Tensor, objects: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """States of all positions, float32 [S, D]; video and objects stand in their places."""
        tokens = self._manifest.tokens
        embed = self._language_model.get_input_embeddings()
        following = iter(objects)
        parts: list[torch.Tensor] = []
        for token_id in token_ids:
            if token_id in (tokens.video_placeholder_id, tokens.image_placeholder_id):
                parts.append(video)
            else:
                # A generated <region> points at nothing: it is a word like others.
                marked = next(following, None) if token_id == tokens.region_id else None
                parts.append(embed(torch.tensor([token_id])) if marked is None else marked)
        spliced = torch.cat(parts)[None]
        output = self._language_model.model(inputs_embeds=spliced, use_cache=False)
        return output.last_hidden_state[0]

    def _region_tokens(self, clip: Clip, region: Region) -> torch.Tensor:
        """Tokens of one object, float32 [R, D]."""
        features = self._features(clip.read(region.frame_idxs))
        grid = self._manifest.video.patch_grid
        pooled = pool_features(
            features, covered_patches(torch.from_numpy(np.array(region.masks)), grid)
        )
        return self._region_encoder(merge_tokens(pooled, self._manifest.model.max_region_tokens))

    def _features(self, frames: NDArray[np.uint8]) -> torch.Tensor:
        """SigLIP features of frames of any size, uint8 [F, H, W, 3] -> float32 [F, P, Dv]."""
        return self._vision_encoder(
            torch.from_numpy(resized(frames, self._manifest.video.vision_size_px))
        )
