"""The fastest settings for this machine."""

import ctypes
import sys
from dataclasses import dataclass
from typing import Literal

import torch
from lightning_fabric.utilities.rank_zero import rank_zero_only

from humanseg.errors import HumansegError
from humanseg.models.device import find_device, unusable_gpu, usable_accelerator
from humanseg.training.machine.ranks import Rank

# The parameters of glibc's mallopt, by their numbers in malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4

Precision = Literal["32-true", "bf16-mixed", "16-mixed", "bf16-true", "16-true", "64-true"]


@dataclass(frozen=True)
class Hardware:
    """The settings of the machine for a training.

    Attributes
    ----------
    device
        `cpu`, `cuda` or `mps`.
    precision
        In Lightning's words.
    channels_last
        Whether activations lie in memory channel by channel of one pixel (NHWC).
    threads
        Threads on the CPU, of all processes on a machine together.
    reason
        Why this precision, for the log.
    processes
        How many train at once, each on a device of its own.
    nodes
        Machines that they are on, equally many on each.
    rank
        The place of this process among them, and who starts them.
    """

    device: str
    precision: Precision
    channels_last: bool
    threads: int
    reason: str
    processes: int = 1
    nodes: int = 1
    rank: Rank = Rank()

    @property
    def processes_here(self) -> int:
        """Processes on this machine."""
        return self.processes // self.nodes

    @property
    def threads_each(self) -> int:
        """Threads of one process."""
        return max(1, self.threads // self.processes_here)

    def __str__(self) -> str:
        """Return a line for the terminal."""
        layout = "channels_last" if self.channels_last else "contiguous"
        machines = f" on {self.nodes} machines" if self.nodes > 1 else ""
        many = f"{self.processes} processes{machines}, each " if self.processes > 1 else ""
        return (
            f"{many}{self.device}, {self.precision} ({self.reason}), {layout}, "
            f"{self.threads_each} threads"
        )


def choose_hardware(
    accelerator: str = "auto",
    precision: str | int = "auto",
    channels_last: bool | None = None,
    threads: int | None = None,
) -> Hardware:
    """Choose what is fastest here, where nothing else is requested."""
    if usable_accelerator(accelerator) != accelerator:
        why = f" ({unusable})" if (unusable := unusable_gpu()) else ""
        raise HumansegError(
            f"trainer.accelerator={accelerator} asks for a device that is not here, or that torch "
            f"was not built for{why}: take trainer=cpu, or trainer.accelerator=auto."
        )
    device = find_device(accelerator)
    if precision == "auto":
        chosen, reason = _precision(device)
    else:
        chosen, reason = str(precision), "as requested"
    return Hardware(
        device=device,
        precision=chosen,  # type: ignore[arg-type]  # Lightning checks what a person asks for
        channels_last=device != "mps" if channels_last is None else channels_last,
        threads=threads or torch.get_num_threads(),
        reason=reason,
    )


def configure_process(device: str, threads: int, rank: int = 0) -> None:
    """Set up this process to train on a device with so many threads."""
    # Lightning takes it from whatever the environment says of other processes: under srun, all
    # trainings but the first would log nothing.
    rank_zero_only.rank = rank  # type: ignore[attr-defined]  # an attribute of a function
    torch.set_num_threads(threads)
    if device == "cpu":
        keep_freed_memory()


def keep_freed_memory() -> bool:
    """Make this process reuse freed memory.

    glibc gives every large block back to the system at once, and takes it again, page by page and
    zeroed, for the next activation of the same size: in a training on a CPU that is a good part of
    the time. https://man7.org/linux/man-pages/man3/mallopt.3.html
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    # Musl has the name, and answers 0.
    return bool(mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))


def has_bf16_units() -> bool:
    """Return whether this CPU multiplies bf16 natively (AVX512-BF16 or AMX; on Arm, BF16)."""
    check = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    if check is None or not check():
        return False
    # oneDNN says yes to any AVX-512, and then emulates: slower than fp32.
    capability = torch.backends.cpu.get_cpu_capability()
    if "AVX" in capability:
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return True


def _precision(device: str) -> tuple[str, str]:
    if device == "cuda":
        # A T4 says that it supports bf16 and emulates it.
        if torch.cuda.is_available() and torch.cuda.get_device_capability() >= (8, 0):
            return "bf16-mixed", "this GPU has bf16 units"
        return "16-mixed", "this GPU has no bf16 units"
    if device == "cpu" and has_bf16_units():
        return "bf16-mixed", "this CPU has bf16 units"
    return "32-true", f"this {device.upper()} has no bf16 units that torch uses"
