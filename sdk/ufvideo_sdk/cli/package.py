"""The package that a command was told to use, on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    DownloadColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from ufvideo_sdk.cli.say import say
from ufvideo_sdk.cli.terminal import progress_bar
from ufvideo_sdk.validation.paths import as_path

if TYPE_CHECKING:
    from ufvideo_sdk.hub.download import DownloadCallback, DownloadProgress
    from ufvideo_sdk.hub.hub_name import HubRevision

# What comes at once needs no line.
_SAID_BYTES = 100_000


@dataclass(frozen=True)
class NamedPackage:
    """A package folder, and the repository that it came from.

    Attributes:
        folder: Where it is on this machine.
        hub: The commit of a repository on the Hugging Face Hub; None for a plain folder.
    """

    folder: Path
    hub: HubRevision | None = None


def named_package(package: str | None) -> NamedPackage:
    """The package that was named, downloaded if it is on the Hub; nano if none was.

    A bar on stderr shows a download; where stderr is no terminal, one line. nano is announced in a
    line too.

    Args:
        package: A folder or `hf:USER/NAME[@REVISION]`.

    Raises:
        InputError: When it is no path and no name of a repository.
        ConfigError: When huggingface_hub is not installed.
        PackageError: When the repository cannot be read or holds no package, or none was named and
            this installation lacks nano.
        CapacityError: When the disk is too small for a download.
    """
    from ufvideo_sdk.hub.hub_name import is_hub_name

    if package is None:
        from ufvideo_sdk.package.shipped_package import WHAT_IT_IS, shipped_package

        folder = shipped_package()
        say(f"no package named: this is {WHAT_IT_IS}", err=True)
        return NamedPackage(folder)
    if not is_hub_name(package):
        return NamedPackage(as_path(package, "PACKAGE"))
    from ufvideo_sdk.cli.interruptible import interruptible
    from ufvideo_sdk.package.hub_package import fetch_package

    with download_bar() as on_download:
        fetched = interruptible(lambda: fetch_package(package, on_download))
    return NamedPackage(fetched.folder, fetched.source)


@contextmanager
def download_bar() -> Iterator[DownloadCallback]:
    """Show what comes from the Hub: a line on stderr, and a bar if that is a terminal.

    A package's manifest, which comes first, has no line of its own.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with progress_bar(*columns) as bar:
        task = bar.add_task("", total=None, visible=False)
        told: set[int] = set()

        def on_download(progress: DownloadProgress) -> None:
            total = progress.total_bytes
            if total >= _SAID_BYTES and total not in told:
                say(download_line(progress), err=True)
                told.add(total)
            bar.update(
                task,
                description=progress.file,
                completed=progress.done_bytes,
                total=total,
                visible=True,
            )

        yield on_download


def download_line(progress: DownloadProgress) -> str:
    """What is said when a download begins."""
    from ufvideo_sdk.hub.download import readable_bytes

    left = readable_bytes(progress.total_bytes - progress.done_bytes)
    return f"downloading {left} of {progress.source} into {progress.folder}"
