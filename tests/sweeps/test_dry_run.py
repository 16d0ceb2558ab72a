"""What a sweep would do, without doing it."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from humanseg.sweeps import dry_run, epoch_time
from humanseg.sweeps.jobs import Outcome
from humanseg.training.machine.hardware import choose_hardware
from humanseg.training.request import TrainRequest, resolve_config
from tests.conftest import SMALLEST

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from tests.sweeps.conftest import Sweep, Work


def rows(shown: str) -> dict[str, list[str]]:
    """Read the table: the cells of each job, by its name."""
    lines = shown.split("state\n")[1].split("\n\n")[0].splitlines()
    return {line.split()[0]: line.split()[1:] for line in lines}


def nothing(request: TrainRequest) -> Outcome:
    raise AssertionError("a dry run did a job")


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure here: to start a process takes longer than all the rest."""
    monkeypatch.setattr(dry_run, "call_in_child", lambda function, *given: function(*given))


def test_jobs_are_listed_with_parameters_and_time_and_not_started(
    sweep: "Sweep", tmp_path: Path, sample_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (
        *SMALLEST,
        f"data.root={sample_root}",
        "seed=1,2",
        "model.decoder_channels=[4],[8],[four]",
    )
    assert sweep(nothing, *words, "--dry-run") == 0
    shown = capsys.readouterr().out
    assert "6 jobs, about 0:00:" in shown and "2 steps" in shown
    found = rows(shown)
    assert len(found) == 6
    small, large = (
        found["model.decoder_channels=[4],seed=1"],
        found["model.decoder_channels=[8],seed=1"],
    )
    assert small[0] == "1,761" and small[2] == "new"
    assert int(large[0].replace(",", "")) > 1761
    assert found["model.decoder_channels=[four],seed=1"][:2] == ["would", "fail:"]
    assert not list(tmp_path.iterdir())


def test_what_is_done_needs_no_time_and_tells_how_long_the_rest_takes(
    sweep: "Sweep",
    finish: "Work",
    sample_root: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A job of two epochs took a minute, says its summary.
    monkeypatch.setattr(dry_run, "measure_epoch", nothing)
    words = (*SMALLEST, f"data.root={sample_root}", "sweep=mine")
    assert sweep(lambda request: finish(request, epochs=2), *words, "seed=1") == 0
    capsys.readouterr()
    # In a sweep of one job nothing differs; in this one the seed does.
    assert sweep(lambda request: finish(request, epochs=2), *words, "seed=1,1") == 0
    capsys.readouterr()
    assert sweep(nothing, *words, "seed=1,2,3", "--dry-run") == 0
    shown = capsys.readouterr().out
    assert rows(shown)["seed=1"][1:] == ["finished"]
    assert rows(shown)["seed=2"][1:] == ["0:01:00", "new"]
    assert "about 0:02:00 one after another" in shown


def test_a_search_lists_what_it_draws_from(
    sweep: "Sweep", tmp_path: Path, sample_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (*SMALLEST, f"data.root={sample_root}", "search=optuna", "hydra.sweeper.n_trials=7")
    assert sweep(nothing, *words, "--dry-run") == 0
    shown = capsys.readouterr().out
    assert "optimizer.lr              tag(log,interval(0.0003,0.02))" in shown
    assert "7 trials to come" in shown and "1,761 parameters" in shown
    assert not list(tmp_path.iterdir())


def test_a_single_run_has_no_dry_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from humanseg.cli.main import main

    monkeypatch.chdir(tmp_path)
    assert main(["train", "--dry-run"]) == 2
    assert "--dry-run is about a sweep" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_an_epoch_is_measured_in_a_process_that_is_set_up_like_that_of_a_training(
    compose: "Callable[..., DictConfig]", monkeypatch: pytest.MonkeyPatch
) -> None:
    configured = []
    monkeypatch.setattr(epoch_time, "configure_process", lambda *given: configured.append(given))
    config = resolve_config(compose("threads=1", "trainer=cpu"))
    assert epoch_time.measure_epoch(config, epoch_time.PhotoCounts(2, 1, (32, 32), (32, 32))) > 0
    assert configured == [("cpu", 1)]


def test_photos_count_as_often_as_they_are_drawn_and_scored(
    compose: "Callable[..., DictConfig]", sample_root: Path, tmp_path: Path
) -> None:
    plain = epoch_time.count_photos(resolve_config(compose()))
    for name in ("image", "mask"):
        folder = {"image": "train", "mask": "train_mask"}[name]
        shutil.copytree(sample_root / folder, tmp_path / "more" / name)
    source = "folder: more, match: '[0-2].*'"
    config = compose(
        f"data.extra_root={tmp_path}",
        f"data.extra={{a: {{{source}, weight: 2}}}}",
        f"data.extra_valid={{b: {{{source}}}}}",
    )
    counts = epoch_time.count_photos(resolve_config(config))
    assert (counts.train - plain.train, counts.valid - plain.valid) == (6, 3)


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [
        ({}, 4 * 10 + 4 * 6),
        ({"limit_train_batches": 1}, 4 * 2 + 4 * 6),
        ({"limit_train_batches": 0.5, "limit_val_batches": 1}, 4 * 5 + 4 * 2),
        ({"limit_train_batches": 1.0, "limit_val_batches": 99}, 4 * 10 + 4 * 6),
    ],
)
def test_an_epoch_of_few_batches_takes_their_time(
    compose: "Callable[..., DictConfig]",
    monkeypatch: pytest.MonkeyPatch,
    limits: dict[str, float],
    seconds: float,
) -> None:
    monkeypatch.setattr(epoch_time, "_seconds", lambda step: 8.0)
    config = resolve_config(compose("trainer=cpu", "data.batch_size=2"))
    config.trainer.update(limits)
    counts = epoch_time.PhotoCounts(10, 6, (32, 32), (32, 32))
    assert epoch_time.measure_epoch(config, counts) == seconds


def test_the_batches_that_are_left_of_an_epoch_make_a_step(
    compose: "Callable[..., DictConfig]",
) -> None:
    """Five batches are two steps of up to four."""
    config = resolve_config(compose("data.batch_size=2"))
    config.trainer.update({"max_epochs": -1, "max_steps": 10, "accumulate_grad_batches": 4})
    counts = epoch_time.PhotoCounts(10, 6, (32, 32), (32, 32))
    assert epoch_time.epochs_of(config, counts) == 5


@pytest.mark.parametrize(("limit", "seconds"), [(None, 4 * 5 + 4 * 3), (1, 4 * 2 + 4 * 3)])
def test_gpus_divide_the_photos_of_an_epoch(
    compose: "Callable[..., DictConfig]",
    monkeypatch: pytest.MonkeyPatch,
    limit: int | None,
    seconds: float,
) -> None:
    monkeypatch.setattr(epoch_time, "_seconds", lambda step: 8.0)
    monkeypatch.setattr(epoch_time, "count_gpus", lambda config, hardware: 2)
    config = resolve_config(compose("trainer=cpu", "data.batch_size=2"))
    config.trainer.update({"limit_train_batches": limit})
    counts = epoch_time.PhotoCounts(10, 6, (32, 32), (32, 32))
    assert epoch_time.measure_epoch(config, counts) == seconds


def test_processes_on_a_cpu_divide_its_cores_too(
    compose: "Callable[..., DictConfig]", monkeypatch: pytest.MonkeyPatch
) -> None:
    config = resolve_config(compose("trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2"))
    hardware = choose_hardware("cpu")
    assert epoch_time.count_gpus(config, hardware) == 1
    counted = replace(hardware, processes=4)
    monkeypatch.setattr(epoch_time, "count_processes", lambda config, hardware: counted)
    assert epoch_time.count_gpus(config, replace(hardware, device="cuda")) == 4
