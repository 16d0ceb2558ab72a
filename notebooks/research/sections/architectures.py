"""Decoders and backbones compared, with their cost."""

import re
from collections import ChainMap
from pathlib import Path

import numpy as np

from humanseg.config.find import conf_folder
from humanseg.metrics.verdicts import compare
from humanseg.runs.record import read_config
from research.claims import claims_of, compare_pairs, matched, read_hypotheses, seed_deviation
from research.records import Columns, Records, read_columns
from research.show import (
    COLOURS,
    INK,
    QUIET,
    Picture,
    Prose,
    Table,
    label,
    panels,
    picture,
    say,
    score,
)

_PAIR = ("model", "backbone")
_COMPARISON = conf_folder() / "experiment" / "comparison.yaml"
_CURVES = ("best_pspnet", "tiny/mean", "best_from_scratch")


def sweeps_of_parts(records: Records) -> list[Path]:
    """Return the sweeps whose jobs differ in decoder or backbone, and not in an option of these."""
    columns = {sweep: read_columns(sweep / "leaderboard.csv") for sweep in records.sweeps()}
    return [
        sweep
        for sweep, jobs in columns.items()
        if any(part in jobs for part in _PAIR)
        and not any(name.startswith("model.") for name in jobs.texts)
    ]


def parts_table(records: Records) -> Table | Prose:
    """Show Dice, parameters, time and memory of each pair, the mean over all other settings."""
    rows = []
    for sweep in sweeps_of_parts(records):
        jobs = read_columns(sweep / "leaderboard.csv")
        for pair, members in _by_pair(sweep, jobs).items():
            dice, outline = (
                jobs.numbers(key)[members] for key in ("dice_at_half", "boundary_dice")
            )
            numbers = {
                key: jobs.numbers(key)[members]
                for key in ("parameters", "images_per_second", "peak_memory_mb")
            }
            rows.append(
                [
                    *pair,
                    _weights(sweep),
                    score(float(dice.mean())),
                    score(float(outline.mean())),
                    f"{numbers['parameters'].mean() / 1e6:.2f}",
                    f"{np.median(numbers['images_per_second']):.1f}",
                    f"{numbers['peak_memory_mb'].mean() / 1000:.2f}",
                    str(len(members)),
                    f"`{sweep.name}`",
                ]
            )
    if not rows:
        return Prose("*No sweep over decoders or backbones is on record yet.*")
    rows.sort(key=lambda row: row[3], reverse=True)
    names = ["Dice>", "boundary Dice>", "million parameters>", "photos per second>", "memory, GB>"]
    return Table(["decoder", "backbone", "weights", *names, "jobs>", "sweep"], rows)


def light_decoder_text(records: Records) -> Prose:
    """Show, post hoc, how much of the claims on `decoders` comes from the light decoder."""
    sweep = records.folder / "decoders"
    if not sweep.is_dir():
        return Prose("")
    jobs, scores = read_columns(sweep / "leaderboard.csv"), read_columns(sweep / "dice.csv")
    deviation, _ = seed_deviation(records)

    def compared(pairs: list[tuple[int, int]]) -> str:
        both = compare(compare_pairs(jobs, scores, pairs), deviation, len(pairs))
        return f"{both.difference:+.4f} ({both.low:+.4f} to {both.high:+.4f} over photos and seeds)"

    lite2 = matched(jobs, "backbone", "efficientnet_lite2", "mobilenetv2", {})
    decoders, dice = jobs.text("model"), jobs.numbers("dice")
    gaps = {decoders[row]: dice[row] - dice[other] for row, other in lite2}
    listed = ", ".join(
        f"`{name}` {gap:+.4f}" for name, gap in sorted(gaps.items(), key=lambda item: -item[1])
    )
    others = [pair for pair in lite2 if decoders[pair[0]] != "light_unet"]
    light = matched(jobs, "model", "unet", "light_unet", {"backbone": "mobilenetv2"})
    return say(
        "EfficientNet-Lite2 minus MobileNetV2, one pair of jobs for each decoder, is: "
        f"{listed}. So most of the difference of claim #{_number(records, 'efficientnet_lite2')} "
        "comes from the light decoder. Post hoc and uncorrected: over the other decoders it is "
        f"{compared(others)}. In the same way, U-Net minus the light decoder on MobileNetV2, whose "
        f"maps need no norm, is {compared(light)}, less than the mean over four backbones."
    )


