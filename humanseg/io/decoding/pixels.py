"""The pixels of a decoded image as RGB and opacity, converted a strip at a time."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from humanseg.io.decoding.value_range import ValueRange, guess_value_range
from humanseg.system.notices import RESCALED, Notice

Pixels = NDArray[np.uint8]
Conversion = Callable[[Image.Image], Image.Image]

_STRIP = 1 << 22
"""Pixels that are converted at once: a large photo is never in memory twice."""
_NEARLY_ALL = 99.9
_MODES = ("RGB", "CMYK")
"""The modes that a profile converts; profiles call their colour spaces the same."""
_UNUSED_ALPHA = ("BMP", "DIB", "TGA")
"""Formats in which many programs leave the opacity at 0."""


def to_layers(
    image: Image.Image, orientation: int
) -> tuple[Pixels, Pixels | None, tuple[Notice, ...]]:
    """Return a decoded image as sRGB, uint8 (H,W,3), and opacity, uint8 (H,W) or None; upright."""
    scale = _scale(image)
    convert = _srgb_converter(image)
    width, height = image.size
    upright = (width, height) if orientation >= 5 else (height, width)
    rgb = np.empty((*upright, 3), np.uint8)
    alpha = np.empty(upright, np.uint8) if image.has_transparency_data else None
    # Views in the orientation of the file: filling them turns the photo without a copy.
    stored_rgb = _as_stored(rgb, orientation)
    stored_alpha = None if alpha is None else _as_stored(alpha, orientation)
    for rows, strip in _strips(image):
        colours, opacity = _convert(strip, scale, convert)
        stored_rgb[rows] = colours
        if stored_alpha is not None:
            stored_alpha[rows] = 255 if opacity is None else opacity
    if alpha is not None and (
        alpha.min() == 255 or (image.format in _UNUSED_ALPHA and alpha.max() == 0)
    ):
        alpha = None
    return rgb, alpha, (RESCALED,) if scale is not None and scale.is_guess else ()


def over_white(rgb: Pixels, alpha: Pixels | None) -> Pixels:
    """Composite uint8 (H,W,3) over white, as viewers do; `rgb` itself where all is opaque."""
    if alpha is None:
        return rgb
    result = np.empty_like(rgb)
    step = max(1, _STRIP // max(1, rgb.shape[1]))
    for top in range(0, len(rgb), step):
        rows = slice(top, top + step)
        share = alpha[rows][..., None].astype(np.uint32)
        result[rows] = (rgb[rows] * share + 255 * (255 - share) + 127) // 255
    return result


def upright(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn the rows and columns of a file by its EXIF orientation, from 1 to 8."""
    # Each of the eight is its own inverse, but for the two quarter turns.
    return _as_stored(array, {6: 8, 8: 6}.get(orientation, orientation))


def wide_values(image: Image.Image) -> NDArray[np.number]:
    """Return the values of an image of one channel with more than 8 bits."""
    values = np.asarray(image)
    return values.astype(np.int64) if image.mode.startswith("I") else values.astype(np.float64)


def is_wide(image: Image.Image) -> bool:
    """Return whether an image has one channel with more than 8 bits."""
    return image.mode == "F" or image.mode.startswith("I")


def _as_stored(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return a view of an upright image with the rows and columns of the file."""
    if orientation >= 5:
        array = array.swapaxes(0, 1)
    # Exif 2.32, CIPA DC-008-2019, tag 274: where the stored row 0 and column 0 are seen.
    if orientation in (3, 4, 6, 7):
        array = array[::-1]
    if orientation in (2, 3, 7, 8):
        array = array[:, ::-1]
    return array


def _strips(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    width, height = image.size
    step = max(1, _STRIP // max(1, width))
    if step >= height:
        yield slice(0, height), image
        return
    for top in range(0, height, step):
        bottom = min(top + step, height)
        yield slice(top, bottom), image.crop((0, top, width, bottom))


def _scale(image: Image.Image) -> ValueRange | None:
    if not is_wide(image):
        return None
    whole = image.mode != "F"
    low, high = np.inf, -np.inf
    for _, strip in _strips(image):
        values = wide_values(strip)
        finite = values[np.isfinite(values)]
        if finite.size:
            # Fractions may have a hot pixel, or the sun, far brighter than the rest.
            top = finite.max() if whole else np.percentile(finite, _NEARLY_ALL)
            low, high = min(low, float(finite.min())), max(high, float(top))
    if low > high:
        return ValueRange(0, 1)
    return guess_value_range(low, high, whole, image.mode.startswith("I;16"))


def _convert(
    strip: Image.Image, scale: ValueRange | None, convert: Conversion
) -> tuple[Pixels, Pixels | None]:
    if scale is not None:
        values = wide_values(strip)
        key = strip.info.get("transparency")
        opacity = None
        if isinstance(key, int):
            opacity = np.where(values == key, np.uint8(0), np.uint8(255))
        grey = Image.fromarray(scale.to_eight_bits(values))
        return np.asarray(convert(grey)), opacity
    if not strip.has_transparency_data:
        return np.asarray(convert(strip)), None
    key = strip.info.get("transparency")
    if isinstance(key, tuple) and max(key) > 255:
        # Of 16 bits, of which the pixels have the upper 8.
        strip.info["transparency"] = tuple(value >> 8 for value in key)
    with_alpha = strip.convert("RGBA")
    return np.asarray(convert(with_alpha.convert("RGB"))), np.asarray(with_alpha.getchannel("A"))


def _srgb_converter(image: Image.Image) -> Conversion:
    """Return a function that converts an image without transparency, or a part of it, to sRGB."""
    if profile := image.info.get("icc_profile"):
        transforms = {mode: _transform(profile, mode) for mode in {image.mode, "RGB"}}

        def by_profile(part: Image.Image) -> Image.Image:
            if (transform := transforms.get(part.mode)) is not None:
                return transform(part)
            # An RGB profile counts for what is in a palette or beside transparency, too.
            part = part.convert("RGB")
            return part if (transform := transforms["RGB"]) is None else transform(part)

        return by_profile
    return _as_it_is


def _transform(profile: bytes, mode: str) -> Conversion | None:
    """Return a converter for images of one mode; None where nothing is to be converted."""
    if mode not in _MODES:
        return None
    # Here: few photos need it.
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        fits = source.profile.xcolor_space.strip() == mode
        name = ImageCms.getProfileDescription(source).lower()
        # Those of linear light, as GIMP writes it, have sRGB in their names too.
        if not fits or ("srgb" in name and "linear" not in name):
            return None
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        transform = ImageCms.buildTransform(
            source, srgb, mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        # A broken profile does not make the pixels worse.
        return None

    def apply(image: Image.Image) -> Image.Image:
        try:
            return ImageCms.applyTransform(image, transform) or image.convert("RGB")
        except ImageCms.PyCMSError:
            return image.convert("RGB")

    return apply


def _as_it_is(part: Image.Image) -> Image.Image:
    return part if part.mode == "RGB" else part.convert("RGB")
