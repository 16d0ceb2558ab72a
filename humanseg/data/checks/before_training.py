"""What training makes sure of before its first step: every photo reads and fits its mask."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from humanseg.data.checks.problems import Problem, list_problems, printable
from humanseg.data.layout.folders import Item, has_masks, scan
from humanseg.data.layout.mask_rule import AS_DRAWN, MaskRule
from humanseg.errors import HumansegError
from humanseg.io.images import ImageError, LoadedPhoto, load_photo

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class Checked(NamedTuple):
    """A photo and its mask as they were read, and what is wrong with them.

    Attributes
    ----------
    item
        What was read.
    photo
        uint8 (H, W, 3) in RGB, or None when it cannot be read.
    mask
        uint8 (H, W) in {0, 1}, or None when there is none or it cannot be read. It has the
        photo's H and W exactly when `problems` is empty.
    problems
        All of them are fatal.
    picture
        The photo with what its file says of it, or None when it cannot be read.
    """

    item: Item
    photo: np.ndarray | None
    mask: np.ndarray | None
    problems: tuple[Problem, ...]
    picture: LoadedPhoto | None = None


def map_in_order(
    function: Callable[[_In], _Out], values: Iterable[_In], workers: int | None = None
) -> Generator[_Out, None, None]:
    """Apply a function in threads, and give its results in the order of the values.

    Decoding happens outside Python's lock, so threads help. No more than a few results per
    worker wait at any time, so memory stays flat whatever the number of values.

    Parameters
    ----------
    function
        Called with each value; what it raises is raised here.
    values
        Read as they are needed.
    workers
        Number of threads; by default one per CPU that this process may use, at most 8.
    """
    workers = workers or min(8, _cpus())
    waiting: deque[Future[_Out]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for value in values:
                waiting.append(pool.submit(function, value))
                if len(waiting) >= 4 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def read_item(item: Item) -> Checked:
    """Decode a photo and its mask, and check that they fit each other.

    Nothing is raised for a broken file: it is named in `Checked.problems`.
    """
    problems = []
    picture = photo = mask = None
    try:
        picture = load_photo(item.photo)
        photo = picture.over_white()
    except ImageError as error:
        problems.append(_problem("unreadable photo", item, item.photo, error))
    if item.mask is not None:
        try:
            mask = item.rule.read(item.mask)
        except ImageError as error:
            problems.append(_problem("unusable mask", item, item.mask, error))
    if photo is not None and mask is not None and photo.shape[:2] != mask.shape:
        problems.append(_size_problem(item, photo.shape, mask.shape))
    return Checked(item, photo, mask, tuple(problems), picture)


def read_checked(items: Iterable[Item], workers: int | None = None) -> Iterator[Checked]:
    """Decode photos and masks once each, in the order of `items`, and check them on the way.

    Parameters
    ----------
    items
        As from `humanseg.data.layout.folders.list_items`.
    workers
        Number of threads; by default one per CPU, at most 8.

    Yields
    ------
    Checked
        One per item. A caller that keeps the arrays need not decode again.
    """
    return map_in_order(read_item, items, workers)


def find_fatal(
    root: Path,
    splits: Sequence[str],
    on_checked: Callable[[Checked], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    on_other: Callable[[Problem], None] | None = None,
    rule: MaskRule = AS_DRAWN,
) -> list[Problem]:
    """Find everything in a data folder that would stop a training.

    Parameters
    ----------
    root
        The data folder.
    splits
        Of "train", "valid" and "test". Those that the task gives masks for must have them.
    on_checked
        Called with every photo and mask that reads and fits, split by split, in natural order
        of ids: a place to keep what was decoded.
    on_progress
        Called with the number of photos that were read, and of all photos.
    on_other
        Called with what the names say that would not stop a training.
    rule
        How masks are read.

    Returns
    -------
    list of Problem
        All of them, split by split; first what the names say, then what the pixels say.

    Raises
    ------
    HumansegError
        `root` is not a folder.
    """
    problems: list[Problem] = []
    scans = [scan(root, split, has_masks(split), rule) for split in splits]
    done, total = 0, sum(len(items) for items, _ in scans)
    for items, found in scans:
        problems += [problem for problem in found if problem.fatal]
        if on_other is not None:
            for problem in found:
                if not problem.fatal:
                    on_other(problem)

        def moved(count: int, start: int = done) -> None:
            if on_progress is not None:
                on_progress(start + count, total)

        problems += find_unreadable(items, on_checked, moved)
        done += len(items)
    return problems


def find_unreadable(
    items: Sequence[Item],
    on_checked: Callable[[Checked], None] | None = None,
    on_count: Callable[[int], None] | None = None,
) -> list[Problem]:
    """Find the photos and masks that do not read or fit; see `find_fatal`."""
    problems: list[Problem] = []
    for count, checked in enumerate(read_checked(items), start=1):
        problems += checked.problems
        if on_checked is not None and not checked.problems:
            on_checked(checked)
        if on_count is not None:
            on_count(count)
    return problems


def require_sound(root: Path, splits: Sequence[str], rule: MaskRule = AS_DRAWN) -> None:
    """Raise one error that names everything in a data folder that would stop a training.

    Parameters
    ----------
    root
        The data folder.
    splits
        Of "train", "valid" and "test".
    rule
        How masks are read.

    Raises
    ------
    HumansegError
        Something is wrong, or `root` is not a folder.
    """
    raise_problems(root, find_fatal(root, splits, rule=rule))


def raise_problems(root: Path, problems: Sequence[Problem]) -> None:
    """Raise one HumansegError that counts and lists the problems, if there are any."""
    if problems:
        many = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise HumansegError(
            f"The data in {printable(str(root))} cannot be trained on: {many}. Repair them and "
            f"run the command again (`humanseg check` shows them with pictures):\n"
            f"{list_problems(problems)}"
        )


def _problem(kind: str, item: Item, path: Path, error: ImageError) -> Problem:
    return Problem(kind, item.split, item.id, path, printable(str(error)).rstrip(". "), True)


def _size_problem(item: Item, photo: tuple[int, ...], mask: tuple[int, ...]) -> Problem:
    message = (
        f"{printable(str(item.mask))} is {mask[1]}x{mask[0]}, but its photo is "
        f"{photo[1]}x{photo[0]} (width x height): export the mask at the photo's size"
    )
    return Problem("sizes differ", item.split, item.id, item.photo, message, True)


def _cpus() -> int:
    # A container or `taskset` may allow fewer CPUs than the machine has.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
