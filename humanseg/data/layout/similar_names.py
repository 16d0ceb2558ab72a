"""Guesses which folders and masks with other names were meant."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from itertools import islice
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
    """Find the folder, relative to `root`, that may be meant by one that is not there.

    For "train_mask": "train_masks", "Train_mask", "masks/train", "train/masks"; or
    "photos/train_mask" where the five folders are one deeper. None where none or more than one
    looks like it.
    """
    folders = list(_folders(root))
    wanted = _words(name)
    similar = [folder for folder in folders if _words(str(folder)) == wanted]
    similar = similar or [folder for folder in folders if folder.name == name]
    if not similar:
        names = {str(folder): folder for folder in folders if len(folder.parts) == 1}
        similar = [names[near] for near in get_close_matches(name, names, n=1, cutoff=0.85)]
    return similar[0] if len(similar) == 1 else None


def suggest_folder(root: Path, name: str) -> str:
    """Return a question after the folder that may be meant; empty where none is similar."""
    if (root.parent / name).is_dir():
        return f"; did you mean the folder above, {escape(str(root.parent.resolve()))}?"
    near = near_folder(root, name)
    if near is None:
        return ""
    if near.name == name and _words(str(near.parent)):
        return f"; did you mean the data folder {escape(str((root / near).parent))}?"
    return f"; did you mean {escape(str(root / near))}? Then call it {name}"


def suggest_root(root: Path) -> str:
    """Return a question after a folder of a similar name; empty where there is none."""
    try:
        names = [path.name for path in root.parent.iterdir() if path.is_dir()]
    except OSError:
        return ""
    by_lower = {name.lower(): name for name in names}
    near = get_close_matches(root.name.lower(), by_lower, n=1, cutoff=0.75)
    return f", did you mean {escape(str(root.with_name(by_lower[near[0]])))}?" if near else ""


def _folders(root: Path) -> Iterator[Path]:
    """List the first folders in a folder and one deeper, relative to it."""
    folders = (
        path.relative_to(root) for depth in ("*/", "*/*/") for path in sorted(root.glob(depth))
    )
    visible = (path for path in folders if not any(part[0] == "." for part in path.parts))
    return islice(visible, _MOST_FOLDERS)


def _words(name: str) -> frozenset[str]:
    words = [word.lower().removesuffix("s") for word in re.findall(_WORD, name)]
    # "trainmask" is written in one, too.
    words = [part for word in words for part in re.sub(r"(?<=.)mask", " mask", word).split()]
    return frozenset(_ALIKE.get(word, word) for word in words if word not in _OF_PHOTOS)


@dataclass(frozen=True)
class Naming:
    """The rule by which names of masks follow from those of photos, where they differ.

    `photo` and `mask` are what stands before and after that which both names have in common.
    """

    photo: tuple[str, str]
    mask: tuple[str, str]

    def mask_of(self, id: str) -> str | None:
        """Return the stem of a photo's mask; None where the photo's name is another."""
        prefix, suffix = self.photo
        long_enough = len(id) > len(prefix) + len(suffix)
        if not (long_enough and id.startswith(prefix) and id.endswith(suffix)):
            return None
        return f"{self.mask[0]}{id[len(prefix) : len(id) - len(suffix)]}{self.mask[1]}"

    def __str__(self) -> str:
        """Return the patterns: "*_mask for *"."""
        (prefix, suffix), (mask_before, mask_after) = self.photo, self.mask
        return f"{mask_before}*{mask_after} for {prefix}*{suffix}"


def find_naming(photos: Sequence[str], masks: Sequence[str]) -> Naming | None:
    """Find the one way in which masks are named otherwise than their photos: `*_mask` for `*`.

    It gives every photo a mask of its own. None where there is none such, or more than one.
    """
    stems = set(masks)
    namings = {
        naming
        for mask in masks
        if (naming := _naming(photos[0], mask)) is not None
        and all(naming.mask_of(id) in stems for id in photos)
    }
    explicit = {naming for naming in namings if "mask" in _words(" ".join(naming.mask))}
    namings = explicit or namings
    return namings.pop() if len(namings) == 1 else None


def _naming(photo: str, mask: str) -> Naming | None:
    """Compare two names; what differs must be whole words, and no numbers."""
    same = SequenceMatcher(None, photo, mask, autojunk=False).find_longest_match()
    if not same.size:
        return None
    ends = [
        (name[:start], name[start : start + same.size], name[start + same.size :])
        for name, start in ((photo, same.a), (mask, same.b))
    ]
    for prefix, core, suffix in ends:
        if any(char.isdigit() for char in prefix + suffix):
            return None
        inside_a_word = (prefix[-1:].isalpha() and core[0].isalpha()) or (
            core[-1].isalpha() and suffix[:1].isalpha()
        )
        if inside_a_word or not any(char.isalnum() for char in core):
            return None
    (photo_before, _, photo_after), (mask_before, _, mask_after) = ends
    return Naming((photo_before, photo_after), (mask_before, mask_after))