def _number(records: Records, better: str) -> int:
    """Return the number of the claim of `decoders` that a value is better."""
    return next(
        claim.number
        for claim in read_hypotheses(records)
        if (claim.sweep, claim.better) == ("decoders", better)
    )


def parts_picture(records: Records) -> Picture | Prose:
    """Draw Dice against parameters and against time, a point for each job."""
    sweeps = sweeps_of_parts(records)
    if not sweeps:
        return Prose("")
    figure, (left, right) = panels(2)
    colours: dict[str, str] = {}
    for sweep in sweeps:
        jobs = read_columns(sweep / "leaderboard.csv")
        is_bare = _weights(sweep) == "none"
        for (decoder, _), members in _by_pair(sweep, jobs).items():
            if decoder not in colours:
                colours[decoder] = (*COLOURS, QUIET)[len(colours)]
            colour = colours[decoder]
            dice = jobs.numbers("dice_at_half")[members]
            size = jobs.numbers("parameters")[members] / 1e6
            speed = jobs.numbers("images_per_second")[members]
            for axes, values in ((left, size), (right, speed)):
                ground = "white" if is_bare else colour
                axes.plot(values, dice, "o", color=colour, markerfacecolor=ground)
    for decoder, colour in colours.items():
        left.plot([], [], "o", color=colour, label=decoder)
    left.plot([], [], "o", color=INK, markerfacecolor="white", label="from scratch")
    left.legend(frameon=False, fontsize=9, labelcolor=INK)
    label(left, "Size", "parameters, millions", "mean Dice")
    label(right, "Speed of training", "photos per second", "mean Dice")
    return picture(figure, "Dice of each job against its parameters and its training speed.")


def networks_table(records: Records) -> Table:
    """Show what each net costs, whatever it is trained on."""
    table = records.table("data/nets.csv")
    columns = (table.text(name) for name in ("model", "backbone", "stride"))
    numbers = (table.numbers(name) for name in ("parameters", "multiply_adds"))
    rows = [
        [f"`{model}`", f"`{backbone}`", f"1/{stride}", f"{size / 1e6:.2f}", f"{work / 1e9:.2f}"]
        for model, backbone, stride, size, work in zip(*columns, *numbers, strict=True)
    ]
    names = ["coarsest map>", "million parameters>", "billion multiply-adds>"]
    return Table(["decoder", "backbone", *names], rows)


def curves_picture(records: Records) -> Picture:
    """Draw Dice over the epochs of the last step of each recipe."""
    figure, (left, right) = panels(2)
    names = (records.headline().name, *_CURVES)
    shown = [records.runs[name] for name in names if name in records.runs]
    for run, colour in zip(shown, COLOURS, strict=False):
        history = read_columns(run.folder / "history.csv")
        epochs = history.numbers("epoch")
        left.plot(epochs, history.numbers("val_dice"), color=colour, label=run.name, linewidth=2)
        right.plot(epochs, history.numbers("val_boundary_dice"), color=colour, linewidth=2)
    from matplotlib.ticker import MaxNLocator

    for axes in (left, right):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    left.legend(frameon=False, fontsize=9, labelcolor=INK, loc="center right")
    label(left, "Whole photo", "epoch", "mean Dice on valid")
    label(right, "Boundary", "epoch", "mean boundary Dice on valid")
    return picture(figure, "Dice and boundary Dice on valid over the epochs of each run.")


def _by_pair(sweep: Path, jobs: Columns) -> dict[tuple[str, str], list[int]]:
    """Group the finished jobs by decoder and backbone."""
    names = [
        jobs.text(part) if part in jobs else [_fixed(sweep, part)] * len(jobs) for part in _PAIR
    ]
    rows: dict[tuple[str, str], list[int]] = {}
    for row, status in enumerate(jobs.text("status")):
        if status == "finished":
            rows.setdefault((names[0][row], names[1][row]), []).append(row)
    return rows


def _fixed(sweep: Path, part: str) -> str:
    """Return the value that all jobs of a sweep share, by its command or its experiment."""
    command = str(claims_of(sweep).get("command", ""))
    if match := re.search(rf"\b{part}=(\w+)", command):
        return match[1]
    overrides = ChainMap(*read_config(_COMPARISON)["defaults"])
    return str(overrides[f"override /{part}"])


def _weights(sweep: Path) -> str:
    command = str(claims_of(sweep).get("command", ""))
    return "ImageNet" if "backbone.weights=" in command else "none"
