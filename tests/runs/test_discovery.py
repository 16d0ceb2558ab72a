from pathlib import Path

import pytest

from humanseg.errors import HumansegError
from humanseg.runs.discovery import find_runs


def make(*folders: Path) -> None:
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.yaml").write_text("a: 1\n")


def test_runs_are_found_at_any_depth_and_named_by_their_paths(tmp_path: Path) -> None:
    make(tmp_path / "one", tmp_path / "sweep" / "job10", tmp_path / "sweep" / "job9")
    (tmp_path / "record").mkdir()
    (tmp_path / "record" / "summary.json").write_text("{}")
    found = find_runs([tmp_path])
    assert found.base == tmp_path
    assert list(found.runs) == ["one", "record", "sweep/job9", "sweep/job10"]
    assert found.runs["sweep/job9"].path == tmp_path / "sweep" / "job9"


def test_names_begin_where_the_given_folders_part(tmp_path: Path) -> None:
    make(tmp_path / "a" / "run", tmp_path / "b" / "run")
    assert list(find_runs([tmp_path / "a", tmp_path / "b"]).runs) == ["a/run", "b/run"]
    one = find_runs([tmp_path / "a" / "run" / "config.yaml"])
    assert (one.base, list(one.runs)) == (tmp_path / "a", ["run"])


def test_what_lies_in_a_run_is_no_run(tmp_path: Path) -> None:
    run = tmp_path / "run"
    logged = run / "logs" / "wandb" / "offline-run-1" / "files"
    make(run, logged, run / "checkpoints", run / "later", tmp_path / ".hidden", tmp_path / "logs")
    assert list(find_runs([tmp_path]).runs) == ["logs", "run", "run/later"]


def test_links_are_followed_once(tmp_path: Path) -> None:
    make(tmp_path / "real" / "run")
    (tmp_path / "real" / "run" / "up").symlink_to(tmp_path)
    (tmp_path / "chosen").mkdir()
    (tmp_path / "chosen" / "best").symlink_to(tmp_path / "real" / "run")
    assert list(find_runs([tmp_path / "chosen"]).runs) == ["best"]
    assert len(find_runs([tmp_path, tmp_path / "real"]).runs) == 1


def test_a_name_that_is_no_text_is_made_readable(tmp_path: Path) -> None:
    make(tmp_path / "run\udcff")
    found = find_runs([tmp_path])
    assert list(found.runs) == ["run\ufffd"] and found.runs["run\ufffd"].config.is_file()


def test_a_folder_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "run")
    (tmp_path / "secret").mkdir()

    def scandir(path: Path) -> object:
        if Path(path).name == "secret":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    import os

    listed = os.scandir
    monkeypatch.setattr("humanseg.runs.discovery.os.scandir", scandir)
    found = find_runs([tmp_path])
    assert list(found.runs) == ["run"]
    assert found.unreadable == {"secret": "Permission denied"}


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HumansegError, match="no folder .*nowhere"):
        find_runs([tmp_path, tmp_path / "nowhere"])


def test_folders_of_two_drives_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def commonpath(paths: list[Path]) -> str:
        raise ValueError("Paths don't have the same drive")

    monkeypatch.setattr("humanseg.runs.discovery.os.path.commonpath", commonpath)
    with pytest.raises(HumansegError, match="give folders of one drive"):
        find_runs([tmp_path])
