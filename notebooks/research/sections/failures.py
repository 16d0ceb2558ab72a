"""Where the bundled model fails, and how good the labels let it be."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from humanseg.metrics.statistics import bootstrap_interval
from research.measure.predictions import DISTANCES
from research.records import KeptRun, Records
from research.sections.kinds import KINDS, PLAIN, kinds_of_valid
from research.show import (
    COLOURS,
    INK,
    INTERVAL,
    Picture,
    Prose,
    Table,
    label,
    not_measured,
    panels,
    picture,
    say,
    score,
)

_SHARES = (0.0, 0.3, 0.45, 0.6, 0.75, 1.0)


def shares_table(records: Records) -> Table:
    """Show the bundled model's Dice by how much of the photo is person."""
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
                    str(int(there.sum())),
                    score(interval.mean),
                    f"{interval.low:.4f} to {interval.high:.4f}",
                    score(float(np.nanmean(outline[there]))),
                ]
            )
    names = ["photos>", "Dice>", INTERVAL, "at the outline>"]
    return Table(["share of person", *names], rows)


def shares_picture(records: Records) -> Picture:
    """Draw the bundled model's Dice over the share of person, and how it is spread."""
    scores = records.headline().scores
    share, dice = scores.numbers("foreground"), scores.numbers("dice")
    figure, (left, right) = panels(2)
    left.plot(share, dice, "o", color=COLOURS[0], alpha=0.6, markersize=4)
    label(left, "By the size of the person", "share of the photo that is person", "Dice")
    right.hist(1 - dice, bins=40, color=COLOURS[0])
    label(right, "How the loss is spread", "1 − Dice", "photos")
    return picture(
        figure,
        "Left: Dice of each photo over its share of person. Right: a histogram of the lost Dice "
        "with a long tail.",
    )


def worst_ids(records: Records, count: int) -> list[str]:
    """Return the photos on which the bundled model scores lowest, the worst first."""
    scores = records.headline().scores
    ids = scores.text("id")
    return [ids[place] for place in np.argsort(scores.numbers("dice"))[:count].tolist()]


def worst_said(records: Records, count: int = 10) -> Prose:
    """Say how much of the loss lies in the worst photos."""
    best = records.headline()
    dice, ids = best.scores.numbers("dice"), worst_ids(records, count)
    order = np.argsort(dice)
    lost = 1 - dice
    part = lost[order[:count]].sum() / lost.sum()
    without = float(np.delete(dice, order[:count]).mean())
    return say(
        f"The {count} worst of {len(dice)} photos hold {part:.0%} of what `{best.name}` loses; "
        f"without them its mean would be {score(without)}. The median photo has "
        f"{score(float(np.median(dice)))}. The worst, by id: {', '.join(ids)}, from "
        f"{score(float(dice[order[0]]))} to {score(float(dice[order[count - 1]]))}."
    )


def kinds_table(records: Records) -> Table:
    """Show the bundled model's Dice by kind of photo."""
    best = records.headline()
    dice = _by_id(best, "dice")
    rows = []
    for name, ids in kinds_of_valid(records).items():
        values = np.array([dice[id] for id in dice if id in ids])
        if values.size:
            interval = bootstrap_interval(values)
            rows.append((interval.mean, name, values.size, interval.low, interval.high))
    rows.sort()
    written = [
        [name, str(count), score(mean), f"{low:.4f} to {high:.4f}"]
        for mean, name, count, low, high in rows
    ]
    return Table(["kind", "valid photos>", "Dice>", INTERVAL], written)


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
    for place, ((run, columns), colour) in enumerate(zip(measured.items(), COLOURS, strict=False)):
        wrong = np.array([columns.numbers(f"wrong{name}").sum() for name in names])
        pixels = np.array([columns.numbers(f"band{name}").sum() for name in names])
        at = np.arange(len(names)) + (place - (len(measured) - 1) / 2) * width
        left.bar(at, 100 * wrong / pixels, width, color=colour, label=run)
        right.bar(at, 100 * wrong / wrong.sum(), width, color=colour)
    for axes in (left, right):
        axes.set_xticks(range(len(names)), ends)
    left.legend(frameon=False, fontsize=9, labelcolor=INK)
    label(left, "How often a pixel is wrong", "distance from the outline, pixels", "wrong, %")
    label(right, "Where the errors are", "distance from the outline, pixels", "of all errors, %")
    return picture(
        figure, "Bars by distance from the true outline: the rate of errors, and their share."
    )


