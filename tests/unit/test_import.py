"""`import ufvideo_sdk` is light, and everything it promises is there."""

from __future__ import annotations

import subprocess
import sys

import pytest

import ufvideo_sdk


def modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_loads_nothing_heavy() -> None:
    heavy = {"torch", "onnx", "onnxruntime", "av", "cv2", "numpy", "tokenizers", "PIL"}
    assert not heavy & modules_after("import ufvideo_sdk, ufvideo_sdk.package.manifest")


def test_model_needs_neither_torch_nor_onnxruntime() -> None:
    loaded = modules_after("from ufvideo_sdk import UFVideo, Region, GenerationConfig")
    assert not {"torch", "onnx", "onnxruntime", "transformers", "av", "cv2"} & loaded


def test_every_public_name_is_there() -> None:
    for name in ufvideo_sdk.__all__:
        assert getattr(ufvideo_sdk, name).__name__ == name
    assert set(ufvideo_sdk.__all__) <= set(dir(ufvideo_sdk))
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = ufvideo_sdk.nothing_like_it


def test_help_loads_no_native_module() -> None:
    code = "import sys; sys.argv = ['ufvideo', '--help']; from ufvideo_sdk.cli import main\n"
    code += "try:\n    main()\nexcept SystemExit:\n    pass\n"
    code += "assert 'ufvideo_sdk._native' not in sys.modules, 'loaded'"
    subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def test_doctor_reports_a_native_module_that_does_not_load() -> None:
    code = (
        "import sys; sys.modules['ufvideo_sdk._native'] = None; sys.argv = ['ufvideo', 'doctor']\n"
    )
    code += "from ufvideo_sdk.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 5, done.stderr
    assert "BROKEN  native module" in done.stdout
