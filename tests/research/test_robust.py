"""The stages of `robust`: the report and the recipe's own record say the same."""

import pytest

from research.records import Records
from research.sections.robust import compare_sources, stages_table
from research.show import Table


def test_the_gains_on_the_sources_are_those_of_the_record(records: Records) -> None:
    table, compared = records.table("others/robust_stages.csv"), 0
    for stage in records.config("others/robust_recipe.json")["stages"]:
        if gain := stage.get("gain"):
            found = compare_sources(table, stage["name"], gain["over"])
            recorded = gain["sources"]
            assert found.difference == pytest.approx(recorded["dice"], abs=1e-5)
            ends = recorded["low"], recorded["high"]
            assert (found.low, found.high) == pytest.approx(ends, abs=1e-5)
            compared += 1
    assert compared >= 3
    shown = stages_table(records)
    assert isinstance(shown, Table) and len(shown.rows) == compared + 1
