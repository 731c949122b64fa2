"""From the shared options to a loaded model, without a source."""

from __future__ import annotations

from typing import Any

from ufvideo_sdk.cli.interruptible import interruptible
from ufvideo_sdk.cli.package import named_package
from ufvideo_sdk.cli.terminal import engine_label, spinner
from ufvideo_sdk.model import UFVideo
from ufvideo_sdk.runtime.config import RuntimeConfig


def loaded(package: str | None, runtime: dict[str, Any]) -> UFVideo:
    """Load a package, with a spinner meanwhile.

    Args:
        package: What `--package` was given.
        runtime: Keywords of RuntimeConfig (`runtime_settings`).

    Raises:
        UFVideoError: As `UFVideo.load`.
    """
    config = RuntimeConfig(**runtime)
    folder = named_package(package).folder
    with spinner("loading the package") as loading:
        return interruptible(
            lambda: UFVideo.load(
                folder, runtime=config, on_engine=lambda progress: loading(engine_label(progress))
            )
        )
