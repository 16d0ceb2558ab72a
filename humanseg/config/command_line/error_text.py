"""Error messages for exceptions of libraries and of the system."""

import errno
import os
import sys
from pathlib import Path

from humanseg.errors import HumansegError, first_line
from humanseg.io.files import explain_os_error

_OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "insufficient memory",
    "cannot allocate memory",
    "killed by signal: killed",
)
_OUT_OF_SHARED_MEMORY = (
    "out of shared memory",
    "unable to allocate shared memory",
    # Between GPUs.
    "error while creating shared memory segment",
)
_GPU_FAILED = ("busy or unavailable", "uncorrectable ecc error", "unspecified launch failure")
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_NO_HOME = "Could not determine home directory."
"""What Python says of it."""
_NO_RIGHT = "this user may not: change its permissions, or those of the folders above it"
_NO_DISK = (
    "its disk does not answer as it should: see whether it is still there, such as a network disk, "
    "and give the command again"
)
_CANNOT_OPEN = {
    errno.EACCES: _NO_RIGHT,
    errno.EPERM: _NO_RIGHT,
    errno.ENAMETOOLONG: "the name is too long for this disk: choose a shorter one",
    errno.ELOOP: "it is a link that leads to itself",
    errno.EIO: _NO_DISK,
    errno.ESTALE: _NO_DISK,
    errno.ENOTCONN: _NO_DISK,
}


def explain(error: BaseException) -> HumansegError | None:
    """Turn what a person can cause into a paragraph; None for a fault of the program."""
    if isinstance(error, HumansegError):
        return error
    text = str(error)
    first = first_line(error)
    # Of any class: OpenCV has one of its own. A loader's worker that was killed is the cause of the
    # error that its death makes.
    signs = f"{text} {error.__cause__}".lower()
    if any(sign in signs for sign in _OUT_OF_SHARED_MEMORY):
        return HumansegError(
            f"The shared memory does not suffice ({first}). Give data.workers=0, or start the "
            "container with --shm-size=1g."
        )
    if isinstance(error, MemoryError) or any(sign in signs for sign in _OUT_OF_MEMORY):
        return out_of_memory(first if text else "no memory is left")
    if "cuda error: " in signs and any(sign in signs for sign in _GPU_FAILED):
        return HumansegError(
            f"The GPU does not work ({first}): see by nvidia-smi whether another program has it, "
            "restart the machine, or train without it (trainer=cpu).",
            code="system.gpu_failed",
        )
    if "killed by signal: segmentation fault" in signs:
        return HumansegError(
            f"{first} That is a fault in torch or another library: try channels_last=false, "
            "another trainer.precision or another backbone.",
            code="system.segmentation_fault",
        )
    if "too many open files" in signs:
        return HumansegError(
            f"This process may open no more files ({first}). Raise the limit, with `ulimit -n "
            "4096` say, or give data.workers=0."
        )
    if isinstance(error, BlockingIOError) and error.errno == errno.EAGAIN:
        return HumansegError(
            f"The system lets this user start no more processes ({first}). Raise the limit "
            "(`ulimit -u`), end others, or give data.workers=0."
        )
    if "dataloader worker (pid" in signs:
        return HumansegError(
            f"A process that makes batches ended without saying why ({error.__cause__ or first}). "
            "With data.workers=0 the training makes them itself, and the reason is shown."
        )
    if isinstance(error, OSError) and error.errno in _DISK:
        return explain_os_error(error, Path(error.filename or "a file"))
    if isinstance(error, OSError) and (reason := _cannot_open(error)):
        return HumansegError(reason, code="system.cannot_open")
    if "not have a deterministic implementation" in signs:
        return HumansegError(
            f"Results cannot be repeated exactly on this device ({first.partition(',')[0]}): give "
            "trainer.deterministic=warn, which does without for that part alone, or train on a CPU "
            "(trainer.accelerator=cpu).",
            code="system.not_deterministic",
        )
    if "(sqlite3.operationalerror)" in signs:
        what = next(line for line in f"{text}\n{error.__cause__}".splitlines() if "sqlite3" in line)
        return HumansegError(
            f"The study of the search cannot be used ({what.rpartition(') ')[2]}): its file is "
            "study.sqlite3 in the folder of the sweep. On a network disk SQLite may not work, or "
            "for one process at a time alone: put runs_dir on a disk of this machine.",
            code="sweeps.study",
        )
    if isinstance(error, RuntimeError) and text == _NO_HOME:
        return HumansegError(
            "A path begins with ~, and there is no such home folder: write the path out.",
            code="system.no_home",
        )
    if isinstance(error, ModuleNotFoundError) and error.name in sys.stdlib_module_names:
        return HumansegError(
            f"This command needs Python's module {error.name}, which this system does not have: "
            "using a model works on Windows, training wants Linux or macOS (or WSL)."
        )
    if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("humanseg"):
        return HumansegError(
            f"This command needs {error.name}, which is not installed: pip install "
            '"humanseg[train]" brings all that training and checking need.'
        )
    if isinstance(error, ImportError) and not (error.name or "humanseg").startswith("humanseg"):
        return HumansegError(
            f"{error.name} is installed, but cannot be loaded ({first}): a library of the system "
            "is missing, or packages are of versions that do not fit. Install humanseg in an "
            "environment of its own; on Windows also the Microsoft Visual C++ Redistributable.",
            code="system.cannot_import",
        )
    if "hydra" in sys.modules:
        from humanseg.config.command_line.hydra_errors import explain_hydra_error, is_hydra_error

        if isinstance(error, Exception) and is_hydra_error(error):
            return explain_hydra_error(error)
    return None


def _cannot_open(error: OSError) -> str | None:
    """Return why a file or folder cannot be used; None where this is not what an error is about."""
    if isinstance(error.filename, str | bytes) and error.errno in _CANNOT_OPEN:
        return f"{os.fsdecode(error.filename)} cannot be opened: {_CANNOT_OPEN[error.errno]}."
    if isinstance(error, FileNotFoundError) and error.filename is None:
        try:
            os.getcwd()
        except FileNotFoundError:
            return "The folder that this command is started in is gone: go to one that is there."
    return None


def out_of_memory(what: str) -> HumansegError:
    """Return the error of memory that ran out; `what` says how it showed."""
    return HumansegError(
        f"The memory does not suffice ({what}). Lower data.batch_size, data.workers or the size "
        "that the model works at (data.train_size=640 for large photos, data.crop_size), or take a "
        "smaller backbone, such as backbone=resnet18.",
        code="system.out_of_memory",
    )
