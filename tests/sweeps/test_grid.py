"""Which jobs a grid has, and what it does about those that are there already."""

import errno
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from humanseg.runs import RunFolder, is_locked, read_summary, run_lock, update_summary
from humanseg.sweeps import launch, run_job
from humanseg.sweeps.grid import combine
from humanseg.sweeps.jobs import Job, Outcome, record_failure
from humanseg.sweeps.sweep import Sweep as Sweep_
from humanseg.training.request import TrainRequest, resolve_config

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from tests.sweeps.conftest import Sweep, Work


def combinations(*words: str) -> list[tuple[str, ...]]:
    return combine(OverridesParser.create().parse_overrides(list(words)))


def test_every_combination_is_there_once() -> None:
    assert combinations("a=1,2", "b=x", "c=range(2)") == [
        ("a=1", "b=x", "c=0"),
        ("a=1", "b=x", "c=1"),
        ("a=2", "b=x", "c=0"),
        ("a=2", "b=x", "c=1"),
    ]
    assert combinations("a=1,1,2") == [("a=1",), ("a=2",)]
    assert combinations("+a='x, y'", "~b") == [("+a='x, y'", "~b")]


def folders(root: Path) -> dict[str, list[str]]:
    return {
        sweep.name: sorted(path.name for path in sweep.iterdir())
        for sweep in sorted((root / "runs").iterdir())
    }


