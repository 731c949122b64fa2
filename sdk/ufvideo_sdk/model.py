"""A model: open a package once, ask it about any number of clips from any number of threads."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ufvideo_sdk import _native
from ufvideo_sdk.cancellation import check_token, reading_for
from ufvideo_sdk.errors import InputError, PackageError
from ufvideo_sdk.hub.download import DownloadCallback
from ufvideo_sdk.hub.hub_name import HubRevision, is_hub_name
from ufvideo_sdk.package.file_names import MANIFEST_NAME
from ufvideo_sdk.package.hub_package import fetch_package
from ufvideo_sdk.package.manifest import ALL_STEMS, Manifest, read_manifest
from ufvideo_sdk.package.no_package import no_package
from ufvideo_sdk.package.shipped_package import shipped_package
from ufvideo_sdk.package.token_check import check_turn_end
from ufvideo_sdk.results.from_native import memory_use, stage_providers
from ufvideo_sdk.results.load_stats import LoadClock
from ufvideo_sdk.results.memory_use import MemoryUse
from ufvideo_sdk.runtime.config import RuntimeConfig
from ufvideo_sdk.runtime.misplaced_settings import naming_misplaced_settings
from ufvideo_sdk.runtime.nvidia_libraries import load_installed_libraries
from ufvideo_sdk.runtime.onnxruntime_library import find_library
from ufvideo_sdk.session.loaded_model import LoadedModel
from ufvideo_sdk.session.saved_session import saved_clip
from ufvideo_sdk.session.session import Session, check_clip_sampling
from ufvideo_sdk.session.session_call import ProgressCallback
from ufvideo_sdk.session.session_file import read_session_file
from ufvideo_sdk.session.stream import Stream, StreamOptions
from ufvideo_sdk.tensorrt.engines import EngineCallback, native_runtime, stages_left_out
from ufvideo_sdk.text.chat_template import read_chat_template
from ufvideo_sdk.text.constraints import AnswerFormats
from ufvideo_sdk.text.prompt import PromptBuilder
from ufvideo_sdk.text.tokenizer import TextTokenizer
from ufvideo_sdk.validation.arguments import as_integer, check_callback, check_instance, described
from ufvideo_sdk.validation.paths import as_path, is_folder
from ufvideo_sdk.video.clip import Clip
from ufvideo_sdk.video.sampling import Sampling
from ufvideo_sdk.video.video_container import SourceOptions
from ufvideo_sdk.video.video_damage import DamagedFramesError
from ufvideo_sdk.video.video_file import FramesFormat, Source, VideoFile, open_source

TOKENIZER_NAME = "tokenizer.json"
CHAT_TEMPLATE_NAME = "chat_template.json"
_DEFAULT_RUNTIME = RuntimeConfig()


class UFVideo:
    """The weights and the words of one package, immutable and shared by threads.

    Attributes:
        package: The package's folder.
        manifest: What it says of the model.
        manifest_sha256: Digest of the manifest's file, which holds those of all others.
        runtime: How it was loaded.
        stage_providers: Execution providers of each stage, by stem.
        load_stats: Where the time of `load` went.
        tokenizer: Text to ids and back.
        prompts: Questions to ids.
        formats: What answers may be.
        hub: The repository and the commit that the package came from; None for a folder.
    """

    def __init__(
        self,
        package: Path | None = None,
        manifest: Manifest | None = None,
        runtime: RuntimeConfig | None = None,
        on_engine: EngineCallback | None = None,
        clock: LoadClock | None = None,
    ) -> None:
        """Use `UFVideo.load`.

        Raises:
            InputError: When it is called as `UFVideo.load` is.
        """
        if package is None or manifest is None or runtime is None:
            given = repr(str(package)) if isinstance(package, (str, os.PathLike)) else ""
            raise InputError(f"expected UFVideo.load({given}), got UFVideo({given})")
        clock = LoadClock() if clock is None else clock
        loaded = _load(package, manifest, runtime, on_engine, clock)
        self._loaded = loaded
        self.runtime = runtime
        self.package = loaded.package
        self.manifest = loaded.manifest
        self.manifest_sha256 = loaded.manifest_sha256
        self.stage_providers = loaded.stage_providers
        self.tokenizer = loaded.tokenizer
        self.prompts = loaded.prompts
        self.formats = loaded.formats
        self.load_stats = clock.stats()
        self.hub: HubRevision | None = None

    @classmethod
    @naming_misplaced_settings
    def load(
        cls,
        package: str | os.PathLike[str] | None = None,
        *,
        runtime: RuntimeConfig = _DEFAULT_RUNTIME,
        on_engine: EngineCallback | None = None,
        on_download: DownloadCallback | None = None,
    ) -> UFVideo:
        """Open a package: a folder, or a repository on the Hugging Face Hub.

        Args:
            package: The folder that `ufvideo export` wrote; or the text "hf:USER/NAME" or
                "hf:USER/NAME@REVISION", whose files are downloaded unless the cache has them; None:
                nano, which ships with the SDK, a demonstration model of a rendered world of
                coloured shapes. A folder is never looked for on a network.
            runtime: How to run here.
            on_engine: Called before each TensorRT engine that has to be built first, which takes
                minutes, and when all are there. Without it the log says so.
            on_download: Called as bytes come from the Hub, first with those that are here, and not
                at all if nothing is missing. Its exceptions end the download, which goes on from
                there the next time, and are raised unchanged.

        Raises:
            InputError: When package is no path and no name of a repository, runtime no
                RuntimeConfig, or a callback cannot be called.
            ConfigError: When a repository is named and huggingface_hub is not installed.
            PackageError: When a file is missing, damaged or contradicts the manifest, a repository
                cannot be read or holds no package, a TensorRT engine is not what was built, or this
                installation lacks nano.
            PackageVersionError: When the package has a format this version does not read.
            DeviceError: When ONNX Runtime is missing or too old, or a provider cannot start.
            CapacityError: When the weights do not fit into memory, a download not onto the disk, or
                the system has no threads or file descriptors left.
        """
        check_instance(runtime, "runtime", RuntimeConfig)
        check_callback(on_engine, "on_engine")
        check_callback(on_download, "on_download")
        if isinstance(package, str) and is_hub_name(package):
            fetched = fetch_package(package, on_download)
            folder, hub = fetched.folder, fetched.source
        else:
            given = shipped_package() if package is None else package
            folder, hub = as_path(given, "package"), None
            if not is_folder(folder):
                raise no_package(folder, given)
        clock = LoadClock()
        with clock.phase("manifest"):
            manifest = read_manifest(folder)
        model = cls(folder, manifest, runtime, on_engine, clock)
        model.hub = hub
        return model

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Answer for what a session has: type checkers are to see that it is not here."""
            remedy = f": open(source).{name} is the session's" if hasattr(Session, name) else ""
            raise AttributeError(f"'UFVideo' object has no attribute {name!r}{remedy}")

    def memory_use(self) -> MemoryUse:
        """What all sessions of the model hold together, from any thread."""
        return memory_use(self._loaded.native)

    def __repr__(self) -> str:
        return f"UFVideo({self.manifest.model.name}, {self.hub or self.package})"

    @naming_misplaced_settings
    def open(
        self,
        source: Source,
        *,
        start_s: float | None = None,
        end_s: float | None = None,
        fps: float | None = None,
        timestamps_s: Sequence[float] | NDArray[np.float64] | None = None,
        frames_format: FramesFormat = "rgb",
        sampling: Sampling = "uniform",
        stream: int | None = None,
        strict: bool = False,
        cancel: _native.CancellationToken | None = None,
        on_progress: ProgressCallback | None = None,
    ) -> Session:
        """Open a clip and encode it.

        Args:
            source: Path of a video, an image or a folder of frames, or a binary file object of
                one. Or frames, with `fps` or `timestamps_s`: an array or a tensor on the CPU, uint8
                [T, H, W, 3]; a list of arrays [H, W, 3], Pillow images or paths of pictures; or an
                iterable of these, whose frames are copied into memory. Or an image: an array [H, W,
                3] or a Pillow image. docs/videos.md says more.
            start_s: Leave out frames shown before this time, in seconds of the source's clock.
            end_s: Leave out frames shown after this time.
            fps: Rate of frames, of a folder (a folder without one counts as 3), or of a bare video
                stream, which has no times.
            timestamps_s: Presentation times of these, strictly increasing, [T].
            frames_format: Order of the channels of arrays: "rgb", or "bgr" as OpenCV has it.
            sampling: Which frames the model looks at: "uniform" spreads as many as it was trained
                on (`manifest.video.num_frames`) over the clip, and repeats some if the clip has
                fewer; "every" looks at each frame of the clip once, which are 2 to that many. The
                aligner joins frames in pairs and leaves an odd last one out of what questions see.
            stream: Which video stream of a file, by its number in the file as ffprobe counts;
                None: the default one.
            strict: Refuse a damaged video. Otherwise its whole frames are read; `Clip.damage` and a
                DamagedVideoWarning say what is lost.
            cancel: What ends it early, from any thread.
            on_progress: Called with the number of frames encoded and of those to encode, (0, n)
                first; again from 0 if frames turned out damaged. Its exceptions end it and are
                raised unchanged.

        Raises:
            InputError: When the source cannot be read, saying why, or has too few or too many
                frames for sampling="every".
            PackageError: When sampling is "every" and the model's aligner looks across pairs.
            InferenceError: When a graph fails.
            CancelledError: When it was cancelled.
        """
        check_clip_sampling(self._loaded, sampling)
        check_token(cancel)
        check_callback(on_progress, "on_progress")
        options = self._source_options(stream, strict)
        begin = time.perf_counter()
        with reading_for(cancel):
            frames = open_source(
                source,
                fps=fps,
                timestamps_s=timestamps_s,
                frames_format=frames_format,
                options=options,
                keep_open=True,
            )

        def opened() -> Session:
            with reading_for(cancel):
                clip = Clip(frames, start_s=start_s, end_s=end_s)
            clip.clock.opened(begin)
            return Session(
                self._loaded, clip, sampling=sampling, cancel=cancel, on_progress=on_progress
            )

        try:
            return opened()
        except DamagedFramesError:
            if strict or not isinstance(frames, VideoFile):
                raise
            # Only decoding shows this damage: list the whole frames, and sample among those.
            begin = time.perf_counter()
            with reading_for(cancel):
                frames.look_closer()
            return opened()
        finally:
            if isinstance(frames, VideoFile):
                frames.release()

    @naming_misplaced_settings
    def open_stream(
        self,
        *,
        fps: float = 1.0,
        frames: int | None = None,
        prefixes: int = 1,
        drop_pairs: int | None = None,
        history_s: float = 0.0,
        frames_format: FramesFormat = "rgb",
        clock: str = "arrival",
    ) -> Stream:
        """Open a live window, which frames are pushed into while it is asked.

        Args:
            fps: Frames looked at in a second of stream time.
            frames: Most frames of the window, an even number; None: the model's own.
            prefixes: Prefixes of the language model that are kept. With 2 no question waits for a
                whole one when the window drops its older half (docs/guides/streams.md).
            drop_pairs: Pairs of frames that a full window drops at once; None: one, so that it
                stays full, or half the window with two prefixes.
            history_s: How long video tokens are kept behind the window, for `Stream.past`.
            frames_format: Order of the channels of frames: "rgb", or "bgr" as OpenCV has it.
            clock: What the times of day of `Stream.push` are: "camera", the camera's own clock;
                "arrival", this machine's, which is read if none is given; "file", what a file says.

        Raises:
            InputError: When an argument has another type or value.
            PackageError: When the model's aligner looks across pairs of frames.
        """
        options = StreamOptions(fps, frames, prefixes, drop_pairs, history_s, frames_format, clock)
        return Stream(self._loaded, options)

    def load_session(
        self,
        path: str | os.PathLike[str],
        *,
        video: Source | None = None,
        fps: float | None = None,
        timestamps_s: Sequence[float] | NDArray[np.float64] | None = None,
        frames_format: FramesFormat = "rgb",
        stream: int | None = None,
        strict: bool = False,
    ) -> Session:
        """Open a session that `Session.save` wrote; nothing is encoded again.

        Text, times, and regions on the frames the model looked at need no video. Masks and regions
        on other frames do: without it they raise an InputError, with the answer's text as its
        `answer`.

        Args:
            path: The file.
            video: The source again, as `open` takes it; size, number of frames and their times must
                be those saved. Its pixels are not compared.
            fps: Rate of frames, a folder or a bare stream, as `open` takes it.
            timestamps_s: Presentation times of these.
            frames_format: Order of the channels of arrays, as `open` takes it.
            stream: Which video stream, as `open` takes it.
            strict: Refuse a damaged video, as `open` does.

        Raises:
            InputError: When the file is no session file, damaged, or of another package, or the
                video is another one.
            CapacityError: When it does not fit into memory.
        """
        file = as_path(path, "path")
        if video is None and (fps is not None or timestamps_s is not None or stream is not None):
            raise InputError("expected fps, timestamps_s and stream with video= only")
        read = read_session_file(file, self.manifest, self.manifest_sha256)
        frames = None
        if video is not None:
            options = self._source_options(stream, strict)
            frames = open_source(
                video,
                fps=fps,
                timestamps_s=timestamps_s,
                frames_format=frames_format,
                options=options,
            )
        clip = saved_clip(read, frames)
        sampling: Sampling = "every" if read.facts.sampling == "every" else "uniform"
        try:
            return Session(self._loaded, clip, sampling=sampling, saved=read)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None

    def _source_options(self, stream: int | None, strict: bool) -> SourceOptions:
        check_instance(strict, "strict", bool)
        number = None if stream is None else as_integer(stream)
        if stream is not None and (number is None or number < 0):
            raise InputError(f"stream: expected an integer of 0 or more, got {described(stream)}")
        return SourceOptions(number, strict, self.runtime.max_frame_pixels)


