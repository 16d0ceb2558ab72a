"""Which photos these are, as SHA-256 that changes with any pixel of them."""

import hashlib
from collections.abc import Iterable

import numpy as np

from humanseg.data.cache.store import PhotoStore
from humanseg.data.picture import Pixels


def pixels_sha256(photo: Pixels, mask: Pixels | None) -> bytes:
    """Hash a photo (H,W,3) and its mask (H,W), if it has one, their sizes too."""
    digest = hashlib.sha256(f"{photo.shape}\0".encode())
    for array in (photo,) if mask is None else (photo, mask):
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()


def masks_sha256(ids: Iterable[str], store: PhotoStore) -> str:
    """Hash ids and their masks, sizes too; `store` is in the order of `ids`."""

    def masks() -> Iterable[bytes]:
        for index in range(len(store)):
            _, mask = store[index]
            assert mask is not None
            yield f"{mask.shape}\0".encode() + mask.tobytes()

    return named_sha256(zip(ids, masks(), strict=True))


def named_sha256(pairs: Iterable[tuple[str, bytes]]) -> str:
    """Hash ids, each with what belongs to it; their order counts."""
    digest = hashlib.sha256()
    for identity, rest in pairs:
        digest.update(f"{identity}\0".encode("utf-8", "surrogateescape"))
        digest.update(rest)
    return digest.hexdigest()
