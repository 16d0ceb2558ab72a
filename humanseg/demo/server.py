"""A server for the page that only this computer reaches."""

import errno
import os
import shutil
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import PurePosixPath
from socketserver import TCPServer
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from humanseg.demo.site import Site
from humanseg.errors import HumansegError, printable

PORT = 8350
"""The port, if it is free: a browser remembers by the port that it allowed the camera."""

_HOST = "127.0.0.1"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".wasm": "application/wasm",
}
_POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; form-action 'none'; base-uri 'none'"
)
"""What index.html says too; but that holds for the page only, and not for its worker."""

_HEADERS = {
    "Content-Security-Policy": _POLICY,
    # Threads of WebAssembly share memory, which browsers allow a page that nobody else is in:
    # https://web.dev/articles/coop-coep
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # The next page at this address may be another model's.
    "Cache-Control": "no-store",
}


class DemoServer(ThreadingHTTPServer):
    """Serves the files of a site, and nothing else, on 127.0.0.1; without a port, a free one."""

    daemon_threads = True
    # On Windows it would share a port with another program.
    allow_reuse_address = os.name != "nt"
    # Newer versions of Python share it with another demo, whose page would come by turns.
    allow_reuse_port = False

    def __init__(self, site: Site, port: int | None = None) -> None:
        self.site = site
        try:
            super().__init__((_HOST, PORT if port is None else port), _Handler)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            if port is not None:
                raise HumansegError(
                    f"Port {port} cannot be had ({error.strerror}): choose another with --port, "
                    "or leave it out for a free one.",
                    code="demo.port_taken",
                ) from error
            super().__init__((_HOST, 0), _Handler)

    def server_bind(self) -> None:
        """Bind without asking for this computer's name, which nobody reads.

        Where no name server answers, that would take half a minute; on Windows it fails if the name
        is not ASCII.
        """
        TCPServer.server_bind(self)
        self.server_name, self.server_port = _HOST, self.server_address[1]

    @property
    def address(self) -> str:
        """The URL of the page."""
        return f"http://{_HOST}:{self.server_port}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a browser that went away: a tab was closed during a load."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: DemoServer
    protocol_version = "HTTP/1.1"
    timeout = 60
    """Seconds without a byte from the browser."""

    def do_GET(self) -> None:  # noqa: N802 - so called by the standard library
        self._answer(with_body=True)

    def do_HEAD(self) -> None:  # noqa: N802 - so called by the standard library
        self._answer(with_body=False)

    def log_message(self, format: str, *arguments: object) -> None:
        """Print nothing: the address stays visible in the terminal."""

    def _answer(self, with_body: bool) -> None:
        try:
            address = unquote(urlsplit(self.path).path).removeprefix("/") or "index.html"
        except ValueError:
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        content = self.server.site.get(address)
        if content is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            body = BytesIO(content) if isinstance(content, bytes) else content.open("rb")
        except OSError as error:
            # The page shows what it could not load; the terminal shows why.
            problem = f"{error.filename} cannot be read any more ({error.strerror})"
            print(printable(f"{problem}: start humanseg demo again."), file=sys.stderr)
            self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR)
            return
        with body:
            self._send(address, body, with_body)

    def _send(self, address: str, body: BinaryIO, with_body: bool) -> None:
        size = body.seek(0, os.SEEK_END)
        body.seek(0)
        self.send_response(HTTPStatus.OK)
        kind = _TYPES.get(PurePosixPath(address).suffix, "application/octet-stream")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            shutil.copyfileobj(body, self.wfile)
