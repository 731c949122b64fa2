"""What a wheel holds and says of itself, as pip has recorded it for the installed one."""

from __future__ import annotations

import re
from importlib.metadata import distribution
from pathlib import PurePosixPath

import pytest

WHEEL = distribution("ufvideo-sdk")
MAX_BYTES = 30 << 20
HOLDS = re.compile(
    r"ufvideo_(sdk|export)/(\w+/)*\w+\.py"
    r"|ufvideo_sdk/(py\.typed|_native\.pyi|_native\.[\w-]+\.so|nano/\w+\.(json|onnx))"
    r"|ufvideo_sdk/(demo/(clip\.mp4|truth\.json)|bench/schema-v\d+\.json)"
    r"|ufvideo_sdk\.libs/.*"  # what auditwheel brings
    r"|ufvideo_sdk-[\w.+]+\.dist-info/[\w./]+"
)
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")


@pytest.fixture(scope="module")
def files() -> list[PurePosixPath]:
    """Files of the wheel; those that installing writes beside them are left out."""
    assert WHEEL.files is not None
    files = [PurePosixPath(str(path)) for path in WHEEL.files]
    return [path for path in files if path.parts[0] != ".." and "__pycache__" not in path.parts]


def test_it_holds_what_it_should_and_nothing_else(files: list[PurePosixPath]) -> None:
    strangers = [str(path) for path in files if not HOLDS.fullmatch(str(path))]
    assert strangers == []
    names = {str(path) for path in files}
    assert {
        "ufvideo_sdk/py.typed",
        "ufvideo_sdk/_native.pyi",
        "ufvideo_sdk/nano/manifest.json",
        "ufvideo_sdk/demo/clip.mp4",
        "ufvideo_sdk/demo/truth.json",
    } <= names
    assert sum("_native." in name and name.endswith(".so") for name in names) == 1


def test_it_is_small(files: list[PurePosixPath]) -> None:
    assert WHEEL.files is not None
    sizes = {str(path): path.size or 0 for path in WHEEL.files}
    assert sum(sizes[str(path)] for path in files) < MAX_BYTES


@pytest.mark.parametrize("name", ["LICENSE", "THIRD_PARTY_NOTICES.txt"])
def test_licenses_are_inside(files: list[PurePosixPath], name: str) -> None:
    (path,) = [path for path in files if path.name == name]
    assert path.parent.name == "licenses" and path.parent.parent.suffix == ".dist-info"
    assert name in (WHEEL.metadata.get_all("License-File") or [])


def test_the_notices_name_what_is_compiled_in() -> None:
    notices = WHEEL.read_text("licenses/THIRD_PARTY_NOTICES.txt")
    assert notices is not None
    for name in ("nlohmann/json", "ONNX Runtime", "pybind11", "Pillow"):
        assert re.search(rf"^.*{re.escape(name)}.*\nLicense: ", notices, re.MULTILINE), name


def test_the_metadata_says_who_what_and_where() -> None:
    metadata = WHEEL.metadata
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == f">={PYTHONS[0]}"
    assert metadata["Author"] and metadata["Summary"]
    assert metadata["Description-Content-Type"].startswith("text/markdown")
    urls = dict(line.split(", ", 1) for line in metadata.get_all("Project-URL") or [])
    assert {"Paper", "Released model"} <= urls.keys()
    assert all(url.startswith("https://") for url in urls.values())
    prefix = "Programming Language :: Python :: "
    classifiers = [c.removeprefix(prefix) for c in metadata.get_all("Classifier") or []]
    assert tuple(c for c in classifiers if re.fullmatch(r"3\.\d+", c)) == PYTHONS
    assert {"cpu", "cuda", "export"} <= set(metadata.get_all("Provides-Extra") or [])


def test_onnxruntime_comes_with_an_extra_only() -> None:
    needed = [line for line in WHEEL.requires or [] if line.startswith("onnxruntime")]
    assert needed and all("extra ==" in line for line in needed)


def test_the_command_is_an_entry_point() -> None:
    points = {point.name: point.value for point in WHEEL.entry_points}
    assert points["ufvideo"] == "ufvideo_sdk.cli:main"
