"""Whole trainings, and what can be done with their folders afterwards."""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Commands, Train


def summary_of(run: Path) -> dict[str, Any]:
    """What came out of a run that finished."""
    summary: dict[str, Any] = json.loads((run / "summary.json").read_text())
    assert (summary["status"], summary["failure"]) == ("finished", None)
    return summary


def said(text: str, name: str) -> float:
    """The number that a report gives beside a name."""
    found = re.search(rf"^{name}\s+([\d.]+)", text, re.MULTILINE)
    assert found, text
    return float(found[1])


def test_debug_writes_every_file_of_a_run(
    start_training: "Train", sample_root: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    done = start_training(run, "trainer=debug").wait()
    assert done.rc == 0, done.stderr
    valid_ends = ("img.jpg", "errors.png", "pred_mask.png", "true_mask.png")
    pages = {f"valid/{id}_{end}" for id in (6, 7, 8) for end in valid_ends}
    ends = ("img.jpg", "pred_mask.png", "crop.png")
    pages |= {f"test/{id}_{end}" for id in (9, 10) for end in ends}
    files = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
    assert {name for name in files if not name.startswith("logs/")} == pages | {
        "config.yaml",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
        "summary.json",
        "history.csv",
        "scores.csv",
        "pred_valid.csv",
        "index.html",
        "test.html",
        "valid.html",
        "curves.png",
    }
    summary = summary_of(run)
    named = "dice dice_at_half threshold best_epoch epochs seconds images_per_second loader_wait "
    named += "parameters peak_memory_mb seed overrides data git versions device"
    assert not set(named.split()) - set(summary)
    assert {"train": 6, "valid": 3, "test": 2}.items() <= summary["data"].items()
    assert {"data": "folders", "loss": "bce_dice"}.items() <= summary["choices"].items()
    with (run / "pred_valid.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    template = (sample_root / "pred_valid_template.csv").read_text().splitlines()
    assert rows[0] == ["id", "rle_mask"]
    assert [row[0] for row in rows[1:]] == [line.split(",")[0] for line in template[1:]]
    # The pages and the submission are named first.
    files_said, _, steps = done.stdout.partition("What to do next")
    paths = [line.split()[-1] for line in files_said.splitlines() if str(run) in line][-8:]
    names = ("index.html", "test.html", "pred_valid.csv")
    assert paths[:3] == [str(run / name) for name in names]
    assert all(Path(path).exists() for path in paths)
    assert f"humanseg export {run}" in steps and f"humanseg compare {tmp_path}" in steps
    # Nothing is logged to wandb.
    assert "wandb" not in steps


@pytest.mark.parametrize("logger", ["none", "[csv]"])
def test_wandb_is_not_imported_unless_used(
    start_training: "Train", tmp_path: Path, logger: str
) -> None:
    print_import = "import atexit, sys\natexit.register(lambda: print('wandb' in sys.modules))"
    run = tmp_path / "run"
    words = (f"logger={logger}", "trainer.max_epochs=1")
    done = start_training(run, *words, before=print_import).wait()
    assert done.rc == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "False"
    assert (run / "logs").exists() == (logger == "[csv]")


def test_evaluate_and_score_agree_with_the_summary(
    commands: "Commands", finished_run: Path, own_run: Path, sample_root: Path
) -> None:
    summary = summary_of(finished_run)
    moved = commands.run("evaluate", own_run)
    assert moved.rc == 0, moved.stderr
    assert said(moved.stdout, "dice") == pytest.approx(summary["dice"], abs=1e-6)
    assert said(moved.stdout, "dice at 0.5") == pytest.approx(summary["dice_at_half"], abs=1e-6)
    scored = commands.run("score", own_run / "pred_valid.csv", "--data", sample_root)
    assert scored.rc == 0, scored.stderr
    assert re.search(rf"{summary['dice']:.6f}", scored.stdout), scored.stdout
    with (own_run / "scores.csv").open(newline="") as file:
        dices = [float(row["dice"]) for row in csv.DictReader(file)]
    assert np.mean(dices) == pytest.approx(summary["dice"], abs=1e-12)


def test_evaluate_with_other_photos_thresholds_and_mirrors(
    commands: "Commands", finished_run: Path, own_data: Path
) -> None:
    def dice(*words: str | Path) -> float:
        done = commands.run("evaluate", finished_run, *words)
        # Nothing of the libraries beneath.
        assert (done.rc, done.stderr) == (0, "")
        assert done.stdout.startswith(f"{finished_run} on ")
        return said(done.stdout, "dice")

    plain = dice()
    assert dice("--threshold", "0.9") != plain
    assert dice("--tta") != plain
    train = dice("--split", "train")
    # The same photos under another split's name have the same score.
    for kind in ("", "_mask"):
        shutil.rmtree(own_data / f"valid{kind}")
        shutil.copytree(own_data / f"train{kind}", own_data / f"valid{kind}")
    (own_data / "pred_valid_template.csv").unlink()
    assert dice("--data", own_data) == train


@pytest.mark.slow
def test_the_weights_file_that_a_run_began_with_may_go(
    commands: "Commands", start_training: "Train", sample_root: Path, tmp_path: Path
) -> None:
    import timm
    from safetensors.torch import save_file

    weights = tmp_path / "weights.safetensors"
    save_file(timm.create_model("resnet18", pretrained=False).state_dict(), weights)
    run = tmp_path / "run"
    done = commands.run(
        "train",
        "backbone=resnet18",
        "backbone.weights=weights.safetensors",
        "model.decoder_channels=[4,4,4,4,4]",
        *("trainer=debug", "trainer.accelerator=cpu", "trainer.max_epochs=1", "threads=1"),
        *("data.batch_size=2", "data.workers=0", "logger=[csv]"),
        f"data.root={sample_root}",
        f"run_dir={run}",
        cwd=tmp_path,
    )
    assert done.rc == 0, done.stderr
    weights.unlink()
    moved = tmp_path / "elsewhere" / "run"
    moved.parent.mkdir()
    run.rename(moved)
    report = commands.run("evaluate", moved)
    assert report.rc == 0, report.stderr
    assert said(report.stdout, "dice") == pytest.approx(summary_of(moved)["dice"], abs=1e-6)


def test_a_run_on_a_fold_needs_no_valid_photos(
    commands: "Commands", start_training: "Train", own_data: Path, tmp_path: Path
) -> None:
    shutil.rmtree(own_data / "valid")
    shutil.rmtree(own_data / "valid_mask")
    run = tmp_path / "run"
    fold = (f"data.root={own_data}", "data.fold=0", "data.folds=3", "trainer.max_epochs=1")
    done = start_training(run, *fold).wait()
    assert done.rc == 0, done.stderr
    assert {"train": 4, "valid": 2, "fold": 0, "folds": 3}.items() <= summary_of(run)[
        "data"
    ].items()
    report = commands.run("evaluate", run)
    assert said(report.stdout, "dice") == pytest.approx(summary_of(run)["dice"], abs=1e-6)


EVIL = "<img src=x onerror=alert(1)>"


def test_a_photo_with_a_name_that_is_html(
    start_training: "Train", own_data: Path, tmp_path: Path
) -> None:
    for folder, suffix in (("valid", "jpg"), ("valid_mask", "png"), ("test", "jpg")):
        old = "8" if folder.startswith("valid") else "10"
        (own_data / folder / f"{old}.{suffix}").rename(own_data / folder / f"{EVIL}.{suffix}")
    (own_data / "pred_valid_template.csv").unlink()
    run = tmp_path / "run"
    done = start_training(run, f"data.root={own_data}", "trainer.max_epochs=1").wait()
    assert done.rc == 0, done.stderr
    for page in ("test.html", "valid.html"):
        html = (run / page).read_text()
        assert EVIL not in html and "&lt;img src=x onerror=alert(1)&gt;" in html
    assert (run / f"test/{EVIL}_crop.png").exists()
    with (run / "pred_valid.csv").open(newline="") as file:
        assert EVIL in [row["id"] for row in csv.DictReader(file)]


def test_photos_of_many_sizes_and_formats(
    commands: "Commands", start_training: "Train", own_data: Path, tmp_path: Path
) -> None:
    def change(split: str, id: int, suffix: str, size: tuple[int, int]) -> None:
        photo, mask = own_data / split / f"{id}.jpg", own_data / f"{split}_mask" / f"{id}.png"
        with Image.open(photo) as image:
            image.resize(size).save(photo.with_suffix(suffix))
        photo.unlink()
        if mask.exists():
            with Image.open(mask) as image:
                image.resize(size, Image.Resampling.NEAREST).save(mask)

    change("train", 0, ".png", (33, 47))
    change("train", 1, ".WEBP", (51, 20))
    change("valid", 6, ".bmp", (33, 47))
    change("valid", 7, ".PNG", (1, 1))
    change("test", 9, ".JPEG", (101, 7))
    run = tmp_path / "run"
    done = start_training(run, f"data.root={own_data}", "trainer.max_epochs=1").wait()
    assert done.rc == 0, done.stderr
    for path, size in (("test/9_pred_mask.png", (101, 7)), ("valid/6_errors.png", (33, 47))):
        with Image.open(run / path) as picture:
            assert picture.size == size
    scored = commands.run("score", run / "pred_valid.csv", "--data", own_data)
    assert f"{summary_of(run)['dice']:.6f}" in scored.stdout


def test_from_another_folder_with_an_experiment_of_ones_own(
    sample_root: Path, tmp_path: Path
) -> None:
    """The one command here that is started as a person starts it, imports and all."""
    own = tmp_path / "mine/experiment"
    own.mkdir(parents=True)
    (own / "my_tiny.yaml").write_text(
        "# @package _global_\n"
        "defaults:\n  - override /backbone: plain\n  - override /trainer: debug\n"
        "  - override /logger: [csv]\n"
        "seed: 5\nthreads: 1\nbackbone: {widths: [4, 8]}\nmodel: {decoder_channels: [4]}\n"
        "data: {batch_size: 2, workers: 0}\ntrainer: {accelerator: cpu}\n"
    )
    (tmp_path / "data").symlink_to(sample_root)
    done = subprocess.run(
        [sys.executable, "-m", "humanseg", "train", "data.root=data"]
        + ["--config-dir", "mine", "experiment=my_tiny"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    (run,) = (tmp_path / "runs").iterdir()
    assert run.name.startswith("my_tiny-")
    assert summary_of(run)["seed"] == 5
    # Only the run was written, and its paths are said as they are seen from here.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "mine", "runs"]
    assert f"runs/{run.name}/test.html" in done.stdout
