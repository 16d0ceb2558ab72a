"""The photos, their masks, and how much the score penalises small errors."""

from collections import Counter

import numpy as np

from humanseg.data.small_components import SMALL_COMPONENT
from humanseg.metrics.statistics import bootstrap_interval
from research.records import Records
from research.show import (
    COLOURS,
    INK,
    INTERVAL,
    Picture,
    Prose,
    Table,
    counted,
    label,
    panels,
    picture,
    say,
    score,
)

_PERTURBED = {
    "shift": "moved sideways, up or down",
    "shrink": "shrunk all around",
    "grow": "grown all around",
}


def sizes_table(records: Records) -> Table:
    """Show how many photos of which size each split has."""
    sizes = records.table("data/sizes.csv")
    columns = [sizes.text(name) for name in ("split", "photos", "rows", "columns")]
    rows = [
        [split, count, f"{high} × {wide}"]
        for split, count, high, wide in zip(*columns, strict=True)
    ]
    return Table(["split", "photos>", "rows × columns>"], rows)


def foreground_picture(records: Records) -> Picture:
    """Draw the foreground share of the masks, and where people are."""
    masks = records.table("data/masks.csv")
    split, share = np.array(masks.text("split")), masks.numbers("foreground")
    figure, (left, right) = panels(2)
    bins = np.linspace(0, 1, 21)
    for name, colour in zip(("train", "valid"), COLOURS, strict=False):
        values = share[split == name]
        left.hist(
            values,
            bins=bins.tolist(),
            weights=np.full(len(values), 100 / len(values)),
            histtype="stepfilled" if name == "train" else "step",
            color=colour,
            alpha=0.45 if name == "train" else 1,
            linewidth=1.8,
            label=name,
        )
    left.legend(frameon=False, fontsize=9, labelcolor=INK)
    label(left, "Foreground share", "foreground share of the mask", "photos, %")
    heat = records.table("data/heat.csv")
    grid = np.stack([heat.numbers(name) for name in heat.texts], axis=1)
    rows, columns = grid.shape
    shown = right.imshow(grid, cmap="Greens", vmin=0, vmax=1, extent=(0, 100, 100, 0))
    right.set_aspect(rows / columns)
    right.grid(False)
    figure.colorbar(shown, ax=right, label="share of train masks", shrink=0.9)
    label(right, "Where people are", "width, %", "height, %")
    return picture(
        figure,
        "Left: histograms of the foreground share of train and valid masks. Right: the mean train "
        "mask, an upright person in the middle, wider towards the bottom.",
    )


def foreground_text(records: Records) -> Prose:
    """Return the foreground share, and how high trivial predictions score."""
    masks = records.table("data/masks.csv")
    split, share = np.array(masks.text("split")), masks.numbers("foreground")
    train, valid = share[split == "train"], share[split == "valid"]
    wrong = records.table("data/perturbed.csv")
    return say(
        f"The foreground share is {train.mean():.0%} on average in train, from {train.min():.0%} "
        f"to {train.max():.0%}, and {valid.mean():.0%} in valid, from {valid.min():.0%} to "
        f"{valid.max():.0%}. So predictions that ignore the photo score high: a mask that is all "
        f"person has a Dice of {score(wrong.numbers('everything').mean())} on valid, and the mean "
        f"train mask {score(wrong.numbers('mean_mask').mean())}. These are the baselines to beat."
    )


def frame_text(records: Records) -> Prose:
    """Return where the frame cuts people off."""
    masks = records.table("data/masks.csv")
    train = np.array(masks.text("split")) == "train"
    touched = {side: masks.numbers(side)[train] for side in ("top", "bottom", "left", "right")}
    both = (touched["left"] > 0) & (touched["right"] > 0)
    return say(
        f"The frame cuts the person off at the bottom in {(touched['bottom'] > 0).mean():.0%} of "
        f"the train photos, at the left and the right in {both.mean():.0%}, and at the top in "
        f"{(touched['top'] > 0).mean():.0%}: mostly portraits, hardly any whole bodies. "
        f"{(masks.numbers('people')[train] > 1).sum()} of {train.sum()} masks have a second "
        f"separate component of more than 2 % of the photo."
    )


