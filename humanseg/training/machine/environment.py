"""The environment of a run: commit, versions of packages, device."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import torch

from humanseg import __version__
from humanseg.system.memory import process_peak_mb

PACKAGES = ("torch", "pytorch-lightning", "timm", "albumentations", "numpy")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that results depend on."""
    # A clone that was not installed has no metadata.
    python = {"python": platform.python_version(), "humanseg": __version__}
    return python | {name: version(name) for name in PACKAGES}


def git_commit() -> str | None:
    """Return the commit of this checkout, `+` behind it where files differ; None without one."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return None
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return commit + ("+" if changed else "")


def device_name(device: str) -> str:
    """Return the name of the processor behind `cpu`, `cuda` or `mps`."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    info = Path("/proc/cpuinfo")
    if device == "cpu" and info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return f"{line.partition(':')[2].strip()}, {torch.get_num_threads()} threads"
    return f"{platform.processor() or platform.machine()} ({device})"


def peak_memory_mb(device: str) -> float:
    """Return the peak memory in MB: of the GPU, or of this process on a CPU."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    return process_peak_mb()


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
    )
    return done.stdout.strip()
