"""Duplicates: photos with the same pixels, and re-encoded, resized or mirrored near-duplicates.

A cheap hash per photo proposes pairs and the pixels decide, so that two photos of one scene are
not taken for duplicates. On a data set of 2600 portraits, duplicates differed in at most 4 of the
hash's 256 bits and no two different photos in fewer than 51.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from humanseg.data.labelled_photo import Pixels

_BITS = 16
_MARGIN = 2.0
_MAX_DISTANCE = 48
_SMALL = 32
_COMPARED_AT = 160
_FEATURELESS = 3.0


@dataclass(frozen=True)
class PhotoHash:
    """The hashes of a photo, to find its duplicates: about 1 kB."""

    digest: bytes  # of size and pixels: equal exactly when the decoded photos are
    bits: np.ndarray  # uint64 (4,): the difference hash
    mirrored_bits: np.ndarray  # uint64 (4,): that of the mirrored photo
    small: np.ndarray  # uint8 (32, 32): the photo in grey


@dataclass(frozen=True)
class Duplicates:
    """Photos that are duplicates of each other."""

    members: tuple[int, ...]  # indices of the photos, ascending, at least two
    identical: bool  # whether all have the same pixels; otherwise some are near-duplicates


def hash_photo(photo: Pixels) -> PhotoHash:
    """Hash a photo (H, W, 3) so that a re-encoded or resized one has much the same hash.

    It is a difference hash (Neal Krawetz, "Kind of Like That", The Hacker Factor Blog, 2013) of
    16x16 bits: whether brightness rises from one cell of a coarse grid to the next. A rise must
    be more than noise here, so that flat areas hash the same after any re-encoding.
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


def are_duplicates(first: Pixels, second: Pixels) -> bool:
    """Compare two photos pixel by pixel, forgiving encoding, size and a change of brightness.

    Both are brought to one small size and the second's brightness is fitted to the first's by
    least squares. They are duplicates when what remains is small everywhere, not only on average:
    two photos of one scene differ where the person moved. Of photos without any features nothing
    can be known: they are none.
    """
    height, width = first.shape[:2]
    # A duplicate keeps its proportions, up to the rounding of a resize.
    if abs(np.log(width * second.shape[0] / (height * second.shape[1]))) > 0.03:
        return False
    scale = min(1.0, _COMPARED_AT / max(height, width, 1))
    scale = min(scale, max(second.shape[:2]) / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    y_all, x_all = (_grey_at(photo, size) for photo in (first, second))
    # Brightening clips highlights, darkening clips shadows: clipped pixels tell nothing.
    valid = (np.minimum(y_all, x_all) > 6) & (np.maximum(y_all, x_all) < 249)
    if valid.mean() < 0.3:
        valid = np.ones_like(valid)
    x, y = x_all[valid], y_all[valid]
    if min(x.std(), y.std()) < _FEATURELESS:
        return False
    gain = float(((x - x.mean()) * (y - y.mean())).mean() / x.var())
    if not 0.5 < gain < 2.0:
        return False
    residual = np.where(valid, np.abs(y_all - y.mean() - gain * (x_all - x.mean())), 0)
    return bool(residual.mean() < 5.0 and cv2.blur(residual, (9, 9)).max() < 22.0)


def find_duplicates(hashes: Sequence[PhotoHash], read: Callable[[int], Pixels]) -> list[Duplicates]:
    """Find duplicates by the hashes of photos, sorted by their first member.

    `read` returns the photo at an index; it is called for the few pairs whose hashes are alike.
    """
    first_with: dict[bytes, int] = {}
    edges = [
        (first_with.setdefault(photo.digest, index), index) for index, photo in enumerate(hashes)
    ]
    distinct = sorted(first_with.values())
    for left, right, mirrored in _similar_pairs([hashes[index] for index in distinct]):
        first, second = distinct[left], distinct[right]
        photo = read(second)
        if are_duplicates(read(first), photo[:, ::-1] if mirrored else photo):
            edges.append((first, second))
    if not edges:
        return []
    rows, columns = np.array(edges).T
    graph = coo_array((np.ones(len(edges)), (rows, columns)), shape=(len(hashes),) * 2)
    groups: dict[int, list[int]] = {}
    for index, label in enumerate(connected_components(graph, directed=False)[1]):
        groups.setdefault(label, []).append(index)
    return [
        Duplicates(tuple(members), len({hashes[index].digest for index in members}) == 1)
        for members in groups.values()
        if len(members) > 1
    ]


def _difference_bits(coarse: np.ndarray) -> np.ndarray:
    rises = coarse[:, 1:] - coarse[:, :-1] > _MARGIN
    return np.packbits(rises).view(np.uint64)


def _grey_at(photo: Pixels, size: tuple[int, int]) -> np.ndarray:
    grey = cv2.cvtColor(np.ascontiguousarray(photo), cv2.COLOR_RGB2GRAY)
    return cv2.blur(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), (3, 3)).astype(np.float32)


def _similar_pairs(hashes: Sequence[PhotoHash]) -> Iterator[tuple[int, int, bool]]:
    """Propose pairs (first, second, mirrored) with first < second; memory stays flat."""
    if len(hashes) < 2:
        return
    bits = np.stack([photo.bits for photo in hashes])
    mirrored_bits = np.stack([photo.mirrored_bits for photo in hashes])
    small = np.stack([photo.small for photo in hashes]).astype(np.float32)
    small -= small.mean(axis=(1, 2), keepdims=True)
    spread = small.std(axis=(1, 2))
    for first in range(len(hashes) - 1):
        if spread[first] < _FEATURELESS:
            continue
        for mirrored, others in ((False, bits), (True, mirrored_bits)):
            distances = np.bitwise_count(others[first + 1 :] ^ bits[first]).sum(1, dtype=np.uint16)
            for second in first + 1 + np.flatnonzero(distances <= _MAX_DISTANCE):
                if spread[second] >= _FEATURELESS:
                    shown = small[second][:, ::-1] if mirrored else small[second]
                    correlation = (small[first] * shown).mean() / (spread[first] * spread[second])
                    if correlation > 0.95:
                        yield first, int(second), mirrored
