"""Backgrounds to put behind a person: a colour, a picture, or the photo's blurred background."""

import hashlib
import os
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Integral
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor

from humanseg.errors import HumansegError
from humanseg.inference.guided_filter import row_bands
from humanseg.inference.inputs import load_input
from humanseg.inference.video import VIDEO_SUFFIXES
from humanseg.io.images import load_photo
from humanseg.system.notices import Notices

Pixels = NDArray[np.uint8]

_BLUR = "blur:"
_SEE_THROUGH = ("transparent", "transparency", "none", "alpha")
_WORKING_SIDE = 1000
"""Longer side at which a background is blurred; the radius is in pixels of this size."""
_FINE = 4.0
"""A blur of this many pixels loses no detail when it is enlarged."""
_NOTHING = 1e-3


class BackgroundError(HumansegError):
    """An option names no background."""

    code = "inference.bad_background"


@dataclass(frozen=True)
class ColorBackground:
    """One colour everywhere."""

    # Each in [0,255].
    rgb: tuple[int, int, int]

    @property
    def key(self) -> str:
        """The colour, as CSS writes it."""
        return "#" + bytes(self.rgb).hex()

    def render(self, photo: Pixels, alpha: Pixels) -> Pixels:
        """Return the colour, in the photo's shape."""
        return np.broadcast_to(np.array(self.rgb, np.uint8), photo.shape)


@dataclass
class ImageBackground:
    """A picture that covers the photo; what does not fit is cropped on both sides alike."""

    # uint8 (h,w,3).
    pixels: Pixels
    # The photos of a folder, or the frames of a video, are often of one size.
    _fitted: Pixels | None = field(default=None, repr=False)

    @cached_property
    def key(self) -> str:
        """Digest of the pixels."""
        digest = hashlib.sha256(repr(self.pixels.shape).encode())
        digest.update(self.pixels.tobytes())
        return digest.hexdigest()[:16]

    def render(self, photo: Pixels, alpha: Pixels) -> Pixels:
        """Return the picture, scaled to cover the photo."""
        # Threads may share a picture: a local name, so that each returns its own size.
        fitted = self._fitted
        if fitted is None or fitted.shape != photo.shape:
            fitted = self._fitted = _cover(self.pixels, photo.shape[0], photo.shape[1])
        return fitted


@dataclass(frozen=True)
class BlurBackground:
    """The photo's own background, out of focus; nothing of the person is smeared into it."""

    # Standard deviation for a photo whose longer side is 1000 pixels: all sizes look alike.
    radius: float

    @property
    def key(self) -> str:
        """The option that asks for it."""
        return f"{_BLUR}{self.radius:g}"

    def render(self, photo: Pixels, alpha: Pixels) -> Pixels:
        """Return the photo, blurred over the pixels that are background."""
        height, width = alpha.shape
        size = _within(_WORKING_SIDE, width, height)
        small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        share = 1 - cv2.resize(alpha, size, interpolation=cv2.INTER_AREA) / np.float32(255)
        # Only where no background is near, the person's own colours fill the hole.
        weight = np.maximum(share, _NOTHING)[..., None]
        size = _within(_WORKING_SIDE * min(1.0, _FINE / self.radius), *size)
        sigma = self.radius * max(size) / _WORKING_SIDE
        colour, total = (
            cv2.GaussianBlur(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), (0, 0), sigma)
            for plane in (small * weight, weight)
        )
        even = np.rint(colour / total[..., None]).astype(np.uint8)
        return cv2.resize(even, (width, height)).astype(np.uint8, copy=False)


Background: TypeAlias = ColorBackground | ImageBackground | BlurBackground
"""A background to put behind a person; results record its `key`.

`render` returns uint8 (H,W,3), not to be changed, for a photo whose person is `alpha`.
"""


def parse_background(text: str, notices: Notices | None = None) -> Background:
    """Return the background that an option names: ``blur:R``, a colour of CSS or a picture.

    What is to be known of the picture, such as that it is animated, is added to `notices`.
    """
    if not text.strip():
        # An unset variable of a script, mostly.
        raise BackgroundError(
            f"--background is empty: name a colour, a picture or {_BLUR}R, or leave it out."
        )
    if text.strip().lower() in _SEE_THROUGH:
        raise BackgroundError(f"--background {text}: for a transparent background, --save cutout.")
    if text.startswith(_BLUR):
        try:
            radius = float(text.removeprefix(_BLUR))
        except ValueError:
            radius = 0.0
        if not 0 < radius <= _WORKING_SIDE:
            raise BackgroundError(
                f"--background {text}: after {_BLUR} comes the radius, a number above 0 and up to "
                f"{_WORKING_SIDE}, in thousandths of the photo's longer side; {_BLUR}15 is usual."
            )
        return BlurBackground(radius)
    try:
        colour = ImageColor.getrgb(text)
    except ValueError:
        if not os.path.isfile(text):
            raise BackgroundError(
                f"--background {text} is neither a colour (white, #20c060), nor {_BLUR}R, nor a "
                "picture that is there."
            ) from None
        if Path(text).suffix.lower() in VIDEO_SUFFIXES:
            raise BackgroundError(
                f"--background {text} is a video, and only a picture can stand behind a person: "
                "save one picture of it, and name that."
            ) from None
        picture = load_photo(Path(text))
        if notices is not None:
            notices.add(Path(text), picture.notices)
        return ImageBackground(picture.over_white())
    if len(colour) == 4:
        raise BackgroundError(
            f"--background {text}: a colour behind a person is not see-through. For a transparent "
            "background: --save cutout."
        )
    # Browsers, too, take 300 for 255.
    red, green, blue = (min(max(channel, 0), 255) for channel in colour)
    return ColorBackground((red, green, blue))


def read_background(value: Any, notices: Notices | None = None) -> Background:
    """Return the background that a Python program gives: see `Model.composite`."""
    if isinstance(value, str):
        return parse_background(value, notices)
    if isinstance(value, tuple | list):
        if len(value) != 3 or not all(
            isinstance(channel, Integral) and 0 <= int(channel) <= 255 for channel in value
        ):
            raise BackgroundError(
                f"background={value!r}: a colour is (red, green, blue), whole numbers from 0 to "
                "255."
            )
        # Plain numbers: a pixel of an array has those of numpy.
        return ColorBackground((int(value[0]), int(value[1]), int(value[2])))
    return ImageBackground(load_input(value).over_white())


def composite(front: Pixels, back: Pixels, alpha: Pixels) -> Pixels:
    """Composite one picture, uint8 (H,W,3), over another."""
    result = np.empty_like(front)
    for rows in row_bands(*alpha.shape):
        share = alpha[rows][..., None].astype(np.uint32)
        mixed = front[rows] * share + back[rows] * (255 - share)
        result[rows] = (mixed + 127) // 255
    return result


def _within(side: float, width: int, height: int) -> tuple[int, int]:
    """Return the width and height of a picture whose longer side is at most `side`."""
    scale = min(1.0, side / max(height, width))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _cover(picture: Pixels, height: int, width: int) -> Pixels:
    scale = max(height / picture.shape[0], width / picture.shape[1])
    # The part that will be seen, first: a large picture is not scaled as a whole.
    rows, columns = (
        max(1, min(have, round(want / scale)))
        for have, want in zip(picture.shape[:2], (height, width), strict=True)
    )
    top, left = (picture.shape[0] - rows) // 2, (picture.shape[1] - columns) // 2
    part = picture[top : top + rows, left : left + columns]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(part, (width, height), interpolation=how).astype(np.uint8, copy=False)
