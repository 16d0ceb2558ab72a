"""The Makefile's own logic, by a dry run."""

import os
import re
import shutil
import subprocess
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRAIN, WHOLE = LOCKS = ("requirements-train.lock", "requirements.lock")

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def checkout(folder: Path, humanseg: str = "#!/bin/sh\nprintf '%s\\n' \"$@\"\n") -> Path:
    """Make a folder with the Makefile and an environment whose humanseg prints its arguments."""
    for name in ("Makefile", *LOCKS, "pyproject.toml"):
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


def stamps(folder: Path) -> list[Path]:
    """Return the files that mark a finished installation: of what trains, and of the whole."""
    listed = make(folder, "-n", "setup").stdout.splitlines()
    return [folder / line.removeprefix("touch ") for line in listed if line.startswith("touch ")]


def finish(folder: Path) -> None:
    """Mark the whole installation as finished."""
    for stamp in stamps(folder):
        stamp.touch()


def test_run_installs_what_trains_and_nothing_else(tmp_path: Path) -> None:
    shown = make(checkout(tmp_path), "-n", "run", DATA="photos").stdout
    assert f"-r {TRAIN}" in shown and f"-r {WHOLE}" not in shown


def test_test_adds_the_rest_to_the_same_environment(tmp_path: Path) -> None:
    folder = checkout(tmp_path)
    stamps(folder)[0].touch()
    shown = make(folder, "-n", "test").stdout
    assert f"-r {WHOLE}" in shown and f"-r {TRAIN}" not in shown and "venv .venv" not in shown


def test_run_after_test_installs_nothing(tmp_path: Path) -> None:
    folder = checkout(tmp_path)
    finish(folder)
    assert "pip" not in make(folder, "-n", "run", DATA="photos").stdout


@pytest.mark.parametrize("lock", LOCKS)
def test_a_finished_setup_is_not_repeated_until_a_lock_changes(tmp_path: Path, lock: str) -> None:
    folder = checkout(tmp_path)
    finish(folder)
    assert "pip" not in make(folder, "-n", "setup").stdout
    with (folder / lock).open("a") as file:
        file.write("\n")
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
def test_run_hands_the_data_folder_over_unharmed(tmp_path: Path, data: str) -> None:
    folder = checkout(tmp_path)
    finish(folder)
    run = make(folder, "run", f"DATA={data}", "ARGS=seed=1 'logger=[csv]'")
    assert run.stdout.splitlines() == ["train", "--data", data, "seed=1", "logger=[csv]"]


def test_run_without_data_writes_the_sample_first(tmp_path: Path) -> None:
    folder = checkout(tmp_path)
    finish(folder)
    run = make(folder, "run", DATA="")
    assert run.stdout.split() == ["sample", "sample", "train", "--data", "sample"]


def test_what_the_makefile_imports_is_there() -> None:
    imports = re.findall(r"from (humanseg\S*) import (\w+)", (ROOT / "Makefile").read_text("utf-8"))
    assert imports
    assert [names for names in imports if not hasattr(import_module(names[0]), names[1])] == []


def test_python_may_keep_what_it_compiles(tmp_path: Path) -> None:
    # Each of some hundred processes would compile torch again.
    folder = checkout(tmp_path, '#!/bin/sh\necho "[$PYTHONDONTWRITEBYTECODE]"\n')
    finish(folder)
    run = make(folder, "run", DATA="photos", PYTHONDONTWRITEBYTECODE="1")
    assert run.stdout.split() == ["[]"]
