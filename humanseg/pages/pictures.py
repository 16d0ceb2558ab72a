"""Pictures made of a photo and a mask."""

import numpy as np
from numpy.typing import NDArray

# Orange and blue, the pair that the common kinds of colour blindness tell apart best; they differ
# in lightness too. On the grey photo of an overlay nothing else has a colour.
MISSED = (255, 150, 0)
ADDED = (51, 136, 255)

_REC601 = np.array([0.299, 0.587, 0.114], np.float32)  # luma weights of ITU-R BT.601


def cutout(photo: NDArray[np.uint8], mask: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Cut the person out of a photo.

    Parameters
    ----------
    photo
        uint8 (H, W, 3), RGB.
    mask
        (H, W); a pixel other than 0 belongs to the person.

    Returns
    -------
    ndarray
        uint8 (H, W, 4), RGBA: the person opaque, all else transparent and black, so that the file
        neither keeps nor spends bytes on what was cut away.

    Raises
    ------
    ValueError
        Photo and mask differ in size.
    """
    _require_size(photo, mask)
    person = mask != 0
    result = np.zeros((*person.shape, 4), np.uint8)
    result[person, :3] = photo[person]
    result[person, 3] = 255
    return result


def error_overlay(
    photo: NDArray[np.uint8], prediction: NDArray[np.generic], truth: NDArray[np.generic]
) -> NDArray[np.uint8]:
    """Show where a prediction is wrong.

    Parameters
    ----------
    photo
        uint8 (H, W, 3), RGB.
    prediction, truth
        (H, W); a pixel other than 0 belongs to the person.

    Returns
    -------
    ndarray
        uint8 (H, W, 3): the photo in grey, dark where both masks see background; missed pixels
        (person in `truth` only) in `MISSED`, wrongly added ones (in `prediction` only) in `ADDED`.
        The light and shade of the photo show faintly through the colours.

    Raises
    ------
    ValueError
        The photo and the masks differ in size.
    """
    _require_size(photo, prediction)
    _require_size(photo, truth)
    predicted, true = prediction != 0, truth != 0
    grey = photo.astype(np.float32) @ _REC601
    result = np.repeat((grey * np.where(predicted | true, 1.0, 0.4))[..., None], 3, axis=2)
    shade = 0.85 + 0.15 * grey[..., None] / 255
    for wrong, colour in ((true & ~predicted, MISSED), (predicted & ~true, ADDED)):
        result[wrong] = shade[wrong] * np.array(colour, np.float32)
    return np.rint(result).astype(np.uint8)


def css_colour(colour: tuple[int, int, int]) -> str:
    """Write an RGB colour the way CSS does."""
    return "#" + bytes(colour).hex()


def _require_size(photo: NDArray[np.uint8], mask: NDArray[np.generic]) -> None:
    """Raise if a mask does not have the size of its photo."""
    if photo.ndim != 3 or photo.shape[2] != 3 or photo.shape[:2] != mask.shape:
        raise ValueError(
            f"photo {photo.shape} and mask {mask.shape} do not fit: (H, W, 3) and (H, W) needed"
        )
