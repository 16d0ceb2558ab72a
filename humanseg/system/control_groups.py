"""The control groups of Linux that limit this process: a container's, a service's or a job's."""

from contextlib import suppress
from pathlib import Path

_MOUNT = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def group_folders(controller: str) -> list[Path]:
    """Return the folders with the limits of "cpu" or "memory"; the lowest limit applies.

    A container sees its own group at the mount point. Services of systemd, jobs of Slurm and
    containers in the machine's namespace are in groups below it.
    """
    # Versions 2 and 1 of cgroups, which a machine may have side by side.
    folders = {_MOUNT, _MOUNT / controller}
    with suppress(OSError, ValueError):
        for line in _MEMBERSHIP.read_text("utf-8").splitlines():
            _, controllers, name = line.split(":", 2)
            if controllers and controller not in controllers.split(","):
                continue
            root = _MOUNT / controller if controllers else _MOUNT
            group = root / name.lstrip("/")
            folders |= {path for path in (group, *group.parents) if path.is_relative_to(root)}
    return sorted(folders)
