"""The frame that stands for an animation."""

from PIL import Image

from humanseg.system.notices import ANIMATION, PAGES, Notice


def seek_shown_frame(image: Image.Image) -> list[Notice]:
    """Seek the first frame of an animation that is not empty."""
    # Further frames of a phone's JPEG are previews, those of TIFF pages, those of PSD layers.
    if image.format in ("MPO", "TIFF", "PSD") or getattr(image, "n_frames", 1) < 2:
        return []
    if image.format == "HEIF":
        # A series: it has been opened at the picture that the file calls the first.
        return [PAGES]
    for frame in range(getattr(image, "n_frames", 1)):
        image.seek(frame)
        image.load()
        if not _is_empty(image):
            return [ANIMATION]
    image.seek(0)
    image.load()
    return [ANIMATION]


def _is_empty(image: Image.Image) -> bool:
    """Return whether a frame has only one colour, or is nowhere opaque."""
    if image.has_transparency_data:
        alpha = image.convert("RGBA").getchannel("A")
        if alpha.getextrema() == (0, 0):
            return True
    bands = image.convert("RGB").getextrema()
    return all(isinstance(band, tuple) and band[0] == band[1] for band in bands)
