"""The C++ half of the layer rules: reads every #include line of native/ and bindings/."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)

# Folder under native/src -> folders it may include besides itself and the public headers.
ALLOWED: dict[str, set[str]] = {
    "base": set(),
    "tensor": {"base"},
    "config": {"base"},
    "frames": {"base", "tensor"},
    "package": {"base", "tensor"},
    "text": {"base", "tensor"},
    "kv": {"base", "tensor", "config"},
    "ort": {"base", "tensor", "config", "package"},
    "stages": {"base", "tensor", "config", "frames", "package", "kv", "ort"},
    "decode": {"base", "tensor", "text", "kv"},
    "features": {"base", "tensor", "frames"},
    "model": {"base", "tensor", "config", "package", "ort", "features"},
    "session": {"base", "tensor", "config", "frames", "text", "kv", "decode", "features"},
}
ONNX_RUNTIME = re.compile(r"onnxruntime|cpu_provider")
PYTHON = re.compile(r"^(Python\.h|pybind11/|numpy/)")


def sources(folder: str) -> list[Path]:
    return sorted(p for p in (ROOT / folder).rglob("*") if p.suffix in {".cc", ".h"})


def includes(path: Path) -> list[str]:
    return INCLUDE.findall(path.read_text(encoding="utf-8"))


def layer(path: Path) -> str:
    return path.relative_to(ROOT / "native" / "src").parts[0]


def test_the_rules_see_the_sources() -> None:
    assert len(sources("native")) > 20
    assert len(sources("bindings")) > 5


@pytest.mark.parametrize("path", sources("native/src"), ids=lambda p: p.name)
def test_a_layer_includes_lower_layers_only(path: Path) -> None:
    here = layer(path)
    for name in includes(path):
        folder = name.split("/")[0]
        if folder in ALLOWED and folder != here:
            assert folder in ALLOWED[here], f"{path.relative_to(ROOT)} includes {name}"


@pytest.mark.parametrize("path", sources("native"), ids=lambda p: p.name)
def test_onnx_runtime_is_included_in_one_folder_only(path: Path) -> None:
    if path.is_relative_to(ROOT / "native" / "src" / "ort"):
        return
    # The project's own headers may carry the library's name in theirs.
    foreign = [n for n in includes(path) if ONNX_RUNTIME.search(n) and not n.startswith("ort/")]
    assert not foreign, f"{path.relative_to(ROOT)} includes {foreign}"


@pytest.mark.parametrize("path", sources("native"), ids=lambda p: p.name)
def test_native_knows_nothing_of_python(path: Path) -> None:
    found = [name for name in includes(path) if PYTHON.match(name)]
    assert not found, f"{path.relative_to(ROOT)} includes {found}"


@pytest.mark.parametrize("path", sources("native/src/stages"), ids=lambda p: p.name)
def test_a_stage_never_includes_another(path: Path) -> None:
    mask_features = "ufvideo/stages/mask_encoder.h" if path.stem == "mask_decoder" else ""
    allowed = {f"ufvideo/stages/{path.stem}.h", "ufvideo/stages/stage.h", mask_features}
    others = [n for n in includes(path) if n.startswith("ufvideo/stages/") and n not in allowed]
    assert not others, f"{path.relative_to(ROOT)} includes {others}"


@pytest.mark.parametrize("path", sources("native/include"), ids=lambda p: p.name)
def test_public_headers_include_the_standard_library_and_each_other_only(path: Path) -> None:
    """Who uses an installed library has no header of ours, ONNX Runtime's or another's beside."""
    foreign = [name for name in includes(path) if not re.fullmatch(r"[a-z_]+|ufvideo/.+\.h", name)]
    assert not foreign, f"{path.relative_to(ROOT)} includes {foreign}"
