"""The data of one photo on a page."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TestCard:
    """One test photo on the test page.

    Attributes
    ----------
    id
        Id of the photo, any text.
    photo, mask, cutout
        Paths of the pictures relative to the page, with forward slashes, not quoted.
    predicted_foreground
        Share of the photo that the mask covers, in [0, 1].
    height, width
        Size of the photo in pixels.
    """

    # Tells pytest that this is no test, whatever its name says.
    __test__ = False

    id: str
    photo: str
    mask: str
    cutout: str
    predicted_foreground: float
    height: int
    width: int


@dataclass(frozen=True)
class ValidCard:
    """One valid photo in the error gallery.

    Attributes
    ----------
    id
        Id of the photo, any text.
    photo, errors, prediction, truth
        Paths of the photo, of its `error_overlay` and of both masks, relative to the page, with
        forward slashes, not quoted.
    dice, iou, boundary_dice
        Scores of the prediction, in [0, 1]; `boundary_dice` is NaN where the true mask has no
        boundary.
    foreground, predicted_foreground
        Share of the photo that the true mask covers, and the predicted one, in [0, 1].
    height, width
        Size of the photo in pixels.
    """

    id: str
    photo: str
    errors: str
    prediction: str
    truth: str
    dice: float
    iou: float
    boundary_dice: float
    foreground: float
    predicted_foreground: float
    height: int
    width: int
