"""What `pip install humanseg` brings: everything but training, and no torch."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from tests.inference.conftest import red_model

pytestmark = pytest.mark.slow

Finished = subprocess.CompletedProcess[str]
# Inside the environment: the masks of a data set as a submission.
SUBMIT = """
import sys
from pathlib import Path
from humanseg.io.images import read_mask
from humanseg.submission.template import template_ids
from humanseg.submission.write import write_submission
root = Path(sys.argv[1])
ids = template_ids(root)
masks = {id: read_mask(root / "valid_mask" / f"{id}.png") for id in ids}
write_submission(Path(sys.argv[2]), masks, ids)
"""

# A photo, and a video of a few of them.
DRAW = """
import sys
from fractions import Fraction
from pathlib import Path
from humanseg.data.synthetic.photo import draw_photo
from humanseg.io.images import write_image
from humanseg.inference.video.encodings import opaque_encoding
from humanseg.inference.video.probe import VideoColors, VideoInfo
from humanseg.inference.video.reading import Frame
from humanseg.inference.video.writing import VideoWriter
photo, _, _ = draw_photo(0, 0)
write_image(Path(sys.argv[1]), photo)
info = VideoInfo(
    (320, 240), (1, 0, 0, 1), Fraction(1), Fraction(1, 30), Fraction(30), None, VideoColors(6, 2, 2)
)
for path in map(Path, sys.argv[2:]):
    with VideoWriter(path, opaque_encoding(path), info) as writer:
        for time in range(3):
            writer.write(Frame(photo, time, 1))
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


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported model, so that predicting is tried whether or not the wheel brings its own."""
    path = tmp_path_factory.mktemp("model") / "red.onnx"
    onnx.save(red_model(), path)
    return path


def test_a_photo_and_a_video_are_predicted(
    run: Callable[..., Finished], model: Path, tmp_path: Path
) -> None:
    drawn = run("python", "-c", DRAW, "photo.png", "clip.mp4")
    assert drawn.returncode == 0, drawn.stderr
    words = ("--out", "out", "--model", model, "--save", "mask,cutout")
    done = run("humanseg", "predict", "photo.png", "clip.mp4", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "photo_mask.png",
        "photo_cutout.png",
        "clip_mask.mp4",
        "clip_cutout.webm",
    }


def test_the_model_that_ships_is_found(run: Callable[..., Finished], tmp_path: Path) -> None:
    assert run("python", "-c", DRAW, "photo.png").returncode == 0
    done = run("humanseg", "predict", "photo.png", "--out", "out")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "out" / "photo_mask.png").is_file()
    called = run("python", "-c", "import humanseg; print(humanseg.load()('photo.png').shape)")
    assert called.stdout.strip() == "(320, 240)", called.stderr


def test_training_says_what_to_install(run: Callable[..., Finished]) -> None:
    done = run("humanseg", "train")
    assert done.returncode == 2
    assert 'pip install "humanseg[train]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_what_the_workflows_try_works(run: Callable[..., Finished]) -> None:
    done = run("python", Path(__file__).parents[2] / "scripts" / "try_without_training.py")
    assert done.returncode == 0, done.stdout + done.stderr
