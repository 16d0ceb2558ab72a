"""Out-of-distribution photos: Dice by source, before and after training on such sources."""

from collections.abc import Sequence

import numpy as np

from humanseg.inference.catalog import BundledModel, bundled_models
from humanseg.metrics.statistics import bootstrap_interval, paired_difference
from humanseg.metrics.verdicts import compare, judge_all
from research.records import Records
from research.show import (
    COLOURS,
    FEW,
    INK,
    QUIET,
    Picture,
    Prose,
    Table,
    counted,
    difference,
    label,
    not_measured,
    p_value,
    panels,
    picture,
    say,
)

RIVAL = "MediaPipe general"
"""The ready-made model that is compared photo by photo."""

SEEN = 0.01
"""The share of a photo from which somebody is seen where nobody is."""

MEASURE = "python scripts/measure_bundled.py --data ROOT --sources FOLDER --no-person FOLDER"

PAIRS = (("best", "robust"), ("tiny", "robust_tiny"))
"""Models before and after training on further sources."""

KINDS = {
    "aisegment": "half bodies",
    "ccp": "street fashion",
    "coco": "everyday scenes",
    "davis": "video frames",
    "eg1800": "portraits, like the task's",
    "pennfudan": "pedestrians",
    "voc": "everyday scenes",
}


def sources_table(records: Records) -> Table:
    """Show Dice by source of each bundled model, and of MediaPipe's where it was measured."""
    models = _models()
    photos = {name: one["photos"] for name, one in _by_source(models["best"]).items()}
    order = sorted(photos, key=lambda name: -photos[name])
    rows = []
    for source in order:
        cells = [f"{_by_source(model)[source]['mean']:.3f}" for model in models.values()]
        rows.append([f"`{source}`: {KINDS[source]}", counted(int(photos[source])), *cells])
    dice = {name: model.record["dice"]["out_of_distribution"] for name, model in models.items()}
    photos_of_all = next(iter(dice.values()))["photos"]
    means = [_with_interval(one["mean"], *one["interval"]) for one in dice.values()]
    rows.append(["all photos (95 % confidence interval)", str(photos_of_all), *means])
    sources = [f"{one['mean_of_sources']:.3f}" for one in dice.values()]
    rows.append(["mean of the sources", "", *sources])
    rows.append(
        [
            "in-distribution: the task's valid photos",
            "145",
            *(f"{_in_distribution(model):.3f}" for model in models.values()),
        ]
    )
    false_alarms = [
        f"{model.record['dice']['no_person']['people_seen']:.0%}" for model in models.values()
    ]
    empty = next(iter(models.values())).record["dice"]["no_person"]["photos"]
    rows.append(["photos without people: with a predicted person", str(empty), *false_alarms])
    names = [f"`{name}`>" for name in models]
    if rival := _rival_column(records, order):
        rows = [[*row, cell] for row, cell in zip(rows, rival, strict=True)]
        names.append(f"{RIVAL}>")
    return Table(["source", "photos>", *names], rows)


def _rival_column(records: Records, order: Sequence[str]) -> list[str]:
    tables = [records.of_bundled(name) for name in ("sources", "valid", "nobody")]
    others, valid, nobody = tables
    if others is None or valid is None or nobody is None or RIVAL not in others:
        return []
    dice, source = others.numbers(RIVAL), np.array(others.text("source"))
    means = [float(dice[source == name].mean()) for name in order]
    whole = bootstrap_interval(dice)
    seen = float((nobody.numbers(RIVAL) > SEEN).mean())
    return [
        *(f"{mean:.3f}" for mean in means),
        _with_interval(whole.mean, whole.low, whole.high),
        f"{np.mean(means):.3f}",
        f"{valid.numbers(RIVAL).mean():.3f}",
        f"{seen:.0%}",
    ]


def _with_interval(mean: float, low: float, high: float) -> str:
    return f"{mean:.3f} ({low:.3f} to {high:.3f})"


def gains_table(records: Records) -> Table | Prose:
    """Compare models on each source, photo by photo, all as one family."""
    table = records.of_bundled("sources")
    if table is None:
        return not_measured("the sources photo by photo", MEASURE)
    source = np.array(table.text("source"))
    names = sorted(set(source.tolist()), key=lambda name: -np.count_nonzero(source == name))
    pairs = [(after, before) for before, after in PAIRS]
    pairs += [("robust", RIVAL)] if RIVAL in table else []
    asked = [(name, pair) for pair in pairs for name in names]
    gaps = []
    for name, (first, second) in asked:
        here = source == name
        gaps.append(paired_difference(table.numbers(first)[here], table.numbers(second)[here]))
    rows = [
        [
            f"`{first}` − {second if second == RIVAL else f'`{second}`'}",
            f"`{name}`",
            counted(gap.photos),
            *difference(gap),
            p_value(p),
            f"**{verdict}**",
        ]
        for (name, (first, second)), gap, (p, verdict) in zip(
            asked, gaps, judge_all([compare(gap) for gap in gaps]), strict=True
        )
    ]
    columns = ["photos>", "difference>", "95 %, photos>", "p, Holm>", "verdict"]
    return Table(["models", "source", *columns], rows)


