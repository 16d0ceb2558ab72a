"""In which order photos come, and how long they keep the training waiting."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Sampler

from humanseg.data.workers import opened


class SeededOrder(Sampler[tuple[int, int]]):
    """Every photo once an epoch, in an order that follows from the seed and the epoch alone.

    Parameters
    ----------
    count
        How many photos there are.
    seed
        Seed of the run.
    rank, replicas
        This process and the number of processes: each gets its share, of the same length.

    Notes
    -----
    The trainer calls `set_epoch` before each epoch, also after a resume.
    """

    def __init__(self, count: int, seed: int, rank: int = 0, replicas: int = 1) -> None:
        self._count = count
        self._seed = seed
        self._rank = rank
        self._replicas = replicas
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Count the draws of this process in an epoch."""
        return -(-self._count // self._replicas)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Yield (epoch, index) pairs."""
        generator = np.random.default_rng([self._seed, self._epoch])
        order = generator.permutation(self._count)
        # np.resize repeats from the start, so that every process gets the same number.
        order = np.resize(order, len(self) * self._replicas)
        for index in order[self._rank :: self._replicas]:
            yield self._epoch, int(index)


MOST_PIXELS = 4_000_000
"""Pixels of a batch of whole photos: large ones come in smaller batches, so that they fit."""


class SameSizeBatches(Sampler[list[int]]):
    """Batches of photos that have one size, each photo once, in a fixed order.

    Parameters
    ----------
    sizes
        Height and width of each photo.
    batch_size
        The most photos in a batch.
    most_pixels
        The most pixels in a batch of more than one photo.
    rank, replicas
        This process and the number of processes: each photo is in the share of one of them, and
        none is repeated to make the shares equal.
    """

    def __init__(
        self,
        sizes: Sequence[tuple[int, int]],
        batch_size: int,
        most_pixels: int = MOST_PIXELS,
        rank: int = 0,
        replicas: int = 1,
    ) -> None:
        groups: dict[tuple[int, int], list[int]] = {}
        for index in range(rank, len(sizes), replicas):
            groups.setdefault(sizes[index], []).append(index)
        self._batches = []
        for (height, width), group in groups.items():
            count = max(1, min(batch_size, most_pixels // (height * width)))
            self._batches += [group[at : at + count] for at in range(0, len(group), count)]

    def __len__(self) -> int:
        """Count the batches."""
        return len(self._batches)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield lists of indices."""
        return iter(self._batches)


class TimedLoader(DataLoader[Any]):
    """A DataLoader that knows how long it was waited for, and raises what its workers raise.

    Attributes
    ----------
    waited
        Seconds for which the current epoch was blocked on this loader.
    """

    waited: float = 0.0

    def __iter__(self) -> Any:
        """Iterate over an epoch, measuring."""
        return self._timed()

    def _timed(self) -> Iterator[Any]:
        self.waited = 0.0
        start = time.perf_counter()
        batches = super().__iter__()
        while True:
            try:
                packed = next(batches)
            except StopIteration:
                return
            finally:
                self.waited += time.perf_counter() - start
            yield opened(packed)
            start = time.perf_counter()


def worker_threads(_: int) -> None:
    """Give a worker process one thread: the others belong to the training."""
    torch.set_num_threads(1)
