"""What people try first and what cannot work: each error says what to do instead."""

from __future__ import annotations

import copy
import inspect
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from tests.unit.written_videos import write_video
from ufvideo_sdk import (
    Clip,
    ConfigError,
    GenerationConfig,
    InputError,
    PackageError,
    Region,
    RuntimeConfig,
    UFVideo,
    UFVideoError,
)
from ufvideo_sdk.cli import app
from ufvideo_sdk.package.shipped_package import shipped_package

FRAMES = np.zeros((4, 48, 64, 3), np.uint8)


class Place:
    """Nano, and a folder with a video, a zip archive and a checkpoint."""

    def __init__(self, model: UFVideo, folder: Path) -> None:
        self.model = model
        self.video = write_video(folder / "clip.mp4", [0, 40, 80, 120])
        self.zip = folder / "frames.zip"
        with zipfile.ZipFile(self.zip, "w") as archive:
            archive.write(self.video, "clip.mp4")
        self.checkpoint = folder / "checkpoint"
        self.checkpoint.mkdir()
        (self.checkpoint / "config.json").write_text(json.dumps({"model_type": "ufvideo"}))
        (self.checkpoint / "model.safetensors").write_bytes(b"\0" * 16)

        self.session = model.open(FRAMES, fps=2)


Mistake = tuple[Callable[[Place], object], type[UFVideoError], list[str]]

MISTAKES: dict[str, Mistake] = {
    "open(cv2.VideoCapture(path))": (
        lambda at: at.model.open(cv2.VideoCapture(str(at.video))),
        InputError,
        ["cv2.VideoCapture", "the path of its file", 'frames_format="bgr"', "timestamps_s="],
    ),
    'open("rtsp://user:secret@10.0.0.7/cam")': (
        lambda at: at.model.open("rtsp://user:secret@10.0.0.7/cam"),
        InputError,
        ["rtsp://10.0.0.7/cam", "live stream", "record it first"],
    ),
    'open("frames.zip")': (
        lambda at: at.model.open(at.zip),
        InputError,
        ["frames.zip", "a zip archive", "unpack it"],
    ),
    "UFVideo.load of a checkpoint": (
        lambda at: UFVideo.load(at.checkpoint),
        PackageError,
        ["a checkpoint", "ufvideo export", "--vision-tower"],
    ),
    "open(package)": (
        lambda at: at.model.open(shipped_package()),
        InputError,
        ["found a package", "UFVideo.load("],
    ),
    'UFVideo("package")': (
        lambda at: UFVideo("package"),  # type: ignore[arg-type]
        InputError,
        ["expected UFVideo.load('package')"],
    ),
    "ask(..., max_new_tokens=8)": (
        lambda at: at.session.ask("What is there?", max_new_tokens=8),
        InputError,
        ["config=GenerationConfig(max_new_tokens=8)"],
    ),
    'RuntimeConfig(providers="cpu")': (
        lambda at: RuntimeConfig(providers="cpu"),
        ConfigError,
        ["give ('cpu',)"],
    ),
    'segment("Where is the red ball?")': (
        lambda at: at.session.segment("Where is the red ball?"),
        InputError,
        ["expected the name of an object", "ask('Where is the red ball? Please segment it.')"],
    ),
    'locate("When does the ball stop?")': (
        lambda at: at.session.locate("When does the ball stop?"),
        InputError,
        ["expected what happens", "ask('When does the ball stop?')"],
    ),
    'UFVideo.load("USER/NAME")': (
        lambda at: UFVideo.load("Hevven/UFVideo-7B"),
        PackageError,
        ["hf:Hevven/UFVideo-7B"],
    ),
    "open(float frames)": (
        lambda at: at.model.open(FRAMES / np.float32(255), fps=2),
        InputError,
        ["float32 [4, 48, 64, 3]", "(frames * 255).round().astype(numpy.uint8)"],
    ),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")
    made = Place(UFVideo.load(), tmp_path_factory.mktemp("mistakes"))
    with made.session:
        yield made


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_answered_with_what_to_do(place: Place, name: str) -> None:
    mistake, family, words = MISTAKES[name]
    with pytest.raises(family) as caught:
        mistake(place)
    message = str(caught.value)
    assert [word for word in words if word not in message] == [], message
    assert "secret" not in message


def test_a_list_of_providers_is_taken() -> None:
    config = RuntimeConfig(providers=["cuda", "cpu"], stage_providers={"aligner": ["cpu"]})
    assert config == RuntimeConfig(providers=("cuda", "cpu"), stage_providers={"aligner": ("cpu",)})
    assert config.providers == ("cuda", "cpu") and hash(config) == hash(config)
    assert config.providers_of("aligner") == ("cpu",)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://me:pw@example.org/a/b.mp4?token=t", "https://example.org/a/b.mp4: expected a"),
        (Path("rtsp://10.0.0.7/cam"), "rtsp://10.0.0.7/cam: expected a file or frames"),
        (Path("http://example.org/b.mp4"), "http://example.org/b.mp4: expected a file, got a URL"),
        ("s3://bucket/b.mp4", "nothing is downloaded: download it"),
        ("custom://x/y", "custom://x/y: expected a file, got a URL"),
        ("file:///data/b.mp4", "leave out the file://"),
        ("http:/b.mp4", "http://b.mp4: expected a file, got a URL"),
        ("odd:/b.mp4", "odd:/b.mp4: expected a file or a folder, found nothing there"),
        ("-", "standard input is not read"),
    ],
)
def test_urls_are_named_whole_without_secrets(place: Place, url: str | Path, message: str) -> None:
    with pytest.raises(InputError) as caught:
        place.model.open(url)
    assert message in str(caught.value)
    assert not {"pw", "token"} & set(re.findall(r"\w+", str(caught.value)))


