"""The data of one photo on a page."""

from dataclasses import dataclass

from humanseg.pages.render import percent, score


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

    def pictures(self) -> tuple[str, ...]:
        """Return the paths of the pictures in the order of the page's layers."""
        return self.photo, self.mask, self.cutout

    def measures(self) -> dict[str, float]:
        """Return what the page can sort and filter by."""
        return {"predicted_foreground": round(self.predicted_foreground, 6)}

    def caption(self) -> str:
        """Return the line under the full-size picture."""
        share = percent(self.predicted_foreground)
        return f"{share} predicted foreground · {self.width} × {self.height} pixels"


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

    def pictures(self) -> tuple[str, ...]:
        """Return the paths of the pictures in the order of the page's layers."""
        return self.photo, self.errors, self.prediction, self.truth

    def measures(self) -> dict[str, float]:
        """Return what the page can sort and filter by; NaN comes last there."""
        measures = {
            "dice": self.dice,
            "iou": self.iou,
            "boundary": self.boundary_dice,
            "foreground": self.foreground,
            "predicted_foreground": self.predicted_foreground,
        }
        return {key: round(value, 6) for key, value in measures.items()}

    def caption(self) -> str:
        """Return the line under the full-size picture."""
        return (
            f"Dice {score(self.dice)} · IoU {score(self.iou)} · "
            f"boundary Dice {score(self.boundary_dice)} · {percent(self.foreground)} foreground, "
            f"{percent(self.predicted_foreground)} predicted"
        )
