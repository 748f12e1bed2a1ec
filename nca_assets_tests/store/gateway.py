"""What a full S3 server does and rclone's does not: it heeds conditions and answers ranges by 206; and it counts."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from nca_assets_tests.servers import S3


class Asked(NamedTuple):
    """A request, and the bytes of its answer."""

    method: str
    path: str
    bytes: int


class Gateway:
    """A server in front of rclone's. ``before`` is called with method and path before each request is passed on."""

    def __init__(self, behind: S3) -> None:
        self.behind = behind
        self.asked: list[Asked] = []
        self.before: Callable[[str, str], object] = lambda method, path: None  # noqa: ARG005
        self.one_writer = threading.RLock()

    def fails(self, path: str, headers: Any) -> bool:
        """Whether a condition of the request does not hold."""
        file = self.behind.folder / path.lstrip("/")
        tag = f'"{hashlib.md5(file.read_bytes()).hexdigest()}"' if file.is_file() else None
        wanted, unwanted = headers["If-Match"], headers["If-None-Match"]
        return (wanted is not None and wanted != tag) or (unwanted == "*" and tag is not None)


@contextmanager
def gateway(behind: S3) -> Iterator[tuple[Gateway, str]]:
    """A gateway, and its address."""
    gate = Gateway(behind)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            path = unquote(urlsplit(self.path).path)
            sent = self.rfile.read(int(self.headers["Content-Length"] or 0))
            gate.before(self.command, path)
            with nullcontext() if self.command in ("GET", "HEAD") else gate.one_writer:
                if gate.fails(path, self.headers):
                    status, headers, content = 412, [], b"<Error><Code>PreconditionFailed</Code></Error>"
                else:
                    status, headers, content = self.passed_on(sent)
            gate.asked.append(Asked(self.command, self.path, len(content)))
            ranged = any(name == "Content-Range" for name, _ in headers)
            self.send_response(206 if ranged else status)
            for name, value in headers:
                self.send_header(name, value)
            if not any(name == "Content-Length" for name, _ in headers):
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815

        def passed_on(self, sent: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            server = HTTPConnection("127.0.0.1", behind.port)
            server.request(self.command, self.path, sent or None, dict(self.headers))
            found = server.getresponse()
            content = found.read()
            server.close()
            left_out = ("transfer-encoding", "connection", "date", "server")
            return found.status, [(k, v) for k, v in found.getheaders() if k.lower() not in left_out], content

        def log_message(self, *_: Any, **__: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield gate, f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
