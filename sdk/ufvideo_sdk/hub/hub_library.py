"""huggingface_hub, imported when a repository is asked for and never before."""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from ufvideo_sdk.validation.optional_library import optional_library

INSTALL = "pip install 'ufvideo-sdk[cpu,hub]'"
# Whoever loads a model has not asked for the library's own bars and lines.
_DOWNLOAD_BAR = "huggingface_hub.http_get"
_LOGGERS = ("huggingface_hub.file_download", "huggingface_hub.utils._http")


@dataclass(frozen=True)
class HubLibrary:
    """The parts of huggingface_hub that are used here.

    Attributes:
        constants: Its settings, which it reads from the environment when it is imported.
        errors: Its exceptions.
        utils: Headers, locks and bars.
        file_download: What reads a file from where it stopped.
        api: What lists a repository.
        version: Its version.
    """

    constants: Any
    errors: Any
    utils: Any
    file_download: Any
    api: Any
    version: str

    @property
    def is_offline(self) -> bool:
        """Whether `HF_HUB_OFFLINE` forbids to reach the Hub."""
        return bool(self.constants.HF_HUB_OFFLINE)

    def headers(self) -> Mapping[str, str]:
        """Headers of a request: the user's token, and no list of what is installed here.

        A file is asked for as it is stored, so that a download can go on from any byte.
        """
        own = {"user-agent": self.user_agent, "accept-encoding": "identity"}
        headers: dict[str, str] = self.utils.build_hf_headers()
        return {**{key.lower(): value for key, value in headers.items()}, **own}

    @property
    def user_agent(self) -> str:
        """The library and its version. Its own text also names Python's and PyTorch's."""
        return f"hf_hub/{self.version}"

    def has_token(self) -> bool:
        """Whether a token is sent."""
        return "authorization" in self.headers()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Keep the library from drawing bars and from writing lines about this thread's downloads.

        Its lines name the addresses of files, which the Hub signs.
        """
        thread = threading.get_ident()
        loggers = [logging.getLogger(name) for name in _LOGGERS]

        def is_other(record: logging.LogRecord) -> bool:
            return record.thread != thread

        for logger in loggers:
            logger.addFilter(is_other)
        # The user may force bars with HF_HUB_DISABLE_PROGRESS_BARS=0, which has priority.
        is_forced = self.constants.HF_HUB_DISABLE_PROGRESS_BARS is False
        try:
            with nullcontext() if is_forced else _BARS.hidden(self.utils):
                yield
        finally:
            for logger in loggers:
                logger.removeFilter(is_other)


class _HiddenBars:
    """Bars of downloads are switched off for all threads: the last one switches them on again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._num_threads = 0
        self._were_off = False

    @contextmanager
    def hidden(self, bars: Any) -> Iterator[None]:
        """Switch bars off while any thread is in here, unless the user has done so."""
        with self._lock:
            if self._num_threads == 0:
                self._were_off = bars.are_progress_bars_disabled(_DOWNLOAD_BAR)
                if not self._were_off:
                    bars.disable_progress_bars(_DOWNLOAD_BAR)
            self._num_threads += 1
        try:
            yield
        finally:
            with self._lock:
                self._num_threads -= 1
                if self._num_threads == 0 and not self._were_off:
                    bars.enable_progress_bars(_DOWNLOAD_BAR)


_BARS = _HiddenBars()


def hub_library(needed_by: str) -> HubLibrary:
    """Import huggingface_hub.

    Args:
        needed_by: What was asked for, for the message.

    Raises:
        ConfigError: When it is not installed, naming the command that installs it.
    """
    top = optional_library("huggingface_hub", needed_by, INSTALL)

    def part(name: str) -> Any:
        return importlib.import_module(f"huggingface_hub.{name}")

    return HubLibrary(
        constants=part("constants"),
        errors=part("errors"),
        utils=part("utils"),
        file_download=part("file_download"),
        api=part("hf_api"),
        version=str(top.__version__),
    )
