"""The folder in which a page's blocks run: a clone, with what a reader has made in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
from PIL import Image

from tests.docs.fenced_blocks import Block
from ufvideo_sdk import demo_clip
from ufvideo_sdk.package.shipped_package import shipped_package

ROOT = Path(__file__).parents[2]
RUNNER = Path(__file__).with_name("page_runner.py")
SMALL = ROOT / "tests" / "data" / "small"
# What the local Hub serves: the golden checkpoint, which has the released format; and nano.
HUB = {
    "Hevven/UFVideo-7B": SMALL / "checkpoint",
    "google/siglip-so400m-patch14-384": SMALL / "siglip",
    "USER/NAME": shipped_package(),
}
# A clone has these, links of them are enough: nothing writes there.
_CLONE = (
    ".cache",
    "CMakeLists.txt",
    "benchmarks",
    "cmake",
    "examples",
    "native",
    "pyproject.toml",
    "testing",
    "tests",
    "training",
)
_FILE_NAME = re.compile(r"^(?:#|//) (\S+/\S+\.\w+)\n")
_LONGEST_S = 600


@dataclass(frozen=True)
class Ran:
    """What a block did.

    Attributes:
        block: The block.
        output: What it printed.
        error: Its error as text, or None.
    """

    block: Block
    output: str
    error: str | None


def prepare(folder: Path, blocks: list[Block]) -> Path:
    """Make what the pages name: videos, a package, a checkpoint and its vision tower.

    A page that downloads the released model makes its package itself.
    """
    for name in _CLONE:
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)
    for name in ("clip.mp4", "street.mp4"):
        shutil.copy(demo_clip(), folder / name)
    if not any(map(downloads, blocks)):
        shutil.copytree(shipped_package(), folder / "package")
    with av.open(str(demo_clip())) as clip:
        size = (clip.streams.video[0].width, clip.streams.video[0].height)
    Image.new("L", size, 255).save(folder / "truck.png")
    (folder / "checkpoint").symlink_to(SMALL / "checkpoint")
    (folder / "siglip-so400m-patch14-384").symlink_to(SMALL / "siglip")
    return folder


def downloads(block: Block) -> bool:
    """Whether a block asks the Hub for a model."""
    return "hf:" in block.code


@contextmanager
def hub(blocks: list[Block], folder: Path) -> Iterator[dict[str, str]]:
    """The environment in which blocks find a Hub: a server here, with a small model."""
    if not any(map(downloads, blocks)):
        yield {}
        return
    from tests.hub_server import hub_server

    with hub_server() as server:
        for name, path in HUB.items():
            server.add_folder(name, path, revisions=("v1",))
        yield {"HF_ENDPOINT": server.endpoint, "HF_HOME": str(folder / "huggingface")}


def named_file(block: Block) -> str | None:
    """The file that a block is saved as, where its first line is a comment that names one."""
    found = _FILE_NAME.match(block.code)
    return found[1] if found else None


def run(blocks: list[Block], folder: Path) -> list[Ran]:
    """Run blocks in order as a reader does, up to the first error; those with a name are saved."""
    runnable = []
    for block in blocks:
        name = named_file(block)
        if name is not None:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.code, encoding="utf-8")
        else:
            runnable.append(block)
    if not runnable:
        return []
    environment = {k: v for k, v in os.environ.items() if not k.startswith("UFVIDEO_")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment["HOME"] = str(folder)
    with hub(runnable, folder) as variables:
        done = subprocess.run(
            [sys.executable, "-W", "error", str(RUNNER)],
            input=json.dumps([(block.language, block.code) for block in runnable]),
            cwd=folder,
            env=environment | variables,
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
            check=False,
        )
    lines = done.stdout.splitlines()
    ran = [Ran(block, **json.loads(line)) for block, line in zip(runnable, lines, strict=False)]
    if len(ran) < len(runnable) and not (ran and ran[-1].error):
        ran.append(Ran(runnable[len(ran)], "", f"the process ended\n{done.stderr}"))
    return ran
