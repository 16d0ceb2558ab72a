"""The processor cores that this process may use, on any system."""

import os


def available_cores() -> int:
    """Return how many cores this process may use: a container or taskset may allow few."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def usable_threads(asked: int | None) -> int:
    """Return how many threads to use: as many as are requested, and no more than cores.

    More would only wait for each other: a hundred times as many, for a minute. None, or 0: all.
    """
    return min(asked or available_cores(), available_cores())
