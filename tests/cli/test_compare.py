"""`humanseg compare` as a person calls it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from humanseg.cli.main import main
from humanseg.runs import run_lock, update_summary

WriteRun = Callable[..., Path]
Said = pytest.CaptureFixture[str]


@pytest.fixture
def runs(write_run: WriteRun, compared_root: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "my runs"
    for loss, moved in (("dice", 4.0), ("bce_dice", 1.0)):
        for seed in (0, 1):
            parts = {"loss": loss}
            write_run(
                folder / "sweep" / f"loss={loss},seed={seed}",
                compared_root,
                **{"moved": moved, "noise": seed, "seed": seed, "parts": parts},
            )
    return folder


def photos_note(folder: Path) -> str:
    text = (folder / "leaderboard_files" / "photos" / "0.js").read_text(encoding="utf-8")
    return str(json.loads(text.split(" = ", 1)[1].rstrip(";\n"))["note"])


def test_table_csv_and_page(runs: Path, capsys: Said) -> None:
    assert main(["compare", str(runs)]) == 0
    said = capsys.readouterr().out
    assert said.index("bce_dice") < said.index("sweep/loss=dice,seed=0 and 1 more")
    assert "It is better than dice by 0.0" in said
    assert str(runs / "leaderboard.csv") in said.replace("\n", "")
    assert (runs / "leaderboard.html").is_file() and (runs / "leaderboard.csv").is_file()
    assert photos_note(runs) == ""
    # A second call replaces them, and takes nothing of them for a run.
    assert main(["compare", str(runs)]) == 0


def test_out_says_where(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "a" / "page"
    sweep = runs / "sweep"
    assert main(["compare", *map(str, sorted(sweep.iterdir())), "--out", str(out)]) == 0
    assert (out / "leaderboard.html").is_file() and not (sweep / "leaderboard.html").exists()


def test_without_paths_it_is_the_folder_runs(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compare"]) == 2
    assert "There is no folder" in capsys.readouterr().err
    runs.rename(tmp_path / "runs")
    assert main(["compare"]) == 0


def test_no_run_is_an_error_in_a_sentence(tmp_path: Path, capsys: Said) -> None:
    assert main(["compare", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"There is no run in {tmp_path}: ")
    assert not list(tmp_path.iterdir())


def test_only_failed_runs_are_told(runs: Path, capsys: Said) -> None:
    for run in (runs / "sweep").iterdir():
        update_summary(run / "summary.json", status="failed", failure="[b]no[/b] memory")
    assert main(["compare", str(runs)]) == 0
    said = capsys.readouterr().out
    assert "No run has finished yet" in said and "failed: [b]no[/b] memory" in said
    assert (runs / "leaderboard.html").is_file()


def test_what_cannot_be_read_is_listed_and_what_is_foreign_is_skipped(
    runs: Path, capsys: Said
) -> None:
    first, *_ = sorted((runs / "sweep").iterdir())
    (first / "scores.csv").unlink()
    (runs / "foreign").mkdir()
    (runs / "foreign" / "config.yaml").write_text("version: 2\n")
    assert main(["compare", str(runs)]) == 1
    said = capsys.readouterr().out
    assert "sweep/loss=bce_dice,seed=0: scores.csv is missing" in said
    assert "foreign: its config.yaml or summary.json is that of another program" in said


def test_runs_on_other_data_stand_apart(
    runs: Path, write_run: WriteRun, sample_root: Path, capsys: Said
) -> None:
    write_run(runs / "other", sample_root)
    assert main(["compare", str(runs)]) == 0
    said = capsys.readouterr().out
    assert said.index("12 valid photos") < said.index("3 valid photos")
    assert "other: Dice 1.0000" in said


def test_data_says_where_the_photos_are_now(
    runs: Path, compared_root: Path, tmp_path: Path
) -> None:
    for run in (runs / "sweep").iterdir():
        config = (run / "config.yaml").read_text(encoding="utf-8")
        gone = config.replace(str(compared_root), "/nowhere")
        (run / "config.yaml").write_text(gone, encoding="utf-8")
    assert main(["compare", str(runs)]) == 0
    assert photos_note(runs).startswith("The photos are not shown. They are not in /nowhere any")
    assert main(["compare", str(runs), "--data", str(compared_root)]) == 0
    assert photos_note(runs) == ""


def test_valid_photos_of_a_fold_lie_in_train(
    write_run: WriteRun, compared_root: Path, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    shutil.copytree(compared_root, root)
    run = write_run(tmp_path / "runs" / "run", root)
    for name in ("", "_mask"):
        for path in (root / f"valid{name}").iterdir():
            path.rename(root / f"train{name}" / path.name)
    data = json.loads((run / "summary.json").read_text())["data"]
    update_summary(run / "summary.json", data=data | {"fold": 0, "folds": 5})
    assert main(["compare", str(tmp_path / "runs")]) == 0
    assert photos_note(tmp_path / "runs") == ""


def test_two_at_once_do_not_mix(runs: Path, capsys: Said) -> None:
    code = "import sys; from humanseg.cli.main import main; sys.exit(main(sys.argv[1:]))"
    with run_lock(runs / ".leaderboard.lock"):
        done = subprocess.run(
            [sys.executable, "-c", code, "compare", str(runs)], capture_output=True, text=True
        )
    assert done.returncode == 2 and "is working in" in done.stderr


def test_no_torch_is_loaded(runs: Path) -> None:
    code = (
        "import sys; from humanseg.cli.main import main; main(['compare', sys.argv[1]]);"
        "print(sorted({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(runs)], capture_output=True, text=True)
    heavy = {"torch", "pytorch_lightning", "matplotlib", "plotly", "wandb", "optuna"}
    assert done.returncode == 0, done.stderr
    assert not [name for name in heavy if f"'{name}'" in done.stdout.splitlines()[-1]]


def test_the_terminal_obeys_no_name_of_a_run(
    write_run: WriteRun, compared_root: Path, tmp_path: Path, capsys: Said
) -> None:
    for number in range(2):
        write_run(tmp_path / f"runs/{number}\x1b[31mred", compared_root, noise=number)
    shutil.rmtree(tmp_path / "runs/1\x1b[31mred" / "checkpoints", ignore_errors=True)
    (tmp_path / "runs/2\x1b[2Jbroken").mkdir()
    (tmp_path / "runs/2\x1b[2Jbroken/summary.json").write_text("no json")
    main(["compare", str(tmp_path / "runs")])
    said = capsys.readouterr().out
    assert "\x1b" not in said and r"0\x1b[31mred" in said
