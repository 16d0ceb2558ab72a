"""Where the bundled model fails, and how far label noise limits its score."""

from itertools import pairwise

import numpy as np

from humanseg.metrics.statistics import bootstrap_interval
from humanseg.metrics.verdicts import detectable_difference
from research.measure.predictions import DISTANCES
from research.records import Records
from research.sections.kinds import KINDS, PLAIN, kinds_of_valid
from research.show import (
    COLOURS,
    FEW,
    INK,
    INTERVAL,
    Picture,
    Prose,
    Table,
    counted,
    label,
    not_measured,
    panels,
    picture,
    say,
    score,
)

_SHARES = (0.0, 0.3, 0.45, 0.6, 0.75, 1.0)
SHIFTED_PHOTOS = 48
"""How many valid photos the synthetic-shift benchmark was scored on, evenly spread."""
_SHIFTED = {
    "best/kept in 8 bits": "`best`",
    "best/start": "`best/start`, trained with `augmentation=robust`",
    "tiny/mean in 8 bits": "`tiny`",
    "tiny/longer in 8 bits": "`tiny/longer`, not bundled",
    "tiny/start": "`tiny/start`, trained with `augmentation=robust`",
    "MediaPipe general": "MediaPipe general",
    "MediaPipe landscape": "MediaPipe landscape",
}
"""The rows that are shown, by the names of their records."""


def shares_table(records: Records) -> Table:
    """Show the bundled model's Dice by foreground share."""
    scores = records.headline().scores
    share, dice = scores.numbers("foreground"), scores.numbers("dice")
    outline = scores.numbers("boundary_dice")
    rows = []
    for low, high in pairwise(_SHARES):
        there = (share >= low) & (share < high)
        if there.any():
            interval = bootstrap_interval(dice[there])
            rows.append(
                [
                    f"{low:.0%} to {high:.0%}",
                    counted(int(there.sum())),
                    score(interval.mean),
                    f"{interval.low:.4f} to {interval.high:.4f}",
                    score(float(np.nanmean(outline[there]))),
                ]
            )
    names = ["photos>", "Dice>", INTERVAL, "boundary Dice>"]
    return Table(["foreground share", *names], rows)


def shares_picture(records: Records) -> Picture:
    """Draw the bundled model's Dice over the foreground share, and its distribution."""
    scores = records.headline().scores
    share, dice = scores.numbers("foreground"), scores.numbers("dice")
    figure, (left, right) = panels(2)
    left.plot(share, dice, "o", color=COLOURS[0], alpha=0.6, markersize=4)
    label(left, "By foreground share", "foreground share", "Dice")
    right.hist(1 - dice, bins=40, color=COLOURS[0])
    label(right, "Distribution of the errors", "1 − Dice", "photos")
    return picture(
        figure,
        "Left: Dice of each photo over its foreground share. Right: a histogram of 1 − Dice with a "
        "long tail.",
    )


def worst_ids(records: Records, count: int) -> list[str]:
    """Return the photos on which the bundled model scores lowest, the worst first."""
    scores = records.headline().scores
    ids = scores.text("id")
    return [ids[row] for row in np.argsort(scores.numbers("dice"))[:count].tolist()]


def worst_text(records: Records, count: int = 10) -> Prose:
    """Return how much of the lost Dice the worst photos account for."""
    best = records.headline()
    dice, ids = best.scores.numbers("dice"), worst_ids(records, count)
    order = np.argsort(dice)
    lost = 1 - dice
    part = lost[order[:count]].sum() / lost.sum()
    without = float(np.delete(dice, order[:count]).mean())
    return say(
        f"The {count} worst of {len(dice)} photos account for {part:.0%} of the Dice that "
        f"`{best.name}` loses; without them its mean would be {score(without)}. The median is "
        f"{score(float(np.median(dice)))}. The worst photos, by id: {', '.join(ids)}, with a Dice "
        f"of {score(float(dice[order[0]]))} to {score(float(dice[order[count - 1]]))}."
    )


def kinds_table(records: Records) -> Table:
    """Show the bundled model's Dice by kind of photo."""
    best = records.headline()
    dice, kinds = best.by_id("dice"), kinds_of_valid(records)
    rows = []
    for name, ids in kinds.items():
        values = np.array([dice[id] for id in dice if id in ids])
        if values.size:
            interval = bootstrap_interval(values)
            rows.append((interval.mean, name, values.size, interval.low, interval.high))
    rows.sort()
    others = _others_by_id(records)
    written = [
        [
            name,
            counted(count),
            score(mean),
            f"{low:.4f} to {high:.4f}",
            *(
                score(float(np.mean([values[id] for id in kinds[name] if id in values])))
                for values in others.values()
            ),
        ]
        for mean, name, count, low, high in rows
    ]
    return Table(
        ["kind", "valid photos>", f"`{best.name}`>", INTERVAL, *(f"{name}>" for name in others)],
        written,
    )


def _others_by_id(records: Records) -> dict[str, dict[str, float]]:
    """Return the Dice of other models on each valid photo, where it was measured."""
    table = records.of_bundled("valid")
    if table is None:
        return {}
    return {
        words: dict(zip(table.text("id"), table.numbers(name).tolist(), strict=True))
        for name, words in (("tiny", "`tiny`"), ("MediaPipe general", "MediaPipe general"))
        if name in table
    }


