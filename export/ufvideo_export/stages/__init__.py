"""One class for each graph of the package, by stem, in pipeline order."""

from __future__ import annotations

from ufvideo_export.stages.aligner import AlignerStage
from ufvideo_export.stages.language_model import LanguageModelStage
from ufvideo_export.stages.mask_decoder import MaskDecoderStage
from ufvideo_export.stages.mask_encoder import MaskEncoderStage
from ufvideo_export.stages.memory_attention import MemoryAttentionStage
from ufvideo_export.stages.memory_encoder import MemoryEncoderStage
from ufvideo_export.stages.region_encoder import RegionEncoderStage
from ufvideo_export.stages.stage import Stage
from ufvideo_export.stages.token_embedder import TokenEmbedderStage
from ufvideo_export.stages.track_decoder import TrackDecoderStage
from ufvideo_export.stages.vision_encoder import VisionEncoderStage

STAGES: dict[str, type[Stage]] = {
    "vision_encoder": VisionEncoderStage,
    "aligner": AlignerStage,
    "region_encoder": RegionEncoderStage,
    "token_embedder": TokenEmbedderStage,
    "language_model": LanguageModelStage,
    "mask_encoder": MaskEncoderStage,
    "mask_decoder": MaskDecoderStage,
    "memory_encoder": MemoryEncoderStage,
    "memory_attention": MemoryAttentionStage,
    "track_decoder": TrackDecoderStage,
}
