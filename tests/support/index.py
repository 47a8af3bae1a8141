"""A package index on the loopback interface that can be told to misbehave.

It serves a folder of files in memory by the simple API, as JSON (PEP 691, with sizes and upload
times of PEP 700) or as HTML (PEP 503), metadata of wheels beside them (PEP 658).
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import html
import http.server
import io
import json
import socket
import struct
import threading
import time
import urllib.parse
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import parse_sdist_filename, parse_wheel_filename

from amrasaman_nox.model import Digest, IndexOptions

from .projects import closure_of_installed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    #: Answers one request in place of the index.
    Behaviour = Callable[["Handler", bytes], None]

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
UPLOADED = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(kw_only=True)
class File:
    """A file of the index, with what the index says about it."""

    filename: str
    data: bytes
    uploaded: datetime | None = UPLOADED
    yanked: bool | str = False
    requires_python: str = ""
    advertised: str | None = None
    advertised_size: int | None = None
    url: str | None = None
    provenance: bytes | None = None

    @property
    def project(self) -> str:
        if self.filename.endswith((".crate", ".json")):
            return ""
        if self.filename.endswith(".whl"):
            return str(parse_wheel_filename(self.filename)[0])
        if not self.filename.endswith((".tar.gz", ".zip")):
            return ""
        return str(parse_sdist_filename(self.filename)[0])

    @property
    def digest(self) -> Digest:
        return Digest.of(self.data)

    @property
    def sha256(self) -> str:
        return self.advertised or hashlib.sha256(self.data).hexdigest()

    @property
    def metadata(self) -> bytes | None:
        if not self.filename.endswith(".whl"):
            return None
        with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(self.data)) as z:
            for name in z.namelist():
                if name.endswith(".dist-info/METADATA"):
                    return z.read(name)
        return None


@dataclass
class Request:
    """A request that was made: its method, path and headers (names in lower case)."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass
class LocalIndex:
    """The index; use :func:`running_index` to have one."""

    files: dict[str, File] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    #: JSON and HTML, or HTML alone.
    json: bool = True
    #: Whether upload times are given at all.
    upload_times: bool = True
    #: The user name and password that are asked for.
    auth: tuple[str, str] | None = None
    host: str = "127.0.0.1"
    port: int = 0
    _scripts: dict[str, list[Behaviour]] = field(default_factory=dict)
    _always: dict[str, Behaviour] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.base}/simple/"

    @property
    def url_with_credentials(self) -> str:
        assert self.auth is not None
        user, password = (urllib.parse.quote(part, safe="") for part in self.auth)
        return f"http://{user}:{password}@{self.host}:{self.port}/simple/"

    def add(self, content: bytes | Path, filename: str = "", **said: Any) -> File:
        """Add a file; *said* is what the index says about it (``uploaded``, ``yanked`` …)."""
        data = content if isinstance(content, bytes) else content.read_bytes()
        name = filename or (content.name if isinstance(content, Path) else "")
        file = File(filename=name, data=data, **said)
        self.files[name] = file
        return file

    def add_installed(self, *names: str, **said: Any) -> None:
        """Add wheels of installed distributions and of all that they require."""
        for filename, data in closure_of_installed(*names):
            self.add(data, filename, **said)

    def file_url(self, filename: str) -> str:
        return f"{self.base}/files/{urllib.parse.quote(filename)}"

    def options(self, **changes: Any) -> IndexOptions:
        return dataclasses.replace(IndexOptions(index_url=self.url), **changes)

    def misbehave(self, path: str, *script: Behaviour) -> None:
        """Answer requests for *path* (``files/NAME``, ``simple/NAME/``) by *script*, in order.

        After the last one, the index behaves.
        """
        self._scripts[f"/{path}"] = list(script)

    def always(self, path: str, behaviour: Behaviour) -> None:
        """Answer every request for *path* by *behaviour*."""
        self._always[f"/{path}"] = behaviour

    def behaviour(self, path: str) -> Behaviour | None:
        script = self._scripts.get(path)
        return script.pop(0) if script else self._always.get(path)

    def requested(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == f"/{path}"]


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers for one index."""

    protocol_version = "HTTP/1.1"
    index: LocalIndex

    def do_GET(self) -> None:
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.index.requests.append(Request(self.command, path, headers))
        behaviour = self.index.behaviour(path)
        try:
            if not self._allowed():
                self.answer(401, b"who are you?", {"WWW-Authenticate": 'Basic realm="index"'})
            elif behaviour is not None:
                behaviour(self, self._body(path) or b"")
            else:
                self._serve(path)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_HEAD = do_GET  # noqa: N815

    def answer(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, length: int = -1
    ) -> None:
        """Send a whole answer; *length* is the declared one where it shall be wrong."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length < 0 else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def _allowed(self) -> bool:
        if self.index.auth is None:
            return True
        token = base64.b64encode(":".join(self.index.auth).encode()).decode()
        return self.headers.get("Authorization") == f"Basic {token}"

    def _body(self, path: str) -> bytes | None:
        name = path.removeprefix("/files/")
        if name in self.index.files:
            return self.index.files[name].data
        if path.startswith("/integrity/"):
            return self.index.files[path.removeprefix("/integrity/")].provenance
        owner = self.index.files.get(name.removesuffix(".metadata"))
        return owner.metadata if owner is not None and name.endswith(".metadata") else None

    def _serve(self, path: str) -> None:
        if path.startswith("/simple/"):
            self._simple(path.removeprefix("/simple/").strip("/"))
            return
        body = self._body(path)
        if body is None:
            self.answer(404, b"not here")
        else:
            self.answer(200, body, {"Content-Type": "application/octet-stream"})

    def _simple(self, project: str) -> None:
        files = [file for file in self.index.files.values() if file.project == project]
        if not files:
            self.answer(404, b"no such project")
        elif self.index.json and JSON_TYPE in self.headers.get("Accept", ""):
            self.answer(200, self._json(project, files), {"Content-Type": JSON_TYPE})
        else:
            self.answer(200, self._html(files), {"Content-Type": "text/html"})

    def _json(self, project: str, files: list[File]) -> bytes:
        rows = []
        for file in files:
            row: dict[str, Any] = {
                "filename": file.filename,
                "url": file.url or self.index.file_url(file.filename),
                "hashes": {"sha256": file.sha256},
                "size": len(file.data) if file.advertised_size is None else file.advertised_size,
                "yanked": file.yanked,
            }
            if file.requires_python:
                row["requires-python"] = file.requires_python
            if self.index.upload_times and file.uploaded is not None:
                row["upload-time"] = file.uploaded.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            if file.metadata is not None:
                row["core-metadata"] = {"sha256": hashlib.sha256(file.metadata).hexdigest()}
            if file.provenance is not None:
                row["provenance"] = f"{self.index.base}/integrity/{file.filename}"
            rows.append(row)
        page = {"meta": {"api-version": "1.1"}, "name": project, "files": rows, "versions": []}
        return json.dumps(page).encode()

    def _html(self, files: list[File]) -> bytes:
        lines = ["<!DOCTYPE html><html><body>"]
        for file in files:
            url = html.escape(file.url or self.index.file_url(file.filename))
            python = f' data-requires-python="{html.escape(file.requires_python)}"'
            yanked = ' data-yanked=""' if file.yanked else ""
            extra = (python if file.requires_python else "") + yanked
            if file.metadata is not None:
                extra += ' data-core-metadata="true"'
            name = html.escape(file.filename)
            lines.append(f'<a href="{url}#sha256={file.sha256}"{extra}>{name}</a><br>')
        return "\n".join([*lines, "</body></html>"]).encode()


