"""The process of `rtsp_server.py`: GStreamer's RTSP server, which only Debian's Python can import.

It sends H.264 access units of packet files in a loop, with timestamps that run on, and does what
lines of its standard input say: `freeze`, `silent`, `go`, `jump SECONDS`, `use NUMBER`, `stop`.
Each is answered with `ok` on its standard output, after a first line `ready PORT`.
"""

from __future__ import annotations

import argparse
import struct
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

# Parameter sets are in the packets: put in again, they would part the slices of a key frame.
_LAUNCH = (
    "( appsrc name=feed is-live=true format=time block=false max-bytes=0"
    " caps=video/x-h264,stream-format=byte-stream,alignment=au"
    " ! rtph264pay name=pay0 pt=96 config-interval=0 )"
)
_ROLE = "viewer"


class Unit(NamedTuple):
    """An access unit: presentation and decoding time in nanoseconds from the file's first."""

    pts_ns: int
    dts_ns: int
    is_key: bool
    data: bytes


class Feed:
    """What is sent next, when, and what changes about it.

    The content begins with the first client that plays, and goes on from where it was with a later
    one.
    """

    def __init__(self, files: list[tuple[int, list[Unit]]], speed: float, slow: float) -> None:
        self._files = files
        self._interval_scale = slow / speed
        self._lock = threading.Lock()
        self._mode = "go"
        self._wanted = self._file = 0
        self._next = 0
        self._offset_ns = 0
        self._jump_ns = 0
        self._last_key: Unit | None = None
        self._stopped: threading.Event | None = None

    def command(self, words: list[str]) -> None:
        """Do what a line says."""
        with self._lock:
            if words[0] == "jump":
                self._jump_ns += round(float(words[1]) * 1e9)
            elif words[0] == "use":
                self._wanted = int(words[1])
            else:
                self._mode = words[0]

    def begin(self, source: Gst.Element, playing: threading.Event) -> threading.Event:
        """Feed a source in a thread, until the returned event is set."""
        if self._stopped is not None:
            self._stopped.set()
        stopped = self._stopped = threading.Event()
        threading.Thread(
            target=self._run, args=(source, playing, stopped), name="feed", daemon=True
        ).start()
        return stopped

    def _run(self, source: Gst.Element, playing: threading.Event, stopped: threading.Event) -> None:
        first_ns: int | None = None
        start = time.monotonic()
        was_silent = True
        while not stopped.is_set():
            with self._lock:
                unit = self._following()
                is_silent = self._mode == "silent" or (was_silent and not unit.is_key)
                jump_ns = self._jump_ns
            if first_ns is None:
                if is_silent:
                    continue
                first_ns = unit.pts_ns
            due = start + (unit.dts_ns - first_ns) / 1e9 * self._interval_scale
            while playing.is_set() and not stopped.is_set() and time.monotonic() < due:
                time.sleep(max(0.0, min(0.05, due - time.monotonic())))
            was_silent = is_silent
            if is_silent:
                # Its time runs on, and it begins again with a key frame.
                continue
            buffer = Gst.Buffer.new_wrapped(unit.data)
            buffer.pts = max(unit.pts_ns - first_ns + jump_ns, 0)
            buffer.dts = Gst.CLOCK_TIME_NONE
            if source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
                return
            if not playing.is_set():
                # The first one is what the media waits for before it can be played.
                while not playing.wait(0.05):
                    if stopped.is_set():
                        return
                start = time.monotonic()

    def _following(self) -> Unit:
        """The next unit, with times that run on over the end of its file."""
        duration_ns, units = self._files[self._file]
        unit = units[self._next]
        if self._wanted != self._file and unit.is_key:
            self._offset_ns += unit.dts_ns
            self._file, self._next = self._wanted, 0
            duration_ns, units = self._files[self._file]
            unit = units[0]
        if unit.is_key and self._mode != "freeze":
            self._last_key = unit
        if self._mode == "freeze" and self._last_key is not None:
            shown = self._last_key.data
        else:
            shown = unit.data
        following = Unit(
            unit.pts_ns + self._offset_ns, unit.dts_ns + self._offset_ns, unit.is_key, shown
        )
        self._advance(duration_ns, units)
        return following

    def _advance(self, duration_ns: int, units: list[Unit]) -> None:
        self._next += 1
        if self._next == len(units):
            self._next = 0
            self._offset_ns += duration_ns


def read_units(path: Path) -> tuple[int, list[Unit]]:
    """Read a packet file: its duration in nanoseconds, and its units."""
    content = path.read_bytes()
    (duration_ns,) = struct.unpack_from("<q", content)
    units, at = [], 8
    while at < len(content):
        size, pts_ns, dts_ns, is_key = struct.unpack_from("<IqqB", content, at)
        at += 21
        units.append(Unit(pts_ns, dts_ns, bool(is_key), content[at : at + size]))
        at += size
    return duration_ns, units


def elements_of(pipeline: Gst.Bin) -> list[Gst.Element]:
    """Everything in a pipeline, however deep."""
    found, elements = [], pipeline.iterate_recurse()
    while True:
        result, element = elements.next()
        if result != Gst.IteratorResult.OK:
            return found
        found.append(element)


def served(feed: Feed, port: int, path: str, login: tuple[str, str] | None) -> int:
    """Start the server, and return its port."""
    playing = threading.Event()

    def configured(
        _factory: GstRtspServer.RTSPMediaFactory, media: GstRtspServer.RTSPMedia
    ) -> None:
        playing.clear()
        stopped = feed.begin(media.get_element().get_by_name("feed"), playing)
        media.connect("unprepared", lambda _media: stopped.set())

    def played(_client: GstRtspServer.RTSPClient, context: GstRtspServer.RTSPContext) -> None:
        # Packets leave as they are fed: the feed keeps the time.
        pipeline = context.media.get_element().get_parent()
        for element in elements_of(pipeline):
            if element.find_property("sync") is not None:
                element.set_property("sync", False)
        playing.set()

    def connected(_server: GstRtspServer.RTSPServer, client: GstRtspServer.RTSPClient) -> None:
        client.connect("play-request", played)

    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(port))
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(_LAUNCH)
    factory.set_shared(True)
    factory.connect("media-configure", configured)
    server.connect("client-connected", connected)
    if login is not None:
        auth = GstRtspServer.RTSPAuth()
        token = GstRtspServer.RTSPToken()
        token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, _ROLE)
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(*login), token)
        server.set_auth(auth)
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role(_ROLE, "media.factory.access", True)
        permissions.add_permission_for_role(_ROLE, "media.factory.construct", True)
        factory.set_permissions(permissions)
    server.get_mount_points().add_factory(path, factory)
    if server.attach(None) == 0:
        raise SystemExit(f"port {port} is not free")
    served.server = server  # type: ignore[attr-defined]
    return server.get_bound_port()


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("packets", type=Path, nargs="+")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--path", default="/cam")
    parser.add_argument("--login", nargs=2)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--slow", type=float, default=1.0)
    options = parser.parse_args()
    Gst.init(None)
    feed = Feed([read_units(path) for path in options.packets], options.speed, options.slow)
    login = tuple(options.login) if options.login else None
    port = served(feed, options.port, options.path, login)
    loop = GLib.MainLoop()

    def obey() -> None:
        print(f"ready {port}", flush=True)
        for line in sys.stdin:
            words = line.split()
            if words[0] == "stop":
                break
            feed.command(words)
            print("ok", flush=True)
        loop.quit()

    threading.Thread(target=obey, daemon=True).start()
    loop.run()


if __name__ == "__main__":
    main()
