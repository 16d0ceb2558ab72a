"""The checks before the first step: every photo can be read and fits its mask."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from humanseg.data.checks.problems import Problem, code_of, escape, list_problems
from humanseg.data.labelled_photo import Pixels
from humanseg.data.layout.folders import Item, Scan
from humanseg.errors import HumansegError, plural
from humanseg.io.images import ImageError, LoadedPhoto, load_photo
from humanseg.system.threads import map_in_order


class CheckedPhoto(NamedTuple):
    """A photo and its mask as they were read, and what is wrong with them."""

    item: Item
    photo: Pixels | None  # (H, W, 3), RGB; None: it cannot be read
    mask: Pixels | None  # (H, W) in {0, 1}, of the photo's size where there are no problems
    problems: tuple[Problem, ...]  # all of them fatal
    picture: LoadedPhoto | None = None  # the photo with what its file says of it


def read_item(item: Item) -> CheckedPhoto:
    """Decode a photo and its mask, and collect what is wrong with them; nothing is raised."""
    problems = []
    picture = None
    photo: Pixels | None = None
    mask: Pixels | None = None
    try:
        picture = load_photo(item.photo)
        photo = picture.over_white()
    except ImageError as error:
        problems.append(_problem("unreadable photo", item, item.photo, error))
    try:
        mask = item.read_mask(photo)
    except ImageError as error:
        problems.append(_problem("unusable mask", item, item.mask or item.photo, error))
    if photo is not None and mask is not None and photo.shape[:2] != mask.shape:
        advice = "export the mask at the photo's size"
        if picture is not None and picture.turned and mask.shape == photo.shape[1::-1]:
            advice = "the photo is turned by its EXIF data, but the mask is not: turn it too"
        message = (
            f"{escape(str(item.mask))} is {mask.shape[1]}x{mask.shape[0]}, but its photo is "
            f"{photo.shape[1]}x{photo.shape[0]} (width x height): {advice}"
        )
        problems.append(Problem("sizes differ", item.split, item.id, item.photo, message, True))
    return CheckedPhoto(item, photo, mask, tuple(problems), picture)


def find_fatal(
    scans: Sequence[Scan],
    on_checked: Callable[[CheckedPhoto], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Problem]:
    """Find all that would stop a training: first what the names say, then what the pixels say.

    `on_checked` is called with every photo and mask that reads and fits, in the order of the
    scans: a place to keep what was decoded. `on_progress` is called with the number of photos
    that were read, and of all.
    """
    problems = [problem for scan in scans for problem in scan.problems if problem.fatal]
    items = [item for scan in scans for item in scan.items]
    return problems + find_unreadable(items, on_checked, on_progress)


def find_unreadable(
    items: Sequence[Item],
    on_checked: Callable[[CheckedPhoto], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Problem]:
    """Find the photos and masks that do not read or fit; see `find_fatal`."""
    problems: list[Problem] = []
    for done, checked in enumerate(map_in_order(read_item, items), start=1):
        problems += checked.problems
        if on_checked is not None and not checked.problems:
            on_checked(checked)
        if on_progress is not None:
            on_progress(done, len(items))
    return problems


def raise_problems(root: Path, problems: Sequence[Problem]) -> None:
    """Raise one HumansegError that counts and lists the problems, if there are any."""
    if problems:
        raise HumansegError(
            f"The data in {escape(str(root))} cannot be used: "
            f"{plural(len(problems), 'problem')}. Repair them and "
            f"run the command again (`humanseg check` shows them with pictures):\n"
            f"{list_problems(problems)}",
            code=code_of(problems),
        )


def _problem(kind: str, item: Item, path: Path, error: ImageError) -> Problem:
    return Problem(kind, item.split, item.id, path, escape(str(error)).rstrip(". "), True)
