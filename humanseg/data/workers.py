"""Batches of worker processes: how they are transferred, and how errors of a worker are raised.

torch pickles a batch in a thread of the worker. What fails there (no room in shared memory, no file
descriptor left, a temporary folder whose name is too long for a socket) is printed, the batch is
lost, and the training waits for it for ever. So a batch is pickled here in the worker's main
thread, and an error travels in the place of the batch.
"""

import multiprocessing
import pickle
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from typing import Any

import torch
from torch.utils.data import Dataset

from humanseg.data.dataset import Batch, Sample, collate
from humanseg.errors import Failure

PREFETCH = 4
"""Batches that each worker prepares ahead."""
SHARED_MEMORY = "/dev/shm"
"""Where Linux keeps the memory that processes share; a container has 64 MB of it by default."""


@dataclass(frozen=True)
class PickledBatch:
    """A batch on its way out of a worker; its pixels are in shared memory, or in here.

    It is unpickled as the batch itself, by whoever takes it out of the queue. A worker keeps the
    shared memory until then, also of batches that an epoch, which ended early, no longer uses.
    """

    pickled: bytes

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what opens it."""
        return _open, (self.pickled,)


def _open(pickled: bytes) -> Any:
    """Return a batch, or a `Failure`: torch's thread that pins memory would die of an error."""
    try:
        return ForkingPickler.loads(pickled)
    except Exception as error:
        return Failure.of(error)


class WorkerPhotos(Dataset[Any]):
    """Photos as a worker hands them over: batches as `PickledBatch`, or a `Failure`.

    Where shared memory fails, batches travel through pipes: slower, but without a limit.
    """

    def __init__(self, photos: Dataset[Sample], shared: bool) -> None:
        self._photos = photos
        self._shared = shared

    def __len__(self) -> int:
        """Count the photos."""
        return len(self._photos)  # type: ignore[arg-type]  # those of humanseg have a length

    def __getitems__(self, draws: Sequence[Any]) -> PickledBatch | Failure:
        """Make a batch."""
        try:
            return self._pack(collate([self._photos[draw] for draw in draws]))
        except Exception as error:
            return Failure.of(error)

    def _pack(self, batch: Batch) -> PickledBatch:
        if self._shared:
            try:
                return PickledBatch(bytes(ForkingPickler.dumps(batch)))
            except (OSError, RuntimeError):
                # Once and for all: what was shared before it failed is not given back.
                self._shared = False
        # With the pixels themselves: multiprocessing's own pickler moves them to shared memory.
        return PickledBatch(pickle.dumps(batch))


def pass_through(batch: Any) -> Any:
    """Return a batch of `WorkerPhotos` as it is: there is nothing to collate."""
    return batch


@dataclass(frozen=True)
class LoaderPlan:
    """The settings of the workers that make batches."""

    workers: int  # processes that make them; 0: the training itself
    shared: bool  # whether they come through shared memory
    note: str = ""  # what a person should know of that

    @property
    def context(self) -> str | None:
        """The start method of the workers; None: Python's default.

        On Linux they are forked, so that they share the photos in memory. By default, Python 3.14
        does not fork there any more, and each worker would get a copy.
        """
        return "fork" if self.workers and sys.platform == "linux" else None


def default_workers(gpu: bool) -> int:
    """Choose how many workers pay on this machine.

    A GPU is fed by several. On a CPU of few cores, one that prepares the next batches costs less
    than the training's waiting for them.
    """
    cores = torch.get_num_threads()
    return min(8, cores - 1) if gpu else min(1, cores - 1)


def plan_loading(workers: int, batch_bytes: int) -> LoaderPlan:
    """Plan for so many workers: pipes where shared memory is small, none where none can start."""
    if not workers:
        return LoaderPlan(0, shared=False)
    reason = _cannot_start(workers)
    if reason:
        return LoaderPlan(
            0,
            shared=False,
            note=f"no processes for batches can be started here ({reason}): the training makes "
            "them itself, as with data.workers=0, which is slower",
        )
    # Those that wait, those that are being made, and those that are trained on.
    need = batch_bytes * (workers * (PREFETCH + 1) + 2)
    free = _free_shared_memory()
    # Half of it: it belongs to all processes of the machine.
    if free is not None and need > free / 2:
        return LoaderPlan(
            workers,
            shared=False,
            note=f"batches come through pipes, which is slower: {workers} workers would take "
            f"{_megabytes(need)} of shared memory, and {SHARED_MEMORY} has {_megabytes(free)} "
            "free. A container has more with --shm-size=1g",
        )
    return LoaderPlan(workers, shared=True)


def _free_shared_memory() -> int | None:
    """Bytes that are free in shared memory; None where it has no limit of its own."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return shutil.disk_usage(SHARED_MEMORY).free
    except OSError:
        return 0


def _cannot_start(workers: int) -> str:
    """Return why so many workers cannot be started, by making the queues that they need."""
    try:
        queues: list[Any] = [multiprocessing.Queue() for _ in range(workers + 2)]
    except (OSError, ImportError) as error:
        return str(error)
    for queue in queues:
        queue.close()
    return ""


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
