"""TLS in front of a server on this machine, with a certificate of its own making."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

import pytest

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="needs Debian's openssl, which makes a certificate"
)


class TlsProxy:
    """Decrypts what comes and hands it on."""

    def __init__(self, port: int, folder: Path) -> None:
        """Start it.

        Args:
            port: Of the server behind it.
            folder: Where its key and certificate are put.
        """
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        made += [
            "-nodes",
            "-subj",
            "/CN=localhost",
            "-days",
            "2",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ]
        subprocess.run(
            [*made, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._context = context
        self.certificate = certificate
        self._behind = port
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.05)
        self._ended = threading.Event()
        self.port: int = self._socket.getsockname()[1]
        self._open: list[socket.socket] = [self._socket]
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def __enter__(self) -> TlsProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._threads[0].join()
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join()

    def _start(self, run: object, *arguments: object) -> None:
        thread = threading.Thread(target=run, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                plain, _ = self._socket.accept()
            except TimeoutError:
                continue
            plain.settimeout(None)
            peer = self._context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
            server = socket.create_connection(("127.0.0.1", self._behind))
            self._open += [peer, server]
            try:
                peer.do_handshake()
            except OSError:
                # The client does not believe the certificate.
                continue
            self._start(self._copy, peer, server)
            self._start(self._copy, server, peer)

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(1 << 16):
                target.sendall(content)
