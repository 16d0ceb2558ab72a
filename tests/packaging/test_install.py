"""What `pip install humanseg` brings: everything but training, and no torch."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

Finished = subprocess.CompletedProcess[str]
# Inside the environment: the masks of a data set as a submission.
SUBMIT = """
import sys
from pathlib import Path
from humanseg.images import read_mask
from humanseg.task import template_ids, write_submission
root = Path(sys.argv[1])
ids = template_ids(root)
masks = {id: read_mask(root / "valid_mask" / f"{id}.png") for id in ids}
write_submission(Path(sys.argv[2]), masks, ids)
"""


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel, what it asks for, and pip."""
    folder = tmp_path_factory.mktemp("installed") / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", str(wheel)]
    subprocess.run(pip, check=True)
    return folder


@pytest.fixture
def run(environment: Path, tmp_path: Path) -> Callable[..., Finished]:
    """Run a command of the environment, in an empty folder and with nothing from outside."""
    outside = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    variables = {key: value for key, value in os.environ.items() if key not in outside}

    def command(name: str, *words: str | Path) -> Finished:
        line = [str(environment / "bin" / name), *map(str, words)]
        return subprocess.run(
            line, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
        )

    return command


def test_it_brings_no_torch(run: Callable[..., Finished]) -> None:
    listed = run("python", "-m", "pip", "list", "--format=freeze").stdout.lower()
    assert "humanseg==" in listed and "onnxruntime==" in listed
    for name in ("torch", "lightning", "timm", "albumentations", "hydra", "omegaconf", "onnx=="):
        assert name not in listed


def test_importing_it_loads_nothing_heavy(run: Callable[..., Finished]) -> None:
    code = "import humanseg, sys; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = set(run("python", "-c", code).stdout.split())
    assert "humanseg" in loaded
    assert not loaded & {"numpy", "PIL", "cv2", "onnxruntime", "av", "jinja2", "rich"}


def test_help_and_version(run: Callable[..., Finished]) -> None:
    assert "predict" in run("humanseg", "--help").stdout
    assert run("humanseg", "--version").stdout.startswith("humanseg ")


def test_the_sample_is_written_checked_and_scored(
    run: Callable[..., Finished], tmp_path: Path
) -> None:
    assert run("humanseg", "sample", "data").returncode == 0
    page = run("humanseg", "check", "data", "--html", "check.html")
    assert page.returncode == 0, page.stderr
    assert (tmp_path / "check.html").is_file()
    submitted = run("python", "-c", SUBMIT, "data", "truth.csv")
    assert submitted.returncode == 0, submitted.stderr
    scored = run("humanseg", "score", "truth.csv", "--data", "data")
    assert scored.returncode == 0, scored.stderr
    assert "1.000000" in scored.stdout


def test_training_says_what_to_install(run: Callable[..., Finished]) -> None:
    done = run("humanseg", "train")
    assert done.returncode == 2
    assert "pip install 'humanseg[train]'" in done.stderr
    assert "Traceback" not in done.stderr
