"""The photos, their masks, and what the score punishes."""

from collections import Counter

import numpy as np

from humanseg.data.small_components import SMALL_COMPONENT
from research.records import Records
from research.show import (
    COLOURS,
    INK,
    Picture,
    Prose,
    Table,
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
    """Draw how much of a photo is person, and where people are."""
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
    label(left, "How much is person", "share of the photo that is person", "photos, %")
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
        "mask, an upright figure in the middle that widens downwards.",
    )


def foreground_said(records: Records) -> Prose:
    """Say how much is person, and what follows for trivial answers."""
    masks = records.table("data/masks.csv")
    split, share = np.array(masks.text("split")), masks.numbers("foreground")
    train, valid = share[split == "train"], share[split == "valid"]
    wrong = records.table("data/perturbed.csv")
    return say(
        f"Person covers {train.mean():.0%} of a train photo on average, from {train.min():.0%} to "
        f"{train.max():.0%}; of a valid photo {valid.mean():.0%}, from {valid.min():.0%} to "
        f"{valid.max():.0%}. So answers that look at no photo score high: “everything is person” "
        f"has a Dice of {score(wrong.numbers('everything').mean())} on valid, and the usual "
        f"place of a person, the mean train mask, {score(wrong.numbers('mean_mask').mean())}. What "
        "counts is how far a model gets from there."
    )


def frame_said(records: Records) -> Prose:
    """Say how people stand in the frame."""
    masks = records.table("data/masks.csv")
    train = np.array(masks.text("split")) == "train"
    touched = {side: masks.numbers(side)[train] for side in ("top", "bottom", "left", "right")}
    both = (touched["left"] > 0) & (touched["right"] > 0)
    return say(
        f"Of the train photos, {(touched['bottom'] > 0).mean():.0%} have the person cut off at the "
        f"lower side, {both.mean():.0%} at the left and the right, and "
        f"{(touched['top'] > 0).mean():.0%} at the top: mostly portraits, hardly whole bodies. "
        f"{(masks.numbers('people')[train] > 1).sum()} of {train.sum()} masks have a second "
        f"separate part of more than a fiftieth of the photo."
    )


def edges_picture(records: Records) -> Picture:
    """Draw how many specks masks have, and how ragged their outlines are."""
    masks = records.table("data/masks.csv")
    specks, ragged = masks.numbers("specks"), masks.numbers("ragged")
    figure, (left, right) = panels(2, 3.2)
    most = 30
    left.hist(np.minimum(specks, most), bins=(np.arange(most + 2) - 0.5).tolist(), color=COLOURS[0])
    label(left, "Specks", f"specks in a mask ({most}: or more)", "masks")
    right.hist(np.minimum(ragged, 2), bins=np.linspace(1, 2, 31).tolist(), color=COLOURS[0])
    label(right, "Ragged outlines", "outline over that of the smoothed mask (2: or more)", "masks")
    return picture(figure, "Histograms of the specks in a mask and of how ragged its outline is.")


def edges_said(records: Records) -> Prose:
    """Say what specks and ragged outlines cost."""
    masks, wrong = records.table("data/masks.csv"), records.table("data/perturbed.csv")
    return say(
        f"{(masks.numbers('specks') > 0).mean():.0%} of the masks have specks, dots and pinholes "
        f"of under {SMALL_COMPONENT} pixels, the worst one {masks.numbers('specks').max():.0f} of "
        "them. They "
        "look like what another model left behind. For the score they hardly matter: valid masks "
        f"without their specks have a Dice of {score(wrong.numbers('specks').mean())} with "
        "themselves, and masks whose outline is smoothed by one pixel "
        f"{score(wrong.numbers('smooth1').mean())}, by three pixels "
        f"{score(wrong.numbers('smooth3').mean())}. A model that learns clean, smooth masks loses "
        "next to nothing, and need not learn the noise."
    )