def test_each_job_has_a_folder_and_is_done_once(
    sweep: "Sweep", finish: "Work", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[TrainRequest] = []

    def work(request: TrainRequest) -> Outcome:
        seen.append(request)
        return finish(request, dice=0.1 * request.config.seed)

    words = ("model=unet,pspnet", "seed=1,2", "optimizer.lr=0.5")
    assert sweep(work, *words) == 0
    ((name, jobs),) = folders(tmp_path).items()
    assert name.startswith("model-seed-")
    assert jobs == [f"model={model},seed={seed}" for model in ("pspnet", "unet") for seed in (1, 2)]
    assert [request.folder.name for request in seen] == [*jobs[2:], *jobs[:2]]
    assert seen[0].config.sweep == name and seen[0].config.optimizer.lr == 0.5
    assert seen[0].overrides == ["model=unet", "seed=1", "optimizer.lr=0.5"]
    shown = capsys.readouterr().out
    assert "4: 4 to start" in shown
    ranked = [line.split()[0] for line in shown.splitlines() if line.endswith("  finished")]
    assert [line.rpartition("=")[2] for line in ranked] == ["2", "2", "1", "1"]

    assert sweep(work, *words[::-1]) == 0
    assert len(seen) == 4, "a finished job was done again"
    assert "4: 4 finished" in capsys.readouterr().out
    assert sweep(work, *words, "restart=true") == 0
    assert len(seen) == 8
    names = list(folders(tmp_path))
    assert len(names) == 2 and names[1].startswith(f"{name}-before-")


@pytest.mark.parametrize(
    "words",
    [
        ("model=unet,pspnet", "seed=1,2", "optimizer.lr=0.5,1e-3"),
        ("loss=bce_dice", "loss.weights.0=0.1,0.2", "loss.weights=[1,1]"),
        ("callbacks=[ema],none", "threshold=tune,0.5", "data.size=null,[64,48]"),
        ("+trainer.max_time=null,'00:01:00:00'", "seed=3", "~logger.csv"),
    ],
)
def test_jobs_are_composed_as_hydra_composes_them(
    sweep: "Sweep", finish: "Work", monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """A launcher has each job composed by Hydra; the sweep itself does it faster."""
    quick: list[TrainRequest] = []
    launched: list[TrainRequest] = []
    monkeypatch.setattr(Sweep_, "check", lambda self, jobs: quick.extend(self.requests(jobs)))

    def work(request: TrainRequest) -> Outcome:
        launched.append(request)
        return finish(request)

    assert sweep(work, *words) == 0
    assert quick == launched and len(quick) > 1


def test_a_value_replaces_what_a_search_varies_at_or_below_it(
    sweep: "Sweep", finish: "Work", tmp_path: Path
) -> None:
    (tmp_path / "conf/search").mkdir(parents=True)
    params = "{params: {loss.weights.0: '0.1,0.2', model.dropout: '0.1,0.2', seed: '1,2'}}"
    (tmp_path / "conf/search/mine.yaml").write_text(
        f"# @package _global_\nhydra: {{mode: MULTIRUN, sweeper: {params}}}\n"
    )
    words = ("--config-dir", "conf", "search=mine", "++model.dropout=0.3", "loss.weights=[1,1]")
    assert sweep(finish, *words) == 0
    (jobs,) = folders(tmp_path).values()
    assert jobs == ["seed=1", "seed=2"], "the names of jobs said what they did not have"


def test_a_large_grid_says_something_before_it_composes(
    sweep: "Sweep", monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(self: Sweep_, job: Job) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Sweep_, "request", stop)
    assert sweep(lambda request: Outcome("finished"), "seed=range(100)") == 130
    assert "checking 100 jobs" in capsys.readouterr().out


def test_a_failed_job_is_recorded_told_and_tried_again(
    sweep: "Sweep", finish: "Work", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fail = [True]
    seen: list[int] = []

    def work(request: TrainRequest) -> Outcome:
        seen.append(request.config.seed)
        if request.config.seed == 2 and fail[0]:
            with run_lock(RunFolder(request.folder).lock):
                record_failure(request, "The loss became nan.")
            return Outcome("failed", "The loss became nan.")
        return finish(request)

    words = ("seed=1,2,3", "sweep=mine")
    assert sweep(work, *words) == 1
    assert seen == [1, 2, 3]
    shown = capsys.readouterr()
    assert "1 of 3 jobs failed" in shown.err and "seed=2: The loss became nan." in shown.err
    summary = read_summary(tmp_path / "runs/mine/seed=2/summary.json")
    assert (summary["status"], summary["failure"]) == ("failed", "The loss became nan.")
    assert (summary["sweep"], summary["overrides"]) == ("mine", ["seed=2"])
    fail[0] = False
    assert sweep(work, *words) == 0
    assert seen == [1, 2, 3, 2]
    assert "2 finished, 1 to try again" in capsys.readouterr().out


def test_a_job_with_a_result_keeps_it_whatever_its_log_says(
    sweep: "Sweep", finish: "Work", tmp_path: Path
) -> None:
    def work(request: TrainRequest) -> Outcome:
        finish(request)
        record_failure(request, "wandb is gone")
        return Outcome("failed", "wandb is gone")

    assert sweep(work, "seed=1", "sweep=mine") == 1
    assert read_summary(tmp_path / "runs/mine/default/summary.json")["status"] == "finished"


def test_a_job_that_is_killed_on_a_full_disk_does_not_end_the_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, compose: "Callable[..., DictConfig]"
) -> None:
    def kill(*given: object, preload: object) -> None:
        raise RuntimeError("A process of humanseg (pid 7) was killed by signal: Killed")

    monkeypatch.setattr(run_job, "call_in_child", kill)
    monkeypatch.setattr(Path, "write_bytes", full)
    request = TrainRequest(resolve_config(compose()), tmp_path / "job", False, [])
    outcome = run_job.run_in_subprocess(request)
    assert outcome.state == "failed" and "memory does not suffice" in outcome.reason
    assert not (tmp_path / "job/config.yaml").exists()


def full(path: Path, content: bytes) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def test_a_fault_of_one_job_of_ours_is_not_hidden(sweep: "Sweep", finish: "Work") -> None:
    def work(request: TrainRequest) -> Outcome:
        raise ZeroDivisionError("fault")

    with pytest.raises(ZeroDivisionError):
        sweep(work, "seed=1,2")


def test_an_impossible_value_is_found_before_the_first_job(
    sweep: "Sweep", finish: "Work", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep(finish, "seed=1,2", "model=unet,pspnett") == 2
    assert "model=pspnett: there is no such model" in capsys.readouterr().err
    assert sweep(finish, "optimizer.lr=interval(0.1,0.2)") == 2
    assert "a grid needs single values" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run_dir=here"], "run_dir=here is about a single run"),
        (["name=a,b"], "name=… is about a single run"),
        (["resume=runs/x"], "resume=runs/x is about a single run"),
        (["sweep=a,b"], "sweep is one for all jobs"),
    ],
)
def test_settings_of_a_single_run_are_refused(
    sweep: "Sweep",
    finish: "Work",
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    assert sweep(finish, "seed=1,2", *words) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_another_sweep_of_the_same_name_is_refused(
    sweep: "Sweep", finish: "Work", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep(finish, "seed=1,2", "sweep=mine", "optimizer.lr=0.1") == 0
    before = (tmp_path / "runs/mine/seed=1/summary.json").read_bytes()
    assert sweep(finish, "seed=2,3", "sweep=mine", "optimizer.lr=0.2") == 2
    shown = capsys.readouterr().err
    assert "optimizer.lr was 0.1 and would now be 0.2" in shown and "restart=true" in shown
    assert (tmp_path / "runs/mine/seed=1/summary.json").read_bytes() == before
    assert not (tmp_path / "runs/mine/seed=3").exists()
    # What its result does not follow from may change, and more jobs may join.
    assert sweep(finish, "seed=2,3", "sweep=mine", "optimizer.lr=0.1", "threads=1") == 0


def test_a_sweep_does_not_go_into_the_folder_of_a_run(
    sweep: "Sweep", finish: "Work", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs/mine").mkdir(parents=True)
    (tmp_path / "runs/mine/config.yaml").write_text("seed: 1")
    assert sweep(finish, "seed=1,2", "sweep=mine", "restart=true") == 2
    assert "is the folder of a run" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["mine"]


def test_a_setting_that_is_newer_than_a_job_has_its_default(
    sweep: "Sweep", finish: "Work", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep(finish, "seed=1,2", "sweep=mine") == 0
    for path in (tmp_path / "runs/mine").glob("*/config.yaml"):
        path.write_text(path.read_text().replace("auxiliary_weight: 0.4\n", ""))
    assert sweep(finish, "seed=1,2", "sweep=mine") == 0
    assert sweep(finish, "seed=1,2", "sweep=mine", "auxiliary_weight=0.4") == 2
    assert "auxiliary_weight was None and would now be 0.4" in capsys.readouterr().err


def test_a_job_that_runs_elsewhere_is_waited_for_and_taken_over(
    sweep: "Sweep", finish: "Work", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "PATIENCE", 0.01)
    lock = tmp_path / "runs/mine/seed=1/.lock"
    given_back = threading.Event()
    held = run_lock(lock)
    seen: list[int] = []

    def give_back() -> None:
        given_back.set()
        held.__exit__(None, None, None)

    def work(request: TrainRequest) -> Outcome:
        seen.append(request.config.seed)
        if request.config.seed == 1 and not given_back.is_set():
            # The other sweep ends later, without having finished the job.
            threading.Timer(0.1, give_back).start()
            return Outcome("elsewhere", "Process 7 is working in it.")
        return finish(request)

    held.__enter__()
    assert is_locked(lock)
    assert sweep(work, "seed=1,2", "sweep=mine") == 0
    assert seen == [1, 2, 1] and given_back.is_set()


def test_a_sweep_in_use_is_not_put_aside(
    sweep: "Sweep", finish: "Work", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep(finish, "seed=1,2", "sweep=mine") == 0
    with run_lock(tmp_path / "runs/mine/seed=1/.lock"):
        assert sweep(finish, "seed=1,2", "sweep=mine", "restart=true") == 2
    assert "A process is working in" in capsys.readouterr().err
    assert list(folders(tmp_path)) == ["mine"]


def test_a_job_shows_in_wandb_as_one_of_its_sweep(sweep: "Sweep", finish: "Work") -> None:
    seen: list[TrainRequest] = []

    def work(request: TrainRequest) -> Outcome:
        seen.append(request)
        return finish(request)

    assert sweep(work, "loss=dice", "seed=1,2", "sweep=mine", "logger.wandb.tags=[own]") == 0
    assert [one.config.logger.wandb.group for one in seen] == ["mine", "mine"]
    assert [list(one.config.logger.wandb.tags) for one in seen] == [
        ["own", "seed=1"],
        ["own", "seed=2"],
    ]


def test_scores_on_other_photos_stand_apart(
    sweep: "Sweep", finish: "Work", capsys: pytest.CaptureFixture[str]
) -> None:
    def work(request: TrainRequest) -> Outcome:
        outcome = finish(request)
        fold = request.config.data.fold
        update_summary(RunFolder(request.folder).summary, data={"fold": fold})
        return outcome

    assert sweep(work, "data.fold=0,1", "seed=1,2") == 0
    shown = capsys.readouterr().out
    above, below = shown.split("cannot be compared with those above")
    assert above.count("fold=0") > above.count("fold=1,seed=1  ")
    assert json.dumps(below).count("data.fold=1") == 2


def test_scores_on_the_same_valid_photos_stand_together(
    sweep: "Sweep", finish: "Work", capsys: pytest.CaptureFixture[str]
) -> None:
    def work(request: TrainRequest) -> Outcome:
        outcome = finish(request)
        data = {"train": request.config.seed, "test": request.config.seed, "valid_sha256": "same"}
        update_summary(RunFolder(request.folder).summary, data=data)
        return outcome

    assert sweep(work, "seed=1,2") == 0
    assert "cannot be compared" not in capsys.readouterr().out


def test_a_sweeper_of_somebody_else_is_refused(
    sweep: "Sweep", finish: "Work", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep(finish, "seed=1,2", "hydra/sweeper=basic") == 2
    assert "A sweep needs a sweeper of humanseg" in capsys.readouterr().err
    assert not list(tmp_path.rglob("summary.json"))
