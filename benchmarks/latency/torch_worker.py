"""The workload in PyTorch, the way the released code does it.

Every question encodes the video again, every object encodes its frames again, be it marked in a
question or masked. (The released code
encodes each of those frames twice and runs SAM 2's memory encoder besides; that is left out here.)
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional as F
from transformers import DynamicCache

from benchmarks.latency.worker import serve
from benchmarks.latency.workload import EXPRESSIONS, QUESTIONS, REGION_QUESTION, Workload
from ufvideo_export.checkpoint.checkpoint import Checkpoint
from ufvideo_export.torch_model.model import (
    load_aligner,
    load_language_model,
    load_mask_decoder,
    load_mask_encoder,
    load_region_encoder,
    load_vision_encoder,
)
from ufvideo_export.torch_model.region_pooling import covered_patches, merge_tokens, pool_features
from ufvideo_sdk import Region
from ufvideo_sdk.bench.child_process import Round
from ufvideo_sdk.package.manifest import read_manifest
from ufvideo_sdk.text.chat_template import read_chat_template
from ufvideo_sdk.text.prompt import PromptBuilder, Question
from ufvideo_sdk.text.tokenizer import TextTokenizer
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.video_file import open_source

T = TypeVar("T")


class TorchPipeline:
    """All stages as PyTorch modules on one device, and the time each one took."""

    def __init__(self, workload: Workload) -> None:
        torch.set_num_threads(workload.num_threads)
        checkpoint = Checkpoint(workload.checkpoint, workload.vision_tower)
        package = workload.package
        self.manifest = read_manifest(package)
        tokens = self.manifest.tokens
        self.prompts = PromptBuilder(
            TextTokenizer(package / "tokenizer.json", tokens),
            read_chat_template(package / "chat_template.json"),
            tokens,
        )
        self.device = torch.device(workload.torch_device)
        self.dtype: torch.dtype = getattr(torch, workload.torch_dtype)

        def placed(module: torch.nn.Module) -> Any:
            return module.eval().to(self.device, self.dtype)

        # One after the other: the largest is in memory twice for a moment, not all of them.
        self.vision_encoder = placed(load_vision_encoder(checkpoint))
        self.aligner = placed(load_aligner(checkpoint))
        self.region_encoder = placed(load_region_encoder(checkpoint))
        self.language_model = placed(load_language_model(checkpoint))
        self.mask_encoder = placed(load_mask_encoder(checkpoint))
        self.mask_decoder = placed(load_mask_decoder(checkpoint))
        self.total_ms: dict[str, float] = {}
        self.num_items: dict[str, int] = {}

    def timed(self, stem: str, num_items: int, work: Callable[[], T]) -> T:
        """Run and add the time to the stage's."""
        begin = time.perf_counter()
        result = work()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        self.total_ms[stem] = self.total_ms.get(stem, 0) + 1e3 * (time.perf_counter() - begin)
        self.num_items[stem] = self.num_items.get(stem, 0) + num_items
        return result

    def resized(self, frames: NDArray[np.uint8], size_px: int) -> torch.Tensor:
        """Pillow's bicubic, uint8 [F, size_px, size_px, 3]."""

        def resize() -> torch.Tensor:
            images = [Image.fromarray(frame) for frame in frames]
            square = (size_px, size_px)
            resized = np.stack([np.asarray(image.resize(square, 3)) for image in images])
            return torch.from_numpy(resized).to(self.device)

        return self.timed("resize", len(frames), resize)

    def video_tokens(self, frames: NDArray[np.uint8]) -> torch.Tensor:
        """Video tokens, float32 [N, D]."""
        small = self.resized(frames, self.manifest.video.vision_size_px)
        features = self.timed("vision_encoder", len(frames), lambda: self.vision_encoder(small))
        return self.timed("aligner", 1, lambda: self.aligner(features))

    def region_tokens(self, frames: NDArray[np.uint8], region: Region) -> torch.Tensor:
        """Tokens of one object, float32 [R, D] (docs/model.md, part 5)."""
        marked = frames[region.frame_idxs]
        small = self.resized(marked, self.manifest.video.vision_size_px)
        features = self.timed("vision_encoder", len(small), lambda: self.vision_encoder(small))
        masks = torch.from_numpy(np.array(region.masks)).to(self.device)

        def encode() -> torch.Tensor:
            covered = covered_patches(masks, self.manifest.video.patch_grid)
            pooled = pool_features(features, covered)
            return self.region_encoder(merge_tokens(pooled, self.manifest.model.max_region_tokens))

        return self.timed("region_encoder", 1, encode)

    def embed(self, token_ids: list[int]) -> torch.Tensor:
        """Embeddings of words, float32 [S, D]."""
        return self.language_model.model.embed_tokens(
            torch.tensor(token_ids, dtype=torch.int64, device=self.device)
        )

    def spliced(
        self, token_ids: list[int], video_tokens: torch.Tensor, regions: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """The prompt's embeddings with video and regions in their places, float32 [S, D]."""
        following = iter(regions)
        words: list[int] = []
        parts: list[torch.Tensor] = []
        for token_id in token_ids:
            is_region = token_id == self.manifest.tokens.region_id
            if token_id >= 0 and not is_region:
                words.append(token_id)
                continue
            parts += [self.embed(words), next(following) if is_region else video_tokens]
            words = []
        return torch.cat([*parts, self.embed(words)])

    def prefill(
        self,
        token_ids: list[int],
        video_tokens: torch.Tensor,
        regions: Sequence[torch.Tensor] = (),
    ) -> tuple[Any, Any]:
        """States and cache after the prompt; logits of its last position only."""
        embeddings = self.timed(
            "token_embedder", 1, lambda: self.spliced(token_ids, video_tokens, regions)
        )
        cache = DynamicCache()
        output = self.language_model.model(
            inputs_embeds=embeddings[None], past_key_values=cache, use_cache=True
        )
        return output.last_hidden_state, cache

    def answer(
        self,
        frames: NDArray[np.uint8],
        question: str,
        num_new_tokens: int,
        regions: Sequence[Region] = (),
    ) -> tuple[list[int], float]:
        """Greedy token ids, and the milliseconds until the first one."""
        begin = time.perf_counter()
        asked = Question(question, num_regions=len(regions))
        token_ids = self.prompts.build(asked, Clip(open_source(frames, fps=4.0)))
        video_tokens = self.video_tokens(frames)
        objects = [self.region_tokens(frames, region) for region in regions]
        states, cache = self.timed(
            "prefill", 1, lambda: self.prefill(token_ids, video_tokens, objects)
        )
        head = self.language_model.lm_head
        answer = [int(head(states[:, -1]).argmax())]
        first_ms = 1e3 * (time.perf_counter() - begin)
        while len(answer) < num_new_tokens and answer[-1] not in self.manifest.tokens.end_ids:
            answer.append(self.timed("decode", 1, lambda: self.step(answer[-1], cache)))
        return answer, first_ms

    def step(self, token_id: int, cache: DynamicCache) -> int:
        """One token after the cache."""
        embedding = self.timed("token_embedder", 1, lambda: self.embed([token_id]))
        output = self.language_model(
            inputs_embeds=embedding[None], past_key_values=cache, use_cache=True
        )
        return int(output.logits[0, -1].argmax())

    def segment(
        self, frames: NDArray[np.uint8], mask_idxs: list[int], expression: str
    ) -> NDArray[np.bool_]:
        """Masks of one object, bool [F, H, W]."""
        clip = Clip(open_source(frames, fps=4.0))
        token_ids, _ = self.prompts.build_segmentation(expression, clip)
        states, _ = self.prefill(token_ids, self.video_tokens(frames))
        behind = len(token_ids) - token_ids.index(self.manifest.tokens.seg_id)
        state = states[0, -behind - 1][None]
        small = self.resized(frames[mask_idxs], self.manifest.video.mask_size_px)
        return np.stack([self.mask(small[i : i + 1], state, frames) for i in range(len(small))])

    def mask(
        self, small: torch.Tensor, state: torch.Tensor, frames: NDArray[np.uint8]
    ) -> NDArray[np.bool_]:
        """The mask on one frame, bool [H, W]."""
        features = self.timed("mask_encoder", 1, lambda: self.mask_encoder(small))

        def decode() -> NDArray[np.bool_]:
            logits = self.mask_decoder(state, *features)[0][None]
            side = self.manifest.video.mask_size_px
            square = F.interpolate(logits, (side, side), mode="bilinear")
            whole = F.interpolate(square, frames.shape[1:3], mode="bilinear")
            return (whole[0, 0] > 0).cpu().numpy()

        return self.timed("mask_decoder", 1, decode)


def prepare(workload: Workload) -> Round:
    """Load the checkpoint; a round asks everything, each question from the start."""
    pipeline = TorchPipeline(workload)
    num_frames = pipeline.manifest.video.num_frames
    frames = workload.frames(num_frames)
    regions = workload.regions(frames)
    mask_idxs = workload.mask_idxs(num_frames)

    def run_round() -> dict[str, Any]:
        pipeline.total_ms.clear()
        pipeline.num_items.clear()
        # Half precision where it is safe, as the released code runs; nothing for float32.
        half = torch.autocast(
            pipeline.device.type, pipeline.dtype, enabled=pipeline.dtype is not torch.float32
        )
        with torch.inference_mode(), half:
            begin = time.perf_counter()
            asked = [(question, ()) for question in QUESTIONS] + [(REGION_QUESTION, regions)]
            answers = [pipeline.answer(frames, q, workload.num_new_tokens, r) for q, r in asked]
            segmenting = time.perf_counter()
            for expression in EXPRESSIONS:
                pipeline.segment(frames, mask_idxs, expression)
            end = time.perf_counter()

        def per_item(stem: str) -> float:
            return pipeline.total_ms[stem] / pipeline.num_items[stem]

        num_masked = len(mask_idxs) * len(EXPRESSIONS)
        return {
            "resize, ms a frame": per_item("resize"),
            "vision_encoder, ms a frame": per_item("vision_encoder"),
            "aligner, ms a clip": per_item("aligner"),
            "region_encoder, ms an object": per_item("region_encoder"),
            "token_embedder, ms a round": pipeline.total_ms["token_embedder"],
            "language_model prefill, ms": per_item("prefill"),
            "language_model decode, ms a token": per_item("decode"),
            "mask_encoder, ms a frame": per_item("mask_encoder"),
            "mask_decoder, ms an object and frame": per_item("mask_decoder"),
            "first token of the first question, ms": answers[0][1],
            "first token of the second question, ms": answers[1][1],
            "masked frame, ms": 1e3 * (end - segmenting) / num_masked,
            "end to end, ms": 1e3 * (end - begin),
            "token ids": [ids for ids, _ in answers],
        }

    return run_round


if __name__ == "__main__":
    sys.exit(serve(prepare))
