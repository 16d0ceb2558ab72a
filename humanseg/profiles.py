"""Colours as their profile means them."""

import io

from PIL import Image

_MODES = ("RGB", "CMYK")
"""The modes that can be brought to sRGB; profiles call their kinds of colours the same."""


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Bring an image to sRGB, as a viewer does: phones write Display P3, cameras Adobe RGB.

    Parameters
    ----------
    image
        Of any mode.
    profile
        Its ICC profile, if it has one.

    Returns
    -------
    PIL.Image.Image
        In mode RGB where something was to be done. `image` itself where it has no profile, a
        broken one, one of sRGB, or one that does not fit its mode.
    """
    if not profile or image.mode not in _MODES:
        return image
    # Here: few photos need it.
    from PIL import ImageCms

    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        fits = own.profile.xcolor_space.strip() == image.mode
        if not fits or "srgb" in ImageCms.getProfileDescription(own).lower():
            return image
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        result = ImageCms.profileToProfile(
            image, own, srgb, ImageCms.Intent.RELATIVE_COLORIMETRIC, outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        # A broken profile does not make the pixels worse.
        return image
    return image if result is None else result
