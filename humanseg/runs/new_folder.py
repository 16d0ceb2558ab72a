"""Which folder a new run, a sweep or a recipe may have, so that it replaces nothing."""

import errno
import os
from pathlib import Path

from humanseg.errors import HumansegError
from humanseg.io.files import explain_os_error, explain_write_errors, names_in
from humanseg.runs.folder import RECIPE_RECORD, RunFolder


def new_run_folder(path: Path, *, numbered: bool = False) -> RunFolder:
    """Make the folder of a new run.

    Parameters
    ----------
    path
        A folder that does not exist yet, or an empty one.
    numbered
        Whether a numbered one beside it will do, where another run has taken the folder meanwhile.

    Returns
    -------
    RunFolder
        The run, its folder made.

    Raises
    ------
    HumansegError
        A run or other files are there already, or the folder cannot be made.
    """
    while True:
        free = numbered_folder(path) if numbered else path
        require_free(free)
        try:
            # Of several that start in the same second, and have one name, only one makes it.
            free.mkdir(parents=True, exist_ok=not numbered)
            return RunFolder(free.resolve())
        except OSError as error:
            if not (numbered and isinstance(error, FileExistsError)):
                raise explain_os_error(error, free) from error


def numbered_folder(path: Path) -> Path:
    """Return a folder that is not there, or a numbered one beside it that is not."""
    number, free = 2, path
    while os.path.lexists(free):
        free = path.with_name(f"{path.name}-{number}")
        number += 1
    return free


def require_sweep_folder(path: Path) -> None:
    """Make sure that a sweep does not go into the folder of a run or of a recipe."""
    _require_no_run(path, "the jobs of a sweep: give another sweep=NAME")
    if (path / RECIPE_RECORD).is_file():
        raise HumansegError(
            f"{path} is the folder of a recipe, and cannot hold the jobs of a sweep: give another "
            "sweep=NAME.",
            code="runs.occupied",
        )


def require_recipe_folder(path: Path) -> None:
    """Make sure that a recipe has a folder of its own: it replaces what has the names of its files.

    Raises
    ------
    HumansegError
        A run or other files are there.
    """
    if (path / RECIPE_RECORD).is_file():
        return
    _require_no_run(path, "the stages of a recipe: give name=NAME")
    if _is_occupied(path):
        raise HumansegError(
            f"{path} holds files that are not those of a recipe: give name=NAME, or another folder "
            "with run_dir=…",
            code="runs.occupied",
        )


def _require_no_run(path: Path, use: str) -> None:
    if (path / "config.yaml").is_file():
        raise HumansegError(
            f"{path} is the folder of a run, and cannot hold {use}.", code="runs.occupied"
        )


def _is_occupied(path: Path) -> bool:
    """Return whether a folder holds more than what a killed process leaves."""
    return path.is_dir() and bool(names_in(path) - {".lock"})


def require_free(path: Path) -> None:
    """Make sure that a new run can have a folder, without making it.

    What a run leaves that is killed before it has written anything whole does not count.

    Raises
    ------
    HumansegError
        A run or other files are there already, or the folder cannot be made or written.
    """
    with explain_write_errors(path):
        occupied = _is_occupied(path)
        above = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
        for name in path.absolute().relative_to(above.absolute()).parts:
            # A name that is too long for the disk is an error here, and not when it is made.
            (above / name).exists()
        if not above.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(above, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    if (path / "config.yaml").exists():
        raise HumansegError(
            f"{path} already holds a run: continue with it by resume={path}, or choose another "
            "folder with run_dir=…"
        )
    if occupied:
        raise HumansegError(
            f"{path} holds files that are not a run: choose another folder with run_dir=…"
        )
