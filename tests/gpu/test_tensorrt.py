"""TensorRT: engines that `ufvideo build` writes, and a model that takes them."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")

from benchmarks.latency.device_agreement import agreement_figures
from ufvideo_sdk import RuntimeConfig, UFVideo
from ufvideo_sdk.cli import app
from ufvideo_sdk.package.shipped_package import shipped_package

pytestmark = [pytest.mark.gpu, pytest.mark.slow]


def build(package: Path, *options: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["build", str(package), "--json", *options])
    assert result.exit_code == 0, result.output
    facts: dict[str, Any] = json.loads(result.stdout)
    return facts


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of engines, empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "ufvideo" / "tensorrt"


def assert_built_engines_are_taken(package: Path, providers: tuple[str, ...]) -> None:
    facts = build(package)
    assert all(engine["num_nodes"]["tensorrt"] == 1 for engine in facts["engines"].values())
    built_while_loading: list[object] = []
    model = UFVideo.load(
        package, runtime=RuntimeConfig(providers=providers), on_engine=built_while_loading.append
    )
    assert built_while_loading == []
    for stem, stage in model.stage_providers.items():
        assert stage.used[0] == ("tensorrt" if stem in facts["engines"] else "cuda"), (stem, stage)
    for figure in agreement_figures(package, providers, 32):
        assert figure.holds, figure


def test_nano_loads_the_engines_that_were_built(tensorrt: tuple[str, ...], cache: Path) -> None:
    assert_built_engines_are_taken(shipped_package(), tensorrt)


@pytest.mark.torch
def test_an_fp16_package_loads_the_engines_that_were_built(
    tensorrt: tuple[str, ...], cache: Path, small_package_fp16: Path
) -> None:
    assert_built_engines_are_taken(small_package_fp16, tensorrt)


def test_timings_are_taken_by_the_next_build(
    tensorrt: tuple[str, ...], cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    build(shipped_package())
    (kept,) = cache.glob("*.timing")
    again = build(shipped_package(), "--force", "--clean")
    assert all(engine["seconds"] is not None for engine in again["engines"].values())
    assert kept.exists() and again["removed"] == {}
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]
