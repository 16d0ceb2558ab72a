"""Batches made by worker processes: how they travel, and that no error of a worker is lost.

torch pickles a batch in a thread of the worker. What fails there (no room in shared memory, no file
descriptor left, a temporary folder whose name is too long for a socket) is printed, the batch is
lost, and the training waits for it for ever. So a batch is pickled here in the worker's main
thread, and an error travels in the place of the batch.
"""

import multiprocessing
import shutil
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from typing import Any

import torch
from torch.utils.data import Dataset
from torch.utils.data._utils.pin_memory import pin_memory

from humanseg.data.dataset import Batch, Sample, collate
from humanseg.errors import FarTraceback, portable

PREFETCH = 4
"""Batches that each worker prepares ahead."""
SHARED_MEMORY = "/dev/shm"
"""Where Linux keeps the memory that processes share; a container has 64 MB of it by default."""


@dataclass(frozen=True)
class Failure:
    """An error in a worker, on its way to the training.

    Attributes
    ----------
    error
        As it was raised.
    text
        Its traceback.
    """

    error: BaseException
    text: str


@dataclass(frozen=True)
class Parcel:
    """A batch on its way to the training.

    Attributes
    ----------
    pickled
        The batch; its pixels lie in shared memory, or are part of this.
    """

    pickled: bytes

    def open(self) -> Batch:
        """Take the batch out, once."""
        batch: Batch = ForkingPickler.loads(self.pickled)
        return batch

    def pin_memory(self) -> Any:
        """Take the batch out into memory that a GPU copies fast from; torch's thread calls this."""
        try:
            return pin_memory(self.open())
        except Exception as error:
            return Failure(portable(error), traceback.format_exc())


class WorkerPhotos(Dataset[Any]):
    """Photos as a worker hands them over: a `Parcel` for each batch, or a `Failure`.

    Parameters
    ----------
    photos
        Samples, by what the sampler draws.
    shared
        Whether batches lie in shared memory. Where that fails, they travel through pipes as well:
        slower, but without a limit.
    """

    def __init__(self, photos: Dataset[Sample], shared: bool) -> None:
        self._photos = photos
        self._shared = shared

    def __len__(self) -> int:
        """Count the photos."""
        return len(self._photos)  # type: ignore[arg-type]  # those of humanseg have a length

    def __getitems__(self, draws: Sequence[Any]) -> Parcel | Failure:
        """Make a batch."""
        try:
            return self._pack(collate([self._photos[draw] for draw in draws]))
        except Exception as error:
            return Failure(portable(error), traceback.format_exc())

    def _pack(self, batch: Batch) -> Parcel:
        if self._shared:
            try:
                return Parcel(bytes(ForkingPickler.dumps(batch)))
            except (OSError, RuntimeError):
                # Once and for all: what was shared before it failed is not given back.
                self._shared = False
        return Parcel(bytes(ForkingPickler.dumps(_Piped(batch))))


class _Piped:
    """Is pickled with the pixels themselves, and unpickled as the batch."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def __reduce__(self) -> tuple[Any, ...]:
        parts = dict(self._batch)
        return _restored, (
            {
                name: part.numpy() if isinstance(part, torch.Tensor) else part
                for name, part in parts.items()
            },
        )


def _restored(parts: dict[str, Any]) -> dict[str, Any]:
    return {
        name: part if isinstance(part, list) else torch.from_numpy(part)
        for name, part in parts.items()
    }


def same(pack: Any) -> Any:
    """Return what `WorkerPhotos` has made: nothing is left to be put together."""
    return pack


def opened(pack: Any) -> Any:
    """Return the batch that came from a worker.

    Raises
    ------
    BaseException
        What was raised in the worker, as it was raised there.
    """
    if isinstance(pack, Parcel):
        return pack.open()
    if isinstance(pack, Failure):
        raise pack.error from FarTraceback(pack.text)
    return pack


@dataclass(frozen=True)
class Loading:
    """How the batches of a training are made.

    Attributes
    ----------
    workers
        Processes that make them; 0: the training itself.
    shared
        Whether they come through shared memory.
    note
        What a person should know of that; empty where all is as it should be.
    """

    workers: int
    shared: bool
    note: str = ""


def choose_loading(workers: int, batch_bytes: int) -> Loading:
    """Find out what this machine has for so many workers.

    Parameters
    ----------
    workers
        As many as are wanted.
    batch_bytes
        Size of a batch.

    Returns
    -------
    Loading
        With pipes where shared memory is small, and without workers where there can be none.
    """
    if not workers:
        return Loading(0, shared=False)
    reason = _cannot_start(workers)
    if reason:
        return Loading(
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
        return Loading(
            workers,
            shared=False,
            note=f"batches come through pipes, which is slower: {workers} workers would take "
            f"{_megabytes(need)} of shared memory, and {SHARED_MEMORY} has {_megabytes(free)} "
            "free. A container has more with --shm-size=1g",
        )
    return Loading(workers, shared=True)


def _free_shared_memory() -> int | None:
    """Bytes that are free in shared memory; None where it has no limit of its own."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return shutil.disk_usage(SHARED_MEMORY).free
    except OSError:
        return 0


def _cannot_start(workers: int) -> str:
    """Say why so many workers cannot be started, by making the queues that they need."""
    try:
        queues: list[Any] = [multiprocessing.Queue() for _ in range(workers + 2)]
    except (OSError, ImportError) as error:
        return str(error)
    for queue in queues:
        queue.close()
    return ""


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
