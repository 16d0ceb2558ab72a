"""How many cores, and how much memory, there are for this process."""

import os
from pathlib import Path

import pytest

from humanseg.system import control_groups
from humanseg.system.memory import usable_memory
from humanseg.system.threads import available_cores, usable_threads


def write_groups(folder: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str]) -> None:
    """Write control groups, and in "self" those of this process."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    monkeypatch.setattr(control_groups, "_MOUNT", folder)
    monkeypatch.setattr(control_groups, "_MEMBERSHIP", folder / "self")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "max 100000\n"}, 8),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
        ({"cpu.max": "3200000 100000\n"}, 8),
        # A service below a slice that allows less.
        (
            {
                "self": "0::/system.slice/a.service\n",
                "system.slice/cpu.max": "200000 100000\n",
                "system.slice/a.service/cpu.max": "max 100000\n",
            },
            2,
        ),
        # The first version, in the machine's namespace, beside the second.
        (
            {
                "self": "9:cpu,cpuacct:/slurm/job_1\n4:memory:/none\n0::/a.scope\n",
                "cpu/slurm/job_1/cpu.cfs_quota_us": "300000\n",
                "cpu/slurm/job_1/cpu.cfs_period_us": "100000\n",
            },
            3,
        ),
        ({"self": "not a list of groups\n"}, 8),
        ({}, 8),
    ],
    ids=str,
)
def test_a_container_may_use_few_cores_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], expected: int
) -> None:
    write_groups(tmp_path, monkeypatch, files)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    assert available_cores() == usable_threads(None) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"memory.max": "1000000\n"}, 1_000_000),
        ({"memory/memory.limit_in_bytes": "1000000\n"}, 1_000_000),
        (
            {
                "self": "4:memory:/docker/1/2\n0::/\n",
                "memory/memory.limit_in_bytes": f"{2**63 - 4096}\n",
                "memory/docker/1/memory.limit_in_bytes": "3000000\n",
                "memory/docker/1/2/memory.limit_in_bytes": "4000000\n",
            },
            3_000_000,
        ),
        ({"self": "0::/a.service\n", "a.service/memory.max": "2000000\n"}, 2_000_000),
    ],
    ids=str,
)
def test_a_container_may_use_a_part_of_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], expected: int
) -> None:
    write_groups(tmp_path, monkeypatch, {"memory.max": "max\n"})
    of_machine = usable_memory()
    assert of_machine > 1e8
    write_groups(tmp_path, monkeypatch, files)
    assert usable_memory() == expected
