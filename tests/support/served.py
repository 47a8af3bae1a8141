"""A folder over HTTP on this machine, which can misbehave."""

from __future__ import annotations

import contextlib
import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: How a path is answered: a place to redirect to, or how many bytes of blanks.
Answers = dict[str, str | int]


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *arguments: Any, answers: Answers, **more: Any) -> None:
        self.answers = answers
        super().__init__(*arguments, **more)

    def do_GET(self) -> None:
        ending = next((end for end in self.answers if self.path.endswith(end)), None)
        if ending is None:
            super().do_GET()
            return
        answer = self.answers[ending]
        if isinstance(answer, str):
            self.send_response(302)
            self.send_header("Location", answer)
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(answer >> 20):
                self.wfile.write(b" " * (1 << 20))

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def served(folder: Path, answers: Answers | None = None) -> Iterator[str]:
    """Serve *folder*; yield its URL."""
    handler = functools.partial(_Handler, directory=str(folder), answers=answers or {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
