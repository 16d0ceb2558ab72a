"""Photos and masks on disk, joined by the stem of their names and never by their order."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from humanseg.data.checks.problems import LISTED, Problem, list_problems, printable
from humanseg.data.layout.listing import Listing, list_folder
from humanseg.data.layout.mask_rule import AS_DRAWN, MaskRule
from humanseg.data.layout.similar_names import find_naming, looked_for, looked_for_root
from humanseg.errors import HumansegError
from humanseg.io.names import mask_folder

NO_TEST = "no test photos"
"""The kind of problem that a data folder without test photos has."""

_WITHOUT = {
    "valid": "; data.fold=0 takes a part of train instead",
    "test": ": there will be no test page",
}
"""What comes of it when a split has no photos."""


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
    rule
        How the mask is read.
    """

    id: str
    photo: Path
    mask: Path | None
    rule: MaskRule = AS_DRAWN

    @property
    def split(self) -> str:
        """The name of the folder that the photo lies in."""
        return self.photo.parent.name


def has_masks(split: str) -> bool:
    """Return whether the task gives masks for `split`: it does for all but test."""
    return split != "test"


def require_root(root: Path) -> None:
    """Raise a HumansegError unless `root` is a folder."""
    if not root.is_dir():
        what = f"does not exist{looked_for_root(root)}"
        if root.exists():
            what = "is a file, not a folder"
        raise HumansegError(
            f"The data folder {printable(str(root))} {what}: give the folder that holds train, "
            "train_mask, valid, valid_mask and test."
        )


def scan(
    root: Path, split: str, masks: bool, rule: MaskRule = AS_DRAWN
) -> tuple[list[Item], list[Problem]]:
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
    rule
        How masks are read.

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
    # A training needs photos to learn from and to be judged by, but no test photos.
    needed = split != "test"
    if not folder.is_dir():
        what = f"{_gone(folder)}{looked_for(root, split)}{_WITHOUT.get(split, '')}"
        kind = "missing folder" if needed else NO_TEST
        return [], [_folder_problem(kind, split, folder, what, needed)]
    listing = list_folder(folder)
    photos = listing.images
    problems = [*_passed_over(split, folder, listing), *_name_problems(split, "photo", photos)]
    if not photos:
        only = f", only {said}" if (said := listing.passed_over()) else ""
        do = ": put some right into it" if needed else ""
        what = f"holds no photo{only}{do}{_WITHOUT.get(split, '')}"
        kind = "empty split" if needed else NO_TEST
        problems.append(_folder_problem(kind, split, folder, what, needed))
    if not masks:
        return [
            Item(id, paths[0], None) for id, paths in photos.items() if len(paths) == 1
        ], problems

    drawn_in = root / mask_folder(split)
    if not drawn_in.is_dir():
        what = (
            f"{_gone(drawn_in)}, so no photo of {split} has a mask{looked_for(root, drawn_in.name)}"
        )
        problems.append(_folder_problem("missing folder", split, drawn_in, what))
        return [], problems
    listing = list_folder(drawn_in)
    problems += _passed_over(split, drawn_in, listing)
    problems += _name_problems(split, "mask", listing.images)
    drawn, renamed = by_photo(photos, listing.images)
    if renamed:
        what = f"names masks otherwise than photos, {printable(renamed)}: that is how they are read"
        problems.append(_folder_problem("masks of other names", split, drawn_in, what, False))
    problems += _partner_problems(split, drawn_in, photos, drawn)
    items = [
        Item(id, paths[0], drawn[id][0], rule)
        for id, paths in photos.items()
        if len(paths) == 1 and len(drawn.get(id, [])) == 1
    ]
    return items, problems


def by_photo(
    photos: dict[str, list[Path]], masks: dict[str, list[Path]]
) -> tuple[dict[str, list[Path]], str]:
    """Name masks by the ids of their photos.

    Parameters
    ----------
    photos, masks
        The files by their stems.

    Returns
    -------
    masks
        As they are where any is called like its photo. Where none is, and all follow from the
        photos' names in one way, such as ``0_mask`` for ``0``, by the photos' ids.
    naming
        That way; empty where masks are called like their photos.
    """
    if not photos or not masks or photos.keys() & masks.keys():
        return masks, ""
    naming = find_naming(list(photos), list(masks))
    if naming is None:
        return masks, ""
    ids = {naming.mask_of(id): id for id in photos}
    return {ids.get(stem, stem): paths for stem, paths in masks.items()}, str(naming)


def list_items(root: Path, split: str, masks: bool, rule: MaskRule = AS_DRAWN) -> list[Item]:
    """List the photos of a split, with their masks when asked for.

    Parameters
    ----------
    root
        The data folder.
    split
        "train", "valid" or "test".
    masks
        Whether each photo must have a mask; without, every `Item.mask` is None.
    rule
        How masks are read.

    Returns
    -------
    list of Item
        Naturally sorted by id ("2" before "10"); empty for test alone.

    Raises
    ------
    HumansegError
        A folder is missing, the split is empty, photos lack their masks, or two files share a
        stem; all of it at once.
    """
    items, problems = scan(root, split, masks, rule)
    fatal = [problem for problem in problems if problem.fatal]
    if fatal:
        raise HumansegError(
            f"The {split} photos in {printable(str(root))} cannot be used; repair these and run "
            f"the command again:\n{list_problems(fatal)}"
        )
    return items


def _gone(folder: Path) -> str:
    return "is a link that leads nowhere" if folder.is_symlink() else "does not exist"


def _folder_problem(kind: str, split: str, folder: Path, what: str, fatal: bool = True) -> Problem:
    return Problem(kind, split, "", folder, f"the folder {printable(str(folder))} {what}", fatal)


def _passed_over(split: str, folder: Path, listing: Listing) -> Iterable[Problem]:
    if said := listing.passed_over():
        yield _folder_problem("passed over", split, folder, f"holds {said}, not read", False)


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
    unused = [paths[0] for id, paths in drawn.items() if id not in photos]
    for count, (id, paths) in enumerate((id, photos[id]) for id in photos if id not in drawn):
        # No more than are listed: each is compared with all masks.
        near = [path.name for path in unused if id in path.stem] if count < LISTED else []
        there = f"; it holds {printable(' and '.join(near[:3]))}" if near else ""
        message = (
            f"{printable(str(paths[0]))} has no mask: put {printable(id)}.png into "
            f"{printable(str(drawn_in))}{there}, or take the photo out"
        )
        yield Problem("missing mask", split, id, paths[0], message, True)
    for id, paths in drawn.items():
        if id not in photos:
            message = f"{printable(str(paths[0]))} has no photo in {split}, so it is not used"
            yield Problem("mask without a photo", split, id, paths[0], message, False)
