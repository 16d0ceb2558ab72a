"""The outputs of the report: prose, tables and pictures in one style."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from humanseg.metrics.statistics import PairedDifference

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from PIL import Image

INK, QUIET, LINE = "#1b1c1a", "#63645e", "#d9d9d2"
COLOURS = ("#0a6b58", "#c46f14", "#4f78c8", "#8b4a8f", "#7a7a35")
"""For the series of a plot, in this order; told apart with the common kinds of colour blindness."""

INTERVAL = "95 % confidence interval>"
"""The column name of an interval."""

ON_BOTH = "#7b7c76"
"""For words beside photos, which stand on the page's own ground, light or dark."""

FEW = 30
"""Photos of which a mean says little."""

_DPI = 130


@dataclass(frozen=True)
class Prose:
    """A paragraph, or several, in Markdown."""

    text: str

    def _repr_markdown_(self) -> str:
        return self.text

    def __repr__(self) -> str:
        """Return the text itself: the plain-text output that a notebook stores."""
        return self.text


@dataclass(frozen=True)
class Table:
    """A table of formatted cells.

    Attributes
    ----------
    header
        The columns' names; a column of numbers is one whose name ends with `>`.
    rows
        As many cells each as the header has.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def _repr_markdown_(self) -> str:
        names = [name.rstrip(">") for name in self.header]
        rules = ["---:" if name.endswith(">") else "---" for name in self.header]
        return "\n".join("| " + " | ".join(row) + " |" for row in (names, rules, *self.rows))

    def __repr__(self) -> str:
        """Return the Markdown: the plain-text output that a notebook stores."""
        return self._repr_markdown_()


@dataclass(frozen=True)
class Picture:
    """A plot as PNG, with a sentence for those who cannot see it."""

    png: bytes
    alt: str

    def _repr_mimebundle_(self, **_: Any) -> tuple[Mapping[str, str], Mapping[str, Any]]:
        data = {"image/png": base64.b64encode(self.png).decode(), "text/plain": self.alt}
        return data, {"image/png": {"alt": self.alt}}


def say(text: str) -> Prose:
    """Make a paragraph of a text, with its white space normalised."""
    return Prose(" ".join(text.split()))


def not_measured(what: str, how: str) -> Prose:
    """Return a note that a number is missing, and the command that measures it."""
    return Prose(f"*Not measured yet: {what}. Measure it with `{how}`.*")


def score(value: float | None) -> str:
    """Format a Dice with four decimals; a dash where there is none."""
    return "–" if value is None or value != value else f"{value:.4f}"


def difference(gap: PairedDifference) -> tuple[str, str]:
    """Format a difference and its interval as two cells of a table."""
    return f"{gap.difference:+.4f}", f"{gap.low:+.4f} to {gap.high:+.4f}"


def counted(photos: int) -> str:
    """Write a number of photos, and say where it is small."""
    return f"{photos} (few)" if photos < FEW else str(photos)


def p_value(value: float) -> str:
    """Format a p-value with two or three decimals."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def panels(count: int = 1, height: float = 3.6, width: float = 9.2) -> "tuple[Figure, list[Axes]]":
    """Make a figure of some plots side by side, in the report's style.

    Parameters
    ----------
    count
        How many plots.
    height, width
        Of the whole figure, in inches.

    Returns
    -------
    figure, axes
        Free of pyplot and its global state. Give the figure to `picture`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(1, count, squeeze=False)[0])
    for axis in axes:
        axis.tick_params(colors=QUIET, length=0, labelsize=9)
        axis.grid(axis="y", color=LINE, linewidth=0.8)
        axis.set_axisbelow(True)
        for side in ("left", "right", "top"):
            axis.spines[side].set_visible(False)
        axis.spines["bottom"].set_color(LINE)
    return figure, axes


def label(axes: "Axes", title: str, x: str, y: str) -> None:
    """Set the title and the labels of the axes, with units."""
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK)
    axes.set_xlabel(x, color=QUIET, fontsize=9)
    axes.set_ylabel(y, color=QUIET, fontsize=9)


def tiles(
    rows: int, columns: int, width: float = 9.2, lines: int = 1
) -> "tuple[Figure, list[list[Axes]]]":
    """Make a figure of photos in rows, without axes and without a ground of its own.

    Parameters
    ----------
    rows, columns
        How many photos.
    width
        Of the whole figure, in inches.
    lines
        Of words above each photo, which is a third higher than wide.

    Returns
    -------
    figure, axes
        Give the figure to `picture` with `photos=True`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    gap, words = 0.08, 0.08 + 0.2 * lines
    tile = (width - gap * (columns + 1)) / columns * 4 / 3
    height = rows * (tile + words) + gap
    figure = Figure(figsize=(width, height), dpi=_DPI)
    FigureCanvasAgg(figure)
    figure.subplots_adjust(
        left=gap / width,
        right=1 - gap / width,
        bottom=gap / height,
        top=1 - words / height,
        wspace=gap / (tile * 3 / 4),
        hspace=words / tile,
    )
    axes = [list(row) for row in figure.subplots(rows, columns, squeeze=False)]
    for axis in (axis for row in axes for axis in row):
        axis.set_axis_off()
    return figure, axes


def show_tile(axis: "Axes", pixels: "NDArray[np.uint8]", title: str = "") -> None:
    """Show a photo with words above it."""
    axis.imshow(pixels)
    axis.set_title(title, loc="left", fontsize=9.5, color=ON_BOTH)


def picture(figure: "Figure", alt: str, *, photos: bool = False) -> Picture:
    """Turn a figure into a small PNG.

    Parameters
    ----------
    figure
        Of `panels` or `tiles`.
    alt
        What it shows, in a sentence.
    photos
        Whether it is one of `tiles`: more colours, and no ground.
    """
    from PIL import Image

    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", transparent=photos)
    if photos:
        flat, alphas = _with_palette(Image.open(drawn).convert("RGBA"))
        flat.save(small, "PNG", optimize=True, transparency=alphas)
    else:
        flat = Image.open(drawn).convert("RGB").quantize(128, dither=Image.Dither.NONE)
        flat.save(small, "PNG", optimize=True)
    return Picture(small.getvalue(), alt)


def _with_palette(drawn: "Image.Image") -> "tuple[Image.Image, bytes]":
    """Give a picture a palette: colours for photos, and sixteen degrees of `ON_BOTH` for words."""
    import numpy as np
    from PIL import Image, ImageColor

    degrees = 16
    pixels = np.asarray(drawn)
    alpha = pixels[..., 3]
    coloured = drawn.convert("RGB").quantize(256 - degrees, dither=Image.Dither.NONE)
    palette = list(coloured.getpalette() or ())[: 3 * (256 - degrees)]
    palette += [0] * (3 * (256 - degrees) - len(palette))
    index = np.where(alpha == 255, np.asarray(coloured), 256 - degrees + alpha // 17)
    flat = Image.fromarray(index.astype(np.uint8), "P")
    flat.putpalette([*palette, *ImageColor.getrgb(ON_BOTH)[:3] * degrees])
    return flat, bytes([255] * (256 - degrees) + [17 * degree for degree in range(degrees)])
