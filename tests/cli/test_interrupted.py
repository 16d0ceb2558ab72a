"""`humanseg predict` that is stopped from outside: what is half written goes, and that is said."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from humanseg.cli.main import main
from humanseg.io import temporary_files
from humanseg.io.images import write_image
from tests.inference.conftest import red_model

SLOW = """
import sys, time
from PIL import Image
from humanseg.cli import main
save = Image.Image.save
def slowly(*arguments, **options):
    print("writing", flush=True)
    time.sleep(1)
    save(*arguments, **options)
Image.Image.save = slowly
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """A command that makes ten masks in `out`."""
    onnx.save(red_model(), tmp_path / "model.onnx")
    for number in range(10):
        write_image(tmp_path / "in" / f"{number}.png", np.full((30, 40, 3), 200, np.uint8))
    paths = [str(tmp_path / name) for name in ("in", "out", "model.onnx")]
    return ["predict", paths[0], "--out", paths[1], "--model", paths[2], "--threads", "2"]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_a_signal_leaves_nothing_half_written_and_is_said(
    words: list[str], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SLOW, *words], stdout=-1, stderr=-1, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("writing")
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == code
    assert said.endswith(f"Stopped by {number.name}.\n") and "Traceback" not in said
    assert not [path for path in (tmp_path / "out").iterdir() if path.suffix == ".partial"]


def test_what_a_killed_command_left_goes_even_when_all_is_there_already(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(words) == 0
    leftover = tmp_path / "out" / f".humanseg-{temporary_files.boot_id()}-0123456789ab.partial"
    leftover.write_bytes(b"half")
    # As another process would start.
    monkeypatch.setattr(temporary_files, "_swept", set())
    assert main(words) == 0
    assert not leftover.exists()
    assert len(list((tmp_path / "out").iterdir())) == 10
