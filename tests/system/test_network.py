"""Whether a server answers, within seconds."""

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from humanseg.system import network
from humanseg.system.network import unreachable


@pytest.fixture
def refusing() -> Iterator[str]:
    """A server that answers, though not what is requested."""

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802 - so the class calls it
            self.send_error(403)

        def log_message(self, *words: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_any_answer_is_one(refusing: str) -> None:
    assert unreachable(refusing) == ""


def test_no_server_is_told_with_its_reason() -> None:
    assert "refused" in unreachable("http://127.0.0.1:9")
    assert unreachable("no address")


def test_what_answers_in_another_language_is_no_server() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        def greet() -> None:
            client, _ = other.accept()
            with client:
                client.recv(4096)
                client.sendall(b"220 mail.example.com ready\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        assert "no web server" in unreachable(f"http://127.0.0.1:{other.getsockname()[1]}")
        thread.join()


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "PATIENCE", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        assert unreachable(f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert time.monotonic() - began < 3
