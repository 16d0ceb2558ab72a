from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from humanseg.errors import HumansegError
from humanseg.runs import RunFolder, new_run_folder, open_run, require_free
from humanseg.runs.new_folder import require_recipe_folder, require_sweep_folder


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


def test_a_new_run_takes_a_folder_that_a_mac_has_shown(tmp_path: Path) -> None:
    (tmp_path / ".DS_Store").touch()
    assert new_run_folder(tmp_path).path == tmp_path.resolve()


def test_a_new_run_does_not_mind_its_own_lock(tmp_path: Path) -> None:
    write(tmp_path / ".lock")
    assert new_run_folder(tmp_path).path == tmp_path.resolve()


def test_runs_that_start_in_one_second_make_folders_of_their_own(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = pool.map(lambda _: new_run_folder(tmp_path / "runs/a", numbered=True), range(8))
    names = sorted(run.path.name for run in made)
    assert names == ["a", *(f"a-{number}" for number in range(2, 9))]
    # Nor where the name is a link that leads nowhere.
    (tmp_path / "runs/b").symlink_to(tmp_path / "gone")
    assert new_run_folder(tmp_path / "runs/b", numbered=True).path.name == "b-2"


def test_a_name_that_is_too_long_is_found_before_a_folder_is_made(tmp_path: Path) -> None:
    with pytest.raises(HumansegError, match="name is too long"):
        require_free(tmp_path / "runs" / ("x" * 300))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["config.yaml", "valid/1.jpg"])
def test_a_recipe_does_not_replace_other_files(tmp_path: Path, name: str) -> None:
    write(tmp_path / name)
    with pytest.raises(HumansegError) as caught:
        require_recipe_folder(tmp_path)
    assert caught.value.code == "runs.occupied" and str(tmp_path) in str(caught.value)
    # One that is continued has a record.
    write(tmp_path / "record.json")
    require_recipe_folder(tmp_path)


def test_a_recipe_takes_a_new_folder_and_what_was_killed_at_once(tmp_path: Path) -> None:
    require_recipe_folder(tmp_path / "new")
    write(tmp_path / ".lock")
    require_recipe_folder(tmp_path)


@pytest.mark.parametrize("name", ["config.yaml", "record.json"])
def test_a_sweep_does_not_go_into_a_run_or_a_recipe(tmp_path: Path, name: str) -> None:
    write(tmp_path / "seed=1" / "config.yaml")
    require_sweep_folder(tmp_path)
    write(tmp_path / name)
    with pytest.raises(HumansegError, match="give another sweep=NAME"):
        require_sweep_folder(tmp_path)


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
