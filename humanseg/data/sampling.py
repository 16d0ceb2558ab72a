"""Samplers, which order the photos; and a loader that measures the time spent waiting."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Sampler

from humanseg.system.children import open_answer, without_main


class SeededOrder(Sampler[tuple[int, int, int]]):
    """The photos of an epoch, in an order that follows from the seed and the epoch alone.

    By default each is drawn once. With `weights` each is drawn so many times on average, of 1.5
    once or twice, and an epoch has the sum of the weights, rounded, as its length. Each of
    `replicas` processes gets its share, of the same length. The trainer calls `set_epoch` before
    each epoch, also after a resume.
    """

    def __init__(
        self,
        count: int,
        seed: int,
        rank: int = 0,
        replicas: int = 1,
        weights: Sequence[float] | None = None,
    ) -> None:
        self._count = count
        self._seed = seed
        self._rank = rank
        self._replicas = replicas
        self._epoch = 0
        self._weights = None if weights is None else np.asarray(weights, dtype=float)
        self._draws = count if weights is None else max(1, round(sum(weights)))

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, which decides the order."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Count the draws of this process in an epoch."""
        return -(-self._draws // self._replicas)

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        """Yield the epoch, the photo's index, and how often that was drawn before in the epoch."""
        generator = np.random.default_rng([self._seed, self._epoch])
        order = generator.permutation(self._count)
        repeats = np.zeros(self._count, dtype=int)
        if self._weights is not None:
            order, repeats = self._draw(order, generator)
        # np.resize repeats from the start, so that every process gets the same number.
        chosen = np.resize(np.arange(self._draws), len(self) * self._replicas)
        for draw in chosen[self._rank :: self._replicas]:
            yield self._epoch, int(order[draw]), int(repeats[draw])

    def _draw(
        self, order: NDArray[np.int64], generator: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Draw by systematic sampling over a random order: no photo's number is off by one."""
        assert self._weights is not None
        ends = np.cumsum(self._weights[order])
        ends = np.floor(ends * (self._draws / ends[-1]) + generator.uniform(0, 1)).astype(int)
        ends[-1] = self._draws
        counts = np.diff(ends, prepend=0)
        drawn = np.repeat(order, counts)
        repeats = np.arange(self._draws) - np.repeat(np.cumsum(counts) - counts, counts)
        shuffled = generator.permutation(self._draws)
        return drawn[shuffled], repeats[shuffled]


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
        # Nothing is drawn before the first batch is asked for: Lightning makes the iterator of a
        # resumed training before it sets the epoch (pytorch-lightning#21938).
        return self._timed()

    def _timed(self) -> Iterator[Any]:
        self.waited = 0.0
        start = time.perf_counter()
        # Where the system cannot fork, its workers are started afresh.
        with without_main():
            batches = super().__iter__()
        while True:
            try:
                batch = next(batches)
            except StopIteration:
                return
            finally:
                self.waited += time.perf_counter() - start
            yield open_answer(batch)
            start = time.perf_counter()


def worker_threads(_: int) -> None:
    """Give a worker process one thread: the others belong to the training."""
    torch.set_num_threads(1)
