"""Light, colour and sharpness of the photos: of each split, and of hard photos."""

from collections.abc import Mapping

import numpy as np

from humanseg.metrics.verdicts import ALPHA, holm
from research.records import Columns, Records
from research.show import Prose, Table, p_value, say, score

PROPERTIES: Mapping[str, str] = {
    "brightness": "mean of the grey photo, 0 to 1",
    "contrast": "standard deviation of the grey photo, 0 to 1",
    "saturation": "mean saturation, 0 to 1",
    "warmth": "red minus blue, -1 to 1",
    "sharpness": "logarithm to base 10 of the variance of the grey photo's Laplacian",
    "separation": "distance between the mean colours of person and background, in CIE Lab",
}
"""What is measured of a photo, by the columns of `light.csv`."""
_SPLITS = ("train", "valid", "test", "unlabelled")


def splits_table(records: Records) -> Table:
    """Show mean and standard deviation of each property in each split."""
    table = records.table("data/light.csv")
    split = np.array(table.text("split"))
    rows = []
    for name, meaning in PROPERTIES.items():
        values = table.numbers(name)
        cells = []
        for part in _SPLITS:
            there = values[(split == part) & np.isfinite(values)]
            cells.append(f"{there.mean():.2f} ± {there.std():.2f}" if there.size else "–")
        rows.append([name, meaning, *cells])
    return Table(["property", "what", *(f"{part}>" for part in _SPLITS)], rows)


def splits_text(records: Records) -> Prose:
    """Return how far the splits are from train, and what that says of the augmentation."""
    from scipy.stats import ttest_ind

    table = records.table("data/light.csv")
    split = np.array(table.text("split"))
    shifts, p_values = [], []
    for name in PROPERTIES:
        values = table.numbers(name)
        train, *others = (
            values[(split == split_name) & np.isfinite(values)] for split_name in _SPLITS
        )
        for split_name, other in zip(_SPLITS[1:], others, strict=True):
            if other.size:
                shifts.append((abs(other.mean() - train.mean()) / train.std(), name, split_name))
                p_values.append(float(ttest_ind(train, other, equal_var=False).pvalue))
    shift, name, split_name = max(shifts)
    corrected = holm(p_values)
    far = sum(p <= ALPHA for p in corrected)
    bright = table.numbers("brightness")[split == "train"]
    return say(
        f"Of {len(corrected)} differences of a mean from that of train, {far or 'none'} "
        f"{'are' if far > 1 else 'is'} significant after Holm's correction (the smallest p is "
        f"{p_value(min(corrected))}). The largest is {shift:.2f} standard deviations of train "
        f"({name} of {split_name}). The brightness of train photos has a standard deviation of "
        f"{bright.std() / bright.mean():.0%} of its mean: `augmentation=standard` changes it by "
        "about as much as the photos differ (section 3)."
    )


def hard_table(records: Records) -> Table:
    """Show how the Dice of each valid photo goes with its light, colour and sharpness."""
    from scipy.stats import spearmanr

    dice = records.headline().by_id("dice")
    table = records.table("data/light.csv")
    rows, p_values = [], []
    for name in PROPERTIES:
        values = _valid(table, name)
        both = [(values[id], dice[id]) for id in dice if np.isfinite(values.get(id, np.nan))]
        measured, scores = map(np.array, zip(*both, strict=True))
        low, high = np.quantile(measured, [1 / 3, 2 / 3])
        result = spearmanr(measured, scores)
        p_values.append(float(result.pvalue))
        # Medians: a few bad photos decide a mean of so few.
        ends = (np.median(scores[measured <= low]), np.median(scores[measured >= high]))
        rows.append([name, f"{result.statistic:+.2f}", *(score(float(end)) for end in ends)])
    rows = [[*row, p_value(p)] for row, p in zip(rows, holm(p_values), strict=True)]
    names = ["rank correlation>", "median Dice, lowest third>", "median Dice, highest third>"]
    return Table(["property", *names, "p, Holm>"], rows)


def hard_text(records: Records) -> Prose:
    """Name the properties that go with Dice."""
    rows = hard_table(records).rows
    shown = [row[0] for row in rows if row[-1].startswith("<") or float(row[-1]) <= ALPHA]
    if not shown:
        return say(
            "After correction, none of these goes with the Dice of a photo: its light does not "
            "explain the errors."
        )
    return say(
        f"After correction, of these {' and '.join(shown)} alone is correlated with the Dice of a "
        "photo, and weakly: the light of a photo explains little of the errors."
    )


def _valid(table: Columns, name: str) -> dict[str, float]:
    split, ids, values = table.text("split"), table.text("id"), table.numbers(name).tolist()
    rows = zip(split, ids, values, strict=True)
    return {id: value for part, id, value in rows if part == "valid"}
