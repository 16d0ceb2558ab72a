"""Nothing is sent, looked up or written at home: each command is watched from its first import."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import onnx
import pytest

from humanseg.system.variables import SWITCHES
from tests.inference.conftest import red_model

READ_BY = {
    "onnxruntime": "ORT_DISABLE_TELEMETRY",
    "albumentations": "NO_ALBUMENTATIONS_UPDATE",
    "ray": "RAY_USAGE_STATS_ENABLED",
    "wandb": "WANDB_ERROR_REPORTING",
    "huggingface_hub": "HF_HUB_DISABLE_TELEMETRY",
}

WATCH = """
import atexit, json, os, sys
read_by, seen = json.loads(sys.argv[1]), {"imports": {}, "network": []}

def watch(event, arguments):
    if event == "import" and arguments[0] in read_by:
        seen["imports"].setdefault(arguments[0], os.environ.get(read_by[arguments[0]]))
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.connect", "socket.sendto"):
        # A socket in the file system, as wandb's own processes have, leads nowhere else.
        if not (event == "socket.connect" and isinstance(arguments[1], str)):
            seen["network"].append(f"{event} {arguments}")

sys.addaudithook(watch)
atexit.register(lambda: open("seen.json", "w").write(json.dumps(seen)))
sys.argv[1:2] = []
"""
COMMAND = "from humanseg.cli.main import main\nsys.exit(main(sys.argv[1:]))\n"
DEMO = """
from humanseg.demo import runtime, server
runtime.ready_runtime = list
def stop(server):
    raise KeyboardInterrupt
server.DemoServer.serve_forever = stop
"""
# Fonts of plots and photos that were decoded: of use to the next run, and named in the README.
CACHES = (".cache/matplotlib", ".config/matplotlib", ".cache/fontconfig", ".cache/humanseg")


class Seen(NamedTuple):
    """What a program did: imports with their switch, network calls, new files at home."""

    imports: dict[str, str | None]
    network: list[str]
    at_home: list[str]
    said: str


def clean_environment(home: Path) -> dict[str, str]:
    unset = {"HOME", "PYTHONSTARTUP", "MPLCONFIGDIR", "HUMANSEG_CACHE", *SWITCHES}
    return {
        name: value
        for name, value in os.environ.items()
        if name not in unset and not name.startswith("XDG_")
    } | {"HOME": str(home), "OMP_NUM_THREADS": "1"}


@pytest.fixture
def watched(tmp_path: Path) -> Callable[..., Seen]:
    """Run a program with an empty home folder, and return what it did there and elsewhere."""

    def run(program: str, *words: str | Path, prefix: Sequence[str] = ()) -> Seen:
        home, work = tmp_path / "home", tmp_path / "work"
        home.mkdir()
        work.mkdir(exist_ok=True)
        done = subprocess.run(
            [*prefix, sys.executable, "-c", WATCH + program, json.dumps(READ_BY), *map(str, words)],
            cwd=work,
            env=clean_environment(home),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        seen = json.loads((work / "seen.json").read_text())
        files = [str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()]
        return Seen(seen["imports"], seen["network"], files, done.stdout + done.stderr)

    return run


@pytest.fixture
def red(tmp_path: Path) -> Path:
    onnx.save(red_model(), tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def require_quiet(seen: Seen) -> None:
    assert seen.imports == {name: SWITCHES[READ_BY[name]] for name in seen.imports}
    assert not seen.network
    assert not [name for name in seen.at_home if not name.startswith(CACHES)]


@pytest.mark.parametrize("command", ["predict", "demo", "python", "check", "compare"])
def test_using_a_model_is_nobody_elses_business(
    watched: Callable[..., Seen],
    sample_root: Path,
    write_run: Callable[..., Path],
    red: Path,
    tmp_path: Path,
    command: str,
) -> None:
    photo = sample_root / "valid" / "6.jpg"
    if command == "compare":
        write_run(tmp_path / "runs" / "a", sample_root)
    programs: dict[str, tuple[str, list[str | Path]]] = {
        "predict": (COMMAND, ["predict", photo, "--model", red, "--out", "out"]),
        "demo": (DEMO + COMMAND, ["demo", "--no-browser", "--port", "0", "--model", red]),
        "python": ("import humanseg\nhumanseg.load(sys.argv[1])(sys.argv[2])\n", [red, photo]),
        "check": (COMMAND, ["check", sample_root]),
        "compare": (COMMAND, ["compare", tmp_path / "runs"]),
    }
    program, words = programs[command]
    seen = watched(program, *words)
    require_quiet(seen)
    assert ("onnxruntime" in seen.imports) == (command in ("predict", "demo", "python"))


@pytest.mark.slow
def test_training_and_what_follows_is_nobody_elses_business(
    watched: Callable[..., Seen], sample_root: Path
) -> None:
    from tests.conftest import SMALLEST

    small = [word for word in SMALLEST if not word.startswith("logger")]
    program = f"""
from humanseg.cli import main
words = {[*small, f"data.root={sample_root}", "run_dir=run", "logger=[csv,tensorboard,wandb]"]!r}
assert main(["train", *words]) == 0
assert main(["evaluate", "run"]) == 0
assert main(["export", "run", "--formats", "onnx"]) == 0
"""
    seen = watched(program)
    require_quiet(seen)
    assert {"onnxruntime", "albumentations", "wandb"} <= seen.imports.keys()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_runtime_looks_up_no_host(watched: Callable[..., Seen], red: Path) -> None:
    # Its telemetry is native code, which Python does not see; it looks up a host after seconds.
    wait = "import humanseg, time\nhumanseg.load(sys.argv[1])\ntime.sleep(6)\n"
    log = red.with_name("strace.txt")
    prefix = ["strace", "-f", "-e", "trace=connect,openat", "-o", str(log)]
    require_quiet(watched(wait, red, prefix=prefix))
    looked_up = [line for line in log.read_text().splitlines() if "resolv.conf" in line]
    assert not looked_up and "AF_INET" not in log.read_text()


@pytest.mark.parametrize("command", ["predict", "plots"])
def test_a_home_that_cannot_be_written_is_not_mentioned(
    tmp_path: Path, sample_root: Path, red: Path, command: str
) -> None:
    photo = sample_root / "valid" / "6.jpg"
    predict = ["predict", photo, "--model", red, "--out", tmp_path / "out"]
    words = {
        "predict": ["-m", "humanseg", *map(str, predict)],
        "plots": ["-c", "import humanseg.training, matplotlib.font_manager"],
    }
    done = subprocess.run(
        [sys.executable, *words[command]],
        env=clean_environment(Path(os.devnull)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("given", "holds"), [("0", "0"), ("", "1")])
def test_what_a_person_has_set_holds(tmp_path: Path, given: str, holds: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import humanseg, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"],
        env=clean_environment(tmp_path) | {"ORT_DISABLE_TELEMETRY": given},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{holds}\n"
