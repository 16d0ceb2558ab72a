"""Backgrounds in HDR videos: their sRGB colours in the video's own signal.

The signals are those of ITU-R BT.2100-2. White is put where BT.2408 has the white of graphics, at
203 cd/m², the conversion of the primaries is that of BT.2087.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from humanseg.inference.backgrounds import Background, ColorBackground, ImageBackground
from humanseg.inference.batch.outputs import Matte
from humanseg.inference.guided_filter import row_bands
from humanseg.inference.video.probe import VideoColors

Pixels = NDArray[np.uint8]
Light = NDArray[np.float32]

_WHITE = 203.0
_BT709 = 1
_TO_BT2020 = np.array(
    [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]], np.float32
)
_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)
_FAINT = np.float32(1e-6)


def _pq(light: Light) -> Light:
    """Return the signal of PQ for light in cd/m²."""
    power = (light / 10000) ** np.float32(2610 / 16384)
    share = (3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)
    return np.asarray(share ** np.float32(2523 / 32), np.float32)


def _hlg(light: Light) -> Light:
    """Return the signal of HLG for light in cd/m², on a display of 1000 cd/m²."""
    shown = light / 1000
    luminance = np.maximum(shown @ _LUMINANCE, _FAINT)[..., None]
    scene = shown * luminance ** np.float32(1 / 1.2 - 1)
    bright = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, _FAINT)) + 0.55991073
    return np.asarray(np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright), np.float32)


_SIGNALS: dict[int, Callable[[Light], Light]] = {16: _pq, 18: _hlg}
"""By FFmpeg's code of the transfer characteristic."""


def backgrounds_in_signal(
    make_matte: Callable[..., Matte], colors: VideoColors
) -> Callable[..., Matte]:
    """Return a function that makes the same mattes, with backgrounds as a video's signal has them.

    The white of sRGB would be the brightest light of an HDR video, up to 10,000 cd/m².
    """
    if colors.transfer not in _SIGNALS:
        return make_matte
    # One for all frames, as an object that stays: ImageBackground keeps its fitted picture.
    converted: dict[int, Background] = {}

    def make(*frame: object) -> Matte:
        matte = make_matte(*frame)
        background = matte.background
        if background is None:
            return matte
        key = id(background)
        if key not in converted:
            converted[key] = _in_signal(background, colors)
        return replace(matte, background=converted[key])

    return make


def _in_signal(background: Background, colors: VideoColors) -> Background:
    if isinstance(background, ColorBackground):
        red, green, blue = _convert(np.array([[background.rgb]], np.uint8), colors)[0, 0].tolist()
        return ColorBackground((red, green, blue))
    if isinstance(background, ImageBackground):
        return ImageBackground(_convert(background.pixels, colors))
    # The video itself, blurred.
    return background


def _convert(pixels: Pixels, colors: VideoColors) -> Pixels:
    """Return uint8 (H,W,3) of sRGB in the signal of a video."""
    level = np.arange(256, dtype=np.float32) / 255
    # IEC 61966-2-1.
    light = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    light = (light * _WHITE).astype(np.float32)
    result = np.empty_like(pixels)
    for rows in row_bands(*pixels.shape[:2]):
        band = light[pixels[rows]]
        if colors.primaries != _BT709:
            band = band @ _TO_BT2020.T
        signal = _SIGNALS[colors.transfer](band)
        result[rows] = np.rint(signal.clip(0, 1) * 255)
    return result
