"""The Makefile's own logic, by a dry run."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def checkout(folder: Path, humanseg: str = "#!/bin/sh\nprintf '%s\\n' \"$@\"\n") -> Path:
    """Make a folder with the Makefile and an environment whose humanseg prints its arguments."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    (folder / ".venv/bin").mkdir(parents=True)
    command = folder / ".venv/bin/humanseg"
    command.write_text(humanseg)
    command.chmod(0o755)
    return folder


def make(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *words],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def stamp(folder: Path) -> Path:
    listed = make(folder, "-n", "setup").stdout.splitlines()
    return folder / listed[-1].removeprefix("touch ")


def test_a_finished_setup_is_not_repeated_until_the_lock_changes(tmp_path: Path) -> None:
    folder = checkout(tmp_path)
    stamp(folder).touch()
    assert "pip" not in make(folder, "-n", "setup").stdout
    with (folder / "requirements.lock").open("a") as lock:
        lock.write("\n")
    assert "pip" in make(folder, "-n", "setup").stdout


def test_an_interrupted_setup_is_done_again(tmp_path: Path) -> None:
    folder = checkout(tmp_path)
    failing = tmp_path / "python"
    failing.write_text('#!/bin/sh\n[ "$1" = -c ]\n')
    failing.chmod(0o755)
    assert make(folder, "setup", f"PYTHON={failing}").returncode != 0
    assert "pip install" in make(folder, "-n", "setup").stdout


def test_an_old_python_is_named(tmp_path: Path) -> None:
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    run = make(checkout(tmp_path), "setup", f"PYTHON={old}")
    assert run.returncode != 0
    assert "3.11" in run.stderr and str(old) in run.stderr


@pytest.mark.parametrize("data", ["plain", "two words/it's", "a (b), c=d"])
def test_run_hands_the_data_folder_to_hydra_unharmed(tmp_path: Path, data: str) -> None:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    folder = checkout(tmp_path)
    stamp(folder).touch()
    run = make(folder, "run", f"DATA={data}", "ARGS=seed=1 'logger=[csv]'")
    verb, root, *others = run.stdout.splitlines()
    assert (verb, others) == ("train", ["seed=1", "logger=[csv]"])
    assert OverridesParser.create().parse_override(root).value() == data


def test_run_without_data_writes_the_sample_first(tmp_path: Path) -> None:
    folder = checkout(tmp_path)
    stamp(folder).touch()
    run = make(folder, "run", DATA="")
    assert run.stdout.split() == ["sample", "sample", "train", "data.root='sample'"]
