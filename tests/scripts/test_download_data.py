import importlib.util
import io
import json
import os
import random
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from humanseg.errors import HumansegError

SCRIPT = Path(__file__).parents[2] / "scripts" / "download_data.py"
FOLDERS = ("train", "train_mask", "valid", "valid_mask", "test")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("download_data", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["download_data"] = module
    spec.loader.exec_module(module)
    return module


def content() -> dict[str, bytes]:
    # Bytes that do not compress, so that every archive can break half-way.
    noise = [random.Random(place).randbytes(9000) for place in range(5)]
    files = {f"{name}/1.jpg": noise[place] for place, name in enumerate(FOLDERS)}
    return files | {"pred_valid_template.csv": b"id,rle_mask\n1,\n", "notes.txt": b"hello"}


def make_zip(files: dict[str, bytes], top: str = "share/mil/") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, data in files.items():
            packed.writestr(top + name, data)
    return buffer.getvalue()


def make_tar(files: dict[str, bytes], mode: str = "w:gz", link: str = "") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as packed:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            packed.addfile(info, io.BytesIO(data))
        if link:
            info = tarfile.TarInfo("train/link.jpg")
            info.type, info.linkname = tarfile.SYMTYPE, link
            packed.addfile(info)
    return buffer.getvalue()


def flipped(body: bytes) -> bytes:
    """Change one bit within a photo: the checksum in the archive tells."""
    place = body.index(content()["valid/1.jpg"]) + 20
    return body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]


@dataclass
class Server:
    """What the local server does, and how often the file was requested."""

    body: bytes = b""
    breaks: int = 0
    status: int = 200
    after_break: bytes | None = None
    asked: int = 0
    url: str = ""


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
            if self.path.startswith("/api?"):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps({"href": state.url}).encode())
                return
            state.asked += 1
            if state.status != 200:
                self.send_error(state.status)
                return
            body = state.body
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if state.breaks:
                state.breaks -= 1
                self.wfile.write(body[: len(body) // 2])
                state.body = state.after_break or state.body
                return
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}).start()
    state.url = f"http://127.0.0.1:{running.server_port}/mil.zip"
    yield state
    running.shutdown()
    running.server_close()


def check_placed(out: Path) -> None:
    wanted = {name: data for name, data in content().items() if name != "notes.txt"}
    found = {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file()
    }
    assert found == wanted
    assert [path.name for path in out.parent.iterdir()] == [out.name]


