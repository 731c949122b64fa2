"""Cameras by name: what `watch` is given as sources."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.arguments import described
from ufvideo_sdk.watch.sources.capture import Capture
from ufvideo_sdk.watch.sources.packets import PacketListener

# A file, a folder, a device or a URL; or a function that opens a capture with a listener.
Opener = Callable[[PacketListener], Capture]
Source = str | os.PathLike[str] | Opener
Sources = Source | Sequence[Source] | Mapping[str, Source]

# A folder's name, part of a topic and of a message.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}")
_MOST = 64


def named_sources(sources: Sources) -> dict[str, Source]:
    """Return sources by the name of their camera, in the order of their turns.

    Args:
        sources: One, whose camera is "camera"; several: "camera-1" and so on; or a mapping.

    Raises:
        InputError: When one is no source, a name is no name, or there are none or too many.
    """
    if isinstance(sources, Mapping):
        named = dict(sources)
    elif isinstance(sources, (str, os.PathLike)) or callable(sources):
        named = {"camera": sources}
    elif isinstance(sources, Sequence):
        given = list(sources)
        named = {f"camera-{number}": each for number, each in enumerate(given, start=1)}
        named = {"camera": given[0]} if len(given) == 1 else named
    else:
        expected = "a source, a list of them, or a mapping of names to sources"
        raise InputError(f"sources: expected {expected}, got {described(sources)}")
    if not 1 <= len(named) <= _MOST:
        raise InputError(f"sources: expected 1 to {_MOST} cameras, got {len(named)}")
    for name, source in named.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            expected = "letters, digits, spaces, '-', '_' and '.', at most 64, not '.' first"
            raise InputError(f"name of a camera: expected {expected}, got {described(name)}")
        if not isinstance(source, (str, os.PathLike)) and not callable(source):
            expected = "a file, a folder, a device or a URL"
            raise InputError(f"sources: {name}: expected {expected}, got {described(source)}")
    return named