def distances_said(records: Records) -> Prose:
    """Say how much of the error is outline and how much is whole regions."""
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


def ceiling_said(records: Records) -> Prose:
    """Say what jags and pixels cost, and how much the bundled model loses."""
    wrong, best = records.table("data/perturbed.csv"), records.headline()
    smooth = float(wrong.numbers("smooth2").mean())
    one = float((wrong.numbers("shrink1") + wrong.numbers("grow1")).mean()) / 2
    lost = 1 - best.dice
    return say(
        "Smoothing the outlines of the true masks by two pixels takes out the jags that no photo "
        f"shows, and leaves a Dice of {score(smooth)}: noise of this kind costs {1 - smooth:.4f}. "
        f"An outline that is one pixel off all around costs {1 - one:.4f}; `{best.name}` loses "
        f"{lost:.4f} in all."
    )


def annotators_table(records: Records) -> Table:
    """Show how well two annotators of the same photos agree."""
    table = records.table("data/second_annotation.csv")
    split, dice = np.array(table.text("split")), table.numbers("dice")
    outline = table.numbers("boundary_dice")
    kept = _by_id(records.headline(), "dice")
    rows = []
    for name in dict.fromkeys(split.tolist()):
        there = split == name
        ids = [id for id, here in zip(table.text("id"), there, strict=True) if here]
        ours = [kept[id] for id in ids if id in kept]
        rows.append(
            [
                name,
                str(int(there.sum())),
                score(float(dice[there].mean())),
                score(float(np.median(dice[there]))),
                score(float(dice[there].min())),
                score(float(np.nanmean(outline[there]))),
                score(float(np.mean(ours)) if ours else None),
            ]
        )
    names = ["agreement, Dice>", "median>", "least>", "at the outline>", "bundled model>"]
    return Table(["split", "photos>", *names], rows)


def annotators_said(records: Records) -> Prose:
    """Say what a Dice above the agreement of two annotators means."""
    table = records.table("data/second_annotation.csv")
    train = np.array(table.text("split")) == "train"
    agreed = float(table.numbers("dice")[train].mean())
    return say(
        f"Two people who outline the same person agree to {agreed:.3f}. A model above that does "
        "not know better where the person ends: it has learnt the hand of one annotator, whose "
        "masks score it. Differences up there are worth having in this task, and say little about "
        "cut-outs."
    )


def _by_id(run: KeptRun, name: str) -> dict[str, float]:
    values: NDArray[np.float64] = run.scores.numbers(name)
    return dict(zip(run.scores.text("id"), values.tolist(), strict=True))


def hardest_said(records: Records) -> Prose:
    """Name the hardest kind beside the photos of no kind."""
    dice, kinds = _by_id(records.headline(), "dice"), kinds_of_valid(records)
    means = {
        name: float(np.mean([dice[id] for id in ids if id in dice]))
        for name, ids in kinds.items()
        if ids & dice.keys()
    }
    worst = min((name for name in means if name != PLAIN), key=lambda name: means[name])
    return say(
        f"Hardest are those called “{worst}” ({KINDS[worst][0]}): {score(means[worst])}, beside "
        f"{score(means[PLAIN])} for photos of none of these kinds."
    )


def elsewhere_table(records: Records) -> Table | Prose:
    """Show each model's Dice on valid photos that were made like photos from elsewhere."""
    if not (records.folder / "world" / "world.csv").is_file():
        return not_measured("Dice on the stand-in", "python scripts/score_world.py RUN")
    table = records.table("world/world.csv")
    shifts = [name for name in table.texts if name != "model"]
    others = np.array([table.numbers(name) for name in shifts if name != "plain"])
    columns = [table.numbers(name) for name in shifts] + [others.mean(axis=0)]
    rows = [
        [f"`{model}`", *(f"{column[place]:.3f}" for column in columns)]
        for place, model in enumerate(table.text("model"))
    ]
    return Table(["model", *(f"{name}>" for name in (*shifts, "mean of the shifts"))], rows)
