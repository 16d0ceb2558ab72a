"""The server: to this computer only, with what threads need, and nothing that is not listed."""

import contextlib
import http.client
import http.server
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from humanseg.demo.server import DemoServer
from humanseg.demo.site import demo_site
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
        ("/runtime/ort.wasm.min.js", "text/javascript; charset=utf-8"),
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
    page = ask(server, "/")[1].decode()
    assert f'content="{response.headers["Content-Security-Policy"]}"' in page
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


@pytest.fixture
def large(runtime: list[Path], tmp_path: Path) -> Iterator[DemoServer]:
    """A server of a file that no buffer on the way to a browser holds, and of one that is gone."""
    (tmp_path / "large").write_bytes(bytes(32_000_000))
    site: dict[str, Path | bytes] = {name: tmp_path / name for name in ("large", "gone")}
    site["small"] = b"all of it"
    with DemoServer(site, port=0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("request_bytes", "reads"),
    [
        (b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n", True),
        (b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n", False),
        (b"HEAD /large HTTP/1.1\r\nHost: x\r\n\r\n" * 50, False),
        (b"GET /large HT", False),
        (b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\nhalf", False),
        (b"", False),
        (b"\x16\x03\x01\x02\x00", False),
        (b"GET http://[ HTTP/1.1\r\n\r\n", True),
    ],
    ids=["body", "at once", "heads", "half", "upload", "silent", "https", "address"],
)
@pytest.mark.parametrize("abort", [True, False], ids=["reset", "closed"])
def test_a_browser_that_goes_away_leaves_no_word(
    request_bytes: bytes,
    reads: bool,
    abort: bool,
    large: DemoServer,
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = threading.active_count()
    for _ in range(3):
        browser = socket.create_connection(("127.0.0.1", large.server_port), timeout=10)
        if abort:
            browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        browser.sendall(request_bytes)
        if reads:
            browser.recv(100)
        browser.close()
    give_up = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < give_up:
        time.sleep(0.01)
    assert threading.active_count() == before, "a thread still waits for a browser that is gone"
    assert ask(large, "/small")[1] == b"all of it"
    assert capfd.readouterr() == ("", "")


def test_a_browser_that_says_no_more_is_given_up(
    large: DemoServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("humanseg.demo.server._Handler.timeout", 0.2)
    for words in (b"GET /sm", b"GET /large HTTP/1.1\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", large.server_port), timeout=10) as browser:
            browser.sendall(words)
            time.sleep(0.5)
            browser.settimeout(5)
            with contextlib.suppress(ConnectionError):
                while browser.recv(1 << 20):
                    pass
    assert capfd.readouterr() == ("", "")


def test_a_file_that_is_gone_is_named(large: DemoServer, capfd: pytest.CaptureFixture[str]) -> None:
    assert ask(large, "/gone")[0].status == 500
    shown = capfd.readouterr()
    assert "gone cannot be read any more" in shown.err and "Traceback" not in shown.err


def test_a_fault_of_the_server_itself_is_shown(
    large: DemoServer, capfd: pytest.CaptureFixture[str]
) -> None:
    large.site = {"small": 3}  # type: ignore[dict-item]
    with pytest.raises(http.client.RemoteDisconnected):
        ask(large, "/small")
    assert "Traceback" in capfd.readouterr().err


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


def test_a_port_is_not_shared_with_another_demo(
    model: Path, runtime: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in newer versions of Python.
    monkeypatch.setattr(http.server.HTTPServer, "allow_reuse_port", True)
    site = demo_site(model, runtime)
    with DemoServer(site, port=0) as first:
        with pytest.raises(HumansegError, match="cannot be had"):
            DemoServer(site, first.server_port)


def test_the_name_of_the_computer_is_not_asked_for(
    model: Path, runtime: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On some Macs it takes 35 s, and on Windows it fails if it is not ASCII."""

    def ask(name: str = "") -> str:
        raise UnicodeDecodeError("utf-8", b"\x84", 0, 1, "invalid start byte")

    monkeypatch.setattr(socket, "getfqdn", ask)
    with DemoServer(demo_site(model, runtime), port=0) as server:
        assert server.address == f"http://127.0.0.1:{server.server_port}/"
