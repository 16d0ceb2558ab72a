"""The committed records, and small ones."""

import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbformat import NotebookNode

from humanseg.io.files import write_json
from humanseg.io.tables import write_table
from research.execute import NOTEBOOK
from research.records import Records, open_records

COMMITTED = NOTEBOOK.parent / "records"

MakeRun = Callable[..., Path]


@pytest.fixture(scope="session")
def records() -> Records:
    return open_records(COMMITTED)


@pytest.fixture(scope="session")
def notebook() -> NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Make the record of a run from its Dice per photo."""
    (tmp_path / "recipes.yaml").write_text(
        (COMMITTED / "recipes.yaml").read_text(encoding="utf-8"), encoding="utf-8"
    )

    def make(name: str, dice: list[float], **summary: object) -> Path:
        folder = tmp_path / name
        known = json.loads((COMMITTED / "tiny" / "summary.json").read_text(encoding="utf-8"))
        mean = sum(dice) / len(dice)
        write_json(folder / "summary.json", known | {"dice": mean, "dice_at_half": mean} | summary)
        rows = [(at, value, value, value, 0.5) for at, value in enumerate(dice)]
        header = ["id", "dice", "iou", "boundary_dice", "foreground"]
        write_table(folder / "scores.csv", pd.DataFrame(rows, columns=header))
        return folder

    return make
