"""What other launchers leave in the environment: it changes nothing, or is answered."""

from pathlib import Path

import pytest
from lightning_fabric.utilities.rank_zero import rank_zero_only

from humanseg.errors import HumansegError
from humanseg.training.machine.ranks import (
    Rank,
    copies_note,
    drop_wrong_ranks,
    find_rank,
    require_count,
)
from tests.training.conftest import Train


def test_a_run_logs_whatever_rank_the_environment_had(
    tmp_path: Path, train_run: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As Lightning reads it when it is imported, from SLURM_PROCID, RANK and the like.
    monkeypatch.setattr(rank_zero_only, "rank", 3)
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("RANK", "3")
    # wandb itself refuses such an id, whatever it is told.
    monkeypatch.setenv("WANDB_RUN_ID", "x/y")
    run = train_run(tmp_path / "run", "logger=[csv,wandb]", "trainer.max_epochs=1")
    assert list((run.path / "logs").rglob("metrics.csv"))
    assert list((run.path / "wandb").rglob("run-*.wandb"))


def test_ranks_that_are_no_numbers_are_taken_out() -> None:
    environment = {"RANK": "abc", "LOCAL_RANK": "", "SLURM_PROCID": "2", "WORLD_SIZE": "x"}
    drop_wrong_ranks(environment)
    assert environment == {"SLURM_PROCID": "2", "WORLD_SIZE": "x"}


TORCHRUN = {"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2", "RANK": "3"}
SRUN = {"SLURM_STEP_NUM_TASKS": "4", "SLURM_NTASKS": "4", "SLURM_PROCID": "2"}


@pytest.mark.parametrize(
    ("trainer", "environment", "rank"),
    [
        ({}, {}, Rank()),
        ({"devices": 2}, {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}, Rank()),
        ({"devices": 2, "num_nodes": 2}, TORCHRUN, Rank("torchrun", 4, 3)),
        ({}, TORCHRUN | {"WORLD_SIZE": "1", "RANK": "0"}, Rank()),
        ({"devices": 4}, SRUN, Rank("slurm", 4, 2)),
        # Each task trains a run of its own.
        ({"devices": 1}, SRUN, Rank()),
        # One task, or a batch script that starts a single process.
        ({"devices": 4}, SRUN | {"SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0"}, Rank()),
        ({"devices": 4}, {"SLURM_NTASKS": "4", "SLURM_PROCID": "0"}, Rank()),
        ({"num_nodes": 2}, {"NODE_RANK": "1"}, Rank(rank=1)),
        ({"num_nodes": 1}, {"NODE_RANK": "1"}, Rank()),
    ],
)
def test_the_rank_of_a_process_follows_from_its_launcher(
    trainer: dict[str, int], environment: dict[str, str], rank: Rank
) -> None:
    assert find_rank({"trainer": trainer}, environment) == rank
    assert find_rank({"trainer": trainer, "sweep": "mine"}, environment) == Rank()


def test_as_many_processes_are_started_as_there_are_devices() -> None:
    require_count(Rank("torchrun", 4, 3), 2, 2, TORCHRUN)
    require_count(Rank(), 4, 1, {})
    with pytest.raises(HumansegError, match=r"trainer\.devices=2 trainer\.num_nodes=2") as caught:
        require_count(Rank("torchrun", 4, 3), 1, 1, TORCHRUN)
    assert caught.value.code == "training.wrong_number_of_processes"
    with pytest.raises(HumansegError, match=r"torchrun --nnodes=2") as caught:
        require_count(Rank(), 1, 2, {})
    assert caught.value.code == "training.no_machines"


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "1"}, "srun has started 4 copies"),
        ({"OMPI_COMM_WORLD_SIZE": "2"}, "mpirun has started 2 copies"),
        ({"WORLD_SIZE": "3", "RANK": "0"}, "3 copies"),
        # One task, or a batch script that starts a single process.
        ({"SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0"}, ""),
        ({"SLURM_NTASKS": "4", "SLURM_PROCID": "0"}, ""),
        ({"WORLD_SIZE": "many"}, ""),
        ({}, ""),
    ],
)
def test_other_copies_of_a_command_are_told_of(environment: dict[str, str], told: str) -> None:
    note = copies_note(environment)
    assert told in note and bool(note) == bool(told)
    assert not note or "trainer=ddp" in note
