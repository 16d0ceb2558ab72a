"""`curves.png`: loss and Dice over the epochs."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from humanseg.io.files import whole_file
from humanseg.runs.record import Points, points, read_history

_INK, _QUIET, _LINE = "#1b1c1a", "#63645e", "#d9d9d2"
_BEST = "#0a6b58"
_COLOURS = {"train": "#c46f14", "valid": _BEST, "whole photo": _BEST, "boundary": "#4f78c8"}


def write_curves(history: Path, path: Path, best_epoch: int) -> None:
    """Draw loss and Dice over the epochs of a `history.csv`, the best epoch marked."""
    table = read_history(history)
    # Neither pyplot nor its global state: a notebook's own figures are left alone.
    layout = ConstrainedLayoutEngine(w_pad=0.2, h_pad=0.15, wspace=0.06)
    figure = Figure(figsize=(12, 5.5), dpi=160, facecolor="white", layout=layout)
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)

    losses = {
        "train": points(table, "train_loss"),
        "valid": points(table, "val_loss"),
    }
    scores = {
        "whole photo": points(table, "val_dice"),
        "boundary": points(table, "val_boundary_dice"),
    }
    _draw(left, "Loss", losses)
    _draw(right, "Dice on valid photos", scores)
    if (dice := dict(scores["whole photo"]).get(best_epoch)) is not None:
        _mark(left, right, best_epoch, dice)
    with whole_file(path) as partial:
        figure.savefig(partial, format="png")


def _draw(axes: Axes, title: str, curves: Mapping[str, Points]) -> None:
    """Draw curves with their names at their ends instead of a legend."""
    axes.set_title(title, loc="left", fontsize=15, fontweight="bold", color=_INK, pad=12)
    axes.set_xlabel("Epoch", color=_QUIET, fontsize=11)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.tick_params(colors=_QUIET, length=0, labelsize=10.5)
    axes.grid(axis="y", color=_LINE, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_LINE)
    ends = []
    for name, curve in curves.items():
        if curve:
            marker = "o" if len(curve) == 1 else None
            epochs, values = zip(*curve, strict=True)
            axes.plot(epochs, values, color=_COLOURS[name], linewidth=2.2, marker=marker)
            epoch, value = curve[-1]
            ends.append((value, epoch, name))
    if not ends:
        axes.text(0.5, 0.5, "no values yet", transform=axes.transAxes, ha="center", color=_QUIET)
        axes.set_yticks([])
        return
    axes.margins(x=0.02, y=0.08)
    _label(axes, sorted(ends))


def _label(axes: Axes, ends: Sequence[tuple[float, float, str]]) -> None:
    """Write the names of curves at their right ends, from the lowest up, apart from each other."""
    low, high = axes.get_ylim()
    lowest = -math.inf
    for value, epoch, name in ends:
        lowest = max(value, lowest + 0.06 * (high - low))
        axes.annotate(
            name,
            (epoch, lowest),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            color=_COLOURS[name],
            fontsize=11.5,
            fontweight="bold",
            annotation_clip=False,
        )


def _mark(left: Axes, right: Axes, epoch: float, dice: float) -> None:
    """Mark the best epoch in both pictures."""
    for axes in (left, right):
        axes.axvline(epoch, color=_QUIET, linewidth=1, linestyle=(0, (2, 3)), zorder=0.5)
    right.plot([epoch], [dice], "o", markersize=9, color=_BEST, mec="white", mew=2, zorder=3)
    right.set_title(
        f"best: {dice:.4f}, epoch {epoch:g}", loc="right", fontsize=11.5, color=_BEST, pad=12
    )
