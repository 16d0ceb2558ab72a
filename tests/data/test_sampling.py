import time
from collections import Counter

import pytest
import torch
from torch.utils.data import Dataset

from humanseg.data.sampling import SameSizeBatches, SeededOrder, TimedLoader


def draws(order: SeededOrder, epoch: int) -> list[tuple[int, int, int]]:
    order.set_epoch(epoch)
    return list(order)


def test_every_photo_comes_once_an_epoch_with_the_epoch() -> None:
    order = SeededOrder(50, seed=3)
    for epoch in (0, 1, 7):
        drawn = draws(order, epoch)
        assert len(drawn) == len(order) == 50
        assert {each for each, *_ in drawn} == {epoch}
        assert sorted(index for _, index, _ in drawn) == list(range(50))


def test_the_order_follows_from_seed_and_epoch_alone() -> None:
    order = SeededOrder(50, seed=3)
    first, second = draws(order, 0), draws(order, 1)
    assert draws(order, 0) == first
    assert draws(SeededOrder(50, seed=3), 1) == second
    indices = [index for _, index, _ in first]
    assert indices != sorted(indices)
    assert indices != [index for _, index, _ in second]
    assert indices != [index for _, index, _ in draws(SeededOrder(50, seed=4), 0)]


@pytest.mark.parametrize(("count", "replicas"), [(50, 2), (51, 2), (7, 4), (1, 3)])
def test_processes_share_an_epoch_without_a_gap(count: int, replicas: int) -> None:
    shares = [draws(SeededOrder(count, 0, rank, replicas), 2) for rank in range(replicas)]
    assert len({len(share) for share in shares}) == 1, "one process would wait for ever"
    times = Counter(index for share in shares for _, index, _ in share)
    assert set(times) == set(range(count))
    assert sum(times.values()) - count < replicas, "more is repeated than is needed to fill up"


def test_batches_hold_photos_of_one_size_each_photo_once() -> None:
    sizes = [(4, 3), (8, 6), (4, 3), (3, 4), (4, 3), (8, 6), (4, 3)]
    batches = list(SameSizeBatches(sizes, batch_size=3))
    assert len(SameSizeBatches(sizes, 3)) == len(batches) == 4
    assert sorted(index for batch in batches for index in batch) == list(range(7))
    assert all(len({sizes[index] for index in batch}) == 1 for batch in batches)
    assert max(map(len, batches)) == 3
    assert list(SameSizeBatches(sizes, 3)) == batches


class Slow(Dataset[int]):
    """Takes a while for each item."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> int:
        time.sleep(self.seconds)
        return index


def test_a_slow_loader_is_measured_and_the_training_is_not() -> None:
    loader = TimedLoader(Slow(0.03), batch_size=2)
    batches = []
    for batch in loader:
        batches.append(batch)
        time.sleep(0.5)
    assert [batch.tolist() for batch in batches] == [[0, 1], [2, 3]]
    assert 0.12 <= loader.waited < 0.9


def test_each_epoch_is_measured_afresh() -> None:
    slow = Slow(0.05)
    loader = TimedLoader(slow, batch_size=1)
    list(loader)
    first = loader.waited
    slow.seconds = 0
    list(loader)
    assert first >= 0.2 > loader.waited
    assert len(loader) == 4


def test_an_epoch_that_is_left_early_is_followed_by_a_whole_one() -> None:
    loader = TimedLoader(Slow(0), batch_size=1, num_workers=1, persistent_workers=True)
    next(iter(loader))
    assert [int(batch) for batch in loader] == [0, 1, 2, 3]
    assert isinstance(next(iter(loader)), torch.Tensor)


class Epochs(Dataset[int]):
    """The epoch of each draw."""

    def __getitem__(self, draw: tuple[int, int, int]) -> int:
        return draw[0]


def test_an_epoch_that_is_set_when_its_iterator_is_there_counts() -> None:
    """Workers are given work as soon as they are started, and Lightning sets a resumed one late."""
    order = SeededOrder(4, seed=0)
    loader = TimedLoader(Epochs(), batch_size=2, sampler=order, num_workers=1)
    batches = iter(loader)
    order.set_epoch(3)
    assert [batch.tolist() for batch in batches] == [[3, 3], [3, 3]]


def test_large_photos_come_in_smaller_batches() -> None:
    sizes = [(3000, 4000)] * 2 + [(320, 240)] * 3 + [(1000, 1000)] * 3
    batches = list(SameSizeBatches(sizes, batch_size=3, most_pixels=2_000_000))
    assert batches == [[0], [1], [2, 3, 4], [5, 6], [7]]


@pytest.mark.parametrize(("count", "replicas"), [(7, 2), (8, 3), (3, 3), (145, 4)])
def test_processes_share_whole_photos_and_repeat_none(count: int, replicas: int) -> None:
    sizes = [(4, 3) if index % 3 else (8, 6) for index in range(count)]
    shares = [
        [
            index
            for batch in SameSizeBatches(sizes, 4, rank=rank, replicas=replicas)
            for index in batch
        ]
        for rank in range(replicas)
    ]
    assert sorted(index for share in shares for index in share) == list(range(count))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