def edges_picture(records: Records) -> Picture:
    """Draw how many small components masks have, and how ragged their outlines are."""
    masks = records.table("data/masks.csv")
    small, ragged = masks.numbers("specks"), masks.numbers("ragged")
    figure, (left, right) = panels(2, 3.2)
    most = 30
    left.hist(np.minimum(small, most), bins=(np.arange(most + 2) - 0.5).tolist(), color=COLOURS[0])
    label(left, "Small components", f"small components in a mask ({most}: or more)", "masks")
    right.hist(np.minimum(ragged, 2), bins=np.linspace(1, 2, 31).tolist(), color=COLOURS[0])
    label(
        right, "Ragged outlines", "outline length / that of the smoothed mask (2: or more)", "masks"
    )
    return picture(
        figure, "Histograms of the small components in a mask and of how ragged its outline is."
    )


def edges_text(records: Records) -> Prose:
    """Return what small components and ragged outlines cost."""
    masks, wrong = records.table("data/masks.csv"), records.table("data/perturbed.csv")
    return say(
        f"{(masks.numbers('specks') > 0).mean():.0%} of the masks have small components, dots and "
        f"holes of under {SMALL_COMPONENT} pixels; the worst mask has "
        f"{masks.numbers('specks').max():.0f}. They look like artefacts of another model. The "
        "score hardly depends on them: a valid mask without its small components has a mean Dice "
        f"of {score(wrong.numbers('specks').mean())} against the original, a mask whose outline is "
        f"smoothed by one pixel {score(wrong.numbers('smooth1').mean())}, by three pixels "
        f"{score(wrong.numbers('smooth3').mean())}. A model that predicts clean, smooth masks "
        "loses almost nothing, and does not need to learn the noise."
    )


def perturbed_picture(records: Records) -> Picture:
    """Draw the Dice of true masks that are perturbed by a few pixels."""
    wrong = records.table("data/perturbed.csv")
    figure, (left, right) = panels(2)
    steps = (1, 2, 3)
    for (name, title), colour in zip(_PERTURBED.items(), COLOURS, strict=False):
        means = [float(wrong.numbers(f"{name}{step}").mean()) for step in steps]
        left.plot([0, *steps], [1.0, *means], "o-", color=colour, label=title, linewidth=2)
    left.legend(frameon=False, fontsize=9, labelcolor=INK)
    left.set_xticks([0, *steps])
    label(left, "Perturbed true masks", "pixels", "mean Dice on valid")
    masks = records.table("data/masks.csv")
    valid = np.array(masks.text("split")) == "valid"
    share, cost = masks.numbers("foreground")[valid], 1 - wrong.numbers("shrink1")
    right.plot(share, cost, "o", color=COLOURS[0], alpha=0.6, markersize=4)
    right.set_ylim(0)
    label(right, "One pixel all around, per photo", "foreground share", "Dice lost")
    return picture(
        figure,
        "Left: Dice falls almost in a straight line with each pixel that a mask is shifted, shrunk "
        "or grown. Right: small people lose more by one pixel than large ones.",
    )


def perturbed_text(records: Records) -> Prose:
    """Return what a pixel costs, and what a Dice means in pixels."""
    wrong = records.table("data/perturbed.csv")
    means = {name: float(wrong.numbers(name).mean()) for name in wrong.texts if name != "id"}
    one = 1 - (means["shrink1"] + means["grow1"]) / 2
    best = records.config("recipes.yaml")["best"]
    floor, goal = ((1 - best[name]) / one for name in ("floor", "goal"))
    return say(
        f"An outline that is one pixel off all around costs {one:.4f}; moving the whole mask by "
        f"one pixel costs {1 - means['shift1']:.4f}, since only the outline across the direction "
        "of the shift changes. If nothing else were wrong, the floor of `best` (section 5), "
        f"{best['floor']:.3f}, would be an outline that is {floor:.1f} pixels off, and its goal, "
        f"{best['goal']:.3f}, one that is {goal:.1f} pixels off. A mask that is scaled to a longer "
        f"side of 160 pixels and back keeps a Dice of {score(means['side160'])}, to 128 pixels "
        f"{score(means['side128'])}, to a square of 224 pixels {score(means['square224'])}: a "
        "small size alone does not limit the score; what matters is how well the outline is "
        "predicted at that size."
    )


