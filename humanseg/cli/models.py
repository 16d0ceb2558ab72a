"""`humanseg models`: print a table of the bundled models."""

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from humanseg.inference.catalog import BundledModel, Estimate

_NARROW = 110
"""Columns below which a table would break its cells: each model gets lines of its own."""
_DEFAULTS = {"photos": "photos", "videos": "videos, demo"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--json", action="store_true", help="all recorded facts, as JSON")
    kind.add_argument("--csv", action="store_true", help="a row for each model, as CSV")


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    from humanseg.inference.catalog import bundled_models

    models = list(bundled_models().values())
    if arguments.json:
        print(json.dumps([model.as_dict() for model in models], indent=2, ensure_ascii=False))
    elif arguments.csv:
        _print_csv(models)
    else:
        _print_table(models)
    return 0


def _print_csv(models: "list[BundledModel]") -> None:
    import csv
    import sys

    rows = [_row(model) for model in models]
    writer = csv.DictWriter(sys.stdout, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _row(model: "BundledModel") -> dict[str, Any]:
    within, beyond = (model.dice(kind) for kind in ("in_distribution", "out_of_distribution"))
    return {
        "name": model.name,
        "default_for": " ".join(model.default_for),
        "bytes": model.bytes,
        "parameters": model.parameters,
        **_numbers("dice_in_distribution", within),
        **_numbers("dice_out_of_distribution", beyond),
        "milliseconds": model.milliseconds,
        "long_side": model.long_side,
        "licence": model.licence,
        "purpose": model.purpose,
        "folder": model.folder,
    }


def _numbers(name: str, estimate: "Estimate | None") -> dict[str, Any]:
    low, high = estimate.interval if estimate and estimate.interval else (None, None)
    mean = None if estimate is None else estimate.mean
    return {name: mean, f"{name}_low": low, f"{name}_high": high}


def _print_table(models: "list[BundledModel]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    cells = [_cells(model) for model in models]
    if console.width >= _NARROW:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in cells[0] if cells else ():
            is_text = name in ("name", "default for", "licence and data", "for")
            table.add_column(name, justify="left" if is_text else "right", overflow="fold")
        for row in cells:
            table.add_row(*(Text(text) for text in row.values()))
        console.print(table)
    else:
        for row in cells:
            console.print(Text(row.pop("name"), style="bold"))
            block = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
            for name, text in row.items():
                block.add_row(Text(name, style="dim"), Text(text, overflow="fold"))
            console.print(block)
    from humanseg.inference.catalog import BUNDLED

    print(
        "\nDice: mean per photo, with its 95 % interval where known.\n"
        "A photo: 320×240 on one thread of the machine in the record.\n"
        "To use one: humanseg predict photo.jpg --model NAME\n"
        f"Cards, records and files: {BUNDLED}"
    )


def _cells(model: "BundledModel") -> dict[str, str]:
    milliseconds, parameters = model.milliseconds, model.parameters
    return {
        "name": model.name,
        "default for": "; ".join(_DEFAULTS[use] for use in model.default_for) or "–",
        "size": f"{model.bytes / 1e6:.2f} MB",
        "parameters": "–" if parameters is None else f"{parameters / 1e6:.2f} M",
        "Dice, like its data": _dice(model.dice("in_distribution")),
        "Dice, other sources": _dice(model.dice("out_of_distribution")),
        "a photo": "–" if milliseconds is None else f"{milliseconds:g} ms",
        "for": model.purpose or "–",
        "licence and data": model.licence or "–",
    }


def _dice(estimate: "Estimate | None") -> str:
    if estimate is None:
        return "–"
    if estimate.interval is None:
        return f"{estimate.mean:.3f}"
    low, high = estimate.interval
    return f"{estimate.mean:.4f} ({low:.4f} to {high:.4f})"
