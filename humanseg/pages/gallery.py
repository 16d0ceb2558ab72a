"""The pages of pictures: every test photo, and the errors on every valid photo."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humanseg.pages.cards import TestCard, ValidCard
from humanseg.pages.origin import Origin
from humanseg.pages.pictures import ADDED, MISSED, css_colour
from humanseg.pages.render import percent, readable, score, url, write_page

Cards = Sequence[TestCard] | Sequence[ValidCard]
Facts = Sequence[tuple[str, str]]

ERROR_LEGEND = (
    (css_colour(MISSED), "Missed (in the truth only)"),
    (css_colour(ADDED), "Wrongly added (in the prediction only)"),
)
"""The colours of `error_overlay`, and their meaning."""

_BINS = 40


@dataclass(frozen=True)
class Filter:
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
        index = int((value - low) / (high - low) * _BINS)
        counts[min(max(index, 0), _BINS - 1)] += 1
    highest = max(max(counts), 1)
    return tuple(round(count / highest, 3) for count in counts)


def _share_range(cards: Cards, key: str, label: str) -> Filter:
    """Build the filter by a share of the photo."""
    bars = histogram([round(getattr(card, key), 6) for card in cards], 0, 1)
    return Filter(key, label, "percent", 0, 1, 0.01, bars)


def _dice_range(cards: Sequence[ValidCard]) -> Filter:
    """Build the filter by Dice, from just under the worst photo: most scores crowd near 1."""
    worst = min((card.dice for card in cards), default=0.0)
    low = min(math.floor(worst * 20) / 20, 0.95)
    bars = histogram([card.dice for card in cards], low, 1)
    return Filter("dice", "Dice", "score", low, 1, 0.001, bars)


def _ratio(cards: Cards) -> float:
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
        facts=[*means, *facts],
        origin=origin,
        ranges=[_share_range(cards, "predicted_foreground", "Predicted foreground")],
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
    cards = sorted(cards, key=lambda card: round(card.dice, 6))
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
        facts=[*means, *facts],
        origin=origin,
        ranges=[_dice_range(cards), _share_range(cards, "foreground", "Foreground")],
        split=split,
        legend=ERROR_LEGEND,
    )


def _write_gallery(
    path: Path,
    template: str,
    cards: Cards,
    *,
    facts: Facts,
    **context: Any,
) -> None:
    """Write a page of photos, with their number first among the facts."""
    facts = [("Photos", str(len(cards))), *facts]
    write_page(path, template, cards=cards, ratio=_ratio(cards), facts=facts, **context)


def _mean_defined(values: Sequence[float]) -> float:
    """Return the mean of what is not NaN; NaN where nothing is left."""
    defined = [value for value in values if not math.isnan(value)]
    return statistics.fmean(defined) if defined else math.nan