def test_a_file_whose_name_looks_like_a_url_is_read(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("http:").mkdir()
    Path("http:", "clip.mp4").write_bytes(place.video.read_bytes())
    with place.model.open("http://clip.mp4") as session:
        assert len(session.clip.frame_idxs) == 4


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.npy", b"\x93NUMPY\1\0", 'numpy.load(path, mmap_mode="r")'),
        ("a.npz", b"PK\3\4", 'numpy.load(path)["..."]'),
        ("a.pt", b"PK\3\4", "torch.load(path)"),
        ("a.mp4", b"\x1f\x8b\x08", "a gzip archive: unpack it"),
        ("a.tar", bytes(257) + b"ustar\0", "a tar archive: unpack it"),
        ("a.mp4", b"\n<!DOCTYPE HTML><html>", "a web page: download the file that it shows"),
        ("a.mp4", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("a.mp4", b"%PDF-1.7", "a PDF document"),
        ("a.mp4", b"<?xml version='1.0'?><MPD/>", "a playlist, which names other files"),
    ],
)
def test_other_files_are_named(
    place: Place, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content + bytes(600))
    with pytest.raises(InputError) as caught:
        place.model.open(path)
    assert message in str(caught.value) and name in str(caught.value)


def test_a_saved_session_is_named(place: Place, tmp_path: Path) -> None:
    place.session.save(tmp_path / "a.session")
    with pytest.raises(InputError, match=r"a saved session: UFVideo\.load_session\(path\)"):
        place.model.open(tmp_path / "a.session")


