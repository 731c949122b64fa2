"""The TensorRT provider of the real wheel takes the options that we give it, name and value."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")

from tests.unit.gpu_wheel import gpu_library
from tests.unit.tensorrt_stand_in import TensorRtStandIn, stand_in_for_tensorrt
from ufvideo_sdk import RuntimeConfig
from ufvideo_sdk.package.manifest import read_manifest
from ufvideo_sdk.runtime.onnxruntime_library import find_library
from ufvideo_sdk.tensorrt.engines import Engines, limited_to_tensorrt_stages

PACKAGE = Path(__file__).parents[1] / "data" / "tiny" / "package"
SCRIPT = Path(__file__).parent / "option_parser.py"
NVIDIA = re.compile(r"lib(?:cu|nv)\w+\.so\.\d+")
FUNCTION = re.compile(r" U (\w+)@(lib\S+)$", re.MULTILINE)
UNVERSIONED = re.compile(r" U ((?:cu[A-Z]|create\w*Nv|createInfer|getInfer|getPlugin)\w+)$", re.M)
# One GPU; all else succeeds and gives nothing.
ONE_GPU = "int cudaGetDeviceCount(int* count) { *count = 1; return 0; }\n"


def output_of(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A library for each of NVIDIA's that the provider needs, with the functions it needs of it."""
    for tool in ("cc", "nm", "readelf"):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}: apt-get install build-essential")
    functions: dict[str, set[str]] = {}
    for provider in ("cuda", "tensorrt"):
        path = str(gpu_library().with_name(f"libonnxruntime_providers_{provider}.so"))
        for match in NVIDIA.finditer(output_of("readelf", "-dW", path)):
            functions.setdefault(match[0], set())
        undefined = output_of("nm", "-D", "--undefined-only", "--with-symbol-versions", path)
        for name, library in FUNCTION.findall(undefined):
            functions[library].add(name)
        # Without a version any library may have them.
        functions.setdefault("libcuda.so.1", set()).update(UNVERSIONED.findall(undefined))
    folder = tmp_path_factory.mktemp("stubs")
    return [compiled(folder, name, sorted(own)) for name, own in sorted(functions.items())]


def compiled(folder: Path, name: str, functions: list[str]) -> str:
    source, versions, path = folder / f"{name}.c", folder / f"{name}.map", folder / name
    bodies = [f"void* {each}(void) {{ return 0; }}\n" for each in functions]
    count = "void* cudaGetDeviceCount(void) { return 0; }\n"
    source.write_text("".join(bodies).replace(count, ONE_GPU) or "int nothing;\n")
    versions.write_text(f"{name} {{ global: *; }};\n")
    versioned = [] if name == "libcuda.so.1" else [f"-Wl,--version-script={versions}"]
    options = ("-shared", "-fPIC", f"-Wl,-soname,{name}", *versioned)
    output_of("cc", *options, str(source), "-o", str(path))
    return str(path)


def parsed(stubs: list[str], options: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(gpu_library()), *stubs],
        input=json.dumps(options),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> TensorRtStandIn:
    return stand_in_for_tensorrt(monkeypatch)


def test_every_option_is_taken_as_it_is_meant(
    device: TensorRtStandIn, stubs: list[str], tmp_path: Path
) -> None:
    manifest = read_manifest(PACKAGE)
    settings = RuntimeConfig(providers=("tensorrt", "cpu"), engine_cache=tmp_path / "engines")
    runtime = limited_to_tensorrt_stages(settings, manifest)
    engines = Engines(PACKAGE, manifest, runtime, find_library())
    config = engines.native_config(tmp_path, timing=True)
    for stem in engines.options:
        given = dict(config.stage_provider_options[stem]["tensorrt"])
        given |= {"trt_fp16_enable": "1", "trt_layer_norm_fp32_fallback": "1"}
        result = parsed(stubs, {**given, "device_id": "0"})
        assert result.returncode == 0, result.stderr
        found = dict(part.split("=", 1) for part in result.stdout.strip().split(";"))
        assert {name: found[name] for name in given} == given
        assert found["trt_int8_enable"] == "0"


def test_the_parser_refuses_what_it_does_not_know(stubs: list[str]) -> None:
    result = parsed(stubs, {"trt_engine_cache_folder": "x"})
    assert result.returncode == 1
    assert "trt_engine_cache_folder" in result.stderr
