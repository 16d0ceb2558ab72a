"""The names of folders, files and columns, which files are photos, and the order of ids."""

import re

SPLITS = ("train", "valid", "test")
"""The folders that hold photos."""

TEMPLATE_NAME = "pred_valid_template.csv"
"""The file in the data folder that says which ids a submission has, and in which order."""

HEADER = ("id", "rle_mask")
"""The columns of a submission."""
PHOTO_SUFFIXES = frozenset(
    ".avif .bmp .gif .heic .heif .hif .jfif .jp2 .jpe .jpeg .jpg .mpo .pbm .pgm .png .pnm .ppm "
    ".psd .tga .tif .tiff .webp".split()
)
"""Files in a folder that count as photos. Those that Pillow cannot read are reported, too."""

SYSTEM_FILES = frozenset({".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", "lost+found"})
"""What systems leave in a folder that a person has looked at, or of a whole disk, in lower case."""


def mask_folder(split: str) -> str:
    """Return the name of the folder that holds the masks of `split`."""
    return f"{split}_mask"


def natural_key(id: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Return a key for natural sort order: "2" before "10", "a9" before "a10", "07" unlike "7"."""
    parts: list[tuple[int, int, str]] = []
    for text in re.findall(r"[0-9]+|[^0-9]+", id):
        if text[0] in "0123456789":
            # Numbers compare by length, then as text: int() refuses very long ones.
            digits = text.lstrip("0")
            parts.append((0, len(digits), digits))
        else:
            parts.append((1, 0, text))
    return tuple(parts), id
