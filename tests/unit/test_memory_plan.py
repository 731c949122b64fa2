"""The memory plan: its parts, and that a real process keeps to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ufvideo_sdk import ConfigError, GenerationConfig
from ufvideo_sdk.diagnostics import memory_plan as memory_plan_module
from ufvideo_sdk.diagnostics.memory_plan import memory_plan
from ufvideo_sdk.package.manifest import Manifest, StageEntry, read_manifest

VALID = Path(__file__).parents[1] / "data" / "manifests" / "valid"
MIB = 1 << 20
DEVICES = memory_plan_module._DEVICES
# How far a measurement may be from the plan on a machine that does other things too.
_SPREAD = 0.25


@pytest.fixture
def manifest() -> Manifest:
    return read_manifest(VALID / "integers.json")


def large(manifest: Manifest, precision: str) -> Manifest:
    """The same with a language model of a gigabyte in a file of its own."""
    stage: StageEntry = manifest.stages["language_model"]
    weights = replace(stage.graph, path="language_model.onnx.data", size_bytes=1024 * MIB)
    cache = "float16" if precision == "fp16" else "float32"
    inputs, outputs = (
        tuple(
            replace(tensor, dtype=cache)
            if tensor.name.startswith(("past_key_values", "present"))
            else tensor
            for tensor in tensors
        )
        for tensors in (stage.inputs, stage.outputs)
    )
    changed = replace(stage, weights=weights, precision=precision, inputs=inputs, outputs=outputs)
    return replace(manifest, stages={**manifest.stages, "language_model": changed})


def test_an_answer_adds_its_positions_up_to_the_context(manifest: Manifest) -> None:
    model = manifest.model
    short, longer = (memory_plan(manifest, num_answer_tokens=count) for count in (10, 20))
    per_token = longer.kv_cache_bytes_per_1000_tokens // 1000
    assert longer.kv_cache_bytes - short.kv_cache_bytes == 10 * per_token
    assert short.num_positions == short.num_video_tokens + 64 + 10
    endless = memory_plan(manifest, num_answer_tokens=10**9)
    assert endless.num_positions == model.max_position_embeddings
    assert endless.num_answer_tokens == endless.num_positions - endless.num_video_tokens - 64
    default = memory_plan(manifest)
    assert default == memory_plan(manifest, num_answer_tokens=GenerationConfig().max_new_tokens)


def test_half_precision_is_float32_in_the_memory_of_a_cpu(manifest: Manifest) -> None:
    whole, half = (memory_plan(large(manifest, name)) for name in ("fp32", "fp16"))
    assert whole.weights_bytes == half.weights_bytes
    # Both language models take their file, half precision twice.
    assert half.loaded_bytes - whole.loaded_bytes == pytest.approx(1024 * MIB, rel=0.01)
    assert half.kv_cache_bytes * 2 == whole.kv_cache_bytes


def test_cuda_holds_weights_as_they_lie_in_the_file(manifest: Manifest) -> None:
    on_cpu, on_cuda = (
        memory_plan(large(manifest, "fp16"), device=device) for device in ("cpu", "cuda")
    )
    assert on_cpu.loaded_bytes - on_cuda.loaded_bytes == pytest.approx(1024 * MIB, rel=0.01)
    assert on_cuda.working_bytes < on_cpu.working_bytes
    assert on_cuda.kv_cache_bytes == on_cpu.kv_cache_bytes
    # In float32 nothing is held otherwise, but for what is packed while it loads.
    whole = memory_plan(manifest, device="cuda")
    assert whole.loaded_bytes == memory_plan(manifest).loaded_bytes
    with pytest.raises(ConfigError, match="expected one of cpu, cuda, got 'npu'"):
        memory_plan(manifest, device="npu")


def test_a_cpu_runs_one_frame_or_pair_at_a_time_and_a_device_several(manifest: Manifest) -> None:
    assert manifest.video.num_frames == 8
    for stem, run_bytes, runs in (
        ("vision_encoder", memory_plan_module._vision_bytes, 8),
        ("aligner", memory_plan_module._aligner_bytes, 4),
    ):
        floats, integers = (
            replace(manifest, stages={**manifest.stages, stem: replace(stage, precision=precision)})
            for stage in [manifest.stages[stem]]
            for precision in ("fp32", "int8")
        )
        on_cpu, on_cuda = (run_bytes(floats, device) for device in DEVICES.values())
        assert on_cuda == pytest.approx(runs * on_cpu, rel=1e-6), stem
        assert run_bytes(integers, DEVICES["cuda"]) == on_cpu, "one scale for all frames of a run"


def test_how_many_frames_go_in_a_run_is_what_the_runtime_says(
    manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    vision, aligner = (
        replace(manifest.stages[stem], precision="fp32") for stem in ("vision_encoder", "aligner")
    )
    stages = {**manifest.stages, "vision_encoder": vision, "aligner": aligner}
    manifest = replace(manifest, stages=stages)
    vision_bytes, aligner_bytes = (
        memory_plan_module._vision_bytes,
        memory_plan_module._aligner_bytes,
    )
    before = [needs(manifest, DEVICES["cuda"]) for needs in (vision_bytes, aligner_bytes)]
    native = memory_plan_module._native
    monkeypatch.setattr(native, "frames_per_batch", lambda size_px: 1 + (size_px < 0))
    monkeypatch.setattr(native, "FRAMES_PER_ALIGNMENT", 2)
    after = [needs(manifest, DEVICES["cuda"]) for needs in (vision_bytes, aligner_bytes)]
    assert manifest.video.num_frames == 8
    assert before == [8 * after[0], 4 * after[1]]
    assert memory_plan_module.video_tokens(manifest) == 4 * 2 * 2
    padded = replace(manifest.video, aligner_padding=1)
    assert memory_plan_module.video_tokens(replace(manifest, video=padded)) == 5 * 3 * 3


def test_an_aligner_with_padding_sees_the_whole_clip(manifest: Manifest) -> None:
    padded = replace(manifest, video=replace(manifest.video, aligner_padding=1))
    on_cpu, on_cuda = (
        memory_plan_module._aligner_bytes(padded, device) for device in DEVICES.values()
    )
    assert on_cpu == on_cuda == 4 * memory_plan_module._aligner_bytes(manifest, DEVICES["cpu"])


def test_tracking_keeps_memories_and_works_on_scores(manifest: Manifest) -> None:
    plain = memory_plan(manifest)
    assert plain.track_bytes_per_object == plain.track_working_bytes == 0
    tracks = read_manifest(VALID / "2_track.json")
    tracking, video = tracks.tracking, tracks.video
    assert tracking is not None
    cells = (video.mask_logits_size_px // 4) ** 2
    width = int(tracks.stages["mask_encoder"].outputs[0].shape[1])
    held = tracking.num_memories * tracking.memory_width * cells
    held += tracking.max_object_pointers * width
    plan = memory_plan(tracks)
    assert plan.track_bytes_per_object == 4 * held
    # Scores of every place with every memory token, before and after the softmax.
    tokens = tracking.num_memories * cells
    assert plan.track_working_bytes > 2 * 4 * cells * tokens
    stages = {
        stem: replace(stage, precision="fp16") if stem == "memory_attention" else stage
        for stem, stage in tracks.stages.items()
    }
    half = replace(tracks, stages=stages)
    on_cpu, on_cuda = (memory_plan(half, device=device) for device in ("cpu", "cuda"))
    assert on_cpu.track_working_bytes > plan.track_working_bytes > on_cuda.track_working_bytes


def test_the_peak_is_no_less_than_its_parts(manifest: Manifest) -> None:
    for precision in ("fp32", "fp16", "int8", "int4"):
        plan = memory_plan(large(manifest, precision))
        assert plan.peak_bytes >= plan.loading_bytes >= plan.loaded_bytes >= 1024 * MIB
        assert plan.peak_bytes >= plan.loaded_bytes + plan.kv_cache_bytes + plan.working_bytes


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One whose language model is most of it."""
    pytest.importorskip("torch", reason="needs the export extra")
    pytest.importorskip("onnx", reason="needs the export extra")
    from testing.ufvideo_testing.random_checkpoint import RandomSizes, make_random_checkpoint

    sizes = RandomSizes(
        hidden_size=512,
        intermediate_size=2048,
        num_layers=8,
        num_attention_heads=8,
        vocab_size=16384,
        max_position_embeddings=1024,
    )
    return make_random_checkpoint(tmp_path_factory.mktemp("plan") / "checkpoint", sizes, seed=0)


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8", "int4"])
def test_a_process_keeps_to_the_plan(checkpoint: Path, tmp_path: Path, precision: str) -> None:
    """A question about a clip, measured from loading on, near what was planned.

    `python -m benchmarks.memory_plan` prints how far off the plan is, and holds it to 10 %. What
    a loaded machine's allocator keeps differs from run to run, most in fp16 (273 to 334 MiB).
    """
    from benchmarks.question_memory import peak_of
    from ufvideo_export import export_package

    package = tmp_path / precision
    siglip = checkpoint / "siglip"
    export_package(checkpoint, package, vision_tower=siglip, precision=precision, track=False)
    measured = peak_of(package, num_threads=1, num_answer_tokens=32)
    manifest = read_manifest(package / "manifest.json")
    plan = memory_plan(manifest, num_answer_tokens=measured["num_answer_tokens"])
    assert plan.peak_bytes == pytest.approx(measured["peak_bytes"], rel=_SPREAD)
    assert plan.loading_bytes == pytest.approx(measured["load_bytes"], rel=_SPREAD)
