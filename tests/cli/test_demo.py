"""`humanseg demo` on the command line: what it opens, writes and says."""

import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from urllib.request import urlopen

import onnx
import pytest

from humanseg.cli.main import main
from humanseg.demo import runtime as demo_runtime
from humanseg.demo.runtime import PLAIN, WEBGPU, NpmError
from humanseg.demo.server import DemoServer
from tests.inference.conftest import red_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    onnx.save(red_model(), tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def web_names(*names: str) -> set[str]:
    """Return the names of scripts that every host knows."""
    return {name.replace(".mjs", ".js") for name in names}


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for the runtime: it is npm's matter, and large."""
    (tmp_path / "runtime").mkdir()
    for name in (*PLAIN, *WEBGPU):
        (tmp_path / "runtime" / name).touch()

    @contextmanager
    def brought(names: tuple[str, ...]) -> Iterator[list[Path]]:
        yield [tmp_path / "runtime" / name for name in names]

    plain = [tmp_path / "runtime" / name for name in PLAIN]
    monkeypatch.setattr(demo_runtime, "ready_runtime", lambda: plain)
    monkeypatch.setattr(demo_runtime, "npm_files", brought)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were opened; the server is stopped by Ctrl-C soon."""
    found: list[str] = []
    was_opened = Event()

    def stop(server: DemoServer) -> None:
        was_opened.wait(0.5)
        raise KeyboardInterrupt

    def open_address(address: str) -> None:
        found.append(address)
        was_opened.set()

    monkeypatch.setattr(DemoServer, "serve_forever", stop)
    monkeypatch.setattr(webbrowser, "open", open_address)
    return found


def test_a_browser_that_is_waited_for_gets_the_page(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages: list[bytes] = []
    seen = Event()

    def browse(address: str) -> None:
        try:
            pages.append(urlopen(address, timeout=10).read())
        finally:
            seen.set()

    def stop_later(server: DemoServer) -> None:
        def stop() -> None:
            seen.wait(60)
            server.shutdown()

        Thread(target=stop).start()
        serve(server, 0.01)

    serve = DemoServer.serve_forever
    monkeypatch.setattr(DemoServer, "serve_forever", stop_later)
    monkeypatch.setattr(webbrowser, "open", browse)
    assert main(["demo", "--model", str(model), "--port", "0"]) == 0
    (page,) = pages
    assert b"<title>Cut people out" in page


def test_it_opens_the_page_and_ends_well_by_ctrl_c(
    model: Path, opened: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--model", str(model), "--port", "0"]) == 0
    (address,) = opened
    assert address.startswith("http://127.0.0.1:")
    assert address in capsys.readouterr().out


def test_it_may_only_print_the_address(
    model: Path, opened: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--model", str(model), "--port", "0", "--no-browser"]) == 0
    assert opened == []
    assert "http://127.0.0.1:" in capsys.readouterr().out


def test_a_build_brings_webgpu_and_says_what_a_host_must_do(
    model: Path, tmp_path: Path, opened: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--model", str(model), "--build", str(tmp_path / "site")]) == 0
    said = capsys.readouterr()
    assert opened == [] and said.err == ""
    assert "https" in said.out and "Cross-Origin-Embedder-Policy: require-corp" in said.out
    held = {path.name for path in (tmp_path / "site/runtime").iterdir()}
    assert held == {*web_names(*PLAIN, *WEBGPU), "files.json", "LICENSE.txt"}


def test_a_build_without_npm_goes_without_webgpu_and_says_so(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def none(names: tuple[str, ...]) -> Iterator[list[Path]]:
        raise NpmError("npm is not installed.")
        yield

    monkeypatch.setattr(demo_runtime, "npm_files", none)
    assert main(["demo", "--model", str(model), "--build", str(tmp_path / "site")]) == 1
    assert capsys.readouterr().err == "The page runs without WebGPU. npm is not installed.\n"
    held = {path.name for path in (tmp_path / "site/runtime").iterdir()}
    assert held == {*web_names(*PLAIN), "files.json", "LICENSE.txt"}


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_is_a_number(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["demo", "--port", port])
    assert caught.value.code == 2
    assert f"{port} is not a number from 0 to 65535" in capsys.readouterr().err


def test_a_missing_model_is_one_paragraph(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--model", str(tmp_path / "nothing.onnx")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("There is no model") and said.count("\n") == 1
