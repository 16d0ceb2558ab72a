from pathlib import Path

import pytest

from humanseg.errors import HumansegError
from humanseg.runs import RunFolder, new_run_folder, open_run


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x: 1\n")
    return path


def test_all_of_a_run_lies_in_its_folder(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    names = {
        path.relative_to(tmp_path).as_posix()
        for path in (
            run.config,
            run.best,
            run.last,
            run.summary,
            run.history,
            run.scores,
            run.submission,
            run.index_page,
            run.test_page,
            run.valid_page,
            run.curves,
        )
    }
    assert names == {
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


def test_a_run_is_found_by_its_folder_or_a_file_in_it(tmp_path: Path) -> None:
    write(tmp_path / "run" / "config.yaml")
    best = write(tmp_path / "run" / "checkpoints" / "best.ckpt")
    for path in (tmp_path / "run", tmp_path / "run" / "config.yaml", best):
        assert open_run(path).path == (tmp_path / "run").resolve()


def test_a_missing_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(HumansegError, match="no folder .*nowhere"):
        open_run(tmp_path / "nowhere")


def test_a_folder_of_runs_points_to_one_of_them(tmp_path: Path) -> None:
    write(tmp_path / "b" / "config.yaml")
    write(tmp_path / "a" / "config.yaml")
    with pytest.raises(HumansegError, match=f"such as {tmp_path / 'a'}"):
        open_run(tmp_path)


def test_a_folder_of_something_else_is_no_run(tmp_path: Path) -> None:
    write(tmp_path / "notes.txt")
    with pytest.raises(HumansegError, match="no config.yaml"):
        open_run(tmp_path)


def test_a_new_run_takes_a_missing_or_an_empty_folder(tmp_path: Path) -> None:
    for _ in range(2):
        assert new_run_folder(tmp_path / "deep" / "run").path.is_dir()


def test_a_new_run_does_not_mind_its_own_lock(tmp_path: Path) -> None:
    write(tmp_path / ".lock")
    assert new_run_folder(tmp_path).path == tmp_path.resolve()


def test_a_new_run_never_takes_the_place_of_another(tmp_path: Path) -> None:
    write(tmp_path / "config.yaml")
    with pytest.raises(HumansegError, match=f"already holds a run.*resume={tmp_path}"):
        new_run_folder(tmp_path)


def test_a_new_run_does_not_mix_with_other_files(tmp_path: Path) -> None:
    write(tmp_path / "thesis.txt")
    with pytest.raises(HumansegError, match="not a run"):
        new_run_folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_run_cannot_lie_below_a_file(tmp_path: Path) -> None:
    file = write(tmp_path / "file")
    with pytest.raises(HumansegError, match="is a file, not a folder"):
        new_run_folder(file / "run")
    with pytest.raises(HumansegError):
        new_run_folder(file)


def test_a_sweep_is_no_run_and_names_its_jobs(tmp_path: Path) -> None:
    job = write(tmp_path / "sweep" / "seed=1" / "config.yaml").parent
    (job / "summary.json").write_text('{"status": "finished", "sweep": "sweep"}')
    with pytest.raises(HumansegError, match=f"such as {job}.*command that started") as caught:
        open_run(tmp_path / "sweep")
    assert caught.value.code == "runs.is_a_sweep"
