"""What is loaded by what: help is answered at once, and using a model needs no torch."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from humanseg.io.images import write_image
from tests.inference.conftest import red_model

HEAVY = {
    "torch",
    "pytorch_lightning",
    "albumentations",
    "wandb",
    "matplotlib",
    "pandas",
    "scipy",
    "cv2",
    "onnxruntime",
    "numpy",
    "PIL",
    "timm",
    "torchmetrics",
    "optuna",
    "plotly",
}


def loaded(code: str, folder: Path) -> set[str]:
    """Run code in a fresh interpreter; return the top names of all loaded modules."""
    program = (
        "import sys, json, atexit\n"
        "atexit.register(lambda: print('\\n' + json.dumps(list(sys.modules))))\n" + code
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return {name.split(".")[0] for name in json.loads(run.stdout.splitlines()[-1])}


def call(*words: str) -> str:
    return f"from humanseg.cli.main import main\nsys.exit(main({list(words)!r}))"


@pytest.mark.parametrize(
    "code",
    [
        "import humanseg",
        "import humanseg.cli.main",
        "import humanseg.config",
        call("--help"),
        call("--version"),
        call("check-configs", "--help"),
        call("train", "--help"),
        call("train", "--cfg", "job"),
        call("predict", "--help"),
    ],
)
def test_nothing_heavy_is_loaded(code: str, tmp_path: Path) -> None:
    assert not loaded(code, tmp_path) & HEAVY
    assert not list(tmp_path.iterdir())


def test_rooms_on_the_ground_load_no_torch(tmp_path: Path) -> None:
    heavy = {"torch", "pytorch_lightning", "hydra", "albumentations", "wandb", "wandb_workspaces"}
    # The modules that import most of their rooms: of a room itself there may be nothing to import.
    modules = ["io.images", "metrics.scores", "submission", "pages.gallery", "runs", "compare.page"]
    # One process for all: each, as it is imported, may bring none of them.
    code = f"""
from importlib import import_module
for module in {modules}:
    import_module("humanseg." + module)
    imported = {heavy} & set(sys.modules)
    assert not imported, (module, imported)
"""
    assert not loaded(code, tmp_path) & heavy


def test_the_process_of_a_sweep_loads_no_torch(tmp_path: Path) -> None:
    # Its jobs have processes of their own, which must find torch unused.
    heavy = {"torch", "pytorch_lightning", "albumentations", "wandb", "timm"}
    code = "import humanseg.sweeps.grid, humanseg.sweeps.search"
    assert not loaded(code, tmp_path) & heavy


def test_using_a_model_loads_nothing_that_only_training_needs(tmp_path: Path) -> None:
    onnx.save(red_model(), tmp_path / "red.onnx")
    write_image(tmp_path / "in" / "a.png", np.full((40, 50, 3), 200, np.uint8))
    heavy = {"torch", "pytorch_lightning", "hydra", "omegaconf", "albumentations"}
    heavy |= {"pandas", "scipy"}
    heavy |= {"matplotlib", "timm", "wandb", "jinja2", "av", "onnx"}
    load = "import humanseg\nassert humanseg.load('red.onnx')('in/a.png').all()"
    found = loaded(load, tmp_path)
    assert "onnxruntime" in found and not found & (heavy | {"rich"})
    words = ("predict", "in", "--out", "out", "--model", "red.onnx")
    found = loaded(call(*words, "--save", "mask,cutout", "--background", "blur:9"), tmp_path)
    assert (tmp_path / "out" / "a_mask.png").is_file()
    assert "onnxruntime" in found and not found & heavy


def test_a_training_loads_onnx_where_it_needs_it(tmp_path: Path) -> None:
    assert "onnx" not in loaded("import humanseg.training.train", tmp_path)


def test_evaluating_an_exported_model_needs_no_torch(sample_root: Path, tmp_path: Path) -> None:
    heavy = {"torch", "pytorch_lightning", "hydra", "omegaconf", "albumentations", "timm"}
    words = ("evaluate", "tiny", "--data", str(sample_root), "--out", "out")
    assert not loaded(call(*words), tmp_path) & heavy
    assert (tmp_path / "out" / "pred_valid.csv").is_file()
    assert (tmp_path / "out" / "test.html").is_file()
