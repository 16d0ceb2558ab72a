"""What can be done with a prediction: thresholds, mirrored photos, tidier masks."""

from humanseg.metrics.statistics import paired_difference
from humanseg.metrics.verdicts import compare, judge_all
from research.measure.predictions import THRESHOLDS
from research.records import Columns, Records
from research.sections.scoring import at_thresholds, tuned, tuned_elsewhere
from research.show import (
    COLOURS,
    INK,
    INTERVAL,
    QUIET,
    Picture,
    Prose,
    Table,
    difference,
    label,
    not_measured,
    p_value,
    panels,
    picture,
    say,
    score,
)

WAYS = {
    "tta": "the mean with the mirrored photo",
    "largest": "only the largest component",
    "holes": "holes filled",
    "parts": "components under 0.5 % of the photo removed",
    "blur": "probabilities blurred by one pixel",
}
"""What `scripts/keep_record.py --measure` has tried, by the column of `measured.csv`."""

ENSEMBLES = {"mean": ("the mean of all", 1), "mean_tta": ("the same, mirrored photos too", 2)}
"""What `scripts/score_ensemble.py` has tried: in words, and how often it asks each model."""

_KEEP = "scripts/keep_record.py RUN RECORD --measure"


def ways_table(records: Records) -> Table | Prose:
    """Show what each way to finish a mask changes, with its interval over photos."""
    gaps = {
        (run, way): paired_difference(columns.numbers(way), columns.numbers("dice"))
        for run, columns in records.measured().items()
        for way in WAYS
    }
    judged = judge_all([compare(gap) for gap in gaps.values()])
    rows = []
    for (run, way), gap, (p, verdict) in zip(gaps, gaps.values(), judged, strict=True):
        columns = records.measured()[run]
        if way == next(iter(WAYS)):
            plain = score(float(columns.numbers("dice").mean()))
            rows.append([f"`{run}`", "as it is", plain, "", "", "", ""])
        mean = score(float(columns.numbers(way).mean()))
        rows.append(["", WAYS[way], mean, *difference(gap), p_value(p), verdict])
    if not rows:
        return not_measured("what mirrored photos and tidier masks change", _KEEP)
    return Table(["record", "mask", "Dice>", "difference>", INTERVAL, "p, Holm>", "verdict"], rows)


def ensembles_table(records: Records) -> Table | Prose:
    """Show what the mean of several models gains on the best of them, and what it costs."""
    if not (records.folder / "ensembles" / "ensembles.csv").is_file():
        return not_measured(
            "the mean of several models", "python scripts/score_ensemble.py RUN RUN"
        )
    columns = records.table("ensembles/ensembles.csv")
    dices = {name: columns.numbers(name) for name in columns.texts if name != "id"}
    together = {name: dices.pop(name) for name in ENSEMBLES}
    ranked = sorted(dices, key=lambda name: -dices[name].mean())
    rows = [[f"`{name}` alone", "1", score(float(dices[name].mean())), "", ""] for name in ranked]
    for name, (said, passes) in ENSEMBLES.items():
        gap = paired_difference(together[name], dices[ranked[0]])
        rows.append(
            [
                said,
                str(passes * len(dices)),
                score(float(together[name].mean())),
                *difference(gap),
            ]
        )
    head = [
        "prediction",
        "passes>",
        "Dice>",
        "difference from the best>",
        INTERVAL,
    ]
    return Table(head, rows)


def thresholds_picture(records: Records) -> Picture | Prose:
    """Draw Dice over the threshold."""
    measured = records.measured()
    if not measured:
        return Prose("")
    figure, (left, right) = panels(2)
    for (run, columns), colour in zip(measured.items(), COLOURS, strict=False):
        means = at_thresholds(columns).mean(axis=0)
        best, top = tuned(columns)
        for axes in (left, right):
            axes.plot(THRESHOLDS, means, color=colour, label=run, linewidth=2)
            axes.plot([best], [top], "o", color=colour, markersize=7)
    for axes in (left, right):
        axes.axvline(0.5, color=QUIET, linewidth=1, linestyle=(0, (2, 3)))
    tops = [tuned(columns)[1] for columns in measured.values()]
    right.set_xlim(0.35, 0.75)
    right.set_ylim(min(tops) - 0.006, max(tops) + 0.002)
    left.legend(frameon=False, fontsize=9, labelcolor=INK, loc="lower center")
    label(left, "Threshold", "probability above which a pixel is person", "mean Dice on valid")
    label(right, "The same, near a half", "probability above which a pixel is person", "mean Dice")
    return picture(
        figure, "Dice over the threshold: a flat top around a half, its best point marked."
    )


def thresholds_said(records: Records) -> Prose:
    """Say what tuning the threshold is worth, and what remains of it on other photos."""
    return say(" ".join(_threshold_said(run, one) for run, one in records.measured().items()))


def _threshold_said(run: str, columns: Columns) -> str:
    plain = float(columns.numbers("dice").mean())
    best, same = tuned(columns)
    return (
        f"For `{run}` the best threshold is {best:g}: {same - plain:+.4f} where it was tuned, "
        f"{tuned_elsewhere(columns) - plain:+.4f} on photos on which it was not."
    )
