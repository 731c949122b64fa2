"""The benchmarks: how each is read, and what the paper says the 7B model scores."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import MappingProxyType

from ufvideo_sdk import ConfigError, InputError
from ufvideo_sdk.evaluate.datasets import expressions, palettes, ufvideo_bench, videorefer
from ufvideo_sdk.evaluate.datasets.charades import LAYOUT as CHARADES_LAYOUT
from ufvideo_sdk.evaluate.datasets.charades import read_charades
from ufvideo_sdk.evaluate.datasets.mvbench import LAYOUT as MVBENCH_LAYOUT
from ufvideo_sdk.evaluate.datasets.mvbench import read_mvbench
from ufvideo_sdk.evaluate.datasets.record import DataSet
from ufvideo_sdk.evaluate.datasets.released_segmentation import (
    LAYOUT as RELEASED_LAYOUT,
)
from ufvideo_sdk.evaluate.datasets.released_segmentation import (
    read_released_segmentation,
)

Reader = Callable[[Path, "Path | None"], DataSet]


class Kind(Enum):
    """What is scored."""

    CHOICE = "choice"
    SPAN = "span"
    DESCRIPTION = "description"
    SEGMENTATION = "segmentation"
    COOPERATIVE = "cooperative"


@dataclass(frozen=True)
class Published:
    """A score of the paper (arXiv:2512.11336).

    Attributes:
        percent: The score, in percent.
        not_comparable: Why no score of the released scripts may stand beside it; empty if one may.
    """

    percent: float
    not_comparable: str = ""


@dataclass(frozen=True)
class Benchmark:
    """A benchmark.

    Attributes:
        name: As in commands and files.
        title: As in the paper.
        kind: What is scored.
        layout: What the data set is called, and how its folder must look.
        reader: Reads it.
        num_records: Records of the whole data set, None if that is not known: a score of a part of
            it stands beside no published one.
        published: Scores of the 7B model, by metric.
        published_multi_frame: The same if objects are pointed at on several frames.
    """

    name: str
    title: str
    kind: Kind
    layout: str
    reader: Reader
    num_records: int | None
    published: Mapping[str, Published]
    published_multi_frame: Mapping[str, Published] = field(default_factory=dict)


_NO_SCRIPT = "no released command scores this data set"
_SERVER = "a server scored it"
_TWO_FILES = "one score is published, of two files of questions that are scored apart"


def _masks(region: float, contour: float, both: float, why: str = "") -> dict[str, Published]:
    values = {"J": region, "F": contour, "J&F": both}
    return {name: Published(value, why) for name, value in values.items()}


def _videorefer_q(data: Path, videos: Path | None) -> DataSet:
    return videorefer.read_videorefer_q(data, videos)


def _videorefer_d(data: Path, videos: Path | None) -> DataSet:
    return videorefer.read_videorefer_d(data, videos)


def _segmentation(name: str, reader: Reader) -> Reader:
    def read_either(data: Path, videos: Path | None) -> DataSet:
        if data.suffix == ".json":
            return read_released_segmentation(name, data, videos)
        return reader(data, videos)

    return read_either


def _referring(
    name: str, title: str, layout: str, reader: Reader, num_records: int | None, jf: Published
) -> Benchmark:
    whole = f"{layout}\n{RELEASED_LAYOUT}"
    return Benchmark(
        name, title, Kind.SEGMENTATION, whole, _segmentation(name, reader), num_records, {"J&F": jf}
    )


_ALL = (
    Benchmark(
        "pixrqa",
        "UFVideo-Bench PixRQA",
        Kind.COOPERATIVE,
        ufvideo_bench.layout_of("PixRQA"),
        ufvideo_bench.read_pixrqa,
        None,
        _masks(58.70, 47.87, 53.39),
    ),
    Benchmark(
        "pixhqa",
        "UFVideo-Bench PixHQA",
        Kind.COOPERATIVE,
        ufvideo_bench.layout_of("PixHQA"),
        ufvideo_bench.read_pixhqa,
        None,
        _masks(46.83, 53.00, 49.91, _TWO_FILES),
    ),
    Benchmark(
        "pixtrqa",
        "UFVideo-Bench PixTRQA",
        Kind.COOPERATIVE,
        ufvideo_bench.layout_of("PixTRQA"),
        ufvideo_bench.read_pixtrqa,
        310,
        {
            **_masks(31.42, 33.08, 32.25),
            "tIoU": Published(49.64),
            "R@0.5": Published(51.61),
        },
    ),
    Benchmark(
        "mvbench",
        "MVBench",
        Kind.CHOICE,
        MVBENCH_LAYOUT,
        read_mvbench,
        4_000,
        {"accuracy": Published(67.3)},
    ),
    Benchmark(
        "charades-sta",
        "Charades-STA",
        Kind.SPAN,
        CHARADES_LAYOUT,
        read_charades,
        3_720,
        {
            "R@0.3": Published(71.2),
            "R@0.5": Published(49.6),
            "R@0.7": Published(24.1),
            "tIoU": Published(44.7),
        },
    ),
    Benchmark(
        "videorefer-q",
        "VideoRefer-Bench-Q",
        Kind.CHOICE,
        videorefer.LAYOUT_Q,
        _videorefer_q,
        1_000,
        {"accuracy": Published(74.9)},
        {"accuracy": Published(77.9)},
    ),
    Benchmark(
        "videorefer-d",
        "VideoRefer-Bench-D",
        Kind.DESCRIPTION,
        videorefer.LAYOUT_D,
        _videorefer_d,
        400,
        {},
    ),
    _referring(
        "mevis-val-u",
        "MeViS val-u",
        expressions.MEVIS_LAYOUT.format(split="valid_u"),
        expressions.read_mevis_val_u,
        793,
        Published(62.8),
    ),
    _referring(
        "mevis-val",
        "MeViS val",
        expressions.MEVIS_LAYOUT.format(split="valid"),
        expressions.read_mevis_val,
        2_236,
        Published(55.1, _SERVER),
    ),
    _referring(
        "ref-youtube-vos",
        "Ref-YouTube-VOS",
        palettes.YOUTUBE_LAYOUT,
        palettes.read_ref_youtube_vos,
        None,
        Published(73.4, _SERVER),
    ),
    _referring(
        "ref-davis17",
        "Ref-DAVIS17",
        palettes.DAVIS_LAYOUT,
        palettes.read_ref_davis17,
        None,
        Published(74.6, _NO_SCRIPT),
    ),
    _referring(
        "revos",
        "ReVOS",
        expressions.REVOS_LAYOUT,
        expressions.read_revos,
        None,
        Published(64.8, _NO_SCRIPT),
    ),
)
BENCHMARKS: Mapping[str, Benchmark] = MappingProxyType({each.name: each for each in _ALL})
"""The benchmarks by name."""


def benchmark_of(name: str) -> Benchmark:
    """The benchmark of that name.

    Raises:
        ConfigError: When there is none.
    """
    if name not in BENCHMARKS:
        raise ConfigError(f"benchmark: expected one of {', '.join(BENCHMARKS)}, got {name!r}")
    return BENCHMARKS[name]


def read_data_set(
    name: str,
    data: str | os.PathLike[str],
    *,
    videos: str | os.PathLike[str] | None = None,
    multi_frame: bool = False,
) -> DataSet:
    """Read a data set and check every record of it; no video is opened.

    Records that cannot be asked stay in the data set with their problem: they count 0.
    `DataSet.summary` says what is missing.

    Args:
        name: One of `BENCHMARKS`, whose `layout` says how the folder must look.
        data: The folder of the data set, or a JSON file of the released code's records.
        videos: The folder of the videos, if it is not where the layout has it.
        multi_frame: For VideoRefer-Bench: point at objects on all frames that have a mask.

    Raises:
        ConfigError: When there is no such benchmark, or multi_frame is set for another one.
        InputError: When a file of the data set is missing or cannot be read.
    """
    benchmark = benchmark_of(name)
    folder = Path(data)
    if not folder.exists():
        raise InputError(f"{folder}: expected a folder or a file, got none\n{benchmark.layout}")
    root = None if videos is None else Path(videos)
    if root is not None and not root.is_dir():
        raise InputError(f"videos: expected a folder, got {root}")
    if not multi_frame:
        found = benchmark.reader(folder, root)
    elif name in ("videorefer-q", "videorefer-d"):
        several = {
            "videorefer-q": videorefer.read_videorefer_q,
            "videorefer-d": videorefer.read_videorefer_d,
        }
        found = several[name](folder, root, multi_frame=True)
    else:
        raise ConfigError(f"multi_frame: expected for VideoRefer-Bench only, got it for {name}")
    if not found.records:
        raise InputError(f"{folder}: expected one record or more, got none\n{benchmark.layout}")
    return found
