"""A server on this machine that speaks the protocol of the Hugging Face Hub, as far as it is used.

It lists repositories with sizes and digests, serves their files in parts, sends large ones on to a
second host as the Hub does, and fails when it is told to.
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

# As the Hub's default rules: by name, not by size.
_LARGE = (".safetensors", ".onnx", ".data")
_COPY_BYTES = 1 << 16


@dataclass
class Repository:
    """A repository of the server.

    Attributes:
        files: What it holds, by name.
        token: Who may read it; None: everybody.
        is_gated: Whether its conditions are not accepted, whatever the token.
        revisions: Branches and tags beside "main".
    """

    files: dict[str, bytes]
    token: str | None = None
    is_gated: bool = False
    revisions: tuple[str, ...] = ()

    @property
    def commit(self) -> str:
        """A digest of all files, as Git's is."""
        digest = hashlib.sha1()
        for name, content in sorted(self.files.items()):
            digest.update(name.encode() + hashlib.sha1(content).digest())
        return digest.hexdigest()

    def has(self, revision: str) -> bool:
        """Whether it has a branch, a tag or a commit of that name."""
        return revision in ("main", *self.revisions, self.commit)


@dataclass
class Request:
    """One request that came.

    Attributes:
        method: GET or HEAD.
        path: The path, without the query.
        host: Which of the server's names was asked.
        headers: By name in lower case.
    """

    method: str
    path: str
    host: str
    headers: dict[str, str]


@dataclass
class HubServer:
    """What the server holds and has seen; tests change it while it runs.

    Attributes:
        repositories: By "USER/NAME".
        requests: All that came, in order.
        cut_after: Bytes of a file after which each connection is cut, once for each file; None:
            never.
        bytes_per_s: How fast files are sent; None: at once.
        wrong: Files that are sent with their first byte changed.
        status: What every request is answered with; None: as it should be.
    """

    repositories: dict[str, Repository] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    cut_after: int | None = None
    bytes_per_s: float | None = None
    wrong: set[str] = field(default_factory=set)
    status: int | None = None
    port: int = 0
    _cut: set[str] = field(default_factory=set)

    @property
    def endpoint(self) -> str:
        """What HF_ENDPOINT is to be."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def file_requests(self) -> list[Request]:
        """Requests for bytes of files."""
        return [each for each in self.requests if "/resolve/" in each.path]

    def add_folder(self, name: str, folder: Path, **options: Any) -> Repository:
        """Serve a folder as a repository."""
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        self.repositories[name] = Repository(files, **options)
        return self.repositories[name]

    def is_to_be_cut(self, name: str) -> bool:
        """Whether this file's connection is cut; the next one is not."""
        if self.cut_after is None or name in self._cut:
            return False
        self._cut.add(name)
        return True


