"""Writes the JSON files of a checkpoint in the released format (docs/model.md, part 2)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ufvideo_export.checkpoint.config import ARCHITECTURE, ModelSizes, Sam2Sizes, SiglipSizes

SIGLIP_FOLDER = "siglip"


@dataclass(frozen=True)
class ConfigFiles:
    """What they say.

    Attributes:
        model: Sizes of the language model, the aligner and the frames.
        siglip: Sizes of the vision encoder.
        sam2: Sizes of the mask model.
        projector_type: `mm_projector_type`.
        dtype: Of the weights, such as "float16".
    """

    model: ModelSizes
    siglip: SiglipSizes
    sam2: Sam2Sizes
    projector_type: str
    dtype: str

    def write(self, folder: Path) -> None:
        """Write `config.json` and its neighbours, SigLIP's in a new folder `siglip`."""
        write_json(folder / "config.json", self._config())
        write_json(folder / "generation_config.json", {"transformers_version": "4.46.3"})
        sam2 = {key.removesuffix("_px"): value for key, value in asdict(self.sam2).items()}
        write_json(folder / "sam2_config.json", sam2)
        (folder / SIGLIP_FOLDER).mkdir()
        write_json(folder / SIGLIP_FOLDER / "config.json", self._siglip())

    def _config(self) -> dict[str, Any]:
        model = self.model
        return {
            "architectures": ["VideoReferQwen2ForCausalLM"],
            "model_type": ARCHITECTURE,
            "hidden_act": "silu",
            "hidden_size": model.hidden_size,
            "intermediate_size": model.intermediate_size,
            "num_hidden_layers": model.num_layers,
            "num_attention_heads": model.num_attention_heads,
            "num_key_value_heads": model.num_key_value_heads,
            "vocab_size": model.vocab_size,
            "max_position_embeddings": model.max_position_embeddings,
            "rms_norm_eps": model.rms_norm_eps,
            "rope_theta": model.rope_theta,
            "rope_scaling": None,
            "tie_word_embeddings": model.tie_word_embeddings,
            "use_sliding_window": False,
            "mm_hidden_size": self.siglip.hidden_size,
            "mm_projector_type": self.projector_type,
            "mm_region_encoder_type": "pooling",
            "mm_vision_select_feature": "patch",
            "mm_vision_select_layer": model.vision_select_layer,
            "mm_vision_tower": model.vision_tower,
            "num_frames": model.num_frames,
            "sam_out_dim": model.sam_out_dim,
            "seg_token_id": model.seg_token_id,
            "torch_dtype": self.dtype,
        }

    def _siglip(self) -> dict[str, Any]:
        siglip = self.siglip
        return {
            "architectures": ["SiglipVisionModel"],
            "model_type": "siglip_vision_model",
            "hidden_act": siglip.hidden_act,
            "hidden_size": siglip.hidden_size,
            "image_size": siglip.image_size_px,
            "intermediate_size": siglip.intermediate_size,
            "layer_norm_eps": siglip.layer_norm_eps,
            "num_attention_heads": siglip.num_attention_heads,
            "num_channels": 3,
            "num_hidden_layers": siglip.num_layers,
            "patch_size": siglip.patch_size_px,
        }


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write an object as a released checkpoint's files are written."""
    text = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")
