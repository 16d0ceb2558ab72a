"""The hypotheses, the sweeps that tested them, and the verdicts that the intervals allow."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from humanseg.metrics.statistics import paired_difference
from humanseg.metrics.verdicts import (
    SMALLEST_EFFECT,
    Verdict,
    compare,
    detectable_difference,
    judge_all,
)
from research.claims import SCORES, Hypothesis, claims_of, read_hypotheses, seed_deviation
from research.coverage import coverage
from research.records import Records, read_columns
from research.show import (
    COLOURS,
    INK,
    LINE,
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
)

DEFAULT = "default"
"""The job of a search that changes nothing."""
_FEW = 20
_STRONG = 0.98
"""Dice from which a run counts as a strong one."""
_COLOURS: Mapping[Verdict, str] = {
    "better": COLOURS[0],
    "worse": COLOURS[1],
    "negligible": COLOURS[2],
    "undecided": QUIET,
}


def sweeps_text(records: Records) -> Prose:
    """Show the command of each sweep and what it cost."""
    parts = []
    # A cross-validation has a command, and no jobs in a table.
    described = {path.parent for path in records.folder.glob("*/hypotheses.yaml")}
    for sweep in sorted({*records.sweeps(), *described}):
        about = claims_of(sweep)
        cost = about.get("cost", "no cost is noted")
        if sweep in records.sweeps():
            jobs = read_columns(sweep / "leaderboard.csv")
            seconds = np.nansum(jobs.numbers("seconds"))
            seeds = ", ".join(sorted(set(jobs.text("seed"))))
            spent = f"{len(jobs)} jobs, {seconds / 60:.0f} minutes of training, seeds {seeds}"
            cost = f"{spent}; {cost}"
        command = str(about.get("command", "")).strip()
        parts.append(f"**`{sweep.name}`**: {cost}.\n\n```sh\n{command}\n```")
    return Prose("\n\n".join(parts) or "*No sweep is on record yet.*")


def search_text(records: Records) -> Prose:
    """Return what the recorded search over several settings found."""
    folder = records.folder / "first_search"
    if not (folder / "leaderboard.csv").is_file():
        return not_measured("a search over several settings", "humanseg train search=optuna")
    jobs, scores = read_columns(folder / "leaderboard.csv"), read_columns(folder / "dice.csv")
    names, status = jobs.text("run"), jobs.text("status")
    dice = dict(zip(names, jobs.numbers("dice"), strict=True))
    best = max((name for name in scores.texts if name != "id"), key=lambda name: dice[name])
    both = compare(
        paired_difference(scores.numbers(best), scores.numbers(DEFAULT)), seed_deviation(records)[0]
    )
    return say(
        f"`{folder.name}`, {len(jobs)} jobs of Optuna, {len(jobs) - status.count('finished')} of "
        f"them pruned, ends with `{best.replace(',', ' ')}`: a Dice of {dice[best]:.4f}, where the "
        f"setting `{DEFAULT}` beside it has {dice[DEFAULT]:.4f}. The difference of "
        f"{both.difference:+.4f} ({both.low:+.4f} to {both.high:+.4f} over photos and seeds) is an "
        "upper bound: the winner was selected on the photos that score it."
    )


def hypotheses_table(records: Records) -> Table:
    """Show each hypothesis with its difference, interval and verdict."""
    rows = []
    for claim in read_hypotheses(records):
        both = claim.comparison
        rows.append(
            [
                str(claim.number),
                claim.claim,
                f"`{claim.setting}`: {_values(claim)}, {SCORES[claim.score]}",
                *difference(claim.difference),
                f"{claim.pairs} × {claim.seeds}",
                f"{both.low:+.4f} to {both.high:+.4f}",
                p_value(claim.p),
                f"**{claim.verdict}**{', post hoc' if claim.exploratory else ''}",
            ]
        )
    names = ["#>", "claim", "compared", "difference>", "95 %, photos>"]
    return Table(
        [*names, "pairs × seeds>", "95 %, photos and seeds>", "p, Holm>", "verdict"],
        rows,
    )


def judging_text(records: Records) -> Prose:
    """Explain how verdicts are reached, and how small a difference the photos can resolve."""
    count = len(read_hypotheses(records))
    deviation, freedom = seed_deviation(records)
    lines = [
        f"The Dice of runs that differ in the seed alone has a standard deviation of "
        f"{deviation:.4f}, pooled over the sweeps below with {freedom} degrees of freedom. An "
        "interval over photos does not contain this variance, so it is added. `lateral_norm`, "
        "whose seeds differ more, has its own; the light decoder on EfficientNet-Lite, which is "
        "as unsteady in `decoders`, takes it from there. The smallest effect of interest, "
        f"{SMALLEST_EFFECT}, is about half of the pooled one."
    ]
    strong = [run.scores.numbers("dice") for run in records.runs.values() if run.dice >= _STRONG]
    if len(strong) > 1:
        pairs = [np.std(first - second, ddof=1) for first, second in combinations(strong, 2)]
        spread, photos = float(np.median(pairs)), len(strong[0])
        single = detectable_difference(spread, photos)
        many = detectable_difference(spread, photos, comparisons=max(count, 1))
        lines.append(
            f"Between two of the {len(strong)} recorded runs with a Dice of {_STRONG} or more, the "
            f"difference over the {photos} valid photos has a standard deviation of {spread:.4f}. "
            f"So {photos} photos detect a true difference of {single:.4f} with a power of 80 % as "
            f"the only comparison, and one of {many:.4f} as one of {count} comparisons; "
            f"{SMALLEST_EFFECT} would take {photos * (single / SMALLEST_EFFECT) ** 2:,.0f} photos."
        )
    return say(" ".join(lines))


def coverage_text(records: Records) -> Prose:
    """Return how often an interval holds the mean, where recorded differences are all photos."""
    pairs = list(records.measured().items())[:2]
    if len(pairs) < 2:
        return Prose("")
    (first, ours), (second, theirs) = pairs
    gaps = ours.numbers("dice") - theirs.numbers("dice")
    many, few = (coverage(gaps, photos) for photos in (len(gaps), _FEW))
    return say(
        "A few bad photos make the tail of the differences long, and an interval over photos then "
        f"too narrow: where the {len(gaps)} differences between `{first}` and `{second}` on valid "
        f"stand for all photos, {many:.0%} of the intervals of {len(gaps)} of them hold their "
        f"mean, and {few:.0%} of those of {_FEW}. So an interval of few photos that ends near zero "
        "shows little."
    )


def sensitivity_text(records: Records) -> Prose:
    """Name the verdicts that would not stand if seeds differed more than was estimated."""
    claims = read_hypotheses(records)
    wider = judge_all(
        [
            compare(claim.difference, 2 * claim.deviation, claim.pairs * claim.seeds)
            for claim in claims
        ]
    )
    fallen = [
        f"#{claim.number}"
        for claim, (_, verdict) in zip(claims, wider, strict=True)
        if verdict != claim.verdict
    ]
    return say(
        "The variance over seeds is estimated from few runs, and most claims of one seed borrow it "
        "from other settings. If the standard deviation over seeds were twice as large, "
        f"{', '.join(fallen) or 'no claim'} would be undecided too; the other verdicts would stand."
    )


def reasons_text(records: Records) -> Prose:
    """Return the reason for each hypothesis, and the sweep that tested it."""
    lines = []
    for claim in read_hypotheses(records):
        only = ", ".join(f"{key}={value}" for key, value in claim.where.items())
        where = f" (only jobs with {only})" if only else ""
        reason = " ".join(claim.reason.split())
        lines.append(f"{claim.number}. *{claim.claim}* {reason} Tested by `{claim.sweep}`{where}.")
    return Prose("\n".join(lines))


def count_text(records: Records) -> Prose:
    """Return how many hypotheses were tested, and with which verdicts."""
    tested = read_hypotheses(records)
    ended = {verdict: sum(claim.verdict == verdict for claim in tested) for verdict in _COLOURS}
    text = (
        f"{len(tested)} claims were tested. {ended['better']} hold, the opposite holds for "
        f"{ended['worse']}, {ended['negligible']} concern a negligible difference, and "
        f"{ended['undecided']} are undecided: there are too few runs, or too few photos."
    )
    fallen = [
        f"#{claim.number}"
        for claim in tested
        if claim.verdict == "undecided" and claim.difference.significant
    ]
    if fallen:
        text += (
            f" An interval over photos alone, without the correction for multiple comparisons, "
            f"would have decided {', '.join(fallen)} too."
        )
    single = sum(claim.seeds == 1 for claim in tested)
    if single:
        text += (
            f" {'All' if single == len(tested) else single} of them are from one seed each; the "
            "wider interval covers the variance over seeds."
        )
    late = [f"#{claim.number}" for claim in tested if claim.exploratory]
    if late:
        text += (
            f" {', '.join(late)} are post hoc: they were put into words when their sweep, or jobs "
            "of it, had run. They explore, and do not confirm."
        )
    return Prose(text)


def hypotheses_picture(records: Records) -> Picture:
    """Draw the differences with their confidence intervals."""
    claims = read_hypotheses(records)
    figure, (axes,) = panels(1, 1.1 + 0.36 * max(len(claims), 1))
    for row, claim in enumerate(claims):
        both, colour = claim.comparison, _COLOURS[claim.verdict]
        axes.plot([both.low, both.high], [row, row], color=colour, linewidth=1.2)
        axes.plot(
            [claim.difference.low, claim.difference.high], [row, row], color=colour, linewidth=4
        )
        axes.plot([both.difference], [row], "o", color=colour, markersize=7)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_xscale("symlog", linthresh=0.002, linscale=0.8)
    ticks = [-0.01, -0.004, -0.001, 0, 0.001, 0.004, 0.01, 0.03, 0.1]
    axes.set_xticks(ticks, [f"{tick:+g}" if tick else "0" for tick in ticks])
    axes.minorticks_off()
    axes.set_yticks(range(len(claims)))
    axes.set_yticklabels(
        [f"{claim.number}. {_what(claim)}{_values(claim)}{_mark(claim)}" for claim in claims],
        color=INK,
    )
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color=LINE, linewidth=0.8)
    for verdict in dict.fromkeys(claim.verdict for claim in claims):
        axes.plot([], [], "o-", color=_COLOURS[verdict], label=verdict)
    axes.legend(
        frameon=False,
        fontsize=9,
        labelcolor=INK,
        ncols=len(_COLOURS),
        loc="lower right",
        bbox_to_anchor=(1, 1),
    )
    label(
        axes,
        "The difference of each claim",
        "difference of the score (linear up to 0.002, then logarithmic)",
        "",
    )
    return picture(figure, "The difference of each claim with its intervals, beside zero.")


def _values(claim: Hypothesis) -> str:
    """Write the difference of the two values; a record has no word for null."""
    return f"{shorten(claim.better)} − {claim.than or 'null'}"


def _what(claim: Hypothesis) -> str:
    """Name the setting of values that are plain numbers, or true and false."""
    is_bare = claim.than in ("True", "False") or claim.than.replace(".", "").isdigit()
    return f"{claim.setting.split('.')[-1]} " if is_bare else ""


def shorten(value: str) -> str:
    """Write a value of a setting; a file of weights as what it holds."""
    return "ImageNet" if value.endswith(".safetensors") else value


def _mark(claim: Hypothesis) -> str:
    only = [f"{value}" for value in claim.where.values()]
    only += ["boundary"] if claim.score == "boundary_dice" else []
    return f" ({', '.join(only)})" if only else ""
