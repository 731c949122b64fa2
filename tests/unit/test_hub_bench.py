"""Packages on the Hub, measured by their names."""

from __future__ import annotations

import pytest

from tests.hub_server import HubServer, Repository
from tests.unit.hub_fixtures import TINY, cache, hub, tiny
from ufvideo_sdk import PackageError, UFVideo
from ufvideo_sdk.bench import measure, measure_pair
from ufvideo_sdk.bench.run import Side

__all__ = ["cache", "hub", "tiny"]

pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")


def test_bench_downloads_a_package_and_does_not_load_it(
    hub: HubServer, tiny: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(UFVideo, "load", lambda *_: pytest.fail("loaded"))
    measured: list[list[Side]] = []

    def remember(sides: list[Side], *_: object) -> list[Side]:
        measured.append(sides)
        return sides

    monkeypatch.setattr("ufvideo_sdk.bench.run._measured", remember)
    measure("hf:user/tiny")
    measure_pair(TINY, "hf:user/tiny")
    ((downloaded,), (folder, other)) = measured
    assert downloaded.package.name == other.package.name == tiny.commit
    assert folder.package == TINY
    with pytest.raises(PackageError, match="user/none"):
        measure("hf:user/none")