def distances_picture(records: Records) -> Picture | Prose:
    """Draw where wrong pixels lie, by their distance from the true outline."""
    measured = records.measured()
    if not measured:
        return not_measured("errors by distance", "scripts/keep_record.py RUN RECORD --measure")
    figure, (left, right) = panels(2)
    names = [*map(str, DISTANCES), "beyond"]
    ends = [f"≤ {DISTANCES[0]}", *(f"{low}–{high}" for low, high in pairwise(DISTANCES))]
    ends.append(f"> {DISTANCES[-1]}")
    width = 0.8 / len(measured)
    for index, ((run, columns), colour) in enumerate(zip(measured.items(), COLOURS, strict=False)):
        wrong = np.array([columns.numbers(f"wrong{name}").sum() for name in names])
        pixels = np.array([columns.numbers(f"band{name}").sum() for name in names])
        x = np.arange(len(names)) + (index - (len(measured) - 1) / 2) * width
        left.bar(x, 100 * wrong / pixels, width, color=colour, label=run)
        right.bar(x, 100 * wrong / wrong.sum(), width, color=colour)
    for axes in (left, right):
        axes.set_xticks(range(len(names)), ends)
    left.legend(frameon=False, fontsize=9, labelcolor=INK)
    label(left, "Error rate", "distance from the true outline, pixels", "wrong pixels, %")
    label(
        right, "Share of all errors", "distance from the true outline, pixels", "of all errors, %"
    )
    return picture(
        figure, "Bars by distance from the true outline: the rate of errors, and their share."
    )


def distances_text(records: Records) -> Prose:
    """Return how many errors lie at the outline, and how many are whole regions."""
    sentences = []
    for run, columns in records.measured().items():
        wrong = {name: columns.numbers(f"wrong{name}").sum() for name in (*DISTANCES, "beyond")}
        total = sum(wrong.values())
        near = sum(wrong[name] for name in DISTANCES if name <= 3)
        far = wrong["beyond"] + wrong[DISTANCES[-1]]
        sentences.append(
            f"Of the wrong pixels of `{run}`, {near / total:.0%} lie within 3 pixels of the "
            f"outline, and {far / total:.0%} more than {DISTANCES[-2]} pixels from it: whole "
            "regions that were missed or added."
        )
    return say(" ".join(sentences))


def ceiling_text(records: Records) -> Prose:
    """Compare the cost of label noise with what the bundled model loses."""
    best = records.headline()
    noise = 1 - float(records.table("data/perturbed.csv").numbers("smooth2").mean())
    return say(
        "Smoothing the outlines of the true masks by two pixels removes jags that are not in the "
        f"photos, and costs {noise:.4f} of Dice: {noise / (1 - best.dice):.0%} of the "
        f"{1 - best.dice:.4f} that `{best.name}` loses."
    )


def hardest_text(records: Records) -> Prose:
    """Compare the kind with the lowest mean with the photos of no kind."""
    dice, kinds = records.headline().by_id("dice"), kinds_of_valid(records)
    means = {
        name: float(np.mean([dice[id] for id in ids if id in dice]))
        for name, ids in kinds.items()
        if ids & dice.keys()
    }
    worst = min((name for name in means if name != PLAIN), key=lambda name: means[name])
    count = len(kinds[worst] & dice.keys())
    few = " So few show where to look, not by how much." if count < FEW else ""
    return say(
        f"The lowest mean is that of the {count} photos called “{worst}” ({KINDS[worst][0]}): "
        f"{score(means[worst])}; photos of none of these kinds have {score(means[PLAIN])}.{few}"
    )


def synthetic_shift_table(records: Records) -> Table | Prose:
    """Show each model's Dice on the synthetic-shift benchmark."""
    if not (records.folder / "world" / "world.csv").is_file():
        return not_measured("the synthetic-shift benchmark", "python scripts/score_world.py RUN")
    table = records.table("world/world.csv")
    shifts = [name for name in table.texts if name != "model"]
    others = np.array([table.numbers(name) for name in shifts if name != "plain"])
    columns = [table.numbers(name) for name in shifts] + [others.mean(axis=0)]
    place = {model: index for index, model in enumerate(table.text("model"))}
    rows = [
        [words, *(f"{column[place[model]]:.3f}" for column in columns)]
        for model, words in _SHIFTED.items()
        if model in place
    ]
    names = [{"plain": "unchanged", "company": "extra person"}.get(name, name) for name in shifts]
    return Table(["model", *(f"{name}>" for name in (*names, "mean of the shifts"))], rows)


def synthetic_shift_text(records: Records) -> Prose:
    """Say on how many photos the benchmark was scored, and what so few can show."""
    large, small = (
        run.scores.numbers("dice") for run in (records.headline(), records.runs["tiny"])
    )
    spread = float(np.std(large - small, ddof=1))
    shown = detectable_difference(spread, SHIFTED_PHOTOS)
    return say(
        f"These are {SHIFTED_PHOTOS} of the valid photos, every third, so the first column is not "
        f"the Dice on all of valid. They detect a difference of about {shown:.3f} between two "
        "models with a power of 80 %; smaller ones in this table mean nothing. The scores of "
        "single photos were not recorded, so there are no intervals."
    )
