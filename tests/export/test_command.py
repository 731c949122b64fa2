"""`ufvideo export` as a command."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

pytest.importorskip("torch", reason="needs the export extra")
from ufvideo_export.checkpoint.tensor_account import LeftOut
from ufvideo_export.command import export
from ufvideo_export.estimate import ExportEstimate
from ufvideo_sdk import DownloadProgress, HubRevision

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.torch


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.command()(export)
    return app


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Arguments of the exports that the command asked for."""
    found: list[dict[str, Any]] = []

    source = HubRevision("user/name", "v1", "0" * 40)

    def record(checkpoint: str, out: Path, **options: Any) -> Any:
        on_download = options.pop("on_download")
        for done in (50_000_000, 150_000_000):
            on_download(DownloadProgress(source, Path("hub"), "x.json", done, 150_000_000))
        options.pop("progress")("aligner", 0.5)
        options.pop("on_left_out")((LeftOut("SigLIP's [head]", ("a.1", "a.2"), ("a.*",)),))
        options.pop("on_estimate")(ExportEstimate(1200.0, 4 << 30, 18 << 30))
        found.append({"checkpoint": checkpoint, "out": out, **options})
        measured = SimpleNamespace(max_abs_error=1e-6, max_rel_error=2e-6)
        return SimpleNamespace(
            model=SimpleNamespace(name="small"), verification={"aligner": measured}
        )

    monkeypatch.setattr("ufvideo_export.export.export_package", record)
    return found


def test_defaults(app: typer.Typer, calls: list[dict[str, Any]]) -> None:
    result = CliRunner().invoke(app, ["in", "out"])
    assert result.exit_code == 0, result.output
    assert calls == [
        {
            "checkpoint": "in",
            "out": Path("out"),
            "vision_tower": None,
            "precision": "fp32",
            "quantization": None,
            "seg_hidden_state": "preceding",
            "track": True,
            "ignore_tensors": (),
            "force": False,
        }
    ]
    assert "aligner" in result.output and "1.00e-06" in result.output
    assert result.output.count("SigLIP's [head] (2): a.*") == 1
    said = "Downloading 100.0 MB of hf:user/name@v1 (commit 000000000000) into hub"
    assert " ".join(result.output.split()).count(said) == 1
    said = "about 20 min of one core, 4.0 GiB of memory, at most 18.0 GiB of disk"
    assert said in " ".join(result.output.split())


def test_options(app: typer.Typer, calls: list[dict[str, Any]]) -> None:
    options = ["--vision-tower", "v", "--precision", "fp16", "--force"]
    options += ["--seg-hidden-state", "predicting"]
    options += ["--ignore-tensors", "model.a.*", "--ignore-tensors", "*.b"]
    result = CliRunner().invoke(app, ["in", "out", *options])
    assert result.exit_code == 0, result.output
    assert calls[0]["ignore_tensors"] == ["model.a.*", "*.b"]
    assert calls[0]["vision_tower"] == "v" and calls[0]["force"]
    assert (calls[0]["precision"], calls[0]["seg_hidden_state"]) == ("fp16", "predicting")


def test_quantization_options(app: typer.Typer, calls: list[dict[str, Any]]) -> None:
    from ufvideo_export.precision import Quantization

    options = ["--precision", "int4", "--block-size", "32", "--symmetric", "--accuracy-level", "1"]
    options += ["--head-precision", "int8", "--full-range", "--floats", "fp16"]
    result = CliRunner().invoke(app, ["in", "out", *options])
    assert result.exit_code == 0, result.output
    assert calls[0]["precision"] == "int4"
    assert calls[0]["quantization"] == Quantization(
        32, True, 1, "int8", reduce_range=False, floats="fp16"
    )


def test_one_quantization_option_leaves_the_others(
    app: typer.Typer, calls: list[dict[str, Any]]
) -> None:
    from ufvideo_export.precision import Quantization

    result = CliRunner().invoke(app, ["in", "out", "--precision", "int8", "--block-size", "64"])
    assert result.exit_code == 0, result.output
    assert calls[0]["quantization"] == Quantization(block_size=64)


def test_without_tracking(app: typer.Typer, calls: list[dict[str, Any]]) -> None:
    assert CliRunner().invoke(app, ["in", "out", "--no-track"]).exit_code == 0
    assert CliRunner().invoke(app, ["in", "out", "--track"]).exit_code == 0
    assert [call["track"] for call in calls] == [False, True]


