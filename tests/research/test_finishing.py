"""Ensembles, beside the best of their members."""

from pathlib import Path

import pandas as pd

from humanseg.io.tables import write_table
from research.records import open_records
from research.sections.finishing import ensembles_table
from research.show import Prose, Table
from tests.research.conftest import MakeRun


def test_an_ensemble_stands_beside_its_best_member(make_run: MakeRun, tmp_path: Path) -> None:
    make_run("best", [0.98])
    assert isinstance(ensembles_table(open_records(tmp_path)), Prose)
    rows = [(1, 0.90, 0.92, 0.94, 0.95), (2, 0.80, 0.84, 0.86, 0.87)]
    folder = tmp_path / "ensembles"
    header = ["id", "low", "high", "mean", "mean_tta"]
    write_table(folder / "ensembles.csv", pd.DataFrame(rows, columns=header))
    table = ensembles_table(open_records(tmp_path))
    assert isinstance(table, Table)
    assert [row[:4] for row in table.rows] == [
        ["`high` alone", "1", "0.8800", ""],
        ["`low` alone", "1", "0.8500", ""],
        ["mean of all", "2", "0.9000", "+0.0200"],
        ["mean of all, with TTA", "4", "0.9100", "+0.0300"],
    ]
