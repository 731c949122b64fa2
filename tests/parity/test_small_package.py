"""The small package that tests put together without PyTorch is the one that the exporter writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.small_package import assemble

onnx = pytest.importorskip("onnx", reason="needs the export extra")
pytestmark = pytest.mark.torch
WRITE_ANEW = "write it anew with `python -m tests.small_package`"


@pytest.fixture(scope="module", params=["plain", "track"])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """A package as it is put together and as it is exported, without and with tracking."""
    track = request.param == "track"
    exported = request.getfixturevalue("exported_package_track" if track else "small_package")
    return assemble(tmp_path_factory.mktemp("assembled") / "small", track=track), exported


@pytest.fixture
def assembled(both: tuple[Path, Path]) -> Path:
    return both[0]


@pytest.fixture
def exported(both: tuple[Path, Path]) -> Path:
    return both[1]


def versions(package: Path) -> dict[str, str]:
    """Of all that writes graphs."""
    provenance: dict[str, str] = json.loads((package / "manifest.json").read_text())["provenance"]
    return provenance


def outline(package: Path) -> dict[str, Any]:
    """What no version changes: inputs, outputs and operators of each graph, and the sizes."""
    manifest = json.loads((package / "manifest.json").read_text())
    stages = {}
    for stem, stage in manifest["stages"].items():
        graph = onnx.load(package / stage["graph"]["path"], load_external_data=False).graph
        stages[stem] = {
            "inputs": stage["inputs"],
            "outputs": stage["outputs"],
            "names": [[value.name for value in values] for values in (graph.input, graph.output)],
            "operators": sorted({(node.domain, node.op_type) for node in graph.node}),
        }
    facts = {key: manifest[key] for key in ("format_version", "model", "video", "tokens")}
    return facts | {"stages": stages}


def test_inputs_outputs_and_operators_are_equal_whatever_the_versions(
    assembled: Path, exported: Path
) -> None:
    assert outline(assembled) == outline(exported), WRITE_ANEW


def test_every_file_is_equal_byte_for_byte(assembled: Path, exported: Path) -> None:
    if versions(assembled) != versions(exported):
        pytest.skip(f"exported with other versions: {versions(exported)}; {WRITE_ANEW}")
    names = {path.name for path in exported.iterdir()}
    assert {path.name for path in assembled.iterdir()} == names
    # The manifest holds errors that were measured on the machine that exported.
    for name in names - {"manifest.json"}:
        assert (assembled / name).read_bytes() == (exported / name).read_bytes(), WRITE_ANEW


def test_the_manifests_differ_in_what_was_measured_only(assembled: Path, exported: Path) -> None:
    if versions(assembled) != versions(exported):
        pytest.skip(f"exported with other versions: {versions(exported)}; {WRITE_ANEW}")
    ours, theirs = (
        json.loads((folder / "manifest.json").read_text()) for folder in (assembled, exported)
    )
    assert ours["verification"].keys() == theirs["verification"].keys()
    assert ours | {"verification": None} == theirs | {"verification": None}, WRITE_ANEW


def test_predicting_changes_the_manifest_only(
    small_package: Path, small_package_predicting: Path
) -> None:
    """So that the tests of the bindings may change the word themselves."""
    for graph in small_package.glob("*.onnx"):
        assert graph.read_bytes() == (small_package_predicting / graph.name).read_bytes()
