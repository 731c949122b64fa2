"""Numbers, paths and limits that no sane caller gives: errors of the SDK's families, no others."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ufvideo_sdk import GenerationConfig, RuntimeConfig, errors
from ufvideo_sdk.errors import ConfigError, DeviceError, InputError, PackageError, UFVideoError
from ufvideo_sdk.package.manifest import read_manifest
from ufvideo_sdk.results.time_span import TimeSpan
from ufvideo_sdk.runtime.onnxruntime_library import ENVIRONMENT_VARIABLE, find_library
from ufvideo_sdk.validation.arguments import described
from ufvideo_sdk.validation.strict_json import FieldError, inside
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.images import given_times
from ufvideo_sdk.video.video_file import open_source

# Beyond every float; the second, beyond what Python spells out.
HUGE = [10**400, 10**5000, -(10**400)]


@pytest.mark.parametrize("value", HUGE, ids=["400", "5000", "-400"])
@pytest.mark.parametrize(
    "name", ["temperature", "top_p", "repetition_penalty", "max_new_tokens", "top_k", "seed"]
)
def test_a_huge_number_as_a_setting_is_a_config_error(name: str, value: int) -> None:
    with pytest.raises(ConfigError, match=f"{name}: expected .*got a number of [0-9]+ bits"):
        GenerationConfig(**{name: value})


def test_a_huge_number_of_threads_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="num_threads"):
        RuntimeConfig(num_threads=10**5000)


@pytest.mark.parametrize("value", HUGE, ids=["400", "5000", "-400"])
def test_a_huge_time_is_an_input_error(value: int) -> None:
    frames = open_source(np.zeros((3, 4, 4, 3), np.uint8), fps=2.0)
    with pytest.raises(InputError, match="start_s: expected finite seconds"):
        Clip(frames, start_s=value)
    with pytest.raises(InputError, match="end_s: expected finite seconds"):
        Clip(frames, end_s=value)
    with pytest.raises(InputError, match="expected finite times"):
        TimeSpan(value, value)
    with pytest.raises(InputError, match="fps: expected a finite number"):
        given_times(value, None)
    with pytest.raises(InputError, match="timestamps_s"):
        given_times(None, [0, value])
    assert "bits" in described(value)


AGAIN = [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy]
ERRORS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, UFVideoError)
]


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize(
    "again", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy]
)
def test_errors_go_from_process_to_process(kind: type[UFVideoError], again: Any) -> None:
    error = kind("expected this, got that")
    error.answers = ()
    found = again(error)
    assert type(found) is kind and str(found) == str(error) and found.__dict__ == error.__dict__


@pytest.mark.parametrize(
    "again", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy]
)
def test_the_error_of_a_key_does_too(again: Any) -> None:
    with pytest.raises(FieldError) as caught, inside("model"):
        raise FieldError("hidden_size", "expected an integer")
    found = again(caught.value)
    assert type(found) is FieldError
    assert (found.key, found.problem) == ("model.hidden_size", "expected an integer")
    assert str(found) == str(caught.value)
    assert str(found.under("x")) == "x.model.hidden_size: expected an integer"


PATHS = ["a\0b", "a" * 5000, "/" + "a/" * 2500, "\x1b[31mred"]


@pytest.mark.parametrize("path", PATHS, ids=["nul", "long_name", "long_path", "escape"])
def test_a_path_that_cannot_be_is_no_package(path: str) -> None:
    from ufvideo_sdk import UFVideo

    # No file can have such a name: the argument is wrong, whatever lies on the disk.
    of_load = InputError if "\0" in path else PackageError
    for read, family in ((read_manifest, PackageError), (UFVideo.load, of_load)):
        with pytest.raises(family, match="expected a pa") as caught:
            read(path)
        assert str(caught.value).isprintable() and len(str(caught.value)) < 600


@pytest.mark.parametrize("path", PATHS, ids=["nul", "long_name", "long_path", "escape"])
def test_a_path_that_cannot_be_is_no_library(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeviceError, match="found no file") as caught:
        find_library(path)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 600
    if "\0" not in path:
        monkeypatch.setenv(ENVIRONMENT_VARIABLE, path)
        with pytest.raises(DeviceError, match="found no file"):
            find_library()


def test_a_pipe_is_no_library(tmp_path: Path) -> None:
    """To open it would wait for a writer."""
    native = pytest.importorskip("ufvideo_sdk._native")
    os.mkfifo(tmp_path / "libonnxruntime.so")
    with pytest.raises(DeviceError, match="found no file"):
        find_library(tmp_path / "libonnxruntime.so")
    with pytest.raises(DeviceError, match="found no file"):
        native.open_onnxruntime(tmp_path / "libonnxruntime.so")


WITHOUT_DESCRIPTORS = """
import os, resource, sys
from pathlib import Path
import ufvideo_sdk.model
from ufvideo_sdk import RuntimeConfig, UFVideo, _native, errors
from ufvideo_sdk.runtime.onnxruntime_library import find_library

package = sys.argv[1]
library = find_library()
config = RuntimeConfig(num_threads=1).to_native(library)
lowest = os.open("/dev/null", os.O_RDONLY)
os.close(lowest)
resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
for work in (
    lambda: UFVideo.load(package),
    find_library,
    lambda: _native.open_onnxruntime(library),
    lambda: _native.Model.load(package, config),
    lambda: _native.sha256_file(str(Path(package, "manifest.json"))),
):
    try:
        work()
    except errors.CapacityError as error:
        assert "Too many open files" in str(error), error
    else:
        raise AssertionError("expected a CapacityError, nothing was raised")
"""


def test_without_file_descriptors_loading_is_refused() -> None:
    pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")
    tiny = Path(__file__).parents[1] / "data" / "tiny" / "package"
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_DESCRIPTORS, str(tiny)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
