"""Which frame of an animation stands for it."""

from PIL import Image

from humanseg.system.notices import ANIMATION, PAGES, Notice


def seek_shown_frame(image: Image.Image) -> list[Notice]:
    """Go to the first frame of an animation that shows anything: some begin with nothing."""
    # The further frames of a phone's JPEG are previews of the same photo, those of TIFF pages.
    if image.format in ("MPO", "TIFF") or getattr(image, "n_frames", 1) < 2:
        return []
    if image.format == "HEIF":
        # Pictures of a series: it has been opened at the one that the file calls the first.
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
    """Return whether a picture is one colour all over, or nowhere opaque."""
    if image.has_transparency_data:
        alpha = image.convert("RGBA").getchannel("A")
        if alpha.getextrema() == (0, 0):
            return True
    bands = image.convert("RGB").getextrema()
    return all(isinstance(band, tuple) and band[0] == band[1] for band in bands)
