"""Copies of one command: what torchrun, srun and the like start, and a training does not need."""

import os
from collections.abc import Mapping, MutableMapping

from humanseg.errors import HumansegError

_SIZES = {
    "SLURM_STEP_NUM_TASKS": "srun",
    "OMPI_COMM_WORLD_SIZE": "mpirun",
    "PMI_SIZE": "mpirun",
    "JSM_NAMESPACE_SIZE": "jsrun",
    "WORLD_SIZE": "a launcher",
}
"""Variables that count the copies of a command, and what sets them."""

_RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")
"""Variables that Lightning takes for the number of this process when it is imported."""


def drop_wrong_ranks(environment: MutableMapping[str, str] = os.environ) -> None:
    """Take out ranks that are no numbers: Lightning could not be imported beside them."""
    for name in _RANKS:
        try:
            int(environment.get(name, "0"))
        except ValueError:
            del environment[name]


def refuse_torchrun(environment: Mapping[str, str] = os.environ) -> None:
    """Refuse to be one of several identical runs on the same devices.

    Raises
    ------
    HumansegError
        torchrun has started several copies.
    """
    count = _number(environment.get("WORLD_SIZE"))
    if "TORCHELASTIC_RUN_ID" in environment and count > 1:
        raise HumansegError(
            f"torchrun starts {count} copies of this command, and each would be a training of its "
            "own. A training starts its processes itself: give `humanseg train trainer=ddp "
            f"trainer.devices={count}` once, without torchrun."
        )


def copies_note(environment: Mapping[str, str] = os.environ) -> str:
    """Say that other copies of this command run too; nothing where there seem to be none."""
    for name, starter in _SIZES.items():
        count = _number(environment.get(name))
        if count > 1:
            return (
                f"{name}={count}: {starter} has started {count} copies of this command, and each "
                "trains a run of its own. For one training on all devices of a machine give "
                "`humanseg train trainer=ddp` once; a sweep, with -m, is shared by its copies"
            )
    return ""


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0
