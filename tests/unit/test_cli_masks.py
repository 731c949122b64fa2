"""`--save-masks`: a folder of PNG files beside what a command prints."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.pretended_session import ASK, SEGMENT, PretendedSession, pretend, run


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> PretendedSession:
    return pretend(monkeypatch)


@pytest.mark.parametrize("command", [ASK, SEGMENT])
def test_masks_are_saved_as_a_folder(
    session: PretendedSession, tmp_path: Path, command: list[str]
) -> None:
    folder = tmp_path / "masks"
    result = run(*command, "--save-masks", str(folder))
    assert result.exit_code == 0 and f"wrote {folder}" in result.stderr
    assert len(list(folder.glob("object_?/*.png"))) == 6
    again = run(*command, "--save-masks", str(folder))
    assert again.exit_code == 3 and "holds files" in again.stderr
    vos = tmp_path / "vos"
    result = run(*command, "--save-masks", str(vos), "--mask-layout", "youtube-vos")
    assert result.exit_code == 0 and sorted(p.name for p in vos.iterdir()) == [
        "Annotations",
        "meta.json",
    ]


def test_a_wrong_folder_of_masks_is_refused_before_the_work(
    session: PretendedSession, tmp_path: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    for options, code in (
        (["--save-masks", str(tmp_path / "full")], 3),
        (["--save-masks", str(tmp_path / "a" / "b")], 3),
        (["--save-masks", str(tmp_path / "new"), "--mask-layout", "davis"], 2),
        (["--mask-layout", "youtube-vos"], 2),
    ):
        result = run(*SEGMENT, *options)
        assert result.exit_code == code, result.stderr
    assert not session.requests and [path.name for path in tmp_path.iterdir()] == ["full"]


def test_a_result_without_masks_writes_no_folder(session: PretendedSession, tmp_path: Path) -> None:
    session.answer = replace(session.answer, masks=())
    result = run(*SEGMENT, "--allow-absent", "--save-masks", str(tmp_path / "new"))
    assert result.exit_code == 0 and result.stdout == "not found\n"
    assert f"no masks: {tmp_path / 'new'} was not written" in result.stderr
    assert list(tmp_path.iterdir()) == []
