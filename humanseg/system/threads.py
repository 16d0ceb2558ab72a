"""Threads: how many this process may use, and a function applied in several of them."""

import math
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from humanseg.system.control_groups import group_folders

In = TypeVar("In")
Out = TypeVar("Out")


def available_cores() -> int:
    """Return how many cores this process may use: a container or taskset may allow few."""
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    return min([cores, *_cores_by_time()])


def _cores_by_time() -> Iterator[int]:
    """Yield limits in time, as of ``docker run --cpus`` or a service's CPUQuota, in whole cores."""
    for folder in group_folders("cpu"):
        # The two versions of cgroups; "max", or -1, where there is no limit.
        for names in (["cpu.max"], ["cpu.cfs_quota_us", "cpu.cfs_period_us"]):
            with suppress(OSError, ValueError):
                text = " ".join((folder / name).read_text("utf-8") for name in names)
                quota, period = map(int, text.split())
                if quota > 0 and period > 0:
                    yield math.ceil(quota / period)


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
