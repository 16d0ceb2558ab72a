"""Post-processing of predictions: thresholds, mirrored photos, cleaned masks; ensembles."""

from humanseg.metrics.statistics import paired_difference
from humanseg.metrics.verdicts import compare, judge_all
from research.measure.predictions import THRESHOLDS
from research.records import Columns, Records
from research.sections.abstract import LOST
from research.sections.scoring import at_thresholds, cross_tuned, tuned
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
    "tta": "mean with the mirrored photo (TTA)",
    "largest": "only the largest component",
    "holes": "holes filled",
    "parts": "components under 0.5 % of the photo removed",
    "blur": "probabilities blurred by one pixel",
}
"""What `scripts/keep_record.py --measure` tries, by the column of `measured.csv`."""

ENSEMBLES = {"mean": ("mean of all", 1), "mean_tta": ("mean of all, with TTA", 2)}
"""The ensembles of `scripts/score_ensemble.py`: name, and predictions per model and photo."""

_KEEP = "scripts/keep_record.py RUN RECORD --measure"


def ways_table(records: Records) -> Table | Prose:
    """Show what each kind of post-processing changes, with its interval over photos."""
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
            rows.append([f"`{run}`", "none", plain, "", "", "", ""])
        mean = score(float(columns.numbers(way).mean()))
        rows.append(["", WAYS[way], mean, *difference(gap), p_value(p), verdict])
    if not rows:
        return not_measured("what post-processing changes", _KEEP)
    return Table(
        ["model", "post-processing", "Dice>", "difference>", INTERVAL, "p, Holm>", "verdict"], rows
    )


def earlier_text(records: Records) -> Prose:
    """Say whether runs that are not bundled say the same of each way to finish a mask."""
    gaps = [
        paired_difference(columns.numbers(way), columns.numbers("dice"))
        for columns in records.measured_runs().values()
        for way in WAYS
    ]
    if not gaps:
        return Prose("")
    judged = [verdict for _, verdict in judge_all([compare(gap) for gap in gaps])]
    runs = ", ".join(
        f"`{name}`{' (the lost run of section 5)' if name == LOST else ''}"
        for name in records.measured_runs()
    )
    return say(
        f"{runs}, which are not bundled, say the same: of {len(judged)} comparisons "
        f"{judged.count('negligible')} are negligible, {judged.count('undecided')} undecided, and "
        f"{judged.count('better')} better."
    )


def ensembles_table(records: Records) -> Table | Prose:
    """Show what an ensemble gains over its best model, and what it costs."""
    if not (records.folder / "ensembles" / "ensembles.csv").is_file():
        return not_measured(
            "an ensemble of several models", "python scripts/score_ensemble.py RUN RUN"
        )
    columns = records.table("ensembles/ensembles.csv")
    dices = {name: columns.numbers(name) for name in columns.texts if name != "id"}
    together = {name: dices.pop(name) for name in ENSEMBLES}
    ranked = sorted(dices, key=lambda name: -dices[name].mean())
    rows = [[f"`{name}` alone", "1", score(float(dices[name].mean())), "", ""] for name in ranked]
    for name, (title, passes) in ENSEMBLES.items():
        gap = paired_difference(together[name], dices[ranked[0]])
        rows.append(
            [
                title,
                str(passes * len(dices)),
                score(float(together[name].mean())),
                *difference(gap),
            ]
        )
    head = [
        "prediction",
        "forward passes>",
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
    label(left, "Threshold", "confidence threshold", "mean Dice on valid")
    label(right, "The same, near 0.5", "confidence threshold", "mean Dice")
    return picture(figure, "Dice over the threshold: a flat top around 0.5, its maximum marked.")


def thresholds_text(records: Records) -> Prose:
    """Return the gain of a tuned threshold, on the same photos and on others."""
    return say(" ".join(_threshold_text(*item) for item in records.measured().items()))


def _threshold_text(run: str, columns: Columns) -> str:
    plain = float(columns.numbers("dice").mean())
    best, same = tuned(columns)
    return (
        f"For `{run}` the best threshold is {best:g}: it changes the mean Dice by "
        f"{same - plain:+.4f} on the photos on which it was tuned, and by "
        f"{cross_tuned(columns) - plain:+.4f} on others."
    )
