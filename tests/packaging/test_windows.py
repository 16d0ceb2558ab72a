"""Using a model works on Windows, as far as that can be told on another system.

What Windows lacks is taken away, and what it does otherwise is done so, in a process of its own.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

import humanseg
from humanseg.io.images import write_image
from tests.inference.conftest import red_model

LIKE_WINDOWS = """
import errno, multiprocessing, os, signal, socket, subprocess, sys, tempfile, threading
import fcntl as _fcntl

_fsync, _rename, _replace = os.fsync, os.rename, os.replace

def fsync(descriptor):
    if _fcntl.fcntl(descriptor, _fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise OSError(errno.EBADF, "Bad file descriptor")
    _fsync(descriptor)

def require_closed(path):
    # A file that is open here can be neither renamed nor removed.
    for name in os.listdir("/proc/self/fd"):
        try:
            opened = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if opened == os.path.realpath(path):
            raise PermissionError(errno.EACCES, "The process cannot access the file", str(path))

def rename(source, target, **options):
    require_closed(source)
    if os.path.exists(target):
        raise FileExistsError(errno.EEXIST, "exists", str(target))
    _rename(source, target, **options)

def replace(source, target, **options):
    require_closed(source)
    require_closed(target)
    _replace(source, target, **options)

os.fsync, os.rename, os.replace = fsync, rename, replace
for name in ("fork", "forkpty", "register_at_fork", "getuid", "geteuid", "sched_getaffinity",
             "posix_fallocate", "O_NOFOLLOW", "O_NONBLOCK", "mkfifo", "killpg", "getpgid"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGHUP", "SIGKILL", "SIGUSR1", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGCHLD",
             "pthread_sigmask", "setitimer"):
    delattr(signal, name)
for name in ("fcntl", "resource", "pwd", "grp", "termios", "tty", "syslog"):
    sys.modules[name] = None
"""
COMMAND = "from humanseg.cli.main import main\nsys.exit(main(sys.argv[1:]))\n"
DEMO = """
from humanseg.demo import runtime, server
runtime.ready_runtime = list
server.DemoServer.serve_forever = lambda self: None
"""


def run(program: str, *words: str | Path, cwd: Path) -> str:
    """Run a program; a file of text that is opened in the system's encoding is an error."""
    flags = ["-X", "warn_default_encoding", "-W", "default::EncodingWarning"]
    done = subprocess.run(
        [sys.executable, *flags, "-c", LIKE_WINDOWS + program, *map(str, words)],
        cwd=cwd,
        capture_output=True,
        encoding="cp1252",
        env=os.environ | {"PYTHONIOENCODING": "cp1252"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    package = str(Path(humanseg.__file__).parent)
    assert not [line for line in done.stderr.splitlines() if line.startswith(package)]
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model, photos with names that the console cannot show, and a film."""
    onnx.save(red_model(), tmp_path / "model.onnx")
    photo = np.full((40, 50, 3), (200, 30, 30), np.uint8)
    for name in ("a.png", "人.png", "ü/b.png"):
        write_image(tmp_path / "photos" / name, photo)
    write_film(tmp_path / "photos" / "c.mp4", [photo] * 3)
    return tmp_path


def write_film(path: Path, frames: list[np.ndarray]) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode(None))


def test_photos_and_films_are_predicted(folder: Path) -> None:
    words = ("predict", "photos", "--model", "model.onnx", "--out", "out", "--save", "mask,cutout")
    run(COMMAND, *words, cwd=folder)
    # All is replaced, also what is there.
    run(COMMAND, *words, "--overwrite", cwd=folder)
    made = {path.relative_to(folder / "out").as_posix() for path in (folder / "out").rglob("*.*")}
    masks = {"a_mask.png", "人_mask.png", "ü/b_mask.png", "c_mask.mp4"}
    assert masks <= made and len(made) == 8


def test_python_and_the_page_use_the_model(folder: Path) -> None:
    program = "import humanseg\nassert humanseg.load('model.onnx')('photos/a.png').all()\n"
    run(program, cwd=folder)
    run(DEMO + COMMAND, "demo", "--no-browser", "--port", "0", "--model", "model.onnx", cwd=folder)


def test_data_is_made_and_checked(folder: Path, sample_root: Path) -> None:
    assert "Data in" in run(COMMAND, "check", sample_root, "--html", "page.html", cwd=folder)
    small = "from humanseg.data.synthetic import write_sample\n"
    run(small + "write_sample(__import__('pathlib').Path('s'), 0, 1, 1, 1, (32, 32))\n", cwd=folder)


def test_a_build_replaces_the_one_before(folder: Path) -> None:
    program = "from pathlib import Path\nfrom humanseg.demo.site import write_site\n"
    program += "site = {'index.html': b'1', 'worker.js': b'', 'model/m': b'', 'runtime/r': b''}\n"
    run(program + "for _ in range(2): write_site(site, Path('site'))\n", cwd=folder)
    assert (folder / "site" / "model" / "m").exists()
