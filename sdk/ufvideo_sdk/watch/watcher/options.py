"""How cameras are watched."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ufvideo_sdk.errors import ConfigError
from ufvideo_sdk.validation.arguments import as_number, check_instance, described
from ufvideo_sdk.watch.recording.folders import Retention
from ufvideo_sdk.watch.sources.options import CaptureOptions
from ufvideo_sdk.watch.watcher.camera_view import WindowOptions


@dataclass(frozen=True)
class WatchOptions:
    """How cameras are watched.

    Attributes:
        capture: How sources are read, such as how many frames a second are looked at.
        window: What a question looks at.
        budget: The part of the machine that may be used, above 0.0 and up to 1.0; None: all of it.
        record: Folder that recordings are made in, one folder for each camera; None: none.
        retention: How much of the recordings is kept.
        folder: What relative paths of the sinks of the rules begin at; None: the working folder.
            It is made if it is missing.
        allow_hosts: Hosts that a webhook may post to, beside those of the rules.
        close_timeout_s: Longest wait for what is under way when the watch ends.
    """

    capture: CaptureOptions = field(default_factory=CaptureOptions)
    window: WindowOptions = field(default_factory=WindowOptions)
    budget: float | None = None
    record: Path | None = None
    retention: Retention = field(default_factory=Retention)
    folder: Path | None = None
    allow_hosts: tuple[str, ...] = ()
    close_timeout_s: float = 5.0

    def __post_init__(self) -> None:
        """Check what no other class checks.

        Raises:
            InputError: When a part is of another type.
            ConfigError: When a value is not allowed.
        """
        check_instance(self.capture, "capture", CaptureOptions)
        check_instance(self.window, "window", WindowOptions)
        check_instance(self.retention, "retention", Retention)
        seconds = as_number(self.close_timeout_s)
        if seconds is None or seconds < 0:
            got = described(self.close_timeout_s)
            raise ConfigError(f"close_timeout_s: expected seconds, 0 or more, got {got}")
