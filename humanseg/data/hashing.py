"""SHA-256 digests of photos and masks, which change with any pixel."""

import hashlib
from collections.abc import Iterable

import numpy as np

from humanseg.data.cache.photos import DecodedPhotos
from humanseg.data.labelled_photo import Pixels


def pixels_sha256(photo: Pixels, mask: Pixels | None) -> bytes:
    """Hash a photo (H,W,3) and its mask (H,W), if it has one, their sizes too."""
    digest = hashlib.sha256(f"{photo.shape}\0".encode())
    for layer in (photo,) if mask is None else (photo, mask):
        digest.update(np.ascontiguousarray(layer).data)
    return digest.digest()


def masks_sha256(ids: Iterable[str], photos: DecodedPhotos) -> str:
    """Hash ids and the masks of their photos, sizes too."""

    def masks() -> Iterable[bytes]:
        for index in range(len(photos)):
            _, mask = photos[index]
            assert mask is not None
            yield f"{mask.shape}\0".encode() + mask.tobytes()

    return named_sha256(zip(ids, masks(), strict=True))


def named_sha256(pairs: Iterable[tuple[str, bytes]]) -> str:
    """Hash ids, each with the bytes that belong to it; their order counts."""
    digest = hashlib.sha256()
    for id, content in pairs:
        digest.update(f"{id}\0".encode("utf-8", "surrogateescape"))
        digest.update(content)
    return digest.hexdigest()
