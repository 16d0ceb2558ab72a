"""Photos and masks on disk, joined by the stem of their names and never by their order."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from humanseg.data.problems import Problem, list_problems, printable
from humanseg.errors import HumansegError
from humanseg.task import mask_folder, natural_key

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
"""The suffixes, in lower case, of the files that are read; any other file is passed over."""


@dataclass(frozen=True)
class Item:
    """A photo, and its mask where the split has masks.

    Attributes
    ----------
    id
        The stem that both file names share.
    photo
        The photo's file.
    mask
        The mask's file, or None.
    """

    id: str
    photo: Path
    mask: Path | None

    @property
    def split(self) -> str:
        """The name of the folder that the photo lies in."""
        return self.photo.parent.name


def has_masks(split: str) -> bool:
    """Return whether the task gives masks for `split`: it does for all but test."""
    return split != "test"


def image_files(folder: Path) -> dict[str, list[Path]]:
    """Find the images in a folder, grouped by id.

    Parameters
    ----------
    folder
        Hidden files, sub-folders and files with a suffix outside `SUFFIXES` are passed over.

    Returns
    -------
    dict
        For each id, in natural order, its files; more than one where stems collide. An id is
        the stem in Unicode's composed form (NFC), since some disks store "é" as two
        characters and a mask drawn elsewhere must still find its photo.

    Raises
    ------
    HumansegError
        There is no such folder, or it may not be read.
    """
    found: dict[str, list[Path]] = {}
    try:
        # A link that leads nowhere is kept: reading it will say so by its name.
        for path in sorted(folder.iterdir()):
            if path.name.startswith(".") or path.suffix.lower() not in SUFFIXES or path.is_dir():
                continue
            found.setdefault(unicodedata.normalize("NFC", path.stem), []).append(path)
    except OSError as error:
        raise HumansegError(
            f"Cannot read the folder {printable(str(folder))}: {error.strerror}."
        ) from error
    return {id: found[id] for id in sorted(found, key=natural_key)}


def require_root(root: Path) -> None:
    """Raise a HumansegError unless `root` is a folder."""
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "does not exist"
        raise HumansegError(
            f"The data folder {printable(str(root))} {what}: give the folder that holds train, "
            "train_mask, valid, valid_mask and test."
        )


def scan(root: Path, split: str, masks: bool) -> tuple[list[Item], list[Problem]]:
    """Join the photos of a split with their masks, and say what does not fit.

    Only names are looked at; no image is opened.

    Parameters
    ----------
    root
        The data folder.
    split
        "train", "valid" or "test".
    masks
        Whether each photo must have a mask in ``{split}_mask``. Without, masks are not looked
        at and every `Item.mask` is None.

    Returns
    -------
    items
        Every photo that has one name and, with `masks`, one mask; naturally sorted by id.
    problems
        All others, and masks without a photo (which are not fatal).

    Raises
    ------
    HumansegError
        `root` is not a folder, or a folder in it may not be read.
    """
    require_root(root)
    folder = root / split
    if not folder.is_dir():
        return [], [_folder_problem("missing folder", split, folder, "does not exist")]
    photos = image_files(folder)
    problems = list(_name_problems(split, "photo", photos))
    if not photos:
        names = ", ".join(sorted(suffix[1:] for suffix in SUFFIXES))
        problems.append(
            _folder_problem("empty split", split, folder, f"holds no photo ({names}): put some in")
        )
    if not masks:
        return [
            Item(id, paths[0], None) for id, paths in photos.items() if len(paths) == 1
        ], problems

    drawn_in = root / mask_folder(split)
    if not drawn_in.is_dir():
        what = f"does not exist, so no photo of {split} has a mask"
        problems.append(_folder_problem("missing folder", split, drawn_in, what))
        return [], problems
    drawn = image_files(drawn_in)
    problems += _name_problems(split, "mask", drawn)
    problems += _partner_problems(split, drawn_in, photos, drawn)
    items = [
        Item(id, paths[0], drawn[id][0])
        for id, paths in photos.items()
        if len(paths) == 1 and len(drawn.get(id, [])) == 1
    ]
    return items, problems


def list_items(root: Path, split: str, masks: bool) -> list[Item]:
    """List the photos of a split, with their masks when asked for.

    Parameters
    ----------
    root
        The data folder.
    split
        "train", "valid" or "test".
    masks
        Whether each photo must have a mask; without, every `Item.mask` is None.

    Returns
    -------
    list of Item
        Naturally sorted by id ("2" before "10"); never empty.

    Raises
    ------
    HumansegError
        A folder is missing, the split is empty, photos lack their masks, or two files share a
        stem; all of it at once.
    """
    items, problems = scan(root, split, masks)
    fatal = [problem for problem in problems if problem.fatal]
    if fatal:
        raise HumansegError(
            f"The {split} photos in {printable(str(root))} cannot be used; repair these and run "
            f"the command again:\n{list_problems(fatal)}"
        )
    return items


def _folder_problem(kind: str, split: str, folder: Path, what: str) -> Problem:
    return Problem(kind, split, "", folder, f"the folder {printable(str(folder))} {what}", True)


def _name_problems(split: str, role: str, files: dict[str, list[Path]]) -> Iterable[Problem]:
    for id, paths in files.items():
        if len(paths) > 1:
            names = " and ".join(printable(path.name) for path in paths)
            yield Problem(
                f"two {role}s with one stem",
                split,
                id,
                paths[0],
                f"{names} in {printable(str(paths[0].parent))} share the id {printable(id)}: "
                "keep one, or rename the others",
                True,
            )
        try:
            id.encode()
        except UnicodeEncodeError:
            message = f"{printable(str(paths[0]))} has a name that is not UTF-8: rename it"
            yield Problem("unwritable name", split, id, paths[0], message, True)


def _partner_problems(
    split: str, drawn_in: Path, photos: dict[str, list[Path]], drawn: dict[str, list[Path]]
) -> Iterable[Problem]:
    for id, paths in photos.items():
        if id not in drawn:
            message = (
                f"{printable(str(paths[0]))} has no mask: put {printable(id)}.png into "
                f"{printable(str(drawn_in))}, or take the photo out"
            )
            yield Problem("missing mask", split, id, paths[0], message, True)
    for id, paths in drawn.items():
        if id not in photos:
            message = f"{printable(str(paths[0]))} has no photo in {split}, so it is not used"
            yield Problem("mask without a photo", split, id, paths[0], message, False)
