"""A closed pipe, a missing stream or a full disk behind it ends no command in the wrong way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from humanseg.cli.main import main

ENVIRONMENT = os.environ | {"PYTHONUNBUFFERED": ""}
PRINT_MUCH = """
import sys
import humanseg.cli

def run(arguments):
    from rich.console import Console
    sys.stdin.readline()
    for _ in range(5000):
        print("a line that is long enough for a buffer to be full after some of them")
        Console().print("rich has an opinion on pipes")
        print("and so on", file=sys.stderr)
    open("done", "w").close()
    return 1

sys.modules["humanseg.cli.main"]._run = run
sys.exit(humanseg.cli.main(["any"]))
"""


@pytest.mark.parametrize("unbuffered", [[], ["-u"]], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_command_goes_on_when_nobody_reads_its_output(
    tmp_path: Path, unbuffered: list[str], stream: str
) -> None:
    other = "stderr" if stream == "stdout" else "stdout"
    with subprocess.Popen(
        [sys.executable, *unbuffered, "-c", PRINT_MUCH],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        env=ENVIRONMENT,
        **{stream: subprocess.PIPE, other: (tmp_path / "other").open("w")},  # type: ignore[call-overload]
    ) as process:
        getattr(process, stream).close()
        process.communicate(b"go\n")
    assert process.returncode == 1
    assert (tmp_path / "done").exists()
    said = (tmp_path / "other").read_text()
    assert "Traceback" not in said and "Exception" not in said


CLOSED = """
import os, sys
import humanseg.cli

def run(arguments):
    from rich.console import Console
    print("out"), print("error", file=sys.stderr), Console().print("rich")
    assert sys.stdin.buffer.read() == b""
    # What a model prints by itself must not land in a file that is opened later.
    assert os.open(arguments[0], os.O_WRONLY | os.O_CREAT) > 2
    os.write(1, b"native"), os.write(2, b"native")
    return 7

sys.modules["humanseg.cli.main"]._run = run
sys.exit(humanseg.cli.main([sys.argv[1]]))
"""


@pytest.mark.parametrize("closed", ["0", "1", "2", "012"])
def test_streams_that_were_closed_before_lead_nowhere(tmp_path: Path, closed: str) -> None:
    words = " ".join(f"{number}>&-" for number in closed)
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {words}', "sh", sys.executable, "-c", CLOSED, tmp_path / "file"],
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 7
    assert (tmp_path / "file").read_bytes() == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("unbuffered", [[], ["-u"]], ids=["buffered", "unbuffered"])
def test_output_that_a_disk_has_no_room_for_is_said(unbuffered: list[str]) -> None:
    program = "import sys, humanseg.cli\nsys.modules['humanseg.cli.main']._run = print\n"
    program += "sys.exit(humanseg.cli.main(['x']))"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, *unbuffered, "-c", program],
            stdout=full,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
            text=True,
            check=False,
        )
    assert done.stderr.startswith("Cannot write standard output: the disk is full")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_a_picture_is_not_sent_to_an_output_that_is_closed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["predict", "a.jpg", "-o", "-"]) == 2
    assert "standard output, which is closed" in capsys.readouterr().err


def test_a_list_is_not_read_from_an_input_that_is_closed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["predict", "-", "-o", str(tmp_path)]) == 2
    assert "Standard input is closed" in capsys.readouterr().err
