"""Diagrams of the nets, drawn as boxes and arrows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from research.show import COLOURS, INK, QUIET, Picture, panels, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEVELS = (2, 4, 8, 16, 32)
_LEFT, _RIGHT = 0.8, 4.6
_ENCODER, _DECODER, _NODE = "#cfe5df", "#f8dfc3", "#dbe4f6"


@dataclass(frozen=True)
class _Net:
    """The parts of a U-shaped network besides skips.

    Attributes
    ----------
    alt
        What the diagram shows.
    skip, step, bottom
        Labels of each skip, of each upsampling step, and of the path from the coarsest map.
    """

    alt: str
    skip: str = ""
    step: str = ""
    bottom: str = ""


_U_SHAPED = {
    "unet": _Net(
        "U-Net: the coarsest map is enlarged step by step and joined with each finer map."
    ),
    "attention_unet": _Net("Attention U-Net: a gate on each skip.", skip="gate"),
    "scse_unet": _Net("scSE U-Net: each step up ends with squeeze and excitation.", step="scSE"),
    "light_unet": _Net(
        "Light U-Net: skips are added, and the coarsest map gates itself.",
        skip="+",
        bottom="context gate",
    ),
}

NETS = (*_U_SHAPED, "unetplusplus", "pspnet")
"""The values of `model=` that have a diagram."""


def net_picture(name: str) -> Picture:
    """Draw a net: its backbone on the left, fine maps above, its decoder on the right."""
    figure, (axes,) = panels(1, 3.1, 6.6)
    axes.set_axis_off()
    axes.set_xlim(-0.2, 7.4)
    axes.set_ylim(-0.7, 5)
    _encoder(axes)
    if name == "pspnet":
        alt = _pspnet(axes)
    elif name == "unetplusplus":
        alt = _unetplusplus(axes)
    else:
        alt = _u_shaped(axes, _U_SHAPED[name])
    return picture(figure, alt)


def _row(index: float) -> float:
    return 4 - index * 0.95


def _width(index: int) -> float:
    return 1.3 - 0.19 * index


def _encoder(axes: "Axes") -> None:
    axes.annotate("photo", (_LEFT, 4.85), ha="center", va="center", fontsize=9, color=QUIET)
    _arrow(axes, (_LEFT, 4.7), (_LEFT, _row(0) + 0.27))
    for index, level in enumerate(_LEVELS):
        _box(axes, _LEFT, _row(index), _width(index), f"1/{level}", _ENCODER)
        if index:
            _arrow(axes, (_LEFT, _row(index - 1) - 0.27), (_LEFT, _row(index) + 0.27))
    axes.annotate("backbone", (_LEFT, -0.5), ha="center", fontsize=9, color=QUIET)


def _u_shaped(axes: "Axes", net: _Net) -> str:
    last = len(_LEVELS) - 1
    for index in range(last):
        _box(axes, _RIGHT, _row(index), _width(index), f"1/{_LEVELS[index]}", _DECODER)
        start, end = _LEFT + _width(index) / 2, _RIGHT - _width(index) / 2
        _arrow(axes, (start, _row(index)), (end, _row(index)), dashed=True)
        if net.skip:
            _note(axes, (start + end) / 2, _row(index), net.skip)
        if net.step:
            axes.annotate(
                net.step,
                (_RIGHT + _width(index) / 2 + 0.06, _row(index) + 0.13),
                fontsize=8,
                color=COLOURS[1],
            )
        if index:
            _arrow(axes, (_RIGHT, _row(index) + 0.27), (_RIGHT, _row(index - 1) - 0.27))
    lowest = (_LEFT + _width(last) / 2, _row(last))
    _arrow(axes, lowest, (_RIGHT, _row(last - 1) - 0.27))
    if net.bottom:
        _note(axes, (_LEFT + _RIGHT) / 2 - 0.6, _row(last) + 0.24, net.bottom)
    axes.annotate("decoder", (_RIGHT, -0.5), ha="center", fontsize=9, color=QUIET)
    _head(axes, _RIGHT + _width(0) / 2, _row(0))
    return net.alt


def _unetplusplus(axes: "Axes") -> str:
    last = len(_LEVELS) - 1
    columns = [_LEFT + step * (_RIGHT - _LEFT) / last for step in range(last + 1)]
    for column in range(1, last + 1):
        for index in range(last + 1 - column):
            kind = _DECODER if index == last - column else _NODE
            _box(axes, columns[column], _row(index), 0.5, "", kind)
            reach = _width(index) / 2 if column == 1 else 0.25
            start = (columns[column - 1] + reach, _row(index))
            _arrow(axes, start, (columns[column] - 0.25, _row(index)), dashed=True)
            below = _width(index + 1) / 2 if column == 1 else 0.2
            start = (columns[column - 1] + below, _row(index + 1) + 0.15)
            _arrow(axes, start, (columns[column] - 0.12, _row(index) - 0.27))
    axes.annotate("nested nodes", (columns[2], -0.5), ha="center", fontsize=9, color=QUIET)
    _head(axes, columns[last] + 0.25, _row(0))
    return "U-Net++: between backbone and decoder lie nodes that join all maps before them."


def _pspnet(axes: "Axes") -> str:
    start = (_LEFT + _width(4) / 2, _row(4))
    for index, grid in enumerate((1, 2, 3, 6)):
        y = _row(index + 0.6)
        _box(axes, 2.5, y, 0.95, f"{grid} × {grid}", _NODE)
        _arrow(axes, start, (2.5 - 0.5, y))
        _arrow(axes, (2.5 + 0.5, y), (3.95, 1.6))
    # Below the grids, and up into the box from below.
    axes.plot([start[0], 4.55], [start[1] - 0.08] * 2, color=QUIET, linewidth=1.1, dashes=(4, 3))
    _arrow(axes, (4.55, start[1] - 0.08), (4.55, 1.23), dashed=True)
    _box(axes, 4.55, 1.5, 1.15, "joined", _DECODER)
    axes.annotate("averages over grids", (2.5, -0.5), ha="center", fontsize=9, color=QUIET)
    _head(axes, 5.13, 1.5)
    return "PSPNet: the coarsest map is averaged over four grids, joined and enlarged at once."


def _head(axes: "Axes", x: float, y: float) -> None:
    _arrow(axes, (x, y), (x + 0.6, y))
    axes.annotate("logits of\nthe photo's size", (x + 0.66, y), va="center", fontsize=9, color=INK)


def _box(axes: "Axes", x: float, y: float, width: float, text: str, colour: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    style = "round,pad=0,rounding_size=0.08"
    corner = (x - width / 2, y - 0.25)
    axes.add_patch(FancyBboxPatch(corner, width, 0.5, style, facecolor=colour, edgecolor=QUIET))
    axes.annotate(text, (x, y), ha="center", va="center", fontsize=9, color=INK)


def _note(axes: "Axes", x: float, y: float, text: str) -> None:
    ground = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": COLOURS[1]}
    axes.annotate(text, (x, y), ha="center", va="center", fontsize=8, color=COLOURS[1], bbox=ground)


def _arrow(
    axes: "Axes", start: tuple[float, float], end: tuple[float, float], dashed: bool = False
) -> None:
    line = (0, (4, 3)) if dashed else "solid"
    how = {"arrowstyle": "-|>", "color": QUIET, "linewidth": 1.1, "linestyle": line}
    axes.annotate("", end, start, arrowprops=how | {"shrinkA": 0, "shrinkB": 0})
