"""Decoding and scoring the masks of a submission, one by one and against each other."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from humanseg.data.layout.folders import Item
from humanseg.errors import listed
from humanseg.io.rle import RleError, decode_rle
from humanseg.metrics.scores import dice
from humanseg.submission.assignment import dice_matrix, misplaced, thumbnail
from humanseg.submission.complaints import Complaint, ranges, shorten
from humanseg.submission.layouts import better_layouts

_EMPTY = ("", "nan")
_ARRAY_SIGNS = ("[", "(", "array(", "tensor(")
# A layout must fit in this many rows, or in all of a shorter file: one could be chance.
_LAYOUT_ROWS = 3
# Comparing every row with every photo may grow with the cube of their number.
_MOST_COMPARED = 1500
_SHOWN = 5


@dataclass(frozen=True)
class ScoredRow:
    """A row and what came of it.

    Attributes
    ----------
    number, rle
        The row's number as a spreadsheet counts, and its mask as text.
    item
        The photo of its id.
    complaint
        Why its mask cannot be read, or None.
    dice
        The task's score; 0 when the mask cannot be read.
    shape
        (H, W) of the true mask.
    predicted, true
        Thumbnails of the two masks; empty when the mask cannot be read.
    layouts
        Other ways to read it that fit much better.
    """

    number: int
    rle: str
    item: Item
    complaint: Complaint | None
    dice: float
    shape: tuple[int, ...]
    predicted: NDArray[np.float32]
    true: NDArray[np.float32]
    layouts: tuple[str, ...]


def score_row(number: int, rle: str, item: Item) -> ScoredRow:
    """Decode the mask of a row and score it."""
    truth = _truth(item)
    nothing = np.zeros(0, np.float32)
    if rle.lower().startswith(_ARRAY_SIGNS):
        message = f'its mask is a printed array, "{shorten(rle.splitlines()[0], 20)}"'
        complaint = Complaint(
            "their masks are printed arrays in place of run-length codes", number, message
        )
        return ScoredRow(number, rle, item, complaint, 0.0, truth.shape, nothing, nothing, ())
    try:
        predicted = _decode(rle, truth.shape)
    except RleError as error:
        kind = "their run-length codes are broken"
        if "past the end of the mask" in str(error):
            kind = "their runs go past the end of the mask"
        complaint = Complaint(kind, number, f"the run-length code is broken: {error}")
        layouts = tuple(better_layouts(rle, truth, 0.0))
        return ScoredRow(number, rle, item, complaint, 0.0, truth.shape, nothing, nothing, layouts)
    score = dice(predicted, truth)
    layouts = tuple(better_layouts(rle, truth, score))
    return ScoredRow(
        *(number, rle, item, None, score, truth.shape),
        *(thumbnail(predicted), thumbnail(truth), layouts),
    )


def layout_complaints(outcomes: Sequence[ScoredRow]) -> list[Complaint]:
    """Return complaints about masks that cannot be read, or that have another shape.

    Where several rows fit much better in the same other layout, these say so.
    """
    count = Counter(layout for outcome in outcomes for layout in outcome.layouts)
    likely, votes = count.most_common(1)[0] if count else ("", 0)
    if votes < min(_LAYOUT_ROWS, len(outcomes)):
        likely = ""
    complaints = []
    for outcome in outcomes:
        if not likely or likely not in outcome.layouts:
            complaints += [outcome.complaint] if outcome.complaint else []
            continue
        height, width = outcome.shape
        kind = f"these look like {likely}, where the photos are {height}×{width}"
        message = f"Dice is {outcome.dice:.2f} when read as {height}×{width} row by row"
        if outcome.complaint:
            kind = f"{outcome.complaint.kind}; {kind}"
            message = outcome.complaint.message
        complaints.append(Complaint(kind, outcome.number, f"{message} (it looks like {likely})"))
    return complaints


def put_right(scored: Sequence[ScoredRow]) -> tuple[dict[str, float], str]:
    """Find rows that are attached to the wrong ids, and score them at the right ones.

    Returned are the Dice of each photo that would get another row, and a note that names the rows.
    """
    groups: dict[tuple[int, ...], list[ScoredRow]] = {}
    for item in scored:
        groups.setdefault(item.shape, []).append(item)
    pairs: list[tuple[ScoredRow, ScoredRow]] = []
    for group in groups.values():
        if len(group) > _MOST_COMPARED:
            return {}, f"more than {_MOST_COMPARED} photos: not checked for rows at wrong ids"
        predicted, true = (
            np.stack([getattr(item, name) for item in group]) for name in ("predicted", "true")
        )
        found = misplaced(dice_matrix(predicted, true))
        pairs += [(group[row], group[better]) for row, better in found.items()]
    if not pairs:
        return {}, ""
    scores = {
        target.item.id: dice(_decode(row.rle, target.shape), _truth(target.item))
        for row, target in pairs
    }
    pairs.sort(key=lambda pair: pair[0].number)
    fits = [
        f"row {row.number} (id {shorten(row.item.id)}, Dice {row.dice:.2f}) fits "
        f"{shorten(target.item.id)} ({scores[target.item.id]:.2f})"
        for row, target in pairs
    ]
    numbers = ranges([row.number for row, _ in pairs])
    return scores, (
        f"{len(pairs)} rows look attached to the wrong ids, as when folders are listed in two "
        f"orders (rows {numbers}): {listed(fits, _SHOWN)}"
    )


def _decode(rle: str, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    height, width = shape
    return decode_rle("" if rle.lower() in _EMPTY else rle, (height, width))


def _truth(item: Item) -> NDArray[np.bool_]:
    assert item.mask is not None  # the items of a split with masks have them
    return item.rule.read(item.mask).astype(bool)
