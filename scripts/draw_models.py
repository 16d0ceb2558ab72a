"""Draw the diagrams of the models for the documentation: docs/assets/models/*.svg."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

OUT = Path(__file__).resolve().parents[1] / "docs" / "assets" / "models"
WIDTH, HEIGHT = 720, 330
LEFT, RIGHT, TOP, STEP = 110, 470, 40, 54
REDUCTIONS = (2, 4, 8, 16, 32)
STYLE = (
    "text{font:13px sans-serif;fill:#1c2b2a;text-anchor:middle}"
    ".s{font-size:11px;fill:#51605e}.map{fill:#b2dfdb;stroke:#00796b}"
    ".made{fill:#ffe0b2;stroke:#b26a00}.w{fill:none;stroke:#51605e;stroke-width:1.4;"
    "marker-end:url(#a)}.k{stroke-dasharray:5 4}"
)


def box(x: float, y: float, width: float, kind: str, text: str) -> str:
    """Return a feature map: a box around its middle."""
    return (
        f'<rect class="{kind}" x="{x - width / 2:.0f}" y="{y - 14:.0f}" width="{width:.0f}" '
        f'height="28" rx="4"/><text x="{x:.0f}" y="{y + 5:.0f}">{text}</text>'
    )


def note(x: float, y: float, text: str) -> str:
    """Return small text around a point."""
    return f'<text class="s" x="{x:.0f}" y="{y:.0f}">{text}</text>'


def arrow(x1: float, y1: float, x2: float, y2: float, skip: bool = False) -> str:
    """Return an arrow; a dashed one for a skip."""
    kind = "w k" if skip else "w"
    return f'<path class="{kind}" d="M{x1:.0f} {y1:.0f}L{x2:.0f} {y2:.0f}"/>'


def row(index: int) -> float:
    """Return the height at which the maps of a reduction lie."""
    return TOP + 20 + STEP * index


def backbone(x: float = LEFT) -> Iterator[str]:
    """Yield the maps of a backbone, fine above, with the photo that enters."""
    yield note(x, 16, "photo (N, 3, H, W)")
    yield arrow(x, 20, x, row(0) - 16)
    for index, reduction in enumerate(REDUCTIONS):
        yield box(x, row(index), 130 - 18 * index, "map", f"1/{reduction}")
        if index:
            yield arrow(x, row(index - 1) + 14, x, row(index) - 16)
    yield note(x, row(4) + 32, "backbone")


def head(x: float, y: float) -> Iterator[str]:
    """Yield what follows the finest map of a decoder."""
    yield arrow(x + 65, y, x + 103, y)
    yield note(x + 165, y - 4, "1×1 conv, enlarged")
    yield note(x + 165, y + 12, "logits (N, 1, H, W)")


def u_shape(skip: str, joined: str, bottom: str) -> Iterator[str]:
    """Yield a decoder with a step for each finer map, and a skip to each."""
    yield from backbone()
    yield box(RIGHT, row(4), 150 if bottom else 80, "made", bottom or "1/32")
    yield arrow(LEFT + 29, row(4), RIGHT - (77 if bottom else 42), row(4))
    for index in range(4):
        width = 130 - 18 * index
        yield box(RIGHT, row(index), width, "made", f"1/{REDUCTIONS[index]}")
        yield arrow(RIGHT, row(index + 1) - 14, RIGHT, row(index) + 16)
        yield arrow(LEFT + width / 2, row(index), RIGHT - width / 2 - 2, row(index), skip=True)
        yield note((LEFT + RIGHT) / 2, row(index) - 6, skip)
    yield note(RIGHT + 130, row(2), joined)
    yield note(RIGHT, row(4) + 32, "decoder")
    yield from head(RIGHT, row(0))


def unet() -> Iterator[str]:
    """Yield U-Net."""
    yield from u_shape("skip", "enlarge, join, two 3×3 convs", "")


def attention_unet() -> Iterator[str]:
    """Yield Attention U-Net."""
    yield from u_shape("skip × attention gate", "enlarge, join, two 3×3 convs", "")


def scse_unet() -> Iterator[str]:
    """Yield U-Net with squeeze and excitation."""
    yield from u_shape("skip", "two 3×3 convs, then scSE", "")


def light_unet() -> Iterator[str]:
    """Yield the light U-Net."""
    yield from u_shape("skip, 1×1 conv", "enlarge, add, separable conv", "context gate")


def unetplusplus() -> Iterator[str]:
    """Yield U-Net++: a triangle of nodes."""
    yield from backbone()
    for column in range(1, 5):
        x = LEFT + 105 * column
        for index in range(5 - column):
            y = row(index)
            start = 65 - 9 * index if column == 1 else 28
            yield arrow(x - 105 + start, y, x - 30, y, skip=True)
            below = 56 - 9 * index if column == 1 else 28
            yield arrow(x - 105 + below, row(index + 1) - 8, x - 24, y + 16)
            yield box(x, y, 56, "made", f"{index},{column}")
    yield note(LEFT + 330, row(4) + 6, "node (i, j): all nodes of its row before it, and the")
    yield note(LEFT + 330, row(4) + 22, "enlarged one below; two 3×3 convs")
    yield arrow(LEFT + 448, row(0), LEFT + 476, row(0))
    yield note(LEFT + 540, row(0) - 4, "1×1 conv, enlarged")
    yield note(LEFT + 540, row(0) + 12, "logits (N, 1, H, W)")


def pspnet() -> Iterator[str]:
    """Yield PSPNet: pyramid pooling on the coarsest map."""
    yield from backbone()
    middle = row(2)
    yield arrow(LEFT + 29, row(4), 488, middle + 12, skip=True)
    for index, cells in enumerate((1, 2, 3, 6)):
        y = row(index) + 27
        yield arrow(LEFT + 29, row(4), 278, y)
        yield box(340, y, 120, "made", f"{cells}×{cells} cells")
        yield arrow(400, y, 488, middle)
    yield note(340, row(4) + 32, "average, 1×1 conv, enlarge")
    yield box(545, middle, 110, "made", "join, 3×3 conv")
    yield arrow(545, middle - 14, 545, row(0) + 20)
    yield note(545, row(0) - 4, "1×1 conv, enlarged")
    yield note(545, row(0) + 12, "logits (N, 1, H, W)")


MODELS: dict[str, Callable[[], Iterator[str]]] = {
    "unet": unet,
    "pspnet": pspnet,
    "unetplusplus": unetplusplus,
    "attention_unet": attention_unet,
    "scse_unet": scse_unet,
    "light_unet": light_unet,
}


def draw(name: str) -> str:
    """Return the diagram of a model, SVG on a ground of its own, for light and dark pages."""
    shapes = "\n".join(MODELS[name]())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">\n'
        f"<title>{name}</title><style>{STYLE}</style>\n"
        '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#51605e"/></marker></defs>\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#f6faf9"/>\n{shapes}\n</svg>\n'
    )


def main() -> int:
    """Write all diagrams; return the exit code."""
    OUT.mkdir(parents=True, exist_ok=True)
    for name in MODELS:
        (OUT / f"{name}.svg").write_text(draw(name), encoding="utf-8")
    print(f"{len(MODELS)} diagrams in {OUT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
