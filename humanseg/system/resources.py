"""The processor cores and the memory of this process, on any system."""

import os
import sys
from pathlib import Path


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


def process_peak_mb() -> float:
    """Return the peak memory of this process in MB."""
    if sys.platform == "win32":
        import psutil

        return float(psutil.Process().memory_info().peak_wset) / 1e6
    status = Path("/proc/self/status")
    if status.exists():
        # Unlike getrusage, this does not count the process that started this one.
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts kilobytes, macOS bytes.
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