def perturbed_picture(records: Records) -> Picture:
    """Draw what the score makes of true masks that are a little off."""
    wrong = records.table("data/perturbed.csv")
    figure, (left, right) = panels(2)
    steps = (1, 2, 3)
    for (name, said), colour in zip(_PERTURBED.items(), COLOURS, strict=False):
        means = [float(wrong.numbers(f"{name}{step}").mean()) for step in steps]
        left.plot([0, *steps], [1.0, *means], "o-", color=colour, label=said, linewidth=2)
    left.legend(frameon=False, fontsize=9, labelcolor=INK)
    left.set_xticks([0, *steps])
    label(left, "True masks, a little off", "pixels", "mean Dice on valid")
    masks = records.table("data/masks.csv")
    valid = np.array(masks.text("split")) == "valid"
    share, cost = masks.numbers("foreground")[valid], 1 - wrong.numbers("shrink1")
    right.plot(share, cost, "o", color=COLOURS[0], alpha=0.6, markersize=4)
    right.set_ylim(0)
    label(right, "One pixel all around, photo by photo", "share of person", "Dice lost")
    return picture(
        figure,
        "Left: Dice falls almost in a straight line with each pixel that a mask is shifted, shrunk "
        "or grown. Right: small people lose more by one pixel than large ones.",
    )


def perturbed_said(records: Records) -> Prose:
    """Say what a pixel costs, and what a Dice means in pixels."""
    wrong = records.table("data/perturbed.csv")
    means = {name: float(wrong.numbers(name).mean()) for name in wrong.texts if name != "id"}
    one = 1 - (means["shrink1"] + means["grow1"]) / 2
    best = records.config("recipes.yaml")["best"]
    floor, goal = ((1 - best[name]) / one for name in ("floor", "goal"))
    return say(
        f"An outline that is one pixel off all around costs {one:.4f}; moving the whole mask by "
        f"one pixel costs {1 - means['shift1']:.4f}, since only what lies across the way suffers. "
        f"The floor of `best`, {best['floor']:.3f}, is an outline that is {floor:.1f} pixels off; "
        f"its goal, {best['goal']:.3f}, one of {goal:.1f} pixels, if nothing else were wrong. A "
        "mask that was scaled to a longer side of 160 pixels and back keeps "
        f"{score(means['side160'])}, of 128 pixels {score(means['side128'])}, through a square of "
        f"224 pixels {score(means['square224'])}: "
        "a small size alone does not forbid a high score; what matters is how well the outline is "
        "found at that size."
    )


def copies_table(records: Records) -> Table:
    """Count the photos that are one picture, by the splits that they stand in."""
    copies = records.table("data/copies.csv")
    pairs = Counter(zip(copies.text("splits"), copies.text("identical"), strict=True))
    ids: dict[tuple[str, str], list[str]] = {}
    for split, same, names in zip(
        copies.text("splits"), copies.text("identical"), copies.text("ids"), strict=True
    ):
        ids.setdefault((split, same), []).append(names.replace(" ", " = "))
    rows = [
        [
            " and ".join(key[0].split()),
            "the same pixels" if key[1] == "1" else "encoded again",
            str(count),
            ", ".join(ids[key]),
        ]
        for key, count in pairs.items()
    ]
    return Table(["splits", "how alike", "pictures>", "photos"], rows)


def copies_said(records: Records) -> Prose:
    """Return whether the valid scores can be trusted."""
    splits = records.table("data/copies.csv").text("splits")
    with_valid = sum("valid" in each.split() for each in splits)
    with_train = sum({"train", "test"} <= set(each.split()) for each in splits)
    trust = "a score there is on photos unseen" if not with_valid else "those scores count less"
    with_more = sum("unlabelled" in each.split() for each in splits)
    sizes = records.table("data/sizes.csv")
    counts = dict(zip(sizes.text("split"), sizes.text("photos"), strict=True))
    more = counts.get("unlabelled")
    told = f" Of the {more} photos without masks, {with_more} are copies." if more else ""
    return say(
        f"Of the valid photos, {with_valid} are copies of another photo: {trust}.{told} Of the "
        f"test photos, {with_train} are copies of train photos, so that a model may look better "
        "there than it is."
    )


def withheld_said(records: Records) -> Prose:
    """Say which ids are missing from train."""
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
        f"The ids of train run from {min(ids)} to {max(ids)} with {len(missing)} gaps, as many as "
        "the photos of the task's kind that were kept back to score the bundled models; presumably "
        f"they are these. The first gaps are {named}."
    )
