"""Launchers that are not there, that start nothing, and that lose a job."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.plugins.launcher import Launcher

from humanseg.cli.main import main
from humanseg.config.find import conf_folder
from humanseg.errors import HumansegError
from humanseg.runs import RunFolder, update_summary
from humanseg.sweeps import launch as launchers
from humanseg.sweeps.jobs import Job, Outcome
from humanseg.sweeps.launch import EXTRAS, launch_jobs

SHIPPED = sorted(path.stem for path in (conf_folder() / "hydra/launcher").glob("*.yaml"))


class Broken(Launcher):
    """Does the first job, and then breaks down."""

    def __init__(self, jobs: list[Job], done: int) -> None:
        self.jobs, self.done = jobs, done

    def setup(self, **_: Any) -> None:
        raise NotImplementedError

    def launch(self, job_overrides: Any, initial_job_idx: int) -> Any:
        for job in self.jobs[: self.done]:
            job.folder.mkdir()
            update_summary(RunFolder(job.folder).summary, status="finished")
        raise OSError("the machine is gone")


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    return [Job(name, tmp_path / name, (f"seed={name}",)) for name in "123"]


def test_a_job_that_a_launcher_loses_is_told_and_the_others_count(jobs: list[Job]) -> None:
    outcomes = launch_jobs(Broken(jobs, done=1), jobs, 0)
    assert [each.state for each in outcomes] == ["finished", "failed", "failed"]
    assert "lost by its launcher: the machine is gone" in outcomes[1].reason


def test_a_launcher_that_starts_nothing_is_an_error(jobs: list[Job]) -> None:
    with pytest.raises(HumansegError, match="could not be started: the machine is gone"):
        launch_jobs(Broken(jobs, done=0), jobs, 0)


def test_what_each_job_returns_comes_in_order(jobs: list[Job]) -> None:
    results = [SimpleNamespace(return_value=Outcome("finished", job.name)) for job in jobs]
    launcher: Any = SimpleNamespace(launch=lambda overrides, number: results)
    assert [each.reason for each in launch_jobs(launcher, jobs, 0)] == ["1", "2", "3"]


def test_a_launcher_that_is_not_installed_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(launchers, "find_spec", lambda name: None)
    assert main(["train", "-m", "seed=1,2", "hydra/launcher=ray"]) == 2
    said = capsys.readouterr().err
    assert 'hydra/launcher=ray is not installed: pip install "humanseg[ray]"' in said
    assert said.count("\n") == 1 and not list(tmp_path.glob("runs/*/*"))


def test_slurm_is_asked_for_what_the_settings_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitit = pytest.importorskip("submitit")
    from submitit.slurm.slurm import SlurmExecutor

    scripts: list[str] = []

    def note(self: Any, *arguments: Any) -> list[Any]:
        scripts.append(self._executor._make_submission_file_text("humanseg", "1"))
        return []

    monkeypatch.setattr(SlurmExecutor, "affinity", classmethod(lambda cls: 1))
    monkeypatch.setattr(submitit.AutoExecutor, "map_array", note)
    words = ["hydra/launcher=submitit_slurm", "hydra.launcher.partition=gpu"]
    words += ["hydra.launcher.gpus_per_node=1", f"hydra.sweep.dir={tmp_path}"]
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        config = compose("train", words, return_hydra_config=True)
        context: Any = SimpleNamespace()
        launchers.open_launcher(context, config, lambda _: None).launch([["seed=1"]], 0)
    asked = {line.removeprefix("#SBATCH --") for line in scripts[0].splitlines()}
    assert {"partition=gpu", "gpus-per-node=1", "cpus-per-task=8", "mem=16GB"} <= asked
    assert {"time=720", "signal=USR2@120", "job-name=humanseg"} <= asked


@pytest.mark.parametrize("launcher", SHIPPED)
def test_the_shipped_settings_are_those_that_the_plugin_takes(launcher: str) -> None:
    """Hydra's own plugins check nothing: a setting that they do not know is passed over."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        ours = compose("train", [f"hydra/launcher={launcher}"], return_hydra_config=True)
    node = ours.hydra.launcher
    assert any(str(node._target_).startswith(plugin) for plugin in EXTRAS)
    if launcher.startswith("submitit"):
        from hydra_plugins.hydra_submitit_launcher import config

        known = config.SlurmQueueConf() if launcher.endswith("slurm") else config.LocalQueueConf()
        assert known._target_ == node._target_
        assert set(node) <= set(vars(known))
    elif launcher == "joblib":
        from hydra_plugins.hydra_joblib_launcher.config import JobLibLauncherConf

        assert JobLibLauncherConf._target_ == node._target_
        assert set(node) <= set(vars(JobLibLauncherConf()))
    else:
        from hydra_plugins.hydra_ray_launcher._config import RayLauncherConf

        assert RayLauncherConf._target_ == node._target_
        assert set(node.ray) == {"init", "remote"}
        assert node.ray.init.include_dashboard is False
