"""The memory that this process may use, and its peak."""

import math
import os
import sys
from contextlib import suppress
from pathlib import Path

from humanseg.system.control_groups import group_folders


def usable_memory() -> float:
    """Return the bytes of memory of this machine, or of the container; infinity where unknown."""
    sizes = [math.inf]
    # Not on Windows.
    with suppress(AttributeError, ValueError, OSError):
        sizes.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for folder in group_folders("memory"):
        # The two versions of cgroups; "max" where there is no limit.
        for name in ("memory.max", "memory.limit_in_bytes"):
            with suppress(OSError, ValueError):
                sizes.append(int((folder / name).read_text("utf-8")))
    return min(sizes)


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
