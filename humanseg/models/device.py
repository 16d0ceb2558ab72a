"""The device that a model runs on."""

import re

import torch

from humanseg.errors import first_line


def usable_accelerator(accelerator: str) -> str:
    """Keep the accelerator where this machine has it; else `auto`: what it has."""
    missing = (accelerator in ("gpu", "cuda") and not _has_cuda()) or (
        accelerator == "mps" and not torch.backends.mps.is_available()
    )
    return "auto" if missing else accelerator


def find_device(accelerator: str) -> str:
    """Return `cpu`, `cuda` or `mps` for an accelerator as Lightning names it."""
    if accelerator in ("gpu", "cuda"):
        return "cuda"
    if accelerator == "auto":
        if _has_cuda():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    return accelerator


def unusable_gpu() -> str:
    """Return why torch cannot compute on a GPU that it finds; empty where it can, or finds none."""
    if not torch.cuda.is_available():
        return ""
    try:
        # Once Lightning is imported, torch asks the driver alone, however old that is.
        gpus = [torch.cuda.get_device_capability(gpu) for gpu in range(torch.cuda.device_count())]
    except RuntimeError as error:
        return first_line(error)
    codes = re.findall(r"(sm|compute)_(\d+)", " ".join(torch.cuda.get_arch_list()))
    if not codes or any(_runs(kind, int(code), *gpu) for kind, code in codes for gpu in gpus):
        return ""
    return (
        f"torch {torch.__version__} was not built for {torch.cuda.get_device_name()}, of compute "
        f"capability {gpus[0][0]}.{gpus[0][1]}"
    )


def _runs(kind: str, code: int, major: int, minor: int) -> bool:
    """Return whether a GPU of a compute capability runs what torch was compiled to."""
    if kind == "compute":
        return code <= 10 * major + minor
    return code // 10 == major and code % 10 <= minor


def _has_cuda() -> bool:
    return torch.cuda.is_available() and not unusable_gpu()
