"""The pages of pictures: every test photo, and the errors on every valid photo."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from humanseg.pages.cards import TestCard, ValidCard
from humanseg.pages.origin import Origin
from humanseg.pages.pictures import ADDED, MISSED, css_colour
from humanseg.pages.render import percent, readable, score, url, write_page

Facts = Sequence[tuple[str, str]]

ERROR_LEGEND = (
    (css_colour(MISSED), "Missed (in the truth only)"),
    (css_colour(ADDED), "Wrongly added (in the prediction only)"),
)
"""The colours of `error_overlay`, and their meaning."""

_PHOTO = (("photo", "Photo"),)
_BINS = 40


@dataclass(frozen=True)
class Range:
    """A filter with two ends under a histogram of what it filters by.

    Attributes
    ----------
    key
        One of the keys of a card's `measures`.
    label
        What the key is called on the page.
    format
        How the page writes a value: ``percent`` or ``score``.
    low, high
        Ends of the filter.
    step
        How finely the ends can be set.
    bars
        Heights of the histogram's bars over [low, high], the highest 1.
    """

    key: str
    label: str
    format: str
    low: float
    high: float
    step: float
    bars: tuple[float, ...]


def anchor(id: str) -> str:
    """Return what follows `#` in a link to a gallery that opens at a photo."""
    return f"photo={url(readable(id))}"


def histogram(values: Sequence[float], low: float, high: float) -> tuple[float, ...]:
    """Count `values` in equal bins over [low, high], relative to the fullest bin."""
    counts = [0] * _BINS
    for value in values:
        place = int((value - low) / (high - low) * _BINS)
        counts[min(max(place, 0), _BINS - 1)] += 1
    highest = max(max(counts), 1)
    return tuple(round(count / highest, 3) for count in counts)


_SHARES = {"foreground": "Foreground", "predicted_foreground": "Predicted foreground"}
"""The names of the foreground shares of the true and of the predicted mask."""


def _share_range(cards: Sequence[TestCard] | Sequence[ValidCard], key: str) -> Range:
    """Build the filter by a share of the photo."""
    bars = histogram([card.measures()[key] for card in cards], 0, 1)
    return Range(key, _SHARES[key], "percent", 0, 1, 0.01, bars)


def _share_sorts(key: str) -> list[tuple[str, str]]:
    name = _SHARES[key].lower()
    return [(f"{key}:up", f"Least {name} first"), (f"{key}:down", f"Most {name} first")]


def _dice_range(cards: Sequence[ValidCard]) -> Range:
    """Build the filter by Dice, from just under the worst photo: most scores crowd near 1."""
    worst = min((card.dice for card in cards), default=0.0)
    low = min(math.floor(worst * 20) / 20, 0.95)
    bars = histogram([card.dice for card in cards], low, 1)
    return Range("dice", "Dice", "score", low, 1, 0.001, bars)


def _ratio(cards: Sequence[TestCard] | Sequence[ValidCard]) -> float:
    """Return the shape of a tile: the middle one of the photos', between 1:2 and 2:1."""
    if not cards:
        return 1.0
    middle = statistics.median(card.width / card.height for card in cards)
    return round(min(max(middle, 0.5), 2.0), 4)


def write_test_page(
    path: Path, cards: Sequence[TestCard], *, facts: Facts = (), origin: Origin | None = None
) -> None:
    """Write the page that shows every test photo with its mask and its cut-out.

    Parameters
    ----------
    path
        Where the page shall be; the cards' paths are relative to its folder.
    cards
        The photos, in the order in which the page first shows them.
    facts
        Pairs of label and value to show beside the number of photos, such as the threshold.
    origin
        Where the page comes from.

    Raises
    ------
    HumansegError
        The page cannot be written.
    """
    means = []
    if cards:
        mean = statistics.fmean(card.predicted_foreground for card in cards)
        means = [("Mean predicted foreground", percent(mean))]
    _write_gallery(
        path,
        "test.html",
        cards,
        [*means, *facts],
        origin,
        heading="Test photos",
        lead="Every test photo with its predicted mask and the person cut out. Point at a photo, "
        "or move the slider, to fade it into its mask; open one to see it at full size.",
        legend=(),
        layers=[*_PHOTO, ("mask", "Mask"), ("cutout", "Cut-out")],
        sorts=[("place:up", "In order of id"), *_share_sorts("predicted_foreground")],
        ranges=[_share_range(cards, "predicted_foreground")],
    )


def write_valid_page(
    path: Path,
    cards: Sequence[ValidCard],
    *,
    facts: Facts = (),
    split: str = "valid",
    origin: Origin | None = None,
) -> None:
    """Write the error gallery: every valid photo with its errors and scores, worst Dice first.

    Parameters
    ----------
    path
        Where the page shall be; the cards' paths are relative to its folder.
    cards
        The photos in any order; photos of equal Dice keep theirs.
    facts
        Pairs of label and value to show beside the mean scores, such as the threshold.
    split
        Whose photos these are.
    origin
        Where the page comes from.

    Raises
    ------
    HumansegError
        The page cannot be written.
    """
    cards = sorted(cards, key=lambda card: card.measures()["dice"])
    means = []
    if cards:
        means = [
            ("Mean Dice", score(statistics.fmean(card.dice for card in cards))),
            ("Worst Dice", score(cards[0].dice)),
            ("Mean IoU", score(statistics.fmean(card.iou for card in cards))),
            ("Mean boundary Dice", score(_mean_defined([card.boundary_dice for card in cards]))),
        ]
    _write_gallery(
        path,
        "valid.html",
        cards,
        [*means, *facts],
        origin,
        heading=f"Errors on {split} photos",
        lead=f"The errors on every {split} photo, the worst first. Point at one to see the photo "
        "itself; open it to see it large, and closer still.",
        legend=ERROR_LEGEND,
        layers=[*_PHOTO, ("errors", "Errors"), ("prediction", "Prediction"), ("truth", "Truth")],
        start="errors",
        sorts=[
            ("dice:up", "Worst Dice first"),
            ("dice:down", "Best Dice first"),
            ("iou:up", "Worst IoU first"),
            ("boundary:up", "Worst boundary Dice first"),
            *_share_sorts("foreground"),
            *_share_sorts("predicted_foreground"),
        ],
        ranges=[_dice_range(cards), _share_range(cards, "foreground")],
    )


def _write_gallery(
    path: Path,
    template: str,
    cards: Sequence[TestCard] | Sequence[ValidCard],
    facts: Facts,
    origin: Origin | None,
    *,
    heading: str,
    lead: str,
    legend: Facts,
    layers: Facts,
    sorts: Facts,
    ranges: Sequence[Range],
    start: str = "",
) -> None:
    """Write a page of photos, with their number first among the facts."""
    write_page(
        path,
        template,
        heading=heading,
        lead=lead,
        facts=[("Photos", str(len(cards))), *facts],
        origin=origin,
        legend=legend,
        cards=cards,
        ratio=_ratio(cards),
        layers=layers,
        start=start,
        sorts=sorts,
        ranges=ranges,
    )


def _mean_defined(values: Sequence[float]) -> float:
    """Return the mean of what is not NaN; NaN where nothing is left."""
    defined = [value for value in values if not math.isnan(value)]
    return statistics.fmean(defined) if defined else math.nan
