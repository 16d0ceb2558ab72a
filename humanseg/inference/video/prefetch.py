"""Working ahead: while one step of a film is under way, the step before it prepares the next."""

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

T = TypeVar("T")

_END = object()


def prefetch(items: Iterable[T], depth: int = 4) -> Generator[T, None, None]:
    """Yield the items, while a thread of its own prepares the next ones."""
    iterator = iter(items)
    with ThreadPoolExecutor(1) as pool:
        # One worker, so that the calls stand in line.
        waiting = deque(pool.submit(next, iterator, _END) for _ in range(depth))
        while (item := waiting.popleft().result()) is not _END:
            waiting.append(pool.submit(next, iterator, _END))
            yield cast(T, item)
