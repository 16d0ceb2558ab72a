"""A text that travels inside the file of a picture, which no viewer shows as part of it."""

from pathlib import Path
from typing import Any

from PIL import Image, PngImagePlugin

from humanseg.io.decoding.limits import without_limit

_KEY = "humanseg"
_DESCRIPTION = 0x010E
"""ImageDescription of EXIF, the one place for a text in WebP."""


def comment_options(file_format: str, text: str) -> dict[str, Any]:
    """Return what Pillow's `save` needs to keep a text; nothing for a format that cannot."""
    if file_format == "PNG":
        chunk = PngImagePlugin.PngInfo()
        chunk.add_text(_KEY, text)
        return {"pnginfo": chunk}
    if file_format == "JPEG":
        return {"comment": text.encode("ascii")}
    if file_format == "WEBP":
        exif = Image.Exif()
        exif[_DESCRIPTION] = text
        return {"exif": exif}
    return {}


def read_comment(path: Path) -> str | None:
    """Return the text that `comment_options` kept in a picture; None where there is none.

    Only the file's head is read. A file that is no picture, or a broken one, holds none.
    """
    try:
        with without_limit(), Image.open(path) as image:
            found = image.info.get(_KEY) or image.info.get("comment")
            if found is None and image.format == "WEBP":
                found = image.getexif().get(_DESCRIPTION)
    except Exception:
        # Pillow's readers raise almost anything on a broken file.
        return None
    if isinstance(found, bytes):
        found = found.decode("ascii", "replace")
    return found if isinstance(found, str) else None
