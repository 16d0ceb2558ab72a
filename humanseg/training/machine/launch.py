"""Runs a function in each process of a training, by Lightning's launcher.

Ours is what that one leaves open: an error of a process comes out as itself and not as text, and
no process outlives the command.
"""

import atexit
import multiprocessing
import os
import pickle
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from omegaconf import DictConfig
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

from humanseg.errors import Failure, HumansegError
from humanseg.system.children import end_with_the_parent, open_answer, without_main
from humanseg.system.interrupts import interruptible
from humanseg.system.streams import protect_streams
from humanseg.system.terminal import quieten
from humanseg.training.machine.hardware import Hardware, configure_process
from humanseg.training.machine.ranks import RANKS, Launcher

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds that processes have to end by themselves before they are killed."""
_LONGEST = 20_000
"""Characters of a traceback: more would not fit into the pipe while nobody reads it."""
_OTHERS = ("WORLD_SIZE", "GROUP_RANK", "TORCHELASTIC_RUN_ID", "TORCHELASTIC_USE_AGENT_STORE")
_MACHINES = ("NODE_RANK", "MASTER_ADDR", "MASTER_PORT")

# In a process that it starts, Lightning speaks before any function of ours is called.
quieten()


def cluster_environment(launcher: Launcher) -> ClusterEnvironment:
    """Return how Lightning learns which process this is; raise where Slurm's settings do not fit.

    It is never guessed: under Slurm, a job of a sweep has used up the variables already.
    """
    if launcher == "torchrun":
        return TorchElasticEnvironment()
    if launcher == "slurm":
        try:
            return SLURMEnvironment(auto_requeue=False)
        except RuntimeError as error:
            raise HumansegError(f"{error}", code="training.slurm") from error
    return LightningEnvironment()


def launch(
    function: Callable[..., T],
    trainer: DictConfig,
    hardware: Hardware,
    shared: Any,
    *arguments: Any,
) -> T:
    """Call a function in each process of a training."""
    if hardware.processes == 1:
        return function(shared, *arguments)
    started_here = hardware.rank.launcher == "humanseg"
    with _environment(hardware):
        fabric = Fabric(
            accelerator=hardware.device,
            devices=trainer.devices,
            num_nodes=hardware.nodes,
            strategy="ddp_spawn" if started_here else "ddp",
            plugins=[cluster_environment(hardware.rank.launcher)],
        )
        call = partial(_take_part, function, hardware, shared, *arguments)
        try:
            result: T = _start(fabric, call) if started_here else fabric.launch(call)
        except RuntimeError as error:
            if started_here or "by peer" not in str(error):
                raise
            raise HumansegError(
                "Another process of this training has ended: what it printed says why.",
                code="training.lost_process",
            ) from error
        return result


def leave(is_global_zero: bool) -> bool:
    """Synchronise all processes for the last time; return whether this one continues, alone."""
    if torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
    return is_global_zero


def _take_part(function: Callable[..., T], hardware: Hardware, shared: Any, *arguments: Any) -> T:
    *others, fabric = arguments
    configure_process(hardware.device, hardware.threads_each, fabric.global_rank)
    # At its very end: other processes fail once this one has left, and its error shall come first.
    atexit.register(_leave_gloo)
    return function(fabric.broadcast(shared), *others)


def _leave_gloo() -> None:
    """Leave the other processes; threads of gloo at times abort a process that ends with them."""
    # What NCCL has begun may never end, and would be waited for.
    if torch.distributed.is_initialized() and torch.distributed.get_backend() == "gloo":
        torch.distributed.destroy_process_group()


def _start(fabric: Fabric, call: Callable[[Fabric], T]) -> T:
    """Start the processes of this machine; return what the first returns."""
    errors = multiprocessing.get_context("spawn").SimpleQueue()
    running = set(multiprocessing.active_children())
    try:
        # Pickled here: Lightning would look for modules in it, and share their weights.
        pickled = pickle.dumps(call)
        with without_main(pickled):
            result: T = fabric.launch(partial(_serve, pickled, errors))
        return result
    except (ProcessExitedException, ProcessRaisedException) as error:
        code = error.exit_code if isinstance(error, ProcessExitedException) else 0
        # Threads of gloo at times abort a process that ends, here one whose function has failed.
        if code < 0 and (errors.empty() or code != -signal.SIGABRT):
            raise RuntimeError(
                f"A process of the training (pid {error.error_pid}) was killed by signal: "
                f"{signal.strsignal(-code)}"
            ) from error
        if errors.empty():
            raise
        open_answer(errors.get())
        raise
    finally:
        _end([child for child in multiprocessing.active_children() if child not in running])


def _serve(call: bytes, errors: Any, fabric: Fabric) -> Any:
    """Run in one of the processes that are started here."""
    # Ctrl-C on a terminal reaches every process. The one that started this one takes it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_the_parent()
    protect_streams()
    try:
        with interruptible():
            take_part = pickle.loads(call)
            quieten()
            return take_part(fabric)
    except BaseException as error:
        failure = Failure.of(error)
        errors.put(replace(failure, text=failure.text[-_LONGEST:]))
        sys.exit(1)


def _end(processes: list[Any]) -> None:
    """Terminate the processes that still run, with a signal first."""
    for process in processes:
        process.terminate()
    last = time.monotonic() + PATIENCE
    for process in processes:
        process.join(max(0.0, last - time.monotonic()))
        process.kill()
        process.join()


@contextmanager
def _environment(hardware: Hardware) -> Iterator[None]:
    """Set what processes read when they start, without what another launcher has left there."""
    saved = dict(os.environ)
    if hardware.rank.launcher == "humanseg":
        for name in (*RANKS, *_OTHERS, *(_MACHINES if hardware.nodes == 1 else ())):
            os.environ.pop(name, None)
        os.environ["OMP_NUM_THREADS"] = str(hardware.threads_each)
        # Of its sockets, say of a machine whose name cannot be looked up.
        os.environ["TORCH_CPP_LOG_LEVEL"] = "ERROR"
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)
