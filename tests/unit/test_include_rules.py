"""The C++ half of the layer rules: reads every #include line of native/ and bindings/."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)

# Folders of native/src, from the bottom up. A folder includes those of lower lines; those of one
# line do not know each other.
LAYERS = (
    ("base",),
    ("tensor",),
    ("frames", "package", "text"),
    ("config",),
    ("kv", "ort"),
    ("stages",),
    ("decode", "features", "model"),
    ("stream",),
    ("session", "tracking"),
)
# Though one lies above the other: the loop does not know which graphs it drives.
STRANGERS = {("decode", "stages")}
# The folder of each public header under native/include/ufvideo; those in stages/ are of stages.
PUBLIC = {
    "cancellation": "base",
    "error": "base",
    "statistics": "base",
    "version": "base",
    "tensor": "tensor",
    "mask_runs": "frames",
    "resize": "frames",
    "sampling": "frames",
    "frame_batches": "package",
    "manifest": "package",
    "package": "package",
    "choices": "text",
    "generation": "text",
    "token_automaton": "text",
    "available_memory": "config",
    "config": "config",
    "memory_use": "config",
    "runtime": "ort",
    "stage_providers": "ort",
    "kv_cache_handle": "stages",
    "feature_store": "features",
    "pixel_cache": "features",
    "model": "model",
    "open_stage": "model",
    "symbol_ranges": "model",
    "video_stream": "stream",
    "session": "session",
    "tracker": "tracking",
}
# Folder and included file -> why it may.
EXCEPTIONS = {
    ("features", "ufvideo/model.h"): "the frame graphs that it runs are the model's",
    ("model", "features/frame_caches.h"): "a model owns the caches that its sessions share",
    ("features", "ufvideo/session.h"): "a prompt's regions say which frames to encode",
}
# Stage -> the stage whose types it shares.
OTHERS_TYPES = {
    "kv_cache_handle": "language_model",
    "mask_decoder": "mask_encoder",
    "memory_encoder": "mask_encoder",
    "memory_attention": "mask_encoder",
    "track_decoder": "mask_encoder",
}
ONNX_RUNTIME = re.compile(r"onnxruntime|cpu_provider")
PYTHON = re.compile(r"^(Python\.h|pybind11/|numpy/)")


def sources(folder: str) -> list[Path]:
    return sorted(p for p in (ROOT / folder).rglob("*") if p.suffix in {".cc", ".h"})


def includes(path: Path) -> list[str]:
    return INCLUDE.findall(path.read_text(encoding="utf-8"))


def folder_of(name: str) -> str | None:
    """The folder of an included file; None if it is not of this library."""
    first, _, rest = name.partition("/")
    if first == "ufvideo":
        return "stages" if rest.startswith("stages/") else PUBLIC[rest.removesuffix(".h")]
    return first if any(first in line for line in LAYERS) else None


def place(path: Path) -> str:
    """A source's name as an #include line would have it."""
    for folder in ("src", "include"):
        if path.is_relative_to(ROOT / "native" / folder):
            return path.relative_to(ROOT / "native" / folder).as_posix()
    raise AssertionError(path)


def rank(folder: str) -> int:
    return next(number for number, line in enumerate(LAYERS) if folder in line)


def allowed(here: str, name: str) -> bool:
    """Whether a file of the folder `here` may include `name`."""
    there = folder_of(name)
    if there is None or there == here or (here, name) in EXCEPTIONS:
        return True
    return rank(there) < rank(here) and (here, there) not in STRANGERS


def allowed_in_bindings(name: str) -> bool:
    is_ours = (ROOT / "bindings" / name).is_file()
    return is_ours or "/" not in name or name.startswith(("ufvideo/", "pybind11/", "numpy/"))


def test_every_folder_and_every_public_header_has_its_place() -> None:
    listed = {folder for line in LAYERS for folder in line}
    assert {path.name for path in (ROOT / "native" / "src").iterdir()} == listed
    headers = {path.stem for path in (ROOT / "native" / "include" / "ufvideo").glob("*.h")}
    assert headers <= PUBLIC.keys(), "give the new header its folder"
    assert len(sources("bindings")) > 5


@pytest.mark.parametrize(
    ("here", "name"),
    [
        ("base", "tensor/tensor.h"),
        ("tensor", "ufvideo/config.h"),
        ("package", "text/spans.h"),
        ("ort", "kv/kv_cache.h"),
        ("kv", "ufvideo/stages/language_model.h"),
        ("stages", "decode/sampler.h"),
        ("decode", "ufvideo/stages/token_embedder.h"),
        ("decode", "ufvideo/session.h"),
        ("decode", "ufvideo/model.h"),
        ("features", "session/session_state.h"),
        ("model", "ufvideo/session.h"),
        ("tracking", "session/sequence.h"),
        ("session", "ufvideo/tracker.h"),
    ],
)
def test_the_rule_can_fail(here: str, name: str) -> None:
    assert not allowed(here, name)


def test_the_rule_allows_what_lies_below() -> None:
    for here, name in (
        ("session", "ufvideo/stages/language_model.h"),
        ("stages", "kv/kv_cache.h"),
        ("decode", "decode/sampler.h"),
        ("base", "vector"),
    ):
        assert allowed(here, name)


@pytest.mark.parametrize("path", sources("native"), ids=lambda p: p.name)
def test_a_layer_includes_lower_layers_only(path: Path) -> None:
    here = folder_of(place(path))
    assert here is not None
    wrong = [name for name in includes(path) if not allowed(here, name)]
    assert not wrong, f"{path.relative_to(ROOT)}, of {here}, includes {wrong}"


def test_no_exception_has_become_needless() -> None:
    found = {
        (folder_of(place(path)), name) for path in sources("native") for name in includes(path)
    }
    assert EXCEPTIONS.keys() <= found


def test_bindings_include_the_public_headers_only() -> None:
    assert not allowed_in_bindings("kv/kv_cache.h")
    for path in sources("bindings"):
        wrong = [name for name in includes(path) if not allowed_in_bindings(name)]
        assert not wrong, f"{path.relative_to(ROOT)} includes {wrong}"


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
    own = OTHERS_TYPES.get(path.stem)
    allowed = {f"ufvideo/stages/{stem}.h" for stem in (path.stem, "stage", own)}
    others = [n for n in includes(path) if n.startswith("ufvideo/stages/") and n not in allowed]
    assert not others, f"{path.relative_to(ROOT)} includes {others}"


@pytest.mark.parametrize("path", sources("native/include"), ids=lambda p: p.name)
def test_public_headers_include_the_standard_library_and_each_other_only(path: Path) -> None:
    """Who uses an installed library has no header of ours, ONNX Runtime's or another's beside."""
    foreign = [name for name in includes(path) if not re.fullmatch(r"[a-z_]+|ufvideo/.+\.h", name)]
    assert not foreign, f"{path.relative_to(ROOT)} includes {foreign}"
