"""`ufvideo info` and what it counts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ufvideo_sdk.cli import app
from ufvideo_sdk.cli.info import readable_bytes
from ufvideo_sdk.package.manifest_fields import ALL_STEMS

VALID = Path(__file__).parents[1] / "data" / "manifests" / "valid"


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), prog_name="ufvideo")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    shutil.copyfile(sorted(VALID.glob("*.json"))[0], tmp_path / "manifest.json")
    return tmp_path


def test_json_has_the_memory_plan(package: Path) -> None:
    result = run("info", str(package), "--json")
    assert result.exit_code == 0, result.stderr
    facts = json.loads(result.stdout)
    manifest = json.loads((package / "manifest.json").read_text())
    model, video = manifest["model"], manifest["video"]
    per_value = 2 if manifest["stages"]["language_model"]["precision"] == "fp16" else 4
    per_token = (
        2 * model["num_layers"] * model["num_key_value_heads"] * model["head_dim"] * per_value
    )
    assert facts["memory"]["kv_cache_bytes_per_1000_tokens"] == 1000 * per_token
    padding = 2 * video["aligner_padding"]
    pairs = (video["num_frames"] + padding) // 2
    num_tokens = pairs * ((video["patch_grid"] + padding) // 2) ** 2
    assert facts["memory"]["num_video_tokens"] == num_tokens
    sizes = [
        part["size_bytes"]
        for stage in manifest["stages"].values()
        for part in (stage["graph"], stage["weights"])
        if part is not None
    ]
    assert facts["memory"]["weights_bytes"] == sum(sizes)


def test_text_names_every_stage(package: Path) -> None:
    result = run("info", str(package))
    assert result.exit_code == 0, result.stderr
    for stem in json.loads((package / "manifest.json").read_text())["stages"]:
        assert f"\n{stem} " in result.stdout


def test_tracking_takes_memory_or_names_its_command(tmp_path: Path) -> None:
    said = {}
    for name in ("2_ask", "small", "2_track"):
        folder = tmp_path / name
        folder.mkdir()
        shutil.copyfile(VALID / f"{name}.json", folder / "manifest.json")
        result = run("info", str(folder))
        assert result.exit_code == 0, result.stderr
        said[name] = [line for line in result.stdout.splitlines() if line.startswith("tracking ")]
    # Without masks there is nothing to add it to.
    assert said["2_ask"] == []
    assert "`ufvideo export --add track CHECKPOINT PACKAGE` adds it" in said["small"][0]
    assert "for each object" in said["2_track"][0]
    facts = json.loads(run("info", str(tmp_path / "2_track"), "--json").stdout)
    assert facts["memory"]["track_bytes_per_object"] > 0
    assert {"memory_encoder", "memory_attention", "track_decoder"} < facts["stages"].keys()


@pytest.mark.parametrize("half", [False, True], ids=["float32", "float16"])
def test_boards_have_a_plan_for_each_device(package: Path, half: bool) -> None:
    if half:
        path = package / "manifest.json"
        manifest = json.loads(path.read_text())
        stage = manifest["stages"]["language_model"]
        stage["precision"] = "fp16"
        for tensor in (*stage["inputs"], *stage["outputs"]):
            if tensor["name"].startswith(("past_key_values", "present")):
                tensor["dtype"] = "float16"
        path.write_text(json.dumps(manifest))
    assert "boards" not in json.loads(run("info", str(package), "--json").stdout)
    facts = json.loads(run("info", str(package), "--boards", "--json").stdout)
    assert {plan["device"] for plan in facts["boards"]} == ({"cpu", "cuda"} if half else {"cpu"})
    for plan in facts["boards"]:
        assert plan["left_bytes"] == plan["available_bytes"] - plan["peak_bytes"]
        assert plan["available_bytes"] < plan["board_gb"] << 30
        if plan["device"] == "cpu":
            assert plan["peak_bytes"] == facts["memory"]["peak_bytes"]
    lines = run("info", str(package), "--boards").stdout.splitlines()
    assert sum(line.endswith(("left", "missing")) for line in lines) == len(facts["boards"])


def test_nothing_is_opened_unless_asked_for(package: Path) -> None:
    """The package here is a manifest only."""
    assert "providers" not in json.loads(run("info", str(package), "--json").stdout)
    result = run("info", str(package), "--provider", "cpu")
    assert result.exit_code == 2 and "--providers" in result.stderr
    assert run("info", str(package), "--providers").exit_code == 4


def test_providers_of_every_stage() -> None:
    pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")
    result = run("info", "--providers", "--json")
    assert result.exit_code == 0, result.stderr
    providers = json.loads(result.stdout)["providers"]
    assert providers == {
        stem: {"used": ["cpu"], "num_nodes": {}, "left_out": {}} for stem in ALL_STEMS
    }
    assert "language_model    cpu" in run("info", "--providers").stdout


def test_a_folder_without_a_manifest_is_no_package(tmp_path: Path) -> None:
    result = run("info", str(tmp_path))
    assert result.exit_code == 4
    assert "manifest.json" in result.stderr


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 << 40, "3.0 TiB")]
)
def test_readable_bytes(count: int, text: str) -> None:
    assert readable_bytes(count) == text


def test_a_reason_names_the_stages_it_is_for() -> None:
    pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")
    tiny = VALID.parents[1] / "tiny" / "package"
    asked = ("--provider", "tensorrt", "--provider", "cpu", "--allow-fallback")
    result = run("info", str(tiny), "--providers", *asked)
    assert result.exit_code == 0, result.stderr
    lines = [line for line in result.stdout.splitlines() if line.startswith("left out: tensorrt (")]
    assert len(lines) == 3
    # No machine would run these with TensorRT; this one runs nothing with it.
    assert lines[1].startswith("left out: tensorrt (token_embedder): it looks rows up")
    assert lines[2].startswith("left out: tensorrt (language_model): its attention")
    assert lines[0].startswith("left out: tensorrt (vision_encoder, aligner, region_encoder, mask_")
