"""Colours of more than 8 bits by OpenCV: Pillow cuts them to 8 bits, or does not read them."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from humanseg.io.decoding.value_range import LEAST_OF_16_BITS, ValueRange, guess_value_range


def decode_high_bit_depth(data: bytes | bytearray) -> tuple[Image.Image, bool] | None:
    """Decode a PNG or TIFF file to L, RGB or RGBA; also return whether black and white are guesses.

    Its orientation must be 1. None where it cannot be read.
    """
    import cv2

    level = cv2.utils.logging.getLogLevel()
    # It prints warnings.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    finally:
        cv2.utils.logging.setLogLevel(level)
    if values is None:
        return None
    if values.ndim == 2:
        pixels, is_guess = _to_eight_bits(values)
        return Image.fromarray(pixels), is_guess
    colours, is_guess = _to_eight_bits(values[..., 2::-1])
    if values.shape[2] == 4:
        colours = np.dstack([colours, _opacity(values[..., 3])])
    return Image.fromarray(np.ascontiguousarray(colours)), is_guess


def is_dim_sixteen_bits(image: Image.Image, bits: int) -> bool:
    """Return whether a decoded photo may hold values of fewer than its file's 16 bits."""
    if bits != 16 or image.mode not in ("RGB", "RGBA"):
        return False
    # Pillow has kept the upper 8 of 16 bits.
    bands = image.getextrema()[:3]
    return all(isinstance(band, tuple) and band[1] < LEAST_OF_16_BITS >> 8 for band in bands)


def _to_eight_bits(values: NDArray[np.number]) -> tuple[NDArray[np.uint8], bool]:
    if values.dtype == np.uint8:
        return values.astype(np.uint8), False
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    whole_numbers = np.issubdtype(values.dtype, np.integer)
    value_range = guess_value_range(low, high, whole_numbers, values.dtype == np.uint16)
    return value_range.to_eight_bits(values), value_range.is_guess


def _opacity(values: NDArray[np.number]) -> NDArray[np.uint8]:
    if values.dtype == np.uint16:
        return ValueRange(0, 65535).to_eight_bits(values)
    return _to_eight_bits(values)[0]
