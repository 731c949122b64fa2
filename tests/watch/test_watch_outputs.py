"""What the command shows and sends, with cameras that are drawn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")

from tests.watch.drawn_status import STATUS
from tests.watch.rendered_camera import RenderedCamera, RenderedPictures
from ufvideo_sdk.cli.watch_outputs import watch_outputs
from ufvideo_sdk.errors import InputError
from ufvideo_sdk.watch import Rules

RULES = Rules.parse("""
rules:
  visitor: {yes_no: Is somebody there?, every_s: 2, cameras: [front, back]}
""")
ANSWERS = [("visitor", 2.0 * i, "yes" if i == 1 else "no") for i in range(4)]


def test_lines_on_stdout_the_view_on_stderr_and_a_video_of_each_camera(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with watch_outputs(RULES, ["front", "back"], save=tmp_path / "out.mp4") as outputs:
        with outputs.shown(lambda: STATUS):
            for name in ("front", "back"):
                rules = RULES.for_camera(name)
                sinks = outputs.open_sinks(RenderedPictures(name), rules)
                camera = RenderedCamera(rules, sinks, name)
                camera.run(6.0, ANSWERS)
                camera.end()
                for sink in sinks:
                    sink.close(20.0)
        names = [sink.name for sink in outputs.stats]
    captured = capfd.readouterr()
    lines = [json.loads(line) for line in captured.out.splitlines()]
    assert [(line["camera"], line["edge"]) for line in lines] == [
        ("front", "start"),
        ("front", "end"),
        ("back", "start"),
        ("back", "end"),
    ]
    assert "front door: live" in captured.err
    assert names == ["json_lines", "save", "save"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out-back.mp4", "out-front.mp4"]


def test_a_rule_for_a_camera_that_nobody_watches_is_refused() -> None:
    with (
        pytest.raises(InputError, match=r'rules.visitor.cameras: .* front, got "back"'),
        watch_outputs(RULES, ["front"]),
    ):
        pass
