"""TensorRT's timings, kept from one build of engines to the next."""

from __future__ import annotations

import dataclasses
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")

from tests.unit.tensorrt_stand_in import TensorRtStandIn, stand_in_for_tensorrt
from tests.unit.test_tensorrt_engines import TAKEN, engines
from ufvideo_sdk.errors import InferenceError
from ufvideo_sdk.package.shipped_package import shipped_package
from ufvideo_sdk.runtime.nvidia_device import NvidiaDevice
from ufvideo_sdk.tensorrt import engines as tensorrt_engines
from ufvideo_sdk.tensorrt.timing_cache import TimingCache, TimingKey

KEY = TimingKey(tensorrt="10.13.0", device="Orin", compute_capability="8.7")
TIMINGS = b"layer 1: 3 us\nlayer 2: 5 us\n"


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> TensorRtStandIn:
    return stand_in_for_tensorrt(monkeypatch)


def folder_with(folder: Path, timings: bytes) -> Path:
    folder.mkdir()
    (folder / "sm87.timing").write_bytes(timings)
    return folder


@pytest.fixture
def kept(tmp_path: Path) -> TimingCache:
    cache = TimingCache(tmp_path, KEY)
    cache.keep(folder_with(tmp_path / "written", TIMINGS))
    return cache


def copied(cache: TimingCache) -> dict[str, bytes]:
    folder = cache.path.parent / "draft"
    folder.mkdir(exist_ok=True)
    cache.copy_into(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_is_kept_comes_back(kept: TimingCache, caplog: pytest.LogCaptureFixture) -> None:
    assert copied(kept) == {"sm87.timing": TIMINGS}
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert [path.name for path in (kept.path.parent / "written").iterdir()] == ["sm87.timing"]
    kept.keep(folder_with(kept.path.parent / "later", b"more"))
    assert copied(kept) == {"sm87.timing": b"more"} and not caplog.records


def test_where_none_is_kept_nothing_happens(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = TimingCache(tmp_path, KEY)
    assert copied(cache) == {}
    cache.keep(tmp_path / "draft")
    cache.drop("why")
    assert not cache.path.exists() and not caplog.records


@pytest.mark.parametrize(
    "change", [{"tensorrt": "10.14.1"}, {"device": "Thor"}, {"compute_capability": "11.0"}]
)
def test_another_tensorrt_or_gpu_has_its_own(kept: TimingCache, change: dict[str, str]) -> None:
    other = TimingCache(kept.path.parent, dataclasses.replace(KEY, **change))
    assert other.path != kept.path and copied(other) == {}


def rewritten(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(change(path.read_bytes()))

    return write


def linked(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (rewritten(lambda b: b.replace(b"3 us", b"4 us")), "expected SHA-256"),
        (rewritten(lambda b: b[:-1]), "expected 28 bytes"),
        (rewritten(lambda b: b + b"x"), "expected 28 bytes"),
        (rewritten(lambda b: TIMINGS), "JSON"),
        (rewritten(lambda b: b"\xff" + b), "utf-8"),
        (rewritten(lambda b: b""), "JSON"),
        (rewritten(lambda b: b.replace(b'"Orin"', b'"Thor"')), "expected timings of"),
        (rewritten(lambda b: b.replace(b"sm87.timing", b"../7.timing")), "path"),
        (rewritten(lambda b: b.replace(b'"record_version": 1', b'"record_version": 2')), "version"),
        (lambda path: path.chmod(0o620), "no other user may write it"),
        (linked, "symbolic link"),
        (piped, "expected a file"),
    ],
)
def test_what_is_not_ours_is_dropped_with_a_word(
    kept: TimingCache,
    damage: Callable[[Path], None],
    words: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    damage(kept.path)
    assert copied(kept) == {}
    (message,) = (record.getMessage() for record in caplog.records)
    assert message.startswith(f"dropped TensorRT's kept timings at {kept.path}: ")
    assert words in message
    assert not kept.path.is_symlink() and not kept.path.exists()


def test_a_build_begins_with_the_timings_of_the_one_before(
    device: TensorRtStandIn, tmp_path: Path
) -> None:
    folder = engines(tmp_path).build()
    first = " ".join(TAKEN).encode() + b" "
    assert device.timings_found[TAKEN[0]] is None
    # The next stage goes on from the one before.
    assert device.timings_found[TAKEN[-1]] == first[: first.index(b"mask_decoder")]
    # An entry holds engines only, the timings are beside all entries.
    assert not list(folder.rglob("*timing*"))
    (kept,) = (tmp_path / "engines").glob("*.timing")
    assert kept.read_bytes().endswith(first)
    engines(tmp_path).build(replace=True)
    assert device.timings_found[TAKEN[0]] == first
    # Another package, in another precision.
    engines(tmp_path, package=shipped_package()).build()
    assert device.timings_found["aligner"] == first + first


def test_a_build_on_another_gpu_begins_empty(
    device: TensorRtStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engines(tmp_path).build()
    monkeypatch.setattr(tensorrt_engines, "nvidia_device", lambda n: NvidiaDevice("Thor", "11.0"))
    engines(tmp_path).build()
    assert device.timings_found[TAKEN[0]] is None
    assert len(list((tmp_path / "engines").glob("*.timing"))) == 2


def test_a_build_with_damaged_timings_begins_empty(
    device: TensorRtStandIn, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engines(tmp_path).build()
    (kept,) = (tmp_path / "engines").glob("*.timing")
    kept.write_bytes(kept.read_bytes()[:-1] + b"X")
    engines(tmp_path).build(replace=True)
    assert device.timings_found[TAKEN[0]] is None
    assert "expected SHA-256" in caplog.text
    assert kept.exists()


def test_an_interrupted_build_leaves_its_timings(device: TensorRtStandIn, tmp_path: Path) -> None:
    built = engines(tmp_path)

    def stop(progress: object) -> None:
        if len(device.timings_found) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        built.build(stop)
    engines(tmp_path).build()
    assert device.timings_found[TAKEN[0]] == b"vision_encoder aligner "


def test_timings_with_which_a_build_failed_are_dropped(
    device: TensorRtStandIn, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    device.fails_at = "mask_encoder"
    with pytest.raises(InferenceError, match="TensorRT could not build it"):
        engines(tmp_path).build()
    assert "the engine of mask_encoder could not be built with it" in caplog.text
    assert not list((tmp_path / "engines").glob("*.timing"))
