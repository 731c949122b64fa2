"""Templates of packages: the graphs of an export, filled with weights that a model can run on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the export extra")
torch = pytest.importorskip("torch", reason="needs the export extra")

from benchmarks.gpu_kit.fill import fill  # noqa: E402
from benchmarks.gpu_kit.models import MODELS  # noqa: E402
from benchmarks.gpu_kit.template import write_template  # noqa: E402
from benchmarks.gpu_kit.torch_language_model import load_language_model  # noqa: E402
from benchmarks.gpu_kit.unwritten_checkpoint import UnwrittenCheckpoint  # noqa: E402
from testing.ufvideo_testing.full_size import FULL_SIZE  # noqa: E402
from testing.ufvideo_testing.random_checkpoint import RandomSizes  # noqa: E402
from tests.compare import FP16, INT8_INPUTS, Tolerance, assert_close  # noqa: E402
from ufvideo_sdk import GenerationConfig, UFVideo  # noqa: E402
from ufvideo_sdk.package.manifest import STAGE_STEMS, read_manifest  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.slow]
PRECISIONS = ("fp16", "int4")
"""Those of the kit."""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("kit")
    checkpoint = UnwrittenCheckpoint(folder / "config" / "tiny", RandomSizes())
    shared: dict[str, Path] = {}
    found = {}
    for precision in PRECISIONS:
        template = folder / f"template_{precision}"
        write_template(template, checkpoint, precision, shared, smallest_bytes=1 << 10)
        assert not list(template.glob("*.data"))
        found[precision] = folder / precision
        assert fill(template, found[precision]) > 0
    return found


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_filled_package_answers(packages: dict[str, Path], precision: str) -> None:
    model = UFVideo.load(packages[precision])
    frames = np.random.default_rng(0).integers(0, 256, (4, 48, 64, 3), np.uint8)
    with model.open(frames, fps=4.0) as session:
        answer = session.ask("What happens?", config=GenerationConfig(max_new_tokens=6))
        assert answer.token_ids
        (track,) = session.segment("the ball", frames=[0])
    assert np.isfinite(track.scores).all()


def test_a_filled_package_says_that_nothing_was_compared(packages: dict[str, Path]) -> None:
    manifest = read_manifest(packages["fp16"])
    assert "no stage compared" in manifest.provenance["source"]
    assert list(manifest.stages) == list(STAGE_STEMS)


@pytest.mark.parametrize(("precision", "tolerance"), [("fp16", FP16), ("int4", INT8_INPUTS)])
def test_pytorch_computes_what_the_graph_computes(
    packages: dict[str, Path], precision: str, tolerance: Tolerance
) -> None:
    """So that the kit compares both on the same weights."""
    model = UFVideo.load(packages[precision])
    width = model.manifest.model.hidden_size
    embeddings = np.random.default_rng(1).standard_normal((9, width), np.float32)
    language_model = model._loaded.native.language_model
    ours = language_model.run(embeddings, language_model.make_cache()).logits
    qwen = load_language_model(packages[precision], "cpu", torch.float32)
    with torch.inference_mode():
        theirs = qwen(inputs_embeds=torch.from_numpy(embeddings)[None]).logits[0, -1].numpy()
    assert_close(np.asarray(ours), theirs, tolerance)


def test_the_largest_model_has_the_released_sizes() -> None:
    sizes = MODELS["full"]["full"]
    assert sizes.siglip == FULL_SIZE.siglip and sizes.sam2 == FULL_SIZE.sam2
    for name in ("hidden_size", "num_layers", "vocab_size", "num_frames", "intermediate_size"):
        assert getattr(sizes, name) == getattr(FULL_SIZE, name)
    # Video tokens of a clip, and an answer.
    assert sizes.max_position_embeddings > 16 * 13 * 13 + 256
