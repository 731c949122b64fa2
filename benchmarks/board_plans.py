"""`python -m benchmarks.board_plans`: does the released 7B model fit a Jetson board?

The table of docs/jetson.md, planned without the weights by the code of `ufvideo info --boards`.
"""

from __future__ import annotations

from collections.abc import Iterator

from ufvideo_export.precision import INTEGER_BITS, Quantization, language_floats, recipe
from ufvideo_sdk.diagnostics.board_plan import BOARDS_GB, BoardPlan, available_bytes, board_plans
from ufvideo_sdk.diagnostics.memory_plan import FILE_BITS
from ufvideo_sdk.package.manifest import (
    FORMAT_VERSION,
    STAGE_STEMS,
    FileEntry,
    Manifest,
    ModelConfig,
    StageEntry,
    StageVerification,
    TokenConfig,
    VideoConfig,
    graph_signatures,
)

# Precision and floats between integer weights: half precision is what CUDA takes.
EXPORTS = (("fp16", "fp16"), ("int8", "fp32"), ("int8", "fp16"), ("int4", "fp32"), ("int4", "fp16"))
# Values of the released model by stage: what its checkpoint and SigLIP hold, less what no graph
# needs (SigLIP's last layer and head, SAM 2's memory).
NUM_VALUES = {
    "vision_encoder": 397_745_440,
    "aligner": 376_889_248,
    "region_encoder": 16_980_992,
    "token_embedder": 543_864_832,
    "language_model": 7_069_486_592,
    "mask_encoder": 212_728_208,
    "mask_decoder": 18_160_689,
}
_TOKENIZER_BYTES = 11 << 20
_MODEL = ModelConfig(
    name="released-7b",
    architecture="videorefer_qwen2",
    hidden_size=3584,
    num_layers=28,
    num_attention_heads=28,
    num_key_value_heads=4,
    head_dim=128,
    vocab_size=151748,
    max_position_embeddings=32768,
    vision_hidden_size=1152,
    max_region_tokens=4,
    seg_hidden_state="preceding",
)
_VIDEO = VideoConfig(
    num_frames=32,
    vision_size_px=384,
    patch_grid=27,
    aligner_padding=0,
    mask_size_px=1024,
    mask_logits_size_px=256,
)
_TOKENS = TokenConfig(
    end_ids=(151645,),
    video_placeholder_id=-201,
    image_placeholder_id=-200,
    region_id=151646,
    time_first_id=151647,
    num_time_tokens=100,
    seg_id=151747,
)
_MASK_WIDTH = 256
_NO_DIGEST = "0" * 64


def planned_manifest(precision: str, floats: str) -> Manifest:
    """What an export of the released model would write, sizes estimated.

    Args:
        precision: As `ufvideo export --precision`.
        floats: As `--floats`; without integer weights the precision itself.
    """
    quantization = Quantization(floats=floats) if precision in INTEGER_BITS else None
    chosen = recipe(precision, quantization)
    cache = "float16" if language_floats(precision, chosen.quantization) == "fp16" else "float32"
    signatures = graph_signatures(_MODEL, _VIDEO, mask_width=_MASK_WIDTH, cache_dtype=cache)
    stages = {}
    for stem in STAGE_STEMS:
        inputs, outputs = signatures[stem]
        size_bytes = int(NUM_VALUES[stem] * FILE_BITS[chosen.stages[stem]] / 8)
        stages[stem] = StageEntry(
            graph=FileEntry(f"{stem}.onnx", 1 << 20, _NO_DIGEST),
            weights=FileEntry(f"{stem}.onnx.data", size_bytes, _NO_DIGEST),
            precision=chosen.stages[stem],
            inputs=inputs,
            outputs=outputs,
        )
    return Manifest(
        format_version=FORMAT_VERSION,
        model=_MODEL,
        video=_VIDEO,
        tokens=_TOKENS,
        stages=stages,
        files=(FileEntry("tokenizer.json", _TOKENIZER_BYTES, _NO_DIGEST),),
        provenance={},
        verification=dict.fromkeys(STAGE_STEMS, StageVerification(0.0, 0.0, 0.0, 0.0)),
    )


def table() -> list[str]:
    """The table in Markdown: what a question leaves on each board, or what is missing."""
    boards = [f"{board_gb} GB ({_gib(available_bytes(board_gb))})" for board_gb in BOARDS_GB]
    lines = [
        f"| precision | runs on | weights on disk | needs | {' | '.join(boards)} |",
        "| --- " * (4 + len(BOARDS_GB)) + "|",
    ]
    return lines + [line for export in EXPORTS for line in _rows(*export)]


def _rows(precision: str, floats: str) -> Iterator[str]:
    manifest = planned_manifest(precision, floats)
    name = precision if precision == floats else f"{precision}, floats {floats}"
    on_disk = sum(
        stage.weights.size_bytes for stage in manifest.stages.values() if stage.weights is not None
    )
    by_device: dict[str, list[BoardPlan]] = {}
    for plan in board_plans(manifest):
        by_device.setdefault(plan.device, []).append(plan)
    for device, plans in by_device.items():
        told = [_told(plan) for plan in plans]
        needs = _gib(plans[0].peak_bytes)
        yield f"| {name} | {device} | {_gib(on_disk)} | {needs} | {' | '.join(told)} |"


def _told(plan: BoardPlan) -> str:
    left = plan.left_bytes
    return f"{_gib(left)} left" if left >= 0 else f"no, {_gib(-left)} missing"


def _gib(count: int) -> str:
    return f"{count / (1 << 30):.1f} GiB"


def main() -> None:
    """Print the table."""
    print("\n".join(table()))


if __name__ == "__main__":
    main()
