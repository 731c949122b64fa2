"""HTTP servers that are cameras: a stream of JPEG pictures, and HLS."""

from __future__ import annotations

import functools
import io
import threading
import time
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


class _Server:
    """A server on this machine, in a thread."""

    def __init__(self, handler: Any, port: int = 0) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class MjpegServer(_Server):
    """Sends JPEG pictures one behind the other (multipart/x-mixed-replace)."""

    def __init__(self, pictures: list[NDArray[np.uint8]], rate: float, port: int = 0) -> None:
        """Start it.

        Args:
            pictures: Sent in a loop, RGB uint8 [H, W, 3].
            rate: Pictures a second.
            port: Where to listen; 0: a free one.
        """
        jpegs = []
        for picture in pictures:
            content = io.BytesIO()
            Image.fromarray(picture).save(content, "JPEG", quality=95)
            jpegs.append(content.getvalue())
        ended = self._ended = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                begin, number = time.monotonic(), 0
                while not ended.wait(max(0.0, begin + number / rate - time.monotonic())):
                    jpeg = jpegs[number % len(jpegs)]
                    head = "--frame\r\nContent-Type: image/jpeg\r\n"
                    head += f"Content-Length: {len(jpeg)}\r\n\r\n"
                    try:
                        self.wfile.write(head.encode() + jpeg + b"\r\n")
                    except OSError:
                        return
                    number += 1

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(Handler, port)
        self.url = f"http://127.0.0.1:{self.port}/video.mjpg"

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        super().__exit__()


class FolderServer(_Server):
    """Serves the files of a folder, such as a playlist and its segments."""

    def __init__(self, folder: Path) -> None:
        """Start it.

        Args:
            folder: What it serves.
        """
        asked: list[str] = []

        class Handler(SimpleHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                super().do_GET()

            def log_message(self, *_: Any) -> None:
                pass

        self.asked = asked
        super().__init__(functools.partial(Handler, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self.port}"