def test_other_folders_are_named(place: Place, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found a checkpoint: ufvideo export makes a package"):
        place.model.open(place.checkpoint)
    videos = tmp_path / "dataset"
    (videos / "walk").mkdir(parents=True)
    with pytest.raises(InputError, match=r"found 1 folder\(s\) in it: .*such as .*dataset/walk"):
        place.model.open(videos)
    (videos / "b.mp4").write_bytes(place.video.read_bytes())
    with pytest.raises(InputError, match=r"found 1 video\(s\) in it: .*such as .*dataset/b\.mp4"):
        place.model.open(videos)


def test_what_is_no_package_is_named(place: Place, tmp_path: Path) -> None:
    package = shipped_package()
    graph = next(package.glob("*.onnx"))
    (tmp_path / "outer").mkdir()
    (tmp_path / "outer" / "package").symlink_to(package)
    (tmp_path / "lone.onnx").write_bytes(b"\x08\x08")
    (tmp_path / "pytorch_model.bin").write_bytes(b"PK\x03\x04")
    for given, message in (
        (place.zip, "frames.zip, a zip archive: unpack it"),
        (place.video, "clip.mp4: a package is what `ufvideo export` wrote; a video is what"),
        (package / "manifest.json", "give the folder that it lies in"),
        (graph, "give the folder that it lies in"),
        (tmp_path / "lone.onnx", "ufvideo export makes a package"),
        (tmp_path / "pytorch_model.bin", "pytorch_model.bin: ufvideo export makes a package"),
        (tmp_path / "outer", "a package is in it: "),
        ("https://huggingface.co/USER/NAME/tree/main", "hf:USER/NAME names it"),
        ("https://huggingface.co/USER/NAME.git", ": hf:USER/NAME names it"),
        ("https://huggingface.co/datasets/USER/NAME", "download it, and give the path"),
        (f"https://huggingface.co/USER/{'N' * 90}", "download it, and give the path"),
        ("https://nothuggingface.co/USER/NAME", "download it, and give the path"),
        ("https://example.org/package", "the URL https://example.org/package: download it"),
        ("USER/NAME@main", "hf:USER/NAME@main"),
        (tmp_path / "nothing", "found none at"),
    ):
        with pytest.raises(PackageError) as caught:
            UFVideo.load(given)
        assert message in str(caught.value), given
    with pytest.raises(PackageError) as caught:
        UFVideo.load(tmp_path / "nothing")
    assert "hf:" not in str(caught.value)


def test_settings_are_named_where_they_belong(place: Place) -> None:
    session, load = place.session, UFVideo.load
    calls: list[tuple[Callable[[], object], str]] = [
        (lambda: session.ask("a", temperature=0.5), "config=GenerationConfig(temperature=0.5)"),
        (lambda: session.stream("a", max_tokens=8), "config=GenerationConfig(max_new_tokens=8)"),
        (lambda: session.ask_many(["a"], seed=1), "ask_many: expected config=GenerationConfig("),
        (lambda: session.locate("a", top_k=3), "config=GenerationConfig(top_k=3)"),
        (lambda: session.segment("a", top_p=0.5), "config=GenerationConfig(top_p=0.5)"),
        (lambda: session.segment_stream("a", seed=0), "config=GenerationConfig(seed=0)"),
        (lambda: load(providers=("cpu",)), "runtime=RuntimeConfig(providers=('cpu',))"),
        (lambda: load(num_threads=2), "load: expected runtime=RuntimeConfig(num_threads=2)"),
        (lambda: load(max_new_tokens=2), "where a question is asked, ask(..., config="),
        (
            lambda: load(config=RuntimeConfig()),
            "load: expected runtime=RuntimeConfig(...), got config=RuntimeConfig(...)",
        ),
        (lambda: load(config=None), "load: expected runtime=RuntimeConfig(...), got config=None"),
        (
            lambda: load(config=GenerationConfig()),
            "load: expected GenerationConfig where a question is asked, ask(..., config=Generation",
        ),
        (
            lambda: session.ask("a", runtime=RuntimeConfig()),
            "ask: expected RuntimeConfig where the model is loaded, UFVideo.load(..., runtime=",
        ),
        (
            lambda: session.ask("a", runtime={"num_threads": 2}),
            "ask: expected RuntimeConfig where the model is loaded, UFVideo.load(..., runtime=",
        ),
        (
            lambda: session.ask("a", generation=GenerationConfig()),
            "ask: expected config=GenerationConfig(...), got generation=GenerationConfig(...)",
        ),
        (lambda: place.model.open(FRAMES, fps=1, num_threads=2), "where the model is loaded"),
        (
            lambda: session.ask("a", config={"max_new_tokens": 8}),
            "config: expected a GenerationConfig, got dict {'max_new_tokens': 8}: give"
            " GenerationConfig(max_new_tokens=8)",
        ),
    ]
    for call, message in calls:
        with pytest.raises(InputError) as caught:
            call()
        assert message in str(caught.value)
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        session.ask("a", colour="red")
    with pytest.raises(TypeError, match="question"):
        session.ask()
    assert list(inspect.signature(session.ask).parameters)[:2] == ["question", "regions"]


def test_a_model_is_asked_by_a_session(place: Place) -> None:
    for name in ("ask", "segment", "locate", "clip"):
        with pytest.raises(AttributeError, match=rf"no attribute '{name}': open\(source\)\.{name}"):
            getattr(place.model, name)
    with pytest.raises(AttributeError, match=r"no attribute 'colour'$"):
        place.model.colour  # noqa: B018
    assert copy.copy(place.model).package == place.model.package


def test_one_in_place_of_several(place: Place) -> None:
    session = place.session
    box = Region.from_box(0, (5, 5, 9, 9), height=48, width=64)
    with pytest.raises(InputError, match=r"regions: .* got Region.*: give it in a list"):
        session.ask("What is <region>?", regions=box)
    with pytest.raises(InputError, match=r"frames: .* got 2: give \[2\]"):
        session.segment("the red ball", frames=2)
    # No frame has it, so that a list of it would be refused too.
    with pytest.raises(InputError, match=r"frames: .* got -1$"):
        session.segment("the red ball", frames=-1)


def test_what_is_no_session_or_checkpoint_is_named(place: Place) -> None:
    with pytest.raises(InputError, match=r"another kind of file: UFVideo\.open opens videos"):
        place.model.load_session(place.video)
    read = pytest.importorskip("ufvideo_export.checkpoint.config").read_model_sizes
    with pytest.raises(InputError, match="found a package, exported already"):
        read(shipped_package())


@pytest.mark.parametrize("name", ["CPUExecutionProvider", "CPU"])
def test_providers_by_the_names_of_others(name: str) -> None:
    with pytest.raises(ConfigError, match="give 'cpu'"):
        RuntimeConfig(providers=[name])


def test_constructors_name_what_to_call(place: Place) -> None:
    for call in (
        lambda: UFVideo(),
        lambda: UFVideo("package", runtime=RuntimeConfig()),
        lambda: UFVideo(Path("package")),
    ):
        with pytest.raises(InputError, match=r"expected UFVideo\.load\("):
            call()
    with pytest.raises(InputError, match=r"got str 'a.mp4': UFVideo\.open\(source\)\.clip"):
        Clip("a.mp4")  # type: ignore[arg-type]


def test_the_command_line_says_the_same(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    video, no_video = str(place.video), str(tmp_path / "none.mp4")
    for arguments, code, message in (
        (["ask", "rtsp://me:pw@cam/1", "What?"], 3, "rtsp://cam/1: expected a file or frames"),
        (["ask", str(place.zip), "What?"], 3, "a zip archive: unpack it"),
        (["ask", str(shipped_package()), "What?"], 3, "found a package"),
        (["ask", "What is there?", video], 3, "expected SOURCE QUESTION in this order"),
        (["locate", "a car stops", video], 3, "expected SOURCE EVENT in this order"),
        (["segment", "the car", video], 3, "expected SOURCE EXPRESSION in this order"),
        (["segment", no_video, "the car"], 3, "none.mp4: expected a file or a folder"),
        (["segment", video, "Where is the car?"], 3, "expected the name of an object"),
        (["locate", video, "When does it stop?"], 3, "expected what happens"),
        (["ask", video, "What?", "--package", str(place.checkpoint)], 4, "a checkpoint"),
        (["ask", video, "What?", "--package", "USER/NAME"], 4, "hf:USER/NAME"),
        (["verify", str(place.checkpoint)], 4, "ufvideo export"),
        (["info", str(place.zip)], 4, "a zip archive: unpack it"),
        (["ask", video, "What?", "--provider", "CUDAExecutionProvider"], 2, "give 'cuda'"),
    ):
        result = CliRunner().invoke(app, arguments, prog_name="ufvideo")
        assert result.exit_code == code, (arguments, result.stderr)
        assert message in " ".join(result.stderr.split()), arguments
        assert "pw" not in result.stderr
