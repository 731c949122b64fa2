"""The golden cases, and the native model opened on the golden package."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

SMALL = Path(__file__).parents[1] / "data" / "small"
CASES: dict[str, dict[str, Any]] = json.loads((SMALL / "golden" / "cases.json").read_text())
TEXTS = {
    name: entry["text"]
    for name, entry in json.loads((SMALL / "golden" / "index.json").read_text()).items()
}
# track_first_frame carries no prompt text; tests/export compares its frames.
PROMPTED = [name for name in CASES if "question" in CASES[name]]
GENERATED = [name for name in PROMPTED if "answer" not in CASES[name]]


@dataclass(frozen=True)
class GoldenCase:
    """One recorded case: its arrays and what cases.json says of it."""

    name: str
    arrays: dict[str, NDArray[Any]]
    facts: dict[str, Any]

    def __getitem__(self, key: str) -> NDArray[Any]:
        return self.arrays[key]

    @property
    def is_image(self) -> bool:
        return bool(self.facts.get("image", False))


def load_case(name: str) -> GoldenCase:
    with np.load(SMALL / "golden" / f"{name}.npz") as arrays:
        return GoldenCase(name, dict(arrays), CASES[name])


@pytest.fixture(params=PROMPTED)
def case(request: pytest.FixtureRequest) -> GoldenCase:
    return load_case(request.param)


@pytest.fixture(params=GENERATED)
def generated_case(request: pytest.FixtureRequest) -> GoldenCase:
    return load_case(request.param)


@pytest.fixture(scope="session")
def small_package(exported_package: Path) -> Path:
    """Exported here: the exporter is a part of what is compared."""
    return exported_package


@pytest.fixture(scope="session")
def small_package_predicting(exported_package_predicting: Path) -> Path:
    """Exported here too."""
    return exported_package_predicting


@pytest.fixture(scope="session")
def model(small_package: Path) -> Any:
    from ufvideo_sdk import UFVideo

    return UFVideo.load(small_package)


@pytest.fixture(scope="session")
def model_fp16(small_package_fp16: Path) -> Any:
    from ufvideo_sdk import UFVideo

    return UFVideo.load(small_package_fp16)


@pytest.fixture(scope="session")
def native_model(small_package: Path) -> Any:
    return load_native(small_package)


def load_native(package: Path) -> Any:
    from ufvideo_sdk import _native
    from ufvideo_sdk.runtime.onnxruntime_library import find_library

    config = _native.RuntimeConfig(onnxruntime_library=str(find_library()))
    return _native.Model.load(str(package), config)
