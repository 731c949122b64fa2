"""A real RTSP server on this machine that does what cameras do: it dies, freezes, jumps and lies.

    with RtspServer([clip], login=("ann", "secret")) as server:
        watch(server.url)
        server.kill()
        server.start()

By hand: `python -m tests.watch.rtsp_server clip.mp4 --port 8554`.
"""

from __future__ import annotations

import argparse
import os
import selectors
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import pytest

DEBIAN_PYTHON = "/usr/bin/python3"
_PROCESS = Path(__file__).with_name("rtsp_server_process.py")
_START_LIMIT_S = 30.0
_IMPORTS = """
import gi
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
raise SystemExit(not all(map(Gst.ElementFactory.find, ("appsrc", "rtph264pay", "rtpbin"))))
"""


@cache
def has_rtsp_server() -> bool:
    """Whether Debian's packages of the server are here."""
    try:
        return subprocess.run([DEBIAN_PYTHON, "-c", _IMPORTS], capture_output=True).returncode == 0
    except OSError:
        return False


def needs_rtsp_server() -> pytest.MarkDecorator:
    """Skip where the server is missing."""
    return pytest.mark.skipif(
        not has_rtsp_server(),
        reason="needs Debian's gir1.2-gst-rtsp-server-1.0, python3-gi and"
        " gstreamer1.0-plugins-{base,good,bad}: bash cmake/install_debian_packages.sh",
    )


class RtspServer:
    """Serves H.264 files in a loop, with timestamps that run on.

    The content begins at its first frame when the first client plays, and goes on from where it was
    for a later one. Several clients at a time see the same.
    """

    def __init__(
        self,
        clips: Sequence[Path],
        *,
        login: tuple[str, str] | None = None,
        port: int = 0,
        speed: float = 1.0,
        slow: float = 1.0,
    ) -> None:
        """Start it.

        Args:
            clips: Files with H.264, such as an .mp4; the first is served until `use`.
            login: The name and password that clients must have.
            port: Where to listen; 0: a free one.
            speed: Sent so much faster than real time, timestamps included.
            slow: Sent so much slower than its timestamps say, such as 25 / 21.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="rtsp-")
        self._packets = [
            _write_packets(clip, Path(self._folder.name, f"{number}.packets"))
            for number, clip in enumerate(clips)
        ]
        self._login = login
        self._options = ["--speed", str(speed), "--slow", str(slow)]
        self.port = port
        self._process: subprocess.Popen[str] | None = None
        self.start()

    @property
    def url(self) -> str:
        """Its address, with the login."""
        login = "{}:{}@".format(*self._login) if self._login else ""
        return f"rtsp://{login}127.0.0.1:{self.port}/cam"

    def start(self) -> None:
        """Start it on the port that it had before, from its first frame."""
        packets = map(str, self._packets)
        options = [*(("--login", *self._login) if self._login else ()), *self._options]
        self._process = subprocess.Popen(
            [DEBIAN_PYTHON, str(_PROCESS), *packets, "--port", str(self.port), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            # It names itself in GStreamer's registry, and needs nothing of this environment.
            env={key: value for key, value in os.environ.items() if key in ("PATH", "HOME")},
        )
        word, _, port = self._line().partition(" ")
        if word != "ready":
            raise RuntimeError(f"expected the RTSP server to start on port {self.port}")
        self.port = int(port)

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._close(self._process)
            self._process = None

    def hang(self) -> None:
        """Stop the process with its connections open; `wake` lets it go on."""
        self._alive().send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Go on after `hang`."""
        self._alive().send_signal(signal.SIGCONT)

    def freeze(self) -> None:
        """Send one picture again and again; timestamps go on."""
        self._tell("freeze")

    def silent(self) -> None:
        """Send nothing any more, with the connection open and answered."""
        self._tell("silent")

    def go(self) -> None:
        """Go on after `freeze` or `silent`."""
        self._tell("go")

    def jump(self, seconds: float) -> None:
        """Let timestamps jump."""
        self._tell(f"jump {seconds}")

    def use(self, number: int) -> None:
        """Serve another of the clips from its first frame, from the next key frame on."""
        self._tell(f"use {number}")

    def __enter__(self) -> RtspServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.kill()
        self._folder.cleanup()

    def _alive(self) -> subprocess.Popen[str]:
        assert self._process is not None, "the server is not running"
        return self._process

    def _tell(self, line: str) -> None:
        process = self._alive()
        assert process.stdin is not None
        process.stdin.write(line + "\n")
        process.stdin.flush()
        assert self._line() == "ok"

    def _line(self) -> str:
        process = self._alive()
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            if not selector.select(_START_LIMIT_S):
                raise RuntimeError("the RTSP server says nothing")
        return process.stdout.readline().strip()

    @staticmethod
    def _close(process: subprocess.Popen[str]) -> None:
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        process.wait(_START_LIMIT_S)


class SilentServer:
    """Accepts connections and never says a word."""

    def __init__(self, port: int = 0) -> None:
        self._socket = socket.create_server(("127.0.0.1", port))
        self._socket.settimeout(0.1)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"rtsp://127.0.0.1:{self.port}/cam"
        self.num_accepted = 0
        self._peers: list[socket.socket] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self) -> SilentServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        for peer in [*self._peers, self._socket]:
            peer.close()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                peer, _ = self._socket.accept()
            except TimeoutError:
                continue
            self._peers.append(peer)
            self.num_accepted += 1


def _write_packets(clip: Path, path: Path) -> Path:
    """Write the access units of a file with H.264 for the server's process."""
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        if stream.codec_context.name != "h264":
            raise ValueError(f"{clip}: expected H.264, got {stream.codec_context.name}")
        packets = [packet for packet in container.demux(stream) if packet.size]
        annex_b = av.BitStreamFilterContext("h264_mp4toannexb", stream)
        units = [unit for packet in packets for unit in annex_b.filter(packet)]
        units += annex_b.filter(None)
        tick_ns = float(stream.time_base) * 1e9
    times: list[Any] = [unit.pts for unit in units]
    first, last = min(times), max(times)
    interval = (last - first) / max(len(units) - 1, 1)
    with path.open("wb") as file:
        file.write(struct.pack("<q", round((last - first + interval) * tick_ns)))
        for unit in units:
            pts_ns, dts_ns = ((time - first) * tick_ns for time in (unit.pts, unit.dts))
            head = (unit.size, round(pts_ns), round(dts_ns), unit.is_keyframe)
            file.write(struct.pack("<IqqB", *head) + bytes(unit))
    return path


def main() -> None:
    """Serve files until interrupted."""
    parser = argparse.ArgumentParser(description="Serve H.264 files in a loop over RTSP.")
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--port", type=int, default=8554)
    parser.add_argument("--login", nargs=2, metavar=("USER", "PASSWORD"))
    parser.add_argument("--speed", type=float, default=1.0)
    options = parser.parse_args()
    login = tuple(options.login) if options.login else None
    with RtspServer(options.clips, login=login, port=options.port, speed=options.speed) as server:
        print(server.url, flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
