"""Write a folder of mixed photos: all sizes, formats and modes, a few of them broken.

The photos are made from a data set; without one, from the built-in sample. They try
`humanseg predict`: the broken ones are listed at the end, and it must list the same.
"""

import argparse
import io
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from humanseg.data.synthetic import write_sample
from humanseg.errors import HumansegError, says_errors
from humanseg.io.files import write_bytes
from humanseg.io.images import read_photo
from humanseg.io.names import PHOTO_SUFFIXES, SPLITS, natural_key

_SMALLEST, _LARGEST = 48, 4000
_HUGE = (5760, 8640)
"""Rows and columns of the one photo of 50 megapixels."""
_ORIENTATION = 0x0112
_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How a camera stores an upright scene, for each value of the tag."""


def _turned(image: Image.Image, rng: np.random.Generator) -> bytes:
    orientation = int(rng.integers(1, 9))
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    how = _STORED[orientation]
    return _encoded(image if how is None else image.transpose(how), "JPEG", exif=exif)


def _encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def _deep(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)


def _see_through(image: Image.Image) -> Image.Image:
    alpha = Image.new("L", image.size, 255)
    alpha.paste(0, (0, 0, image.width, max(1, image.height // 20)))
    return Image.merge("RGBA", (*image.split(), alpha))


_KINDS: tuple[tuple[str, Callable[[Image.Image, np.random.Generator], bytes]], ...] = (
    (".jpg", lambda image, rng: _encoded(image, "JPEG", quality=int(rng.integers(60, 97)))),
    (".jpeg", _turned),
    (".JPG", _turned),
    (".jpg", lambda image, rng: _encoded(image.convert("L"), "JPEG")),
    (".jpg", lambda image, rng: _encoded(image.convert("CMYK"), "JPEG")),
    (".jpg", lambda image, rng: _encoded(image, "JPEG", progressive=True)),
    (".png", lambda image, rng: _encoded(image, "PNG", compress_level=1)),
    (".png", lambda image, rng: _encoded(_see_through(image), "PNG", compress_level=1)),
    (".png", lambda image, rng: _encoded(_see_through(image).convert("LA"), "PNG")),
    (".png", lambda image, rng: _encoded(image.quantize(64), "PNG")),
    (".png", lambda image, rng: _encoded(_deep(image), "PNG", compress_level=1)),
    (".webp", lambda image, rng: _encoded(image, "WEBP", method=0)),
    (".bmp", lambda image, rng: _encoded(image, "BMP")),
    (".tif", lambda image, rng: _encoded(image, "TIFF", compression="tiff_lzw")),
    (".gif", lambda image, rng: _encoded(image, "GIF")),
)
"""Suffixes, and what makes the bytes of a file from an upright RGB photo."""

_BREAKS: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    (".jpg", lambda content: content[: len(content) // 2]),
    (".jpg", lambda content: b""),
    (".jpg", lambda content: b"<!DOCTYPE html><title>404 Not Found</title>"),
    (".jpg", lambda content: content[64:]),
    (".heic", lambda content: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + content[:2000]),
)
"""What happens to files: a download that stopped, a page instead of a photo, another format."""


def make_photos(
    folder: Path, photos: Sequence[Path], count: int, broken: int, seed: int
) -> list[Path]:
    """Write the mixed photos.

    Parameters
    ----------
    folder
        Where to; it gets a folder below for every hundred.
    photos
        What they are made from.
    count
        How many, the broken ones among them.
    broken
        How many of them no program can read.
    seed
        With the rest, it decides every byte.

    Returns
    -------
    list of pathlib.Path
        The broken ones.
    """
    chosen = np.random.default_rng(seed).permutation(count)[:broken].tolist()
    result = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        photo = read_photo(photos[int(rng.integers(len(photos)))])
        place = folder / f"{number // 100:02}" / f"{number:04}"
        if number in chosen:
            suffix, spoil = _BREAKS[chosen.index(number) % len(_BREAKS)]
            path = place.with_suffix(suffix)
            write_bytes(path, spoil(_encoded(Image.fromarray(photo), "JPEG")))
            result.append(path)
            continue
        size = _HUGE if number == count - 1 else _draw_size(photo, rng)
        suffix, encode = _KINDS[0 if size == _HUGE else int(rng.integers(len(_KINDS)))]
        how = cv2.INTER_AREA if size < photo.shape[:2] else cv2.INTER_CUBIC
        scaled = cv2.resize(photo, size[::-1], interpolation=how).astype(np.uint8, copy=False)
        write_bytes(place.with_suffix(suffix), encode(Image.fromarray(scaled), rng))
    return result


def _draw_size(photo: NDArray[np.uint8], rng: np.random.Generator) -> tuple[int, int]:
    """Draw rows and columns: as many small photos as large ones, by their magnitude."""
    side = float(np.exp(rng.uniform(np.log(_SMALLEST), np.log(_LARGEST))))
    scale = side / max(photo.shape)
    return max(1, round(photo.shape[0] * scale)), max(1, round(photo.shape[1] * scale))


def find_photos(root: Path) -> list[Path]:
    """Return the photos of a data set, or of any folder.

    Raises
    ------
    HumansegError
        There are none.
    """
    folders = [root / split for split in SPLITS if (root / split).is_dir()] or [root]
    found = [
        path for folder in folders for path in folder.glob("*") if path.suffix in PHOTO_SUFFIXES
    ]
    if not found:
        raise HumansegError(f"There are no photos in {root}: name a data set, or a folder of them.")
    return sorted(found, key=lambda path: natural_key(str(path)))


@says_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns
    -------
    int
        0; 2 when the person must change something, which is then said.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--data", metavar="ROOT", type=Path, help="a data set; else the sample")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--broken", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    if chosen.folder.exists() and any(chosen.folder.iterdir()):
        raise HumansegError(f"{chosen.folder} is not empty: name a new folder.")
    with tempfile.TemporaryDirectory() as scratch:
        root = chosen.data
        if root is None:
            root = Path(scratch) / "sample"
            write_sample(root, train=12, valid=1, test=1)
        broken = make_photos(
            chosen.folder, find_photos(root), chosen.count, chosen.broken, chosen.seed
        )
    print(f"{chosen.count} photos in {chosen.folder}, of them broken on purpose:")
    for path in broken:
        print(f"  {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
