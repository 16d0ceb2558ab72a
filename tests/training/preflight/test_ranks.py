"""What other launchers leave in the environment: it changes nothing, or is answered."""

from pathlib import Path

import pytest
from lightning_fabric.utilities.rank_zero import rank_zero_only

from humanseg.errors import HumansegError
from humanseg.training.preflight.ranks import copies_note, drop_wrong_ranks, refuse_torchrun
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


def test_torchrun_is_refused_with_the_command_to_give_instead() -> None:
    refuse_torchrun({"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "1"})
    refuse_torchrun({"WORLD_SIZE": "2", "RANK": "1"})
    with pytest.raises(HumansegError, match=r"trainer=ddp trainer\.devices=2"):
        refuse_torchrun({"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "2"})


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
