"""Photos and masks on disk, joined by the stem of their names and never by their order."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from humanseg.data.checks.problems import LISTED, Problem, code_of, escape, list_problems
from humanseg.data.labelled_photo import Pixels
from humanseg.data.layout.listing import Listing, list_folder
from humanseg.data.layout.mask_rule import AS_DRAWN, MaskRule
from humanseg.data.layout.similar_names import find_naming, suggest_folder, suggest_root
from humanseg.errors import HumansegError
from humanseg.io.names import mask_folder

Files = dict[str, list[Path]]
"""For each id its files; more than one where stems collide."""

NO_TEST = "no test photos"
"""The kind of problem that a data folder without test photos has."""
SKIPPED = "skipped files"

_WITHOUT = {
    "valid": "; with data.fold=0 a training takes a part of train instead",
    "test": ": there will be no test page",
}
"""The consequence of a split without photos."""


@dataclass(frozen=True)
class Item:
    """A photo, and its mask where the split has masks."""

    id: str  # the stem that both file names share
    photo: Path
    mask: Path | None
    rule: MaskRule = AS_DRAWN
    no_person: bool = False  # without a mask, since all of it is background

    @property
    def split(self) -> str:
        """The name of the folder that the photo is in."""
        return self.photo.parent.name

    @property
    def has_mask(self) -> bool:
        """Whether it is known where the person is."""
        return self.mask is not None or self.no_person

    def read_mask(self, photo: Pixels | None) -> Pixels | None:
        """Read the mask, (H, W) in {0, 1}; `photo` gives its size for a photo without people.

        None without a mask, or without the photo that has the size. Raises an ImageError where
        the mask cannot be used.
        """
        if self.no_person:
            return None if photo is None else np.zeros(photo.shape[:2], np.uint8)
        return None if self.mask is None else self.rule.read(self.mask)


@dataclass(frozen=True)
class Scan:
    """The photos and masks of a split by their names; no image is opened."""

    root: Path = Path()
    split: str = ""
    items: list[Item] = field(default_factory=list)  # with one photo and, where needed, one mask
    problems: list[Problem] = field(default_factory=list)
    photos: Files = field(default_factory=dict)
    masks: Files | None = None  # by the ids of their photos; None: there is no folder of masks

    def require_items(self) -> list[Item]:
        """Return the items; raise one HumansegError that names all fatal problems."""
        if fatal := [problem for problem in self.problems if problem.fatal]:
            raise HumansegError(
                f"The {self.split} photos in {escape(str(self.root))} cannot be used; repair "
                f"these and run the command again:\n{list_problems(fatal)}",
                code=code_of(fatal),
            )
        return self.items


def has_masks(split: str) -> bool:
    """Return whether the task gives masks for `split`: it does for all but test."""
    return split != "test"


def require_root(root: Path) -> None:
    """Raise a HumansegError unless `root` is a folder."""
    if not root.is_dir():
        what = f"does not exist{suggest_root(root)}"
        if root.exists():
            what = "is a file, not a folder"
        raise HumansegError(
            f"The data folder {escape(str(root))} {what}: give the folder that holds train, "
            "train_mask, valid, valid_mask and test.",
            code="data.no_folder",
        )


def scan(root: Path, split: str, masks: bool, rule: MaskRule = AS_DRAWN) -> Scan:
    """Join the photos of a split with their masks by name, and collect what does not fit.

    Without `masks`, `{split}_mask` is not looked at and every `Item.mask` is None. Items are
    sorted naturally by id ("2" before "10").
    """
    require_root(root)
    mask_root = root / mask_folder(split) if masks else None
    return join_folders(root, split, root / split, mask_root, rule)


def join_folders(
    root: Path, split: str, folder: Path, mask_root: Path | None, rule: MaskRule = AS_DRAWN
) -> Scan:
    """Join the photos of a folder with the masks of another one, or of none; see `scan`."""
    # A training needs photos to learn from and to be validated on, but no test photos.
    needed = split != "test"
    if not folder.is_dir():
        what = f"{_missing(folder)}{suggest_folder(root, split)}{_WITHOUT.get(split, '')}"
        kind = "missing folder" if needed else NO_TEST
        return Scan(root, split, problems=[_folder_problem(kind, split, folder, what, needed)])
    listing = list_folder(folder)
    photos = listing.images
    problems = [*_skipped(split, folder, listing), *_name_problems(split, "photo", photos)]
    if not photos:
        only = f", only {skipped}" if (skipped := listing.skipped()) else ""
        do = ": put some right into it" if needed else ""
        what = f"holds no photo{only}{do}{_WITHOUT.get(split, '')}"
        kind = "empty split" if needed else NO_TEST
        problems.append(_folder_problem(kind, split, folder, what, needed))
    unique = {id: paths[0] for id, paths in photos.items() if len(paths) == 1}
    if mask_root is None:
        items = [Item(id, photo, None) for id, photo in unique.items()]
        return Scan(root, split, items, problems, photos)

    if not mask_root.is_dir():
        suggestion = suggest_folder(root, mask_root.name)
        what = f"{_missing(mask_root)}, so no photo of {split} has a mask{suggestion}"
        problems.append(_folder_problem("missing folder", split, mask_root, what))
        return Scan(root, split, [], problems, photos)
    listing = list_folder(mask_root)
    problems += _skipped(split, mask_root, listing)
    problems += _name_problems(split, "mask", listing.images)
    by_id, renamed = _by_photo(photos, listing.images)
    if renamed:
        what = f"names masks otherwise than photos, {escape(renamed)}: that is how they are read"
        problems.append(_folder_problem("masks of other names", split, mask_root, what, False))
    problems += _partner_problems(split, mask_root, photos, by_id)
    items = [
        Item(id, photo, by_id[id][0], rule)
        for id, photo in unique.items()
        if len(by_id.get(id, [])) == 1
    ]
    return Scan(root, split, items, problems, photos, by_id)


def list_items(root: Path, split: str, masks: bool, rule: MaskRule = AS_DRAWN) -> list[Item]:
    """List the photos of a split, with their masks when asked for; see `scan`.

    Raises one HumansegError where a folder is missing, the split is empty (test may be), photos
    lack their masks, or two files share a stem.
    """
    return scan(root, split, masks, rule).require_items()


def scan_unlabelled(folder: Path) -> Scan:
    """List the unlabelled photos of a folder; raise a HumansegError where there is none.

    An id is the folder's and the file's name, so that it is none of a labelled photo.
    """
    listing = list_folder(folder) if folder.is_dir() else None
    if listing is None or not listing.images:
        raise HumansegError(
            f"distillation.unlabelled_dir: there is no photo in {escape(str(folder))}. Give a "
            "folder of photos, or null.",
            code="data.no_unlabelled_photos",
        )
    items = [
        Item(f"{folder.name}/{path.name}", path, None)
        for paths in listing.images.values()
        for path in paths
    ]
    problems = list(_skipped("unlabelled", folder, listing))
    return Scan(folder, "unlabelled", items, problems, listing.images)


def _by_photo(photos: Files, masks: Files) -> tuple[Files, str]:
    """Return masks by the ids of their photos.

    Where no mask is called like its photo, and all names follow from the photos' in one way such
    as `0_mask` for `0`, that way is returned too.
    """
    if not photos or not masks or photos.keys() & masks.keys():
        return masks, ""
    naming = find_naming(list(photos), list(masks))
    if naming is None:
        return masks, ""
    ids = {naming.mask_of(id): id for id in photos}
    return {ids.get(stem, stem): paths for stem, paths in masks.items()}, str(naming)


def _missing(folder: Path) -> str:
    return "is a link that leads nowhere" if folder.is_symlink() else "does not exist"


def _folder_problem(kind: str, split: str, folder: Path, what: str, fatal: bool = True) -> Problem:
    return Problem(kind, split, "", folder, f"the folder {escape(str(folder))} {what}", fatal)


def _skipped(split: str, folder: Path, listing: Listing) -> Iterable[Problem]:
    if skipped := listing.skipped():
        yield _folder_problem(SKIPPED, split, folder, f"holds {skipped}, not read", False)


def _name_problems(split: str, role: str, files: Files) -> Iterable[Problem]:
    for id, paths in files.items():
        if len(paths) > 1:
            names = " and ".join(escape(path.name) for path in paths)
            yield Problem(
                f"two {role}s with one stem",
                split,
                id,
                paths[0],
                f"{names} in {escape(str(paths[0].parent))} share the id {escape(id)}: "
                "keep one, or rename the others",
                True,
            )
        try:
            id.encode()
        except UnicodeEncodeError:
            message = f"{escape(str(paths[0]))} has a name that is not UTF-8: rename it"
            yield Problem("unwritable name", split, id, paths[0], message, True)


def _partner_problems(
    split: str, mask_root: Path, photos: Files, by_id: Files
) -> Iterable[Problem]:
    unused = [paths[0] for id, paths in by_id.items() if id not in photos]
    for count, (id, paths) in enumerate((id, photos[id]) for id in photos if id not in by_id):
        # No more than are listed: each is compared with all masks.
        near = [path.name for path in unused if id in path.stem] if count < LISTED else []
        there = f"; it holds {escape(' and '.join(near[:3]))}" if near else ""
        message = (
            f"{escape(str(paths[0]))} has no mask: put {escape(id)}.png into "
            f"{escape(str(mask_root))}{there}, or take the photo out"
        )
        yield Problem("missing mask", split, id, paths[0], message, True)
    for id, paths in by_id.items():
        if id not in photos:
            message = f"{escape(str(paths[0]))} has no photo in {split}, so it is not used"
            yield Problem("mask without a photo", split, id, paths[0], message, False)
