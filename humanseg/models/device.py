"""The device that a model runs on."""

import torch


def usable_accelerator(accelerator: str) -> str:
    """Keep the accelerator where this machine has it; else `auto`: what it has."""
    missing = (accelerator in ("gpu", "cuda") and not torch.cuda.is_available()) or (
        accelerator == "mps" and not torch.backends.mps.is_available()
    )
    return "auto" if missing else accelerator


def find_device(accelerator: str) -> str:
    """Return `cpu`, `cuda` or `mps` for an accelerator as Lightning names it."""
    if accelerator in ("gpu", "cuda"):
        return "cuda"
    if accelerator == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    return accelerator