@pytest.fixture
def additions(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Arguments of the additions that the command asked for."""
    found: list[dict[str, Any]] = []

    def record(checkpoint: str, package: Path, **options: Any) -> Any:
        assert callable(options.pop("on_download"))
        options.pop("progress")("memory_encoder", 0.5)
        options.pop("on_estimate")(ExportEstimate(60.0, 1 << 30, 1 << 30))
        found.append({"checkpoint": checkpoint, "package": package, **options})
        measured = SimpleNamespace(max_abs_error=1e-6, max_rel_error=2e-6)
        stems = ("aligner", "memory_encoder", "memory_attention", "track_decoder")
        return SimpleNamespace(
            model=SimpleNamespace(name="small"), verification=dict.fromkeys(stems, measured)
        )

    monkeypatch.setattr("ufvideo_export.addition.add_track", record)
    return found


def test_adding_to_a_package(
    app: typer.Typer, calls: list[Any], additions: list[dict[str, Any]]
) -> None:
    options = ["--vision-tower", "hf:user/siglip", "--ignore-tensors", "*.b"]
    result = CliRunner().invoke(app, ["--add", "track", "hf:user/small", "package", *options])
    assert result.exit_code == 0, result.output
    assert calls == []
    assert additions == [
        {
            "checkpoint": "hf:user/small",
            "package": Path("package"),
            "vision_tower": "hf:user/siglip",
            "ignore_tensors": ["*.b"],
        }
    ]
    assert "Added track to package (small)" in result.output
    assert "track_decoder" in result.output and "aligner" not in result.output
    assert "about 1 min of one core" in " ".join(result.output.split())


@pytest.mark.parametrize(
    "options",
    [
        ["--precision", "fp32"],
        ["--block-size", "32"],
        ["--seg-hidden-state", "predicting"],
        ["--no-track"],
        ["--track"],
        ["--force"],
    ],
)
def test_an_addition_takes_the_settings_of_the_package(
    app: typer.Typer, additions: list[Any], options: list[str]
) -> None:
    result = CliRunner().invoke(app, ["--add", "track", "in", "out", *options])
    assert result.exit_code == 2
    assert "the package's own" in " ".join(result.output.replace("│", " ").split())
    assert additions == []
    assert CliRunner().invoke(app, ["--add", "segment", "in", "out"]).exit_code == 2


def test_unknown_precision_is_a_usage_error(app: typer.Typer, calls: list[Any]) -> None:
    assert CliRunner().invoke(app, ["in", "out", "--precision", "int3"]).exit_code == 2
    assert calls == []


def test_errors_pass_to_the_command_line(app: typer.Typer, tmp_path: Path) -> None:
    from ufvideo_sdk.errors import InputError

    result = CliRunner().invoke(app, [str(tmp_path), str(tmp_path / "out")])
    assert isinstance(result.exception, InputError)
    assert "config.json" in str(result.exception)


@pytest.mark.parametrize("name", ["Hevven/UFVideo-7B", "user/name@v1"])
def test_a_repository_without_its_prefix(app: typer.Typer, tmp_path: Path, name: str) -> None:
    remedy = f"{name} is none; if it is a repository of the Hugging Face Hub, name it hf:{name}"
    result = CliRunner().invoke(app, [name, str(tmp_path / "out")])
    assert str(result.exception) == f"expected a checkpoint folder, {remedy}"
    checkpoint = str(ROOT / "tests" / "data" / "small" / "checkpoint")
    result = CliRunner().invoke(app, [checkpoint, str(tmp_path / "out"), "--vision-tower", name])
    assert str(result.exception) == f"expected a SigLIP folder (--vision-tower), {remedy}"


def test_the_page_of_a_repository(app: typer.Typer, tmp_path: Path) -> None:
    page = "https://huggingface.co/Hevven/UFVideo-7B"
    result = CliRunner().invoke(app, [page, str(tmp_path / "out")])
    assert "is none; hf:Hevven/UFVideo-7B names it" in str(result.exception)


def test_an_early_error_stands_alone(app: typer.Typer, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [str(tmp_path / "a.b.c"), str(tmp_path / "out")])
    assert str(result.exception) == f"expected a checkpoint folder, {tmp_path / 'a.b.c'} is none"
    assert result.output == ""


def test_help_has_an_example(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "120"})
    assert "Example: ufvideo export" in result.output


def test_the_entry_point_names_the_command() -> None:
    found = [entry for entry in entry_points(group="ufvideo.commands") if entry.name == "export"]
    if not found:
        pytest.skip("needs the installed package: pip install .")
    assert found[0].value == "ufvideo_export.command:export"


def test_static_encoders(app: typer.Typer, calls: list[dict[str, Any]]) -> None:
    from ufvideo_export.precision import Quantization

    options = ["--precision", "int8", "--encoder-int8", "qdq"]
    paths = ["--calibration", "a.mp4", "--calibration", "frames"]
    result = CliRunner().invoke(app, ["in", "out", *options, *paths])
    assert result.exit_code == 0, result.output
    chosen = Quantization(encoder_int8="qdq", calibration=("a.mp4", "frames"))
    assert calls[0]["quantization"] == chosen
    assert "drawn frames" not in result.output
    result = CliRunner().invoke(app, ["in", "out", *options])
    assert calls[1]["quantization"] == Quantization(encoder_int8="qdq")
    assert "scales are measured on drawn frames" in " ".join(result.output.split())