@pytest.mark.parametrize("body", [make_zip(content()), make_zip(content(), "")])
def test_the_five_folders_are_put_in_place(
    script: ModuleType,
    server: Server,
    tmp_path: Path,
    body: bytes,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.body = body
    out = tmp_path / "data"
    assert script.main(["--url", server.url, "--out", str(out)]) == 0
    check_placed(out)
    assert f"data.root={out}" in capsys.readouterr().out
    assert script.main(["--url", server.url, "--out", str(out)]) == 0
    assert server.asked == 1, "a second call downloads nothing"


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz", "w"])
def test_tar_archives_are_unpacked(
    script: ModuleType, server: Server, tmp_path: Path, mode: str
) -> None:
    server.body = make_tar(content(), mode)
    assert script.fetch(server.url, tmp_path / "data")
    check_placed(tmp_path / "data")


def test_a_broken_download_begins_again(script: ModuleType, server: Server, tmp_path: Path) -> None:
    server.body, server.breaks = make_zip(content()), 2
    script.fetch(server.url, tmp_path / "data", pause=0)
    check_placed(tmp_path / "data")
    assert server.asked == 3


def test_a_broken_download_leaves_nothing_and_a_later_call_succeeds(
    script: ModuleType, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "_ATTEMPTS", 1)
    server.body, server.breaks = make_zip(content()), 1
    with pytest.raises(HumansegError) as caught:
        script.fetch(server.url, tmp_path / "data", pause=0)
    assert caught.value.code == "download.broken"
    assert list(tmp_path.iterdir()) == []
    script.fetch(server.url, tmp_path / "data", pause=0)
    check_placed(tmp_path / "data")


def test_a_file_that_changes_meanwhile_is_not_mixed(
    script: ModuleType, server: Server, tmp_path: Path
) -> None:
    server.body, server.breaks = make_zip({"old": bytes(50_000)}), 1
    server.after_break = make_zip(content())
    script.fetch(server.url, tmp_path / "data", pause=0)
    check_placed(tmp_path / "data")


def test_a_connection_that_always_breaks_at_once_is_given_up(
    script: ModuleType, server: Server, tmp_path: Path
) -> None:
    server.status = 503
    with pytest.raises(HumansegError, match="HTTP 503"):
        script.fetch(server.url, tmp_path / "data", pause=0)
    assert server.asked == 5


def test_errors_are_a_paragraph_and_exit_code_2(
    script: ModuleType, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.status = 404
    assert script.main(["--url", server.url, "--out", str(tmp_path / "data")]) == 2
    assert "HTTP 404" in capsys.readouterr().err
    assert script.main(["--url", "file:///etc/passwd", "--out", str(tmp_path / "data")]) == 2
    assert "http" in capsys.readouterr().err
    assert server.asked == 1, "a refusal is not tried again"


def test_a_share_is_resolved_by_its_service(
    script: ModuleType, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "SHARE_API", server.url.replace("/mil.zip", "/api"))
    server.body = make_zip(content())
    script.fetch(script.URL, tmp_path / "data")
    check_placed(tmp_path / "data")


def test_a_folder_with_other_things_is_left_alone(
    script: ModuleType, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.txt").write_text("keep")
    with pytest.raises(HumansegError, match="choose another"):
        script.fetch(server.url, tmp_path / "data")
    assert server.asked == 0
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (make_zip({"../evil.txt": b"x"} | content(), ""), "outside the target"),
        (make_zip({"/evil.txt": b"x"}, ""), "outside the target"),
        (make_zip({"a\\..\\..\\evil.txt": b"x"}, ""), "outside the target"),
        (make_zip({"C:/evil.txt": b"x"}, ""), "outside the target"),
        (make_tar(content() | {"../evil.txt": b"x"}), "outside the target"),
        (make_tar(content(), link="/etc/passwd"), "is a link"),
        (make_zip({"a.txt": b"x", "A.TXT": b"y"}, ""), "twice"),
        (make_zip({"a.txt": b"x"}), "no folder with train"),
        (make_zip({name: b"" for name in content() if "test" not in name}), "lacks test"),
        (b"<html>sign in</html>", "neither a zip nor a tar"),
        (make_zip(content())[:-30], "neither a zip nor a tar"),
        (make_tar(content())[:-4000], "broken"),
        (flipped(make_zip(content())), "broken"),
    ],
)
def test_a_bad_archive_is_refused_and_leaves_nothing(
    script: ModuleType, server: Server, tmp_path: Path, body: bytes, says: str
) -> None:
    server.body = body
    inner = tmp_path / "inner"
    with pytest.raises(HumansegError, match=says):
        script.fetch(server.url, inner / "data")
    assert list(tmp_path.iterdir()) == [inner]
    assert list(inner.iterdir()) == []


def test_a_link_in_a_zip_is_refused(script: ModuleType, tmp_path: Path) -> None:
    info = zipfile.ZipInfo("train/link.jpg")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr(info, "/etc/passwd")
    with pytest.raises(HumansegError, match="is a link"):
        script.unpack(tmp_path / "a.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.tar.gz"])
@pytest.mark.parametrize("limits", [{"most_bytes": 1_000_000}, {"most_files": 3}])
def test_a_bomb_is_refused_before_anything_is_written(
    script: ModuleType, tmp_path: Path, name: str, limits: dict[str, int]
) -> None:
    files = {f"{number}.txt": bytes(300_000) for number in range(6)}
    if name.endswith("zip"):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as packed:
            for inner, data in files.items():
                packed.writestr(inner, data)
    else:
        (tmp_path / name).write_bytes(make_tar(files))
    with pytest.raises(HumansegError, match="would unpack to more than"):
        script.unpack(tmp_path / name, tmp_path / "out", **limits)
    assert not (tmp_path / "out").exists()


def test_what_file_managers_add_is_left_out(script: ModuleType, tmp_path: Path) -> None:
    files = {"__MACOSX/train/._1.jpg": b"x", "train/.DS_Store": b"x", "train/1.jpg": b"y"}
    (tmp_path / "a.zip").write_bytes(make_zip(files, ""))
    script.unpack(tmp_path / "a.zip", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").rglob("*.*")] == ["1.jpg"]


def test_two_calls_do_not_write_to_one_download(
    script: ModuleType, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The lock of a process that lives, and is another one: the one that started this.
    parent = psutil.Process(os.getppid())
    holder = {"pid": parent.pid, "started": parent.create_time()}
    (tmp_path / ".data.lock").write_text(json.dumps(holder))
    assert script.main(["--url", server.url, "--out", str(tmp_path / "data")]) == 2
    assert f"Process {parent.pid} is working" in capsys.readouterr().err
    assert server.asked == 0
