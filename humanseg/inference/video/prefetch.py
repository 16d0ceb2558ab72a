"""Prefetching: while one step of a video runs, the step before it prepares the next items."""

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

T = TypeVar("T")

_END = object()


def prefetch(items: Iterable[T], depth: int = 4) -> Generator[T, None, None]:
    """Yield items while a thread prepares up to `depth` next ones; their errors are raised here."""
    iterator = iter(items)
    with ThreadPoolExecutor(1) as pool:
        # One worker, so that the calls come in order.
        waiting = deque(pool.submit(next, iterator, _END) for _ in range(depth))
        while (item := waiting.popleft().result()) is not _END:
            waiting.append(pool.submit(next, iterator, _END))
            yield cast(T, item)