@contextmanager
def hub_server() -> Iterator[HubServer]:
    """Run a server until the block ends."""
    state = HubServer()

    class Handler(_Handler):
        hub = state

    server = _Server(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def listing(repository: Repository, name: str) -> Mapping[str, Any]:
    """The answer to `GET /api/models/USER/NAME/revision/REVISION?blobs=true`."""
    return {
        "_id": "0" * 24,
        "id": name,
        "modelId": name,
        "sha": repository.commit,
        "private": repository.token is not None,
        "gated": "manual" if repository.is_gated else False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [],
        "siblings": [_sibling(file, content) for file, content in sorted(repository.files.items())],
    }


def tree(repository: Repository) -> list[Mapping[str, Any]]:
    """The answer to `GET /api/models/USER/NAME/tree/REVISION`, which newer libraries ask for."""
    found = []
    for file, content in sorted(repository.files.items()):
        entry = _sibling(file, content)
        lfs = entry.get("lfs")
        found.append(
            {
                "type": "file",
                "path": file,
                "size": entry["size"],
                "oid": entry["blobId"],
                **({} if lfs is None else {"lfs": {**lfs, "oid": lfs["sha256"]}}),
            }
        )
    return found


def _sibling(name: str, content: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "rfilename": name,
        "size": len(content),
        "blobId": git_digest(content),
    }
    if name.endswith(_LARGE):
        sha256 = hashlib.sha256(content).hexdigest()
        entry["lfs"] = {"sha256": sha256, "size": len(content), "pointerSize": 130}
    return entry


def git_digest(content: bytes) -> str:
    """Git's digest of a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        headers = {key.lower(): value for key, value in self.headers.items()}
        host = headers.get("host", "").split(":")[0]
        self.hub.requests.append(Request(self.command, path, host, headers))
        if self.hub.status is not None:
            self._send_json(self.hub.status, {"error": "told to"})
            return
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            is_tree = parts[4:5] == ["tree"]
            name, revision = "/".join(parts[2:4]), "/".join(parts[5:]) or "main"
            self._list(name, revision, headers, is_tree=is_tree)
        elif len(parts) > 4 and parts[2] == "resolve":
            self._resolve("/".join(parts[:2]), parts[3], "/".join(parts[4:]), headers, host)
        else:
            self._send_json(404, {"error": "no such page"})

    def _allowed(self, name: str, headers: Mapping[str, str]) -> Repository | None:
        """The repository, if it may be read; otherwise it has answered."""
        repository = self.hub.repositories.get(name)
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if repository is None or (repository.token is not None and token != repository.token):
            # The Hub does not say whether there is one.
            status = 404 if token else 401
            self._send_json(status, {"error": "Repository not found"}, "RepoNotFound")
            return None
        return repository

    def _list(self, name: str, revision: str, headers: Mapping[str, str], *, is_tree: bool) -> None:
        repository = self._allowed(name, headers)
        if repository is None:
            return
        if not repository.has(revision):
            error = {"error": f"Invalid rev id: {revision}"}
            self._send_json(404, error, "RevisionNotFound")
            return
        if repository.is_gated:
            self._send_json(403, {"error": "gated"}, "GatedRepo")
            return
        self._send_json(200, tree(repository) if is_tree else listing(repository, name))

    def _resolve(
        self, name: str, revision: str, file: str, headers: Mapping[str, str], host: str
    ) -> None:
        is_second_host = host == "localhost"
        if is_second_host:
            # What the Hub has signed: anyone who has the address may read it.
            repository: Repository | None = self.hub.repositories[name]
        else:
            repository = self._allowed(name, headers)
        if repository is None:
            return
        if repository.is_gated:
            self._send_json(403, {"error": "gated"}, "GatedRepo")
        elif not repository.has(revision) or file not in repository.files:
            self._send_json(404, {"error": "no such entry"}, "EntryNotFound")
        elif file.endswith(_LARGE) and not is_second_host:
            entry = _sibling(file, repository.files[file])
            self.send_response(302)
            self.send_header("X-Repo-Commit", repository.commit)
            self.send_header("X-Linked-Etag", f'"{entry["lfs"]["sha256"]}"')
            self.send_header("X-Linked-Size", str(entry["size"]))
            location = f"http://localhost:{self.hub.port}{self.path}?Signature=signed-by-the-hub"
            self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            headers_of_file = {
                "X-Repo-Commit": repository.commit,
                "ETag": f'"{git_digest(repository.files[file])}"',
            }
            asked = headers.get("range", "")
            self._send_file(file, repository.files[file], asked, headers_of_file)

    def _send_file(self, name: str, content: bytes, asked: str, headers: Mapping[str, str]) -> None:
        if name in self.hub.wrong:
            content = bytes([content[0] ^ 1]) + content[1:]
        begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if begin >= len(content) > 0:
            self._send_json(416, {"error": "range"})
            return
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - begin))
        self.send_header("Accept-Ranges", "bytes")
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self._send_bytes(name, content, begin)

    def _send_bytes(self, name: str, content: bytes, begin: int) -> None:
        end = len(content)
        cut = self.hub.cut_after
        if cut is not None and cut < end - begin and self.hub.is_to_be_cut(name):
            end = begin + cut
            self.close_connection = True
        for position in range(begin, end, _COPY_BYTES):
            block = content[position : min(position + _COPY_BYTES, end)]
            try:
                self.wfile.write(block)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True
                return
            if self.hub.bytes_per_s is not None:
                time.sleep(len(block) / self.hub.bytes_per_s)

    def _send_json(self, status: int, value: Any, code: str = "") -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
            self.send_header("X-Error-Message", str(value["error"]))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