def sources_picture() -> Picture:
    """Draw each source's Dice before and after."""
    models = _models()
    figure, axes = panels(2, 3.6)
    photos = {name: one["photos"] for name, one in _by_source(models["best"]).items()}
    order = sorted(photos, key=lambda name: -photos[name])
    for axis, (before, after) in zip(axes, PAIRS, strict=True):
        for row, source in enumerate(order):
            ends = [_by_source(models[name])[source]["mean"] for name in (before, after)]
            axis.plot(ends, [row, row], color=QUIET, linewidth=1.5, zorder=1)
            for end, colour, face in zip(ends, COLOURS, ("white", COLOURS[1]), strict=False):
                edge = COLOURS[0] if face == "white" else colour
                axis.plot(end, row, "o", markersize=8, color=edge, markerfacecolor=face)
        for name, colour, face in zip(
            (before, after), COLOURS, ("white", COLOURS[1]), strict=False
        ):
            axis.plot([], [], "o", color=colour, markerfacecolor=face, label=name)
        axis.set_yticks(range(len(order)), [f"{name} ({photos[name]})" for name in order])
        axis.tick_params(axis="y", colors=INK)
        axis.invert_yaxis()
        axis.grid(axis="y", visible=False)
        axis.grid(axis="x", color="#d9d9d2", linewidth=0.8)
        axis.set_xlim(0.25, 1.02)
        axis.legend(frameon=False, fontsize=9, labelcolor=INK, loc="lower left")
        label(axis, f"{before} and {after}", "mean Dice per photo", "source (photos)")
    return picture(
        figure, "Dice of each source before and after: everyday scenes and video frames gain most."
    )


def sources_text() -> Prose:
    """Return what training on further sources changed, and what it cost."""
    sentences = []
    for before, after in PAIRS:
        first, second = (_models()[name] for name in (before, after))
        then, now = (one.record["dice"]["out_of_distribution"] for one in (first, second))
        gains = {
            source: _by_source(second)[source]["mean"] - one["mean"]
            for source, one in _by_source(first).items()
        }
        # Of few photos a gain has no size.
        many = [name for name, one in _by_source(first).items() if one["photos"] >= FEW]
        most = max(many, key=lambda source: gains[source])
        sentences.append(
            f"From `{before}` to `{after}`, the mean over the sources rises from "
            f"{then['mean_of_sources']:.3f} to {now['mean_of_sources']:.3f}. Of the sources with "
            f"at least {FEW} photos, `{most}` gains most ({gains[most]:+.3f}). On the task's own "
            f"photos the Dice falls by {_in_distribution(first) - _in_distribution(second):.3f}."
        )
    few = [name for name, one in _by_source(first).items() if one["photos"] < FEW]
    few_named = ", ".join(f"`{name}`" for name in sorted(few))
    sentences.append(
        f"{few_named} have fewer than {FEW} photos each, too few for the size of an effect. "
        "The `robust` models were trained on train photos of the same sources, so their gain on an "
        "unseen source may be smaller."
    )
    return say(" ".join(sentences))


def origins_table() -> Table:
    """Show every set of photos that a bundled model was trained on, and its licence."""
    sets: dict[str, tuple[str, str, list[str]]] = {}
    for name, model in bundled_models().items():
        for data in model.record["data"]:
            count = f"{data['photos']}" if "photos" in data else ""
            sets.setdefault(data["name"], (count, data["licence"], []))[2].append(f"`{name}`")
    rows = [
        [name, count, licence, ", ".join(used)] for name, (count, licence, used) in sets.items()
    ]
    return Table(["photos", "number>", "licence, as far as known", "used by"], rows)


def _models() -> dict[str, BundledModel]:
    bundled = bundled_models()
    return {name: bundled[name] for pair in PAIRS for name in pair}


def _by_source(model: BundledModel) -> dict[str, dict[str, float]]:
    return dict(model.record["dice"]["out_of_distribution"]["by_source"])


def _in_distribution(model: BundledModel) -> float:
    return float(np.float64(model.record["dice"]["in_distribution"]["mean"]))
