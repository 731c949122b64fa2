"""CUDA beside the CPU: the same answers, a bound on memory, and graphs that change nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")

from benchmarks.clips import draw_frames
from benchmarks.latency.device_agreement import agreement_figures
from ufvideo_sdk import GenerationConfig, RuntimeConfig, UFVideo
from ufvideo_sdk.package.manifest import STAGE_STEMS
from ufvideo_sdk.package.shipped_package import shipped_package

pytestmark = pytest.mark.gpu

NUM_NEW_TOKENS = 32
# Of prompts and answers more than a block of the KV cache, so that a second graph is captured.
LONG = GenerationConfig(max_new_tokens=300)
LIMITED = """
import sys
from ufvideo_sdk import CapacityError, RuntimeConfig, UFVideo

runtime = RuntimeConfig(providers=("cuda", "cpu"), device_memory_limit_bytes=int(sys.argv[1]))
try:
    UFVideo.load(runtime=runtime)
except CapacityError as error:
    print("refused:", error)
else:
    print("loaded")
"""


def assert_agreement(package: Path, providers: tuple[str, ...]) -> None:
    for figure in agreement_figures(package, providers, NUM_NEW_TOKENS):
        assert figure.holds, figure


def test_nano_agrees_with_the_cpu(cuda: tuple[str, ...]) -> None:
    assert_agreement(shipped_package(), cuda)


@pytest.mark.torch
@pytest.mark.parametrize("package", ["small_package", "small_package_fp16", "small_package_int4"])
def test_the_small_package_agrees_with_the_cpu(
    cuda: tuple[str, ...], package: str, request: pytest.FixtureRequest
) -> None:
    assert_agreement(request.getfixturevalue(package), cuda)


@pytest.mark.torch
def test_every_stage_of_an_fp16_package_runs_on_cuda(
    cuda: tuple[str, ...], small_package_fp16: Path
) -> None:
    model = UFVideo.load(small_package_fp16, runtime=RuntimeConfig(providers=cuda))
    for stem in STAGE_STEMS:
        stage = model.stage_providers[stem]
        assert stage.used[0] == "cuda" and stage.num_nodes["cuda"] > 0, (stem, stage)
        assert not stage.left_out, (stem, stage)


@pytest.mark.parametrize(("limit", "begin"), [(1 << 20, "refused:"), (1 << 32, "loaded")])
def test_a_memory_limit_refuses_what_is_beyond_it(limit: int, begin: str) -> None:
    """In a process of its own, since all models of a process share one bound."""
    command = [sys.executable, "-c", LIMITED, str(limit)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(begin), result.stdout


def answers(package: Path, runtime: RuntimeConfig) -> list[tuple[int, ...]]:
    """Two questions, and one that goes on from the first."""
    model = UFVideo.load(package, runtime=runtime)
    with model.open(draw_frames(model.manifest.video.num_frames), fps=4.0) as session:
        first = session.ask("What happens in the video?", config=LONG)
        other = session.ask("What color is the ball?", config=LONG)
        history = [("What happens in the video?", first)]
        more = session.ask("And then?", history=history, config=LONG)
    return [tuple(answer.token_ids) for answer in (first, other, more)]


@pytest.mark.torch
def test_answers_with_cuda_graphs_are_those_without(
    cuda: tuple[str, ...], small_package_fp16: Path
) -> None:
    plain = answers(small_package_fp16, RuntimeConfig(providers=cuda))
    # ONNX Runtime captures in the third run.
    assert all(len(token_ids) > 3 for token_ids in plain)
    captured = answers(small_package_fp16, RuntimeConfig(providers=cuda, cuda_graphs=True))
    assert captured == plain
