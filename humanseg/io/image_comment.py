"""A text in the metadata of an image file."""

from pathlib import Path
from typing import Any

from PIL import Image, PngImagePlugin

from humanseg.io.decoding.limits import without_limit

_KEY = "humanseg"
_DESCRIPTION = 0x010E
"""ImageDescription of EXIF, the one place for a text in WebP."""


def comment_options(file_format: str, text: str) -> dict[str, Any]:
    """Return the options of Pillow's `save` that keep an ASCII text; none for other formats."""
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
    """Return the text that `comment_options` kept in an image; None for any other file."""
    try:
        with without_limit(), Image.open(path) as image:
            text = image.info.get(_KEY) or image.info.get("comment")
            if text is None and image.format == "WEBP":
                text = image.getexif().get(_DESCRIPTION)
    except Exception:
        # Pillow's plugins raise almost anything on a broken file.
        return None
    if isinstance(text, bytes):
        text = text.decode("ascii", "replace")
    return text if isinstance(text, str) else None
