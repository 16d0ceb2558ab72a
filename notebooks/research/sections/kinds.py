"""Kinds of photos, derived from their true masks: what makes a photo hard."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from research.records import Columns, Records
from research.show import Table

Kind = Callable[[Columns], NDArray[np.bool_]]

SMALL, LARGE = 0.35, 0.8
_CUT = 0.05  # share of a side of the frame

KINDS: Mapping[str, tuple[str, Kind]] = {
    "small person": (
        f"foreground share below {SMALL:.0%}",
        lambda masks: masks.numbers("foreground") < SMALL,
    ),
    "close-up": (
        f"foreground share above {LARGE:.0%}",
        lambda masks: masks.numbers("foreground") > LARGE,
    ),
    "head cut off": (
        f"person on more than {_CUT:.0%} of the top edge",
        lambda masks: masks.numbers("top") > _CUT,
    ),
    "body in the frame": (
        "person on less than 5% of the bottom edge",
        lambda masks: masks.numbers("bottom") < _CUT,
    ),
    "off centre": (
        "centre of the person more than 10% of the width from the middle",
        lambda masks: np.abs(masks.numbers("column") - 0.5) > 0.1,
    ),
    "long outline": (
        "outline of more than 1200 pixels",
        lambda masks: masks.numbers("outline") > 1200,
    ),
    "ragged mask": (
        "outline more than 1.3 times as long as after smoothing",
        lambda masks: masks.numbers("ragged") > 1.3,
    ),
    "small components": (
        "more than 10 of them in the mask",
        lambda masks: masks.numbers("specks") > 10,
    ),
    "several people": (
        "two or more large components",
        lambda masks: masks.numbers("people") > 1,
    ),
}
"""A name, what it means, and the test on `masks.csv`."""

PLAIN = "none of these"


def kinds_table(records: Records) -> Table:
    """Count the photos of each kind in both splits with masks."""
    masks = records.table("data/masks.csv")
    split = np.array(masks.text("split"))
    rows = []
    for name, (meaning, test) in {**KINDS, PLAIN: ("", plain)}.items():
        shares = [test(masks)[split == part].mean() for part in ("train", "valid")]
        rows.append([name, meaning, *(f"{share:.1%}" for share in shares)])
    return Table(["kind", "definition", "of train>", "of valid>"], rows)


def kinds_of_valid(records: Records) -> dict[str, set[str]]:
    """Return the ids of the valid photos of each kind; a photo may be of several."""
    masks = records.table("data/masks.csv")
    valid = np.array(masks.text("split")) == "valid"
    ids = np.array(masks.text("id"))
    every = {**{name: test for name, (_, test) in KINDS.items()}, PLAIN: plain}
    return {name: set(ids[valid & test(masks)].tolist()) for name, test in every.items()}


def plain(masks: Columns) -> NDArray[np.bool_]:
    """Return which photos are of no kind."""
    return ~np.any([test(masks) for _, test in KINDS.values()], axis=0)
