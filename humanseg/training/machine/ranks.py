"""The rank of this process in a training, read from the environment before torch is loaded."""

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Literal

from humanseg.errors import HumansegError

Launcher = Literal["humanseg", "torchrun", "slurm"]

RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")
"""Variables that Lightning takes for the number of this process when it is imported."""

_COPIES = {
    "SLURM_STEP_NUM_TASKS": "srun",
    "OMPI_COMM_WORLD_SIZE": "mpirun",
    "PMI_SIZE": "mpirun",
    "JSM_NAMESPACE_SIZE": "jsrun",
    "WORLD_SIZE": "a launcher",
}
"""Variables that count the copies of a command, and what sets them."""


@dataclass(frozen=True)
class Rank:
    """The place of this process among those that take part in a training.

    Attributes
    ----------
    launcher
        Who starts the processes of the training.
    started
        How many it has started; 1 where humanseg will start them itself.
    rank
        The number of this process; of machines where humanseg starts the processes of each.
    """

    launcher: Launcher = "humanseg"
    started: int = 1
    rank: int = 0

    @property
    def first(self) -> bool:
        """Whether this process writes the run's files."""
        return self.rank == 0


def find_rank(config: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Rank:
    """Return the place of this process in the training that a config describes.

    The jobs of a sweep are shared by the copies of its command: each of them has its own training.
    """
    if config.get("sweep") is not None:
        return Rank()
    trainer = config["trainer"]
    started = _number(environment.get("WORLD_SIZE"))
    if "TORCHELASTIC_RUN_ID" in environment and started > 1:
        return Rank("torchrun", started, _number(environment.get("RANK")))
    nodes = trainer.get("num_nodes", 1)
    several = nodes != 1 or trainer.get("devices", 1) not in (1, "1")
    started = _number(environment.get("SLURM_STEP_NUM_TASKS"))
    if several and started > 1:
        return Rank("slurm", started, _number(environment.get("SLURM_PROCID")))
    return Rank(rank=0 if nodes == 1 else _number(environment.get("NODE_RANK")))


def require_count(
    rank: Rank, devices: int, nodes: int, environment: Mapping[str, str] = os.environ
) -> None:
    """Raise unless as many processes are started as a training has devices."""
    if rank.launcher != "humanseg" and rank.started != devices * nodes:
        there = _number(environment.get("LOCAL_WORLD_SIZE")) or rank.started
        raise HumansegError(
            f"{rank.launcher} has started {rank.started} processes, and this training has "
            f"{devices} devices on {nodes} machines: give trainer=ddp trainer.devices={there} "
            f"trainer.num_nodes={rank.started // there}, or start it once.",
            code="training.wrong_number_of_processes",
        )
    machines = ("NODE_RANK", "MASTER_ADDR", "MASTER_PORT")
    missing = [key for key in machines if not environment.get(key)]
    if rank.launcher == "humanseg" and nodes > 1 and missing:
        raise HumansegError(
            f"trainer.num_nodes={nodes} needs a command on each of the {nodes} machines: start it "
            f"by torchrun --nnodes={nodes} -m humanseg train …, or by srun; or set "
            f"{', '.join(missing)} for each.",
            code="training.no_machines",
        )


def drop_wrong_ranks(environment: MutableMapping[str, str] = os.environ) -> None:
    """Remove ranks that are no numbers: Lightning could not be imported beside them."""
    for name in RANKS:
        try:
            int(environment.get(name, "0"))
        except ValueError:
            del environment[name]


def copies_note(environment: Mapping[str, str] = os.environ) -> str:
    """Return a note that other copies of this command run too; empty where there are none."""
    for name, starter in _COPIES.items():
        count = _number(environment.get(name))
        if count > 1:
            return (
                f"{name}={count}: {starter} has started {count} copies of this command, and each "
                "trains a run of its own. For one training on all devices give trainer=ddp, with "
                "trainer.num_nodes for several machines; a sweep, with -m, is shared by its copies"
            )
    return ""


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0
