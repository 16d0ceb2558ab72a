"""Samplers: in which order photos come; and a loader that measures the waiting for them."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Sampler

from humanseg.data.workers import open_batch


class SeededOrder(Sampler[tuple[int, int]]):
    """Every photo once an epoch, in an order that follows from the seed and the epoch alone.

    Each of `replicas` processes gets its share, of the same length. The trainer calls `set_epoch`
    before each epoch, also after a resume.
    """

    def __init__(self, count: int, seed: int, rank: int = 0, replicas: int = 1) -> None:
        self._count = count
        self._seed = seed
        self._rank = rank
        self._replicas = replicas
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Take the order of an epoch."""
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
    """Batches of photos of one size (H, W), each photo once, in a fixed order.

    A batch has at most `batch_size` photos and, of more than one, at most `most_pixels` pixels.
    Each photo is in the share of one of `replicas` processes: none is repeated to make the shares
    equal, since scores are means over photos.
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
            self._batches += [group[start : start + count] for start in range(0, len(group), count)]

    def __len__(self) -> int:
        """Count the batches."""
        return len(self._batches)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield lists of indices."""
        return iter(self._batches)


class TimedLoader(DataLoader[Any]):
    """A DataLoader that measures the waiting for it, and raises what its workers raise."""

    waited: float = 0.0  # seconds of the current epoch

    def __iter__(self) -> Any:
        """Iterate over an epoch, measuring."""
        return self._timed()

    def _timed(self) -> Iterator[Any]:
        self.waited = 0.0
        start = time.perf_counter()
        batches = super().__iter__()
        while True:
            try:
                batch = next(batches)
            except StopIteration:
                return
            finally:
                self.waited += time.perf_counter() - start
            yield open_batch(batch)
            start = time.perf_counter()


def worker_threads(_: int) -> None:
    """Give a worker process one thread: the others belong to the training."""
    torch.set_num_threads(1)
