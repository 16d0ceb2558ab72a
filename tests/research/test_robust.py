"""The stages of `robust` and `robust_tiny`: the report and the recipe's own record say the same."""

import pytest

from research.records import Records
from research.sections.robust import compare_sources, stages_table
from research.show import Table


@pytest.mark.parametrize(("model", "least"), [("robust", 3), ("robust_tiny", 1)])
def test_the_gains_on_the_sources_are_those_of_the_record(
    records: Records, model: str, least: int
) -> None:
    table, compared = records.table(f"others/{model}_stages.csv"), 0
    for stage in records.config(f"others/{model}_recipe.json")["stages"]:
        # The stages of `recipe=tiny`, by which `robust_tiny` starts, have no scores by source.
        if recorded := (stage.get("gain") or {}).get("sources"):
            difference = compare_sources(table, stage["name"], stage["gain"]["over"])
            assert difference.difference == pytest.approx(recorded["dice"], abs=1e-5)
            ends = recorded["low"], recorded["high"]
            assert (difference.low, difference.high) == pytest.approx(ends, abs=1e-5)
            compared += 1
    assert compared >= least
    shown = stages_table(records, model)
    assert isinstance(shown, Table) and len(shown.rows) >= compared + 1