@contextlib.contextmanager
def running_index() -> Iterator[LocalIndex]:
    """Serve a new, empty index while the context lasts."""
    index = LocalIndex()
    handler = type("BoundHandler", (Handler,), {"index": index})
    with _Server((index.host, 0), handler) as server:
        index.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield index
        finally:
            server.shutdown()
            thread.join()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    # Handlers that are told to be slow must not hold up the end of a test.
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


def altered(handler: Handler, body: bytes) -> None:
    """Serve the file with one byte changed."""
    middle = len(body) // 2
    handler.answer(200, body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :])


def truncated(handler: Handler, body: bytes) -> None:
    """Declare the whole length, send half of it and close."""
    handler.answer(200, body[: len(body) // 2], length=len(body))
    handler.close_connection = True


def reset(handler: Handler, body: bytes) -> None:
    """Send half of the file, then reset the connection."""
    handler.answer(200, body[: len(body) // 2], length=len(body))
    handler.wfile.flush()
    linger = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.connection.close()
    handler.close_connection = True


def longer(handler: Handler, body: bytes) -> None:
    """Send more than the index said."""
    handler.answer(200, body + b"\0" * 4096)


def endless(handler: Handler, body: bytes) -> None:
    """Send the file, and then zeros without end, with no length declared."""
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(body)
    handler.close_connection = True
    while True:
        handler.wfile.write(b"\0" * 65536)


def page(handler: Handler, body: bytes) -> None:
    """Serve a page for people with status 200, as a captive portal does."""
    handler.answer(200, b"<html>please log in</html>", {"Content-Type": "text/html"})


def status(code: int, **headers: str) -> Behaviour:
    """Answer with a status; ``Retry_After="1"`` becomes a header."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def behave(handler: Handler, body: bytes) -> None:
        handler.answer(code, b"not now", named)

    return behave


def redirect(location: str, code: int = 302) -> Behaviour:
    """Send the client elsewhere."""
    return status(code, Location=location)


def slow(pause: float) -> Behaviour:
    """Send the file byte by byte, *pause* seconds between them."""

    def behave(handler: Handler, body: bytes) -> None:
        handler.answer(200, b"", length=len(body))
        for number in range(len(body)):
            handler.wfile.write(body[number : number + 1])
            handler.wfile.flush()
            time.sleep(pause)

    return behave