def _load(
    package: Path,
    manifest: Manifest,
    runtime: RuntimeConfig,
    on_engine: EngineCallback | None,
    clock: LoadClock,
) -> LoadedModel:
    with clock.phase("libraries"):
        library = find_library(runtime.onnxruntime_library)
    listed = {entry.path for entry in manifest.files}
    for name in (TOKENIZER_NAME, CHAT_TEMPLATE_NAME):
        if name not in listed:
            raise PackageError(f"{package}: expected {name} among the manifest's files")
    with clock.phase("libraries"):
        load_installed_libraries(runtime.all_providers)
    # The native side compares every file with the manifest before anything is read from it.
    with clock.phase("engines"):
        engines = ExitStack()
        config = engines.enter_context(
            native_runtime(package, manifest, runtime, library, on_engine)
        )
    with engines:
        native = _native.Model.load(str(package), config)
    timings = native.load_timings()
    for name in ("package", *ALL_STEMS):
        if name in timings:
            clock.add(name, timings[name].total_ms)
    with clock.phase("text"):
        return _with_words(package, manifest, runtime, native)


def _with_words(
    package: Path, manifest: Manifest, runtime: RuntimeConfig, native: _native.Model
) -> LoadedModel:
    tokenizer = TextTokenizer(package / TOKENIZER_NAME, manifest.tokens)
    template = read_chat_template(package / CHAT_TEMPLATE_NAME)
    after_turn = tokenizer.split_special(template.after)
    check_turn_end(package / CHAT_TEMPLATE_NAME, manifest.tokens, after_turn)
    prompts = PromptBuilder(tokenizer, template, manifest.tokens)
    return LoadedModel(
        package=package,
        manifest=manifest,
        manifest_sha256=_native.sha256_file(str(package / MANIFEST_NAME)),
        native=native,
        stage_providers=stage_providers(native, stages_left_out(runtime, manifest)),
        tokenizer=tokenizer,
        prompts=prompts,
        formats=AnswerFormats(prompts, manifest),
    )