def annotators_table(records: Records) -> Table:
    """Show how well two annotators of the same photos agree."""
    table = records.table("data/second_annotation.csv")
    dice, outline = table.numbers("dice"), table.numbers("boundary_dice")
    split = np.array(table.text("split"))
    bundled = records.headline().by_id("dice")
    rows = []
    for name in dict.fromkeys(split.tolist()):
        there = split == name
        ids = np.array(table.text("id"))[there].tolist()
        ours = [bundled[id] for id in ids if id in bundled]
        interval = bootstrap_interval(dice[there])
        rows.append(
            [
                name,
                counted(int(there.sum())),
                score(interval.mean),
                f"{interval.low:.4f} to {interval.high:.4f}",
                score(float(np.median(dice[there]))),
                score(float(dice[there].min())),
                score(float(np.nanmean(outline[there]))),
                score(float(np.mean(ours)) if ours else None),
            ]
        )
    names = [
        "agreement, Dice>",
        INTERVAL,
        "median>",
        "minimum>",
        "boundary Dice>",
        "bundled model>",
    ]
    return Table(["split", "photos>", *names], rows)


def annotators_text(records: Records) -> Prose:
    """Explain what a Dice above the agreement of two annotators means."""
    table = records.table("data/second_annotation.csv")
    train = np.array(table.text("split")) == "train"
    agreed, of_valid = (float(table.numbers("dice")[rows].mean()) for rows in (train, ~train))
    bundled = records.headline().by_id("dice")
    ours = [bundled[id] for id in table.text("id") if id in bundled]
    return say(
        f"Two annotators who outline the same person agree to a Dice of {agreed:.3f}. A model that "
        "scores higher need not know better where the person ends: it may reproduce the style of "
        f"the annotator whose masks score it. On the {len(ours)} valid photos with both "
        "annotations, too few to measure how much, the bundled model is closer to the task's masks "
        f"({np.mean(ours):.3f}) than the other annotator is ({of_valid:.3f}). Differences above "
        "the agreement matter for the score of this task, and say little about the quality of "
        "cut-outs."
    )


def duplicates_table(records: Records) -> Table:
    """Count the groups of duplicate photos by the splits that they are in."""
    table = records.table("data/copies.csv")
    pairs = Counter(zip(table.text("splits"), table.text("identical"), strict=True))
    ids: dict[tuple[str, str], list[str]] = {}
    for split, same, names in zip(
        table.text("splits"), table.text("identical"), table.text("ids"), strict=True
    ):
        ids.setdefault((split, same), []).append(names.replace(" ", " = "))
    rows = [
        [
            " and ".join(key[0].split()),
            "identical pixels" if key[1] == "1" else "re-encoded",
            str(count),
            ", ".join(ids[key]),
        ]
        for key, count in pairs.items()
    ]
    return Table(["splits", "kind of duplicate", "groups>", "ids"], rows)


def duplicates_text(records: Records) -> Prose:
    """Return how many photos are duplicates of a photo in another split."""
    splits = records.table("data/copies.csv").text("splits")
    with_valid = sum("valid" in names.split() for names in splits)
    with_train = sum({"train", "test"} <= set(names.split()) for names in splits)
    leakage = "scores on valid are inflated" if with_valid else "there is no leakage into valid"
    with_unlabelled = sum("unlabelled" in names.split() for names in splits)
    sizes = records.table("data/sizes.csv")
    counts = dict(zip(sizes.text("split"), sizes.text("photos"), strict=True))
    unlabelled = counts.get("unlabelled")
    more = (
        f" Of the {unlabelled} unlabelled photos, {with_unlabelled} are duplicates."
        if unlabelled
        else ""
    )
    return say(
        f"{with_valid} valid photos are duplicates of another photo: {leakage}.{more} "
        f"{with_train} test photos are duplicates of train photos, so masks of the test photos "
        "may look better than they would on new photos."
    )


def withheld_text(records: Records) -> Prose:
    """Return the ids that are missing from train."""
    masks = records.table("data/masks.csv")
    split = masks.text("split")
    ids = {int(id) for id, name in zip(masks.text("id"), split, strict=True) if name == "train"}
    missing = sorted(set(range(max(ids) + 1)) - ids)
    runs: list[list[int]] = []
    for id in missing:
        if runs and id == runs[-1][-1] + 1:
            runs[-1].append(id)
        else:
            runs.append([id])
    named = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs[:12])
    return say(
        f"The ids of train run from {min(ids)} to {max(ids)}, and {len(missing)} are missing. As "
        "many photos of the task's kind were withheld to score the bundled models; presumably they "
        f"are the missing ones. The first missing ids are {named}."
    )
