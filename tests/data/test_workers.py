"""Batches from worker processes: the same by every way, and no error that is lost."""

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import Dataset

from humanseg.config.command_line.error_text import explain
from humanseg.data import workers
from humanseg.data.dataset import Sample
from humanseg.data.sampling import TimedLoader
from humanseg.data.workers import WorkerPhotos, pass_through, plan_loading
from humanseg.errors import FarTraceback, HumansegError


class Drawn(Dataset[Sample]):
    """Samples whose pixels say which they are; `fail` is called with each index first."""

    def __init__(self, fail: Callable[[int], None] = lambda index: None) -> None:
        self._fail = fail

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Sample:
        self._fail(index)
        layer = torch.full((1, 4, 5), index, dtype=torch.uint8)
        return {"image": layer.expand(3, 4, 5).contiguous(), "mask": layer, "id": str(index)}


def batches(photos: Dataset[Sample], shared: bool) -> list[Any]:
    loader = TimedLoader(
        WorkerPhotos(photos, shared),
        batch_size=2,
        num_workers=2,
        collate_fn=pass_through,
        timeout=20,
        persistent_workers=True,
    )
    try:
        return list(loader)
    finally:
        # Else the collector ends them, some time later, and waits for each.
        assert loader._iterator is not None
        loader._iterator._shutdown_workers()  # type: ignore[attr-defined]


def is_right(drawn: list[Any]) -> bool:
    return len(drawn) == 3 and all(
        batch["id"] == [str(2 * place), str(2 * place + 1)]
        and batch["image"][:, 0, 0, 0].tolist() == [2 * place, 2 * place + 1]
        and torch.equal(batch["image"][:, :1], batch["mask"])
        for place, batch in enumerate(drawn)
    )


@pytest.mark.parametrize("shared", [True, False])
def test_batches_are_the_same_by_shared_memory_and_by_pipes(shared: bool) -> None:
    assert is_right(batches(Drawn(), shared))


@pytest.mark.skipif(sys.platform != "linux", reason="it counts what a process has open")
def test_epochs_that_end_early_leave_nothing_open() -> None:
    loader = TimedLoader(
        WorkerPhotos(Drawn(), shared=True),
        num_workers=1,
        collate_fn=pass_through,
        persistent_workers=True,
    )
    counts = []
    for _ in range(6):
        next(iter(loader))  # as with trainer.limit_train_batches
        workers: Any = loader._iterator
        (worker,) = workers._workers
        time.sleep(0.2)  # for the batches that it prepares
        counts.append(len(os.listdir(f"/proc/{worker.pid}/fd")))
    workers._shutdown_workers()
    # Only what the last epoch has prepared: three batches of two files at most.
    assert counts[-1] <= counts[0] + 6


@pytest.fixture
def no_room(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Shared memory that is full."""

    def fail(*_: Any) -> None:
        raise RuntimeError("unable to allocate shared memory(shm): No space left on device (28)")

    monkeypatch.setattr(torch.UntypedStorage, "_share_fd_cpu_", fail)
    monkeypatch.setattr(torch.UntypedStorage, "_share_filename_cpu_", fail)
    yield


@pytest.mark.usefixtures("no_room")
def test_shared_memory_that_fills_up_on_the_way_does_not_stop_a_training() -> None:
    assert is_right(batches(Drawn(), shared=True))


def test_a_temporary_folder_with_a_long_name_does_not_stop_a_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Workers pass shared memory by a socket in it, and the name of a socket is short.
    long = tmp_path / ("x" * 120)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    monkeypatch.setitem(multiprocessing.process.current_process()._config, "tempdir", None)  # type: ignore[attr-defined]
    assert is_right(batches(Drawn(), shared=True))


class OddError(Exception):
    """Cannot be taken apart and put together again."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} and {other}")


@pytest.mark.parametrize(
    ("raised", "arrives"),
    [
        (HumansegError("3.jpg cannot be read."), HumansegError),
        (MemoryError("no memory is left"), MemoryError),
        (KeyError("key"), KeyError),
        (StopIteration("ended"), RuntimeError),
        (OddError(1, 2), RuntimeError),
    ],
)
def test_an_error_in_a_worker_is_raised_as_it_was_raised_there(
    raised: Exception, arrives: type[Exception]
) -> None:
    def fail(index: int) -> None:
        if index == 3:
            raise raised

    with pytest.raises(arrives) as caught:
        batches(Drawn(fail), shared=True)
    told = caught.value if not isinstance(raised, StopIteration) else caught.value.__cause__
    assert str(raised) in str(told)
    if arrives is HumansegError:
        assert str(caught.value) == str(raised)
    assert isinstance(told, BaseException) and isinstance(told.__cause__, FarTraceback)


def test_a_worker_that_is_killed_ends_the_training() -> None:
    def fail(index: int) -> None:
        if index == 3:
            os.kill(os.getpid(), 9)

    with pytest.raises(RuntimeError) as caught:
        batches(Drawn(fail), shared=True)
    assert "memory" in str(explain(caught.value))


def test_a_worker_that_ends_without_a_word_ends_the_training() -> None:
    def fail(index: int) -> None:
        os._exit(3)

    with pytest.raises(RuntimeError) as caught:
        batches(Drawn(fail), shared=True)
    assert "data.workers=0" in str(explain(caught.value))


@pytest.mark.parametrize(("free", "shared"), [(10_000_000, True), (100_000, False), (0, False)])
def test_what_shared_memory_has_no_room_for_comes_through_pipes(
    monkeypatch: pytest.MonkeyPatch, free: int, shared: bool
) -> None:
    monkeypatch.setattr(workers, "_free_shared_memory", lambda: free)
    loading = plan_loading(2, batch_bytes=100_000)
    assert (loading.workers, loading.shared) == (2, shared)
    assert ("--shm-size" in loading.note) is not shared


def test_where_no_process_can_be_started_the_training_makes_its_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(multiprocessing, "Queue", fail)
    loading = plan_loading(2, batch_bytes=1)
    assert loading.workers == 0 and "No space left" in loading.note
    assert plan_loading(0, batch_bytes=1).note == ""
