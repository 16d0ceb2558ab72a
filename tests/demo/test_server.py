"""The server: to this computer only, with what threads need, and nothing that is not listed."""

import http.client
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from humanseg.demo import DemoServer, demo_site
from humanseg.errors import HumansegError


@pytest.fixture(scope="module")
def server(model: Path, runtime: list[Path]) -> Iterator[DemoServer]:
    with DemoServer(demo_site(model, runtime), port=0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(
    server: DemoServer, path: str, method: str = "GET"
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request(method, path)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def test_only_this_computer_reaches_it(server: DemoServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert server.address == f"http://127.0.0.1:{server.server_port}/"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.html?backend=wasm", "text/html; charset=utf-8"),
        ("/main.js", "text/javascript; charset=utf-8"),
        ("/runtime/ort.wasm.min.mjs", "text/javascript; charset=utf-8"),
        ("/runtime/ort-wasm-simd-threaded.wasm", "application/wasm"),
        ("/model/manifest.json", "application/json"),
        ("/model/red.onnx", "application/octet-stream"),
        ("/base.css", "text/css; charset=utf-8"),
    ],
)
def test_every_answer_has_its_type_and_the_headers_of_threads(
    path: str, kind: str, server: DemoServer
) -> None:
    response, body = ask(server, path)
    assert (response.status, response.headers["Content-Type"]) == (200, kind)
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert len(body) == int(response.headers["Content-Length"]) > 0
    response, body = ask(server, path, "HEAD")
    assert (response.status, body) == (200, b"")


@pytest.mark.parametrize(
    "path", ["/nothing", "/../cli.py", "/..%2f..%2fcli.py", "//etc/passwd", "/model/", "/runtime"]
)
def test_nothing_else_can_be_had(path: str, server: DemoServer) -> None:
    assert ask(server, path)[0].status == 404


def test_it_takes_no_uploads(server: DemoServer) -> None:
    assert ask(server, "/", "POST")[0].status == 501


def test_a_port_that_is_taken(
    model: Path, runtime: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = demo_site(model, runtime)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(HumansegError, match=f"Port {port} cannot be had .*choose another with"):
            DemoServer(site, port)
        # The usual one was nobody's wish.
        monkeypatch.setattr("humanseg.demo.server.PORT", port)
        with DemoServer(site) as server:
            assert server.server_port not in (0, port)
