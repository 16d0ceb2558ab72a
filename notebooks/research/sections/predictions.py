"""Predictions of the bundled model: good, typical and worst."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from humanseg.metrics.scores import dice
from humanseg.pages.pictures import error_overlay
from research.records import Records
from research.sections.kinds import PLAIN, kinds_of_valid
from research.show import Picture, Prose, picture, say, show_tile, tiles

if TYPE_CHECKING:
    from humanseg.inference.model import Model

Pixels = NDArray[np.uint8]

_DRAWN = 18
_RANKS = ("good", "typical", "worst")


def drawn_picture() -> Picture:
    """Show the best, the median and the worst prediction of drawn people."""
    from humanseg.data.synthetic import draw_photo

    model = _model()
    predictions = []
    for number in range(_DRAWN):
        photo, truth, _ = draw_photo(0, number)
        predictions.append((photo, truth, _predicted(model, photo)))
    predictions.sort(key=lambda prediction: -dice(prediction[2], prediction[1]))
    shown = [predictions[0], predictions[len(predictions) // 2], predictions[-1]]
    figure, axes = tiles(2, len(shown), 7.2)
    for column, (rank, (photo, truth, mask)) in enumerate(zip(_RANKS, shown, strict=True)):
        show_tile(axes[0][column], photo, f"{rank} of {_DRAWN}, drawn")
        overlay = error_overlay(photo, mask, truth)
        show_tile(axes[1][column], overlay, f"Dice {dice(mask, truth):.3f}")
    alt = (
        "Three drawn people with the errors of the bundled model: missed in orange, added in blue."
    )
    return picture(figure, alt, photos=True)


def valid_picture(records: Records, root: Path | None) -> Picture | Prose:
    """Show valid photos that are predicted well, as usual and worst, where the data are given."""
    scores = records.headline().scores
    ids = [scores.text("id")[row] for row in np.argsort(-scores.numbers("dice"))]
    middle = len(ids) // 2
    ranked = zip(_RANKS, (ids[:2], ids[middle : middle + 2], ids[-2:]), strict=True)
    pairs = [[(id, rank) for id in chosen] for rank, chosen in ranked]
    # A column for each rank.
    return _pictures(root, [pair for row in zip(*pairs, strict=True) for pair in row], 3)


def failures_picture(records: Records, root: Path | None) -> Picture | Prose:
    """Show the worst valid photo of each kind that has one, where the data are given."""
    values = records.headline().by_id("dice")
    worst: dict[str, str] = {}
    for kind, ids in kinds_of_valid(records).items():
        if kind != PLAIN and ids & values.keys():
            worst.setdefault(min(ids & values.keys(), key=lambda id: values[id]), kind)
    return _pictures(root, list(worst.items())[:6], 3)


def _pictures(root: Path | None, named: Sequence[tuple[str, str]], columns: int) -> Picture | Prose:
    if root is None:
        return say("*`make report DATA=ROOT` shows photos of the data here.*")
    from humanseg.data.layout.folders import list_items
    from humanseg.io.images import read_mask, read_photo

    items = {item.id: item for item in list_items(root, "valid", masks=True)}
    chosen = [(items[id], words) for id, words in named if id in items]
    model = _model()
    figure, axes = tiles(-(-len(chosen) // columns), columns, 7.2, lines=2)
    flat = [axis for row in axes for axis in row]
    for axis, (item, words) in zip(flat, chosen, strict=False):
        assert item.mask is not None
        photo, truth = read_photo(item.photo), read_mask(item.mask)
        mask = _predicted(model, photo)
        title = f"{words}\n{item.id}: Dice {dice(mask, truth):.3f}"
        show_tile(axis, error_overlay(photo, mask, truth), title)
    alt = "Valid photos with the errors of the bundled model: missed in orange, added in blue."
    return picture(figure, alt, photos=True)


def _model() -> "Model":
    import humanseg

    return humanseg.load("best")


def _predicted(model: "Model", photo: Pixels) -> Pixels:
    return (model.probability(photo) > model.threshold).astype(np.uint8)
