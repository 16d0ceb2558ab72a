"""`humanseg compare --wandb … --sync`: what was logged offline arrives, once, by wandb's tool."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from humanseg.cli.main import main
from humanseg.compare.wandb.upload import lost_pictures
from humanseg.runs import RunFolder, run_lock, update_summary
from humanseg.runs.wandb import wandb_id, wandb_logs
from tests.compare.wandb.conftest import Stub

Said = pytest.CaptureFixture[str]
COMMAND = ("--wandb", "team/new", "--sync")


@pytest.fixture(scope="module")
def logged(
    tmp_path_factory: pytest.TempPathFactory,
    write_run: Callable[..., Path],
    compared_root: Path,
    log_offline: Callable[..., Path],
) -> Path:
    folder = tmp_path_factory.mktemp("logged") / "runs"
    for name in ("a", "b"):
        log_offline(write_run(folder / name, compared_root, moved=len(name)))
    return folder


@pytest.fixture
def runs(logged: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(logged, tmp_path / "runs"))


def uploaded(stub: Stub) -> set[str]:
    return {sent["name"] for sent in stub.operations("upsertBucket")}


def identity(run: Path) -> str:
    return str(wandb_id(RunFolder(run)))


@pytest.mark.slow
def test_offline_runs_arrive_once(runs: Path, wandb_stub: Stub, capsys: Said) -> None:
    assert main(["compare", str(runs), *COMMAND]) == 0
    said = capsys.readouterr().out
    assert "wandb  runs uploaded: 2\n" in said
    assert uploaded(wandb_stub) == {identity(runs / "a"), identity(runs / "b")}
    sent = wandb_stub.operations("upsertBucket")
    assert {(each["entity"], each["project"]) for each in sent} == {("team", "new")}
    streams = [path for path, _, _ in wandb_stub.requests if path.endswith("/file_stream")]
    assert f"/files/team/new/{identity(runs / 'a')}/file_stream" in streams
    # The project is there now, so that the dashboard has its place.
    assert [view["projectName"] for view in wandb_stub.views()] == ["new"]
    assert not [path for path, _, _ in wandb_stub.requests if "otel" in path]

    before = len(wandb_stub.operations("upsertBucket"))
    assert main(["compare", str(runs), *COMMAND]) == 0
    assert "wandb  runs uploaded: 0, before: 2" in capsys.readouterr().out
    assert len(wandb_stub.operations("upsertBucket")) == before


def test_failures_are_listed_and_the_others_arrive(
    runs: Path, wandb_stub: Stub, capsys: Said
) -> None:
    wandb_stub.refused = {identity(runs / "a")}
    assert main(["compare", str(runs), *COMMAND]) == 1
    said = capsys.readouterr().out
    assert "wandb  runs uploaded: 1\n\nCould not be uploaded\n  a: " in said
    assert "permission denied" in said and len(wandb_stub.views()) == 1
    # They are tried again the next time.
    wandb_stub.refused = set()
    assert main(["compare", str(runs), *COMMAND]) == 0
    assert "wandb  runs uploaded: 1, before: 1" in capsys.readouterr().out


@pytest.mark.slow
def test_a_run_that_is_not_done_waits(runs: Path, wandb_stub: Stub, capsys: Said) -> None:
    update_summary(runs / "a" / "summary.json", status="running")
    with run_lock(RunFolder(runs / "a").lock):
        assert main(["compare", str(runs), *COMMAND]) == 0
    assert "wandb  runs uploaded: 1, not yet, since they are running: 1" in capsys.readouterr().out
    assert uploaded(wandb_stub) == {identity(runs / "b")}


@pytest.mark.slow
def test_a_run_that_was_killed_and_went_on_arrives_whole(
    runs: Path, wandb_stub: Stub, capsys: Said
) -> None:
    (whole,) = wandb_logs(RunFolder(runs / "a"))
    killed = whole.parent.with_name("offline-run-20200101_000000-x") / whole.name
    shutil.copytree(whole.parent, killed.parent)
    os.truncate(killed, killed.stat().st_size - 40)
    assert main(["compare", str(runs), *COMMAND]) == 0
    assert "wandb  runs uploaded: 2" in capsys.readouterr().out
    # The second log continues behind the first one, as the server says how many rows it has.
    assert len(wandb_stub.history[identity(runs / "a")]) == 2
    assert not wandb_stub.overwritten
    marks = sorted(path.parent.name for path in (runs / "a").rglob("*.synced"))
    assert marks == [killed.parent.name, whole.parent.name]


@pytest.mark.slow
def test_a_log_that_is_broken_is_a_failure(runs: Path, wandb_stub: Stub, capsys: Said) -> None:
    (log,) = wandb_logs(RunFolder(runs / "a"))
    log.write_bytes(b"no log" * 10)
    assert main(["compare", str(runs), *COMMAND]) == 1
    assert "  a: Failed to read" in capsys.readouterr().out
    assert not list((runs / "a").rglob("*.synced"))


@pytest.mark.slow
def test_who_is_not_known_gets_nothing(runs: Path, wandb_stub: Stub, capsys: Said) -> None:
    assert main(["compare", str(runs), "--wandb", "nobody/new", "--sync"]) == 2
    assert "no person or team nobody" in capsys.readouterr().err
    assert not uploaded(wandb_stub)


@pytest.mark.slow
def test_pictures_that_wandb_will_not_find_are_known(tmp_path: Path) -> None:
    from humanseg.evaluation.prediction_table import ExamplePrediction
    from humanseg.training.loggers import WandbRun

    mask = np.zeros((8, 8), np.uint8)
    logger = WandbRun(str(tmp_path / "run"))
    logger.log_samples(
        [ExamplePrediction("1", 1.0, np.zeros((8, 8, 3), np.uint8), mask, mask, "worst")]
    )
    logger.close(RunFolder(tmp_path / "run"), failed=False)
    (log,) = wandb_logs(RunFolder(tmp_path / "run"))
    assert not lost_pictures(log)
    (tmp_path / "run").rename(tmp_path / "moved")
    assert lost_pictures(wandb_logs(RunFolder(tmp_path / "moved"))[0])


def test_a_log_without_pictures_has_lost_none(runs: Path) -> None:
    assert not lost_pictures(wandb_logs(RunFolder(runs / "a"))[0])
