"""Finding the runs in folders, however deep they are and wherever they were moved."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from humanseg.errors import HumansegError
from humanseg.io.names import natural_key
from humanseg.pages.render import readable
from humanseg.runs.folder import RunFolder
from humanseg.runs.record import NotARun, RunRecord, read_run

_PARTS_OF_A_RUN = {"checkpoints", "logs", "test", "valid", "wandb"}
_RUN_OF_WANDB = re.compile(r"(offline-)?run-\d{8}_\d{6}-\w+")


@dataclass(frozen=True)
class FoundRuns:
    """The runs in some folders.

    Attributes
    ----------
    base
        The folder that holds all of it.
    runs
        Each folder that has a run's config or summary, by its path below `base`, naturally sorted.
        Whether it is whole, or a run at all, is not looked at.
    unreadable
        Folders that could not be looked into, each with the reason.
    """

    base: Path
    runs: dict[str, RunFolder]
    unreadable: dict[str, str]


def looks_like_run(folder: Path) -> bool:
    """Return whether a folder has a run's config or summary."""
    run = RunFolder(folder)
    return run.config.is_file() or run.summary.is_file()


def find_runs(paths: Sequence[Path]) -> FoundRuns:
    """Find the runs in folders, at any depth, and those that a file in their folder names.

    A run that is reached twice counts once; links to folders are followed.
    """
    starts = [Path(os.path.abspath(path.parent if path.is_file() else path)) for path in paths]
    for start in starts:
        if not start.is_dir():
            raise HumansegError(
                f"There is no folder {start}: give folders of runs, or a folder that holds some.",
                code="runs.no_folder",
            )
    try:
        base = Path(
            os.path.commonpath(
                [start.parent if looks_like_run(start) else start for start in starts]
            )
        )
    except ValueError as error:
        raise HumansegError(
            f"{starts[0]} and the other folders are on different drives, so that runs have no name "
            "that tells them apart: give folders of one drive.",
            code="runs.different_drives",
        ) from error
    visited: set[str] = set()
    unreadable: dict[str, str] = {}
    runs = [run for start in starts for run in _walk(start, base, visited, unreadable)]
    named = {_name(run, base): RunFolder(run) for run in runs}
    ordered = {name: named[name] for name in sorted(named, key=natural_key)}
    return FoundRuns(base, ordered, unreadable)


def read_runs(
    found: FoundRuns, on_read: Callable[[int, int], None] = lambda done, total: None
) -> tuple[list[RunRecord], dict[str, str], dict[str, str]]:
    """Read runs; return why others cannot be: those of other programs, and broken ones."""
    records: list[RunRecord] = []
    foreign: dict[str, str] = {}
    broken: dict[str, str] = {}
    runs: set[str] = set()
    for done, (name, folder) in enumerate(found.runs.items(), 1):
        try:
            records.append(read_run(folder, name))
            runs.add(name)
        except NotARun as error:
            # Whatever else a run's folder holds, by a logger or by hand, is no news.
            if not runs.intersection(map(str, PurePosixPath(name).parents)):
                foreign[name] = str(error)
        except HumansegError as error:
            runs.add(name)
            broken[name] = str(error)
        on_read(done, len(found.runs))
    return records, foreign, broken


def _name(folder: Path, base: Path) -> str:
    return readable(folder.relative_to(base).as_posix())


def _walk(
    folder: Path, base: Path, visited: set[str], unreadable: dict[str, str]
) -> Iterator[Path]:
    """Yield the folders that look like runs; `visited` holds what links may lead back to."""
    real = os.path.realpath(folder)
    if real in visited:
        return
    visited.add(real)
    is_run = looks_like_run(folder)
    if is_run:
        yield folder
    try:
        with os.scandir(folder) as entries:
            below = sorted(entry.name for entry in entries if entry.is_dir())
    except OSError as error:
        unreadable[_name(folder, base)] = error.strerror or str(error)
        return
    for name in below:
        # The thousands of pictures of a run, and the configs that loggers keep, are no runs.
        no_run = name.startswith(".") or _RUN_OF_WANDB.fullmatch(name)
        if not no_run and not (is_run and name in _PARTS_OF_A_RUN):
            yield from _walk(folder / name, base, visited, unreadable)
