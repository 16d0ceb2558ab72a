"""Threads: how many this process may use, and a function applied in several of them."""

import math
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

In = TypeVar("In")
Out = TypeVar("Out")

_CONTAINER = Path("/sys/fs/cgroup")


def available_cores() -> int:
    """Return how many cores this process may use: a container or taskset may allow few."""
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    return min(cores, _container_cores() or cores)


def _container_cores() -> int | None:
    """Return the limit of a container in time, as of ``docker run --cpus``, in whole cores."""
    # The two versions of cgroups; "max", or -1, where there is no limit.
    v1 = _CONTAINER / "cpu"
    for files in ([_CONTAINER / "cpu.max"], [v1 / "cpu.cfs_quota_us", v1 / "cpu.cfs_period_us"]):
        with suppress(OSError, ValueError):
            quota, period = map(int, " ".join(file.read_text("utf-8") for file in files).split())
            if quota > 0 and period > 0:
                return math.ceil(quota / period)
    return None


def usable_threads(asked: int | None) -> int:
    """Return how many threads to use: as many as are requested, and no more than cores.

    More would only wait for each other: a hundred times as many, for a minute. None, or 0: all.
    """
    return min(asked or available_cores(), available_cores())


def map_in_order(
    function: Callable[[In], Out],
    values: Iterable[In],
    workers: int | None = None,
    prefetch: int | None = None,
) -> Generator[Out, None, None]:
    """Apply a function in threads (by default one per CPU, at most 8); results keep the order.

    Decoding happens outside Python's lock, so threads help. `Executor.map` would read all values
    ahead: here no more than `prefetch` wait (by default four per worker), so memory stays flat.
    """
    workers = workers or min(8, available_cores())
    waiting: deque[Future[Out]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for value in values:
                waiting.append(pool.submit(function, value))
                if len(waiting) >= (prefetch or 4 * workers):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
