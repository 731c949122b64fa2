"""Rendered streams: what their file says is what their pixels and their paths say."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from training.streams import StreamTruth, drawn_parts, make_street, truth_of, write_stream
from training.streams.__main__ import main
from training.streams.street import CAST, FPS
from training.world import render
from training.world.render import PALETTE

SECONDS = 60.0


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("streams") / "street.mp4"
    write_stream(5, SECONDS, path)
    return path


def test_file_is_what_a_camera_sends(written: Path) -> None:
    with av.open(str(written)) as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        assert stream.codec_context.name == "h264"
        assert stream.average_rate == FPS
    times_s = [float(packet.pts * packet.time_base) for packet in packets]
    assert np.allclose(times_s, np.arange(len(packets)) / FPS)
    assert all(packet.pts == packet.dts for packet in packets)
    keys_s = [time_s for time_s, packet in zip(times_s, packets, strict=True) if packet.is_keyframe]
    assert np.diff(keys_s).max() <= 1 + 1e-6
    assert times_s[-1] == pytest.approx(SECONDS)


def test_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        write_stream(6, 30, tmp_path / name)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    write_stream(7, 30, tmp_path / "c.mp4")
    assert (tmp_path / "a.mp4").read_bytes() != (tmp_path / "c.mp4").read_bytes()


def test_truth_is_read_as_it_was_written(written: Path) -> None:
    truth = StreamTruth.read(written.with_suffix(".json"))
    assert truth.seed == 5 and truth.duration_s == SECONDS
    truth.write(written.with_name("again.json"))
    assert written.with_name("again.json").read_bytes() == written.with_suffix(".json").read_bytes()


def test_things_are_there_when_the_pixels_of_the_file_say_so(written: Path) -> None:
    truth = StreamTruth.read(written.with_suffix(".json"))
    track = next(each for each in truth.tracks if each.end_s - each.start_s > 3)
    color = np.array(PALETTE[track.name.split()[0]])
    with av.open(str(written)) as container:
        found = {}
        for frame in container.decode(video=0):
            pixels = frame.to_ndarray(format="rgb24").astype(int)
            near = np.abs(pixels - color).sum(axis=2) < 120
            found[round(float(frame.time) * FPS)] = near.mean()
    first, last = round(track.start_s * FPS), round(track.end_s * FPS)
    whole = max(found[idx] for idx in range(first, last + 1))
    assert all(found[idx] > 0.3 * whole for idx in range(first, last + 1))
    assert found[first - 2 * FPS] < 0.1 * whole


def test_numbers_and_tracks_agree(written: Path) -> None:
    truth = StreamTruth.read(written.with_suffix(".json"))
    ends_s = [time_s for time_s, _ in truth.numbers[1:]] + [truth.duration_s]
    for (start_s, number), end_s in zip(truth.numbers, ends_s, strict=True):
        middle_s = (start_s + end_s) / 2
        there = [each for each in truth.tracks if each.start_s <= middle_s <= each.end_s]
        assert number == 1 + len(there)
        assert number <= 3


def test_something_happens_all_the_time() -> None:
    street = make_street(3, 600)
    shares = np.zeros((len(street.visits), street.scene.num_frames), np.float32)
    for part in drawn_parts(street, step=5):
        for number, seen in part.shares.items():
            for idx, share in zip(part.frame_idxs, seen, strict=True):
                shares[number, idx : idx + 5] = share
    truth = truth_of(street, shares)
    asked = [track for track in truth.tracks if any(track.name in lane for lane in CAST)]
    assert len(asked) > 50
    assert min(track.end_s - track.start_s for track in truth.tracks) > 2
    plain = [move for move in truth.moves if move.is_plain]
    assert {move.direction for move in plain} == {"left", "right"}
    # Some go behind the post: the same visit is there twice.
    assert len(truth.tracks) > len(street.visits)


def test_parts_are_frames_of_the_whole_scene() -> None:
    street = make_street(4, 30)
    idxs = np.array([100, 350, 620])
    whole = render(street.scene, idxs)
    drawn = {
        int(idx): pixels
        for part in drawn_parts(street)
        for idx, pixels in zip(part.frame_idxs, part.frames, strict=True)
    }
    assert len(drawn) == street.scene.num_frames
    for idx, pixels in zip(idxs, whole.frames, strict=True):
        assert np.array_equal(drawn[int(idx)], pixels)


def test_lanes_never_touch() -> None:
    street = make_street(8, 300)
    for lane in range(len(CAST)):
        visits = [visit for visit in street.visits if visit.lane == lane]
        for before, after in pairwise(visits):
            assert after.start_s - before.end_s >= 4


def test_short_streams_are_refused() -> None:
    with pytest.raises(ValueError, match="duration_s: expected 30 or more, got 10"):
        make_street(1, 10)


def test_command_writes_both_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "s.mp4"), "--minutes", "0.5", "--seed", "9"]) == 0
    assert StreamTruth.read(tmp_path / "s.json").seed == 9
    assert "s.mp4: 30 s" in capsys.readouterr().out


def test_moves_say_which_way() -> None:
    visit = make_street(2, 60).visits[0]
    moved = replace(visit, points=((0.0, -0.1), (1.0, 0.2), (2.0, 0.2), (3.0, 0.1)))
    legs = list(moved.legs())
    assert [(leg.direction, leg.is_inside) for leg in legs] == [("right", False), ("left", True)]
    assert Fraction(legs[1].end_s) == 3
