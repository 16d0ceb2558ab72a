"""Folders and masks under other names than the task's: what somebody may have meant."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from pathlib import Path

from humanseg.data.checks.problems import escape

_ALIKE = {
    "training": "train",
    "val": "valid",
    "validation": "valid",
    "validate": "valid",
    "testing": "test",
    "label": "mask",
    "annotation": "mask",
    "segmentation": "mask",
    "matte": "mask",
    "alpha": "mask",
    "gt": "mask",
}
_OF_PHOTOS = {"image", "img", "photo", "picture", "jpeg", "input"}
_MOST_FOLDERS = 200
_WORD = r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])"


def near_folder(root: Path, name: str) -> Path | None:
    """Find the folder that may be meant by one that is not there.

    Parameters
    ----------
    root
        The data folder.
    name
        Such as "train_mask", which is not in it.

    Returns
    -------
    pathlib.Path or None
        Relative to `root`: "train_masks", "Train_mask", "masks/train", "train/masks"; or
        "photos/train_mask" where the five folders lie one deeper. None where none or more than
        one looks like it.
    """
    folders = list(_folders(root))
    wanted = _words(name)
    alike = [each for each in folders if _words(str(each)) == wanted]
    alike = alike or [each for each in folders if each.name == name]
    if not alike:
        names = {str(each): each for each in folders if len(each.parts) == 1}
        typo = get_close_matches(name, names, n=1, cutoff=0.85)
        alike = [names[near] for near in typo]
    return alike[0] if len(alike) == 1 else None


def suggest_folder(root: Path, name: str) -> str:
    """Ask whether another folder was meant by one that is not there; empty where none is near."""
    if (root.parent / name).is_dir():
        return f"; did you mean the folder above, {escape(str(root.parent.resolve()))}?"
    near = near_folder(root, name)
    if near is None:
        return ""
    if near.name == name and _words(str(near.parent)):
        return f"; did you mean the data folder {escape(str((root / near).parent))}?"
    return f"; did you mean {escape(str(root / near))}? Then call it {name}"


def suggest_root(root: Path) -> str:
    """Ask whether a folder of a near name was meant by a data folder that is not there."""
    try:
        names = [path.name for path in root.parent.iterdir() if path.is_dir()]
    except OSError:
        return ""
    by_lower = {name.lower(): name for name in names}
    near = get_close_matches(root.name.lower(), by_lower, n=1, cutoff=0.75)
    return f", did you mean {escape(str(root.with_name(by_lower[near[0]])))}?" if near else ""


def _folders(root: Path) -> Iterator[Path]:
    """List the folders in a folder and one deeper, relative to it; the first of them."""
    count = 0
    for path in sorted(root.glob("*/")) + sorted(root.glob("*/*/")):
        if any(part.startswith(".") for part in path.relative_to(root).parts):
            continue
        count += 1
        if count > _MOST_FOLDERS:
            return
        yield path.relative_to(root)


def _words(name: str) -> frozenset[str]:
    words = [word.lower().removesuffix("s") for word in re.findall(_WORD, name)]
    # "trainmask" is written in one, too.
    words = [part for word in words for part in re.sub(r"(?<=.)mask", " mask", word).split()]
    return frozenset(_ALIKE.get(word, word) for word in words if word not in _OF_PHOTOS)


@dataclass(frozen=True)
class Naming:
    """How the names of masks follow from those of photos, where they are not the same.

    Attributes
    ----------
    photo, mask
        What stands before and after that which a photo and its mask have in common.
    """

    photo: tuple[str, str]
    mask: tuple[str, str]

    def mask_of(self, id: str) -> str | None:
        """Return the stem of a photo's mask; None where the photo's name is another."""
        before, after = self.photo
        long_enough = len(id) > len(before) + len(after)
        if not (long_enough and id.startswith(before) and id.endswith(after)):
            return None
        return f"{self.mask[0]}{id[len(before) : len(id) - len(after)]}{self.mask[1]}"

    def __str__(self) -> str:
        """Write an example: "0_mask for 0"."""
        (before, after), (mask_before, mask_after) = self.photo, self.mask
        return f"{mask_before}*{mask_after} for {before}*{after}"


def find_naming(photos: Sequence[str], masks: Sequence[str]) -> Naming | None:
    """Find the one way in which the masks of photos are named otherwise than the photos.

    Parameters
    ----------
    photos
        Ids without a mask of the same name; at least one.
    masks
        Stems of masks without a photo of the same name.

    Returns
    -------
    Naming or None
        Such as ``*_mask`` for ``*``, ``mask_*`` for ``img_*``. It gives every photo a mask of
        its own. None where there is none such, or more than one.
    """
    there = set(masks)
    first = photos[0]
    possible = {naming for mask in masks if (naming := _naming(first, mask))}
    found = {each for each in possible if _fits(each.mask_of, photos, there)}
    said_so = {each for each in found if "mask" in _words(" ".join(each.mask))}
    found = said_so or found
    return found.pop() if len(found) == 1 else None


def _fits(mask_of: Callable[[str], str | None], photos: Sequence[str], masks: set[str]) -> bool:
    return all(mask_of(id) in masks for id in photos)


def _naming(photo: str, mask: str) -> Naming | None:
    """Compare two names; what differs must be whole words, and no numbers."""
    same = SequenceMatcher(None, photo, mask, autojunk=False).find_longest_match()
    if not same.size:
        return None
    ends = [
        (name[:start], name[start : start + same.size], name[start + same.size :])
        for name, start in ((photo, same.a), (mask, same.b))
    ]
    for before, core, after in ends:
        if any(char.isdigit() for char in before + after):
            return None
        inside_a_word = (before[-1:].isalpha() and core[0].isalpha()) or (
            core[-1].isalpha() and after[:1].isalpha()
        )
        if inside_a_word or not any(char.isalnum() for char in core):
            return None
    (photo_before, _, photo_after), (mask_before, _, mask_after) = ends
    return Naming((photo_before, photo_after), (mask_before, mask_after))
